"""Spectra of notes: there and, where phases are kept, exactly back.

Three front ends: the plain 128 x 128 x 2 (log magnitude and phase of the first second), log magnitude with
instantaneous frequency (Engel et al. 2019, GANSynth) of the whole note, and that on the mel scale. Where phases
are lost, Griffin and Lim (1984) find some, with momentum (Perraudin et al. 2013).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from heart.sounding.notes.kinds import RATE_HZ, SAMPLES

N_FFT, HOP = 1024, 256
BINS, FRAMES = N_FFT // 2 + 1, SAMPLES // HOP + 1
KNOTS = 64
"""Frames of a note that nets look at."""
SMALL_FFT, SMALL_HOP, SMALL = 256, 128, 128
"""Of the plain front end, and its bins and frames."""
MEL = 256
EDGE = 0.1
"""Least weight a sample is divided by: where only the end of a window reaches it grows softer, never loud."""
FLOOR = 1e-5
FLOOR_DB = -80.0
"""Below the loudest point of a note; nobody hears what lies lower."""


@lru_cache
def window(n_fft: int) -> np.ndarray:
    """Hann's, periodic: [n_fft]."""
    return np.hanning(n_fft + 1)[:-1]


def stft(sound: np.ndarray, n_fft: int = N_FFT, hop: int = HOP) -> np.ndarray:
    """[n] -> complex [frames, n_fft // 2 + 1], frames centred on multiples of the hop."""
    padded = np.pad(sound, n_fft // 2, mode="reflect" if len(sound) > n_fft // 2 else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    return np.fft.rfft(frames * window(n_fft))


def istft(spectrum: np.ndarray, samples: int, n_fft: int = N_FFT, hop: int = HOP) -> np.ndarray:
    """The sound [samples] whose `stft` is nearest to `spectrum`."""
    shape = window(n_fft)
    frames = np.fft.irfft(spectrum, n_fft) * shape
    sound = np.zeros(len(frames) * hop + n_fft)
    weight = np.zeros_like(sound)
    for number, frame in enumerate(frames):
        sound[number * hop : number * hop + n_fft] += frame
        weight[number * hop : number * hop + n_fft] += shape**2
    return (sound / np.maximum(weight, EDGE))[n_fft // 2 :][:samples]


def knots() -> np.ndarray:
    """Frames [K] that nets look at: every one of the first half second, then every seventh or so."""
    dense = KNOTS // 2
    return np.concatenate([np.arange(dense), np.linspace(dense + 6, FRAMES - 1, KNOTS - dense).round()]).astype(int)


def knot_levels(sound: np.ndarray) -> np.ndarray:
    """Log power [KNOTS, BINS] of a note at the knots, in dB under the note's loudest point, at least FLOOR_DB."""
    power = np.abs(stft(sound)) ** 2
    return np.maximum(10 * np.log10(power[knots()] / max(power.max(), 1e-12) + 1e-12), FLOOR_DB)


def small(sound: np.ndarray) -> np.ndarray:
    """The plain front end: [2, 128, 128], log magnitude -1..1 (80 dB) and phase -1..1, over frames and bins.

    Its 16,384 samples are the first second; the highest bin is left out.
    """
    spectrum = stft(sound[: SMALL * SMALL_HOP], SMALL_FFT, SMALL_HOP)[:SMALL, :SMALL]
    magnitude = np.abs(spectrum)
    level = 20 * np.log10(magnitude / max(magnitude.max(), 1e-9) + 1e-9)
    return np.stack([np.maximum(level, FLOOR_DB) / -FLOOR_DB * 2 + 1, np.angle(spectrum) / np.pi])


def small_back(grid: np.ndarray, rounds: int = 0) -> np.ndarray:
    """The inverse of `small`, float [16384]: with the phases given, or after rounds of Griffin-Lim with its own."""
    magnitude = 10 ** (np.minimum(grid[0] - 1, 0) * -FLOOR_DB / 2 / 20)
    spectrum = np.zeros((SMALL, SMALL + 1), complex)
    spectrum[:, :SMALL] = magnitude * np.exp(1j * np.pi * grid[1])
    if rounds:
        return griffin_lim(np.abs(spectrum), SMALL * SMALL_HOP, rounds, SMALL_FFT, SMALL_HOP)
    return istft(spectrum, SMALL * SMALL_HOP, SMALL_FFT, SMALL_HOP)


def frequencies(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Natural log of magnitude, and instantaneous frequency: both [frames, bins].

    The latter is the advance of phase from one frame to the next in half turns, -1..1, against what the bin's
    middle advances; of the first frame it is its phase.
    """
    spectrum = stft(sound)
    phase = np.angle(spectrum)
    return np.log(np.abs(spectrum) + FLOOR), _wrapped(np.diff(phase, axis=0, prepend=0) - _advance(len(phase)))


def frequencies_back(log_magnitude: np.ndarray, frequency: np.ndarray, samples: int) -> np.ndarray:
    """The inverse of `frequencies`, exact but for rounding."""
    phase = np.cumsum(np.pi * frequency + _advance(len(frequency)), axis=0)
    return istft((np.exp(log_magnitude) - FLOOR) * np.exp(1j * phase), samples)


def mel_frequencies(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`frequencies` on MEL mel bands: log of power's root, and the bins' advances weighted by their power."""
    log_magnitude, frequency = frequencies(sound)
    power, bank = np.exp(2 * log_magnitude), mel_bank()
    banded = power @ bank
    turned = (power * np.exp(1j * np.pi * (frequency + _middle(len(power))))) @ bank
    return 0.5 * np.log(banded), np.angle(turned) / np.pi


def mel_frequencies_back(log_magnitude: np.ndarray, frequency: np.ndarray, samples: int) -> np.ndarray:
    """A sound with these mel bands; what a band mixed it does not part again."""
    spread = mel_bank() / np.maximum(mel_bank().sum(1, keepdims=True), 1e-9)
    magnitude = np.sqrt(np.exp(2 * log_magnitude) / mel_bank().sum(0) @ spread.T)
    turned = np.exp(1j * np.pi * frequency) @ spread.T
    phase = np.cumsum(np.angle(turned), axis=0)
    return istft(magnitude * np.exp(1j * phase), samples)


def griffin_lim(
    magnitude: np.ndarray, samples: int, rounds: int = 32, n_fft: int = N_FFT, hop: int = HOP, seed: int = 0
) -> np.ndarray:
    """A sound [samples] whose magnitudes come near `magnitude` [frames, bins]; phases begin at random."""
    turn = np.exp(2j * np.pi * np.random.default_rng(seed).uniform(size=magnitude.shape))
    before = np.zeros_like(turn)
    for _ in range(rounds):
        again = stft(istft(magnitude * turn, samples, n_fft, hop), n_fft, hop)[: len(magnitude)]
        turn = again - 0.99 / 1.99 * before
        turn /= np.abs(turn) + 1e-16
        before = again
    return istft(magnitude * turn, samples, n_fft, hop)


@lru_cache
def mel_bank() -> np.ndarray:
    """Triangles [BINS, MEL], evenly on the mel scale; below, where bins are wider than bands, each has one bin."""
    mel = np.linspace(0, 2595 * np.log10(1 + RATE_HZ / 2 / 700), MEL)
    centres = 700 * (10 ** (mel / 2595) - 1) / RATE_HZ * N_FFT
    width = np.maximum(np.gradient(centres), 1.0)
    distance = np.abs(np.arange(N_FFT // 2 + 1)[:, None] - centres)
    return np.maximum(1 - distance / width, 0) + 1e-9


def _wrapped(phase: np.ndarray) -> np.ndarray:
    """Radians as half turns in -1..1."""
    return (phase / np.pi + 1) % 2 - 1


def _middle(frames: int) -> np.ndarray:
    """What the middle of each bin advances in a hop, in half turns: [frames, bins], 0 in the first frame."""
    return _advance(frames) / np.pi


def _advance(frames: int) -> np.ndarray:
    advance = np.tile(2 * np.pi * HOP / N_FFT * np.arange(N_FFT // 2 + 1), (frames, 1))
    advance[0] = 0
    return advance
