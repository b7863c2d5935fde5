"""What a note is made of: harmonics, the modes of a bar, and noise, each under an envelope of its own.

A net decides three maps [KNOTS, POINTS] in dB: how loud each source is at a moment (knots, dense in the attack)
and at a ratio to the fundamental (harmonics, bars) or a frequency (noise). Pitch is not the net's to decide:
the sources have it, their phases run on from sample to sample, and so a note is in tune whatever its latents are.

Letters: B notes, S = 3 sources, K knots, P points, F bins of the STFT, T its frames.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from heart.sounding.notes.kinds import RATE_HZ, SAMPLES

N_FFT, HOP = 1024, 256
BINS, FRAMES = N_FFT // 2 + 1, SAMPLES // HOP + 1
SOURCES = 3
KNOTS = 64
POINTS = 32
BARS = (1.0, 2.756, 5.404, 8.933, 13.345, 18.638)
"""Ratios of the modes of a free bar."""
MOST_HZ = 0.48 * RATE_HZ
TABLE = 8192
"""Samples of a period that is read in a loop."""
NOISE_LOG_DB = 2.51
"""How far the mean of the log of noise lies below the log of its mean: nets learn the former."""
BEGIN_S, END_S = 0.002, 0.02
SEED = 20_500


def knots() -> np.ndarray:
    """Frames [K] at which the maps are given: every one of the first half second, then every seventh or so."""
    dense = KNOTS // 2
    return np.concatenate([np.arange(dense), np.linspace(dense + 6, FRAMES - 1, KNOTS - dense).round()]).astype(int)


def ratio_points() -> np.ndarray:
    """Ratios to the fundamental [P]: each of the first 16 harmonics, then ever fewer, up to the 300th."""
    return np.concatenate([np.arange(1, 17), np.geomspace(18.5, 300, POINTS - 16)])


def noise_points() -> np.ndarray:
    """Frequencies [P] in Hz, evenly on the mel scale."""
    mel = np.linspace(0, 2595 * math.log10(1 + RATE_HZ / 2 / 700), POINTS)
    return 700 * (10 ** (mel / 2595) - 1)


def edges() -> Tensor:
    """1 but for a rise of BEGIN_S and a fall of END_S: a window's reach must not be cut off. [SAMPLES]."""
    at = torch.arange(SAMPLES, dtype=torch.float32)
    return (at / (BEGIN_S * RATE_HZ)).clamp(max=1) * ((SAMPLES - 1 - at) / (END_S * RATE_HZ)).clamp(max=1)


def between(x: Tensor, points: Tensor) -> Tensor:
    """Weights [..., P] that interpolate linearly at x [...] among rising points [P], held at both ends."""
    x = x.clamp(points[0], points[-1])[..., None]
    gaps = (points[1:] - points[:-1]).clamp(min=1e-9)
    along = ((x - points[:-1]) / gaps).clamp(0, 1)
    steps = torch.cat([torch.ones_like(along[..., :1]), along], -1)
    return steps - torch.cat([steps[..., 1:], torch.zeros_like(steps[..., :1])], -1)


def lobe(distance: Tensor) -> Tensor:
    """Magnitude of a Hann window's transform at a distance in bins, 1 in the middle, 0 beyond its main lobe."""
    d = distance.abs().clamp(max=2)
    safe = torch.where((d - 1).abs() < 1e-3, torch.full_like(d, 1.001), d)
    return (torch.sinc(safe) / (1 - safe**2)).clamp(min=0)


