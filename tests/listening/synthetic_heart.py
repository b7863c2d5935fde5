"""Heart sounds from arithmetic, with beats at known times: what the ear is tested with.

Shares no code with the voice: two damped bursts a beat, S1 lower and longer, S2 higher and shorter,
systole as long as
Bazett's rule has it (300 ms at 60 bpm, growing with the root of RR), a murmur and hiss where asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 2_000


@dataclass(frozen=True)
class Synthetic:
    """sound: float32 [n] at rate_hz; s1_s, s2_s: onsets in seconds."""

    sound: np.ndarray
    rate_hz: int
    s1_s: np.ndarray
    s2_s: np.ndarray

    @property
    def bpm(self) -> float:
        return float(60 / np.diff(self.s1_s).mean())


def burst(rate_hz: int, tones_hz: tuple[float, ...], length_s: float) -> np.ndarray:
    """A damped sound of a closing valve."""
    t = np.arange(int(length_s * rate_hz)) / rate_hz
    rise = np.minimum(t / 0.012, 1.0) * np.exp(-t / (length_s / 4))
    return rise * sum(np.sin(2 * np.pi * tone * t + k) for k, tone in enumerate(tones_hz))


def heart(
    bpm: float | np.ndarray,
    seconds: float = 12.0,
    rate_hz: int = RATE_HZ,
    jitter_ms: float = 0.0,
    murmur: float = 0.0,
    hiss: float = 0.003,
    s2_level: float = 0.7,
    seed: int = 0,
) -> Synthetic:
    """A heart at a rate, or at rates [bpm at the start, bpm at the end]; levels are against S1."""
    rng = np.random.default_rng(seed)
    ends = np.broadcast_to(np.atleast_1d(bpm), 2) if np.size(bpm) == 1 else np.asarray(bpm)
    sound = rng.normal(0, hiss, int(seconds * rate_hz))
    s1_s, s2_s, at = [], [], 0.2
    while at < seconds - 0.3:
        rr = 60 / np.interp(at, [0, seconds], ends) + rng.normal(0, jitter_ms / 1e3)
        systole = 0.30 * np.sqrt(min(rr, 1.3))
        add(sound, burst(rate_hz, (45, 62, 85), 0.12), at, rate_hz)
        add(sound, s2_level * burst(rate_hz, (70, 95, 120), 0.09), at + systole, rate_hz)
        if murmur:
            length = int((systole - 0.1) * rate_hz)
            noise = np.convolve(rng.normal(size=length + 4), [1, 0, -1, 0, 0.5], "valid") * np.hanning(length)
            add(sound, murmur * noise, at + 0.1, rate_hz)
        s1_s.append(at)
        s2_s.append(at + systole)
        at += rr
    return Synthetic((0.2 * sound).astype(np.float32), rate_hz, np.array(s1_s), np.array(s2_s))


def add(sound: np.ndarray, part: np.ndarray, at_s: float, rate_hz: int) -> None:
    start = int(at_s * rate_hz)
    piece = part[: max(len(sound) - start, 0)]
    sound[start : start + len(piece)] += piece


def nearest_ms(found_s: np.ndarray, truth_s: np.ndarray) -> np.ndarray:
    """Distance of each true onset to the nearest found one, in ms."""
    return np.array([np.abs(found_s - t).min() * 1e3 for t in truth_s])