class Sources(nn.Module):
    """The sources of notes of any pitch, as spectra to learn with and as sound."""

    ratios: Tensor
    bars: Tensor
    bins_hz: Tensor
    in_time: Tensor
    noise_weights: Tensor
    window: Tensor
    phases: Tensor
    noise: Tensor
    edges: Tensor

    def __init__(self) -> None:
        super().__init__()
        f32 = torch.float32
        at = torch.as_tensor(knots(), dtype=f32)
        hertz = torch.arange(BINS, dtype=f32) * (RATE_HZ / N_FFT)
        generator = torch.Generator().manual_seed(SEED)
        fixed = {
            "ratios": torch.as_tensor(ratio_points(), dtype=f32),
            "bars": torch.tensor(BARS),
            "bins_hz": hertz,
            "in_time": between(torch.arange(FRAMES, dtype=f32), at),
            "noise_weights": between(hertz, torch.as_tensor(noise_points(), dtype=f32)),
            "window": torch.hann_window(N_FFT),
            "phases": torch.rand(TABLE // 2 + 1, generator=generator) * 2 * math.pi,
            "noise": torch.randn(SAMPLES, generator=generator),
            "edges": edges(),
        }
        for name, value in fixed.items():
            self.register_buffer(name, value, persistent=False)

    def hertz(self, pitch: Tensor) -> Tensor:
        """Frequencies [B] of MIDI pitches [B]."""
        return 440.0 * torch.exp2((pitch - 69.0) / 12.0)

    def weights(self, pitch: Tensor) -> Tensor:
        """[B, S, F, P]: maps times these are envelopes over the bins."""
        ratios = between(self.bins_hz / self.hertz(pitch)[:, None], self.ratios)
        noise = self.noise_weights.expand(len(pitch), -1, -1)
        return torch.stack([ratios, ratios, noise], 1)

    def lines(self, pitch: Tensor) -> Tensor:
        """Power of each source in each bin [B, S, F], 1 at the middle of a line; of noise 1 everywhere."""
        f0 = self.hertz(pitch)[:, None]
        width = RATE_HZ / N_FFT
        nearest = (self.bins_hz / f0).round()
        power = torch.zeros(len(pitch), BINS, device=pitch.device)
        for step in (-1, 0, 1):  # the lobes of neighbours overlap where notes are low
            k = nearest + step
            there = (k >= 1) & (k * f0 < MOST_HZ)
            power = power + there * lobe((self.bins_hz - k * f0) / width) ** 2
        modes = f0 * self.bars
        bars = lobe((self.bins_hz - modes[..., None]) / width) ** 2 * (modes < MOST_HZ)[..., None]
        return torch.stack([power, bars.sum(1), torch.ones_like(power)], 1)

    def envelopes(self, maps: Tensor, pitch: Tensor) -> Tensor:
        """Maps [B, S, K, P] in dB over the bins: [B, S, K, F]."""
        return maps @ self.weights(pitch).transpose(2, 3)

    def power(self, maps: Tensor, pitch: Tensor) -> Tensor:
        """Expected power [B, K, F] of the note at the knots."""
        gains = torch.exp(self.envelopes(maps, pitch) * (math.log(10) / 10))
        return (gains * self.lines(pitch)[:, :, None]).sum(1)

    def sound(self, maps: Tensor, pitch: Tensor, vibrato: Tensor) -> Tensor:
        """Maps as sound [B, SAMPLES], a line of 0 dB with amplitude 1. vibrato: [B, 2] cents and Hz."""
        turns = self._turns(pitch, vibrato)
        parts = (self._harmonics(turns, pitch), self._bars(turns, pitch), self._noise(len(pitch)))
        heard = self.in_time @ self.envelopes(maps, pitch)  # [B, S, T, F]
        gains = torch.exp(heard.transpose(2, 3) * (math.log(10) / 20))
        spectrum = torch.zeros(len(pitch), BINS, FRAMES, dtype=torch.complex64, device=pitch.device)
        for number, part in enumerate(parts):
            spectrum = spectrum + gains[:, number] * self._stft(part)
        return torch.istft(spectrum, N_FFT, HOP, N_FFT, self.window, length=SAMPLES) * self.edges

    def _stft(self, sound: Tensor) -> Tensor:
        return torch.stft(sound, N_FFT, HOP, N_FFT, self.window, return_complex=True)

    def _turns(self, pitch: Tensor, vibrato: Tensor) -> Tensor:
        """Phase of the fundamental [B, SAMPLES] in turns, its whole part kept: float64, or pitch would drift."""
        t = torch.arange(SAMPLES, dtype=torch.float64, device=pitch.device) / RATE_HZ
        f0 = self.hertz(pitch.double())[:, None]
        rate = vibrato[:, 1:].double().clamp(min=0.1)
        swing = vibrato[:, :1].double() / 1200 * math.log(2) * f0 / (2 * math.pi * rate)
        grown = ((t - 0.15) / 0.5).clamp(0, 1)  # a player's vibrato begins after the note
        return f0 * t - swing * grown * (torch.cos(2 * math.pi * rate * t) - 1)

    def _harmonics(self, turns: Tensor, pitch: Tensor) -> Tensor:
        k = torch.arange(TABLE // 2 + 1, device=pitch.device)
        there = (k >= 1) & (k * self.hertz(pitch)[:, None] < MOST_HZ)
        period = torch.fft.irfft(torch.polar(there * (TABLE / 2.0), self.phases.expand_as(there)), TABLE)
        place = (turns - turns.floor()).float() * TABLE
        low = place.floor().clamp(max=TABLE - 1)
        first = low.long()
        a, b = period.gather(1, first), period.gather(1, (first + 1) % TABLE)
        return a + (b - a) * (place - low)

    def _bars(self, turns: Tensor, pitch: Tensor) -> Tensor:
        there = self.hertz(pitch)[:, None] * self.bars < MOST_HZ
        angles = (turns[:, None] * self.bars[:, None].double()).frac().float() * (2 * math.pi)
        return (torch.sin(angles) * there[..., None]).sum(1)

    def _noise(self, count: int) -> Tensor:
        loud = 10 ** (NOISE_LOG_DB / 20) * (N_FFT / 4) / math.sqrt(3 * N_FFT / 8)  # as a line of 0 dB
        return self.noise.expand(count, -1) * loud
