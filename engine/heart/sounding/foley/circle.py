"""What all sounds here are made with: noise, filters, envelopes and rooms on a circle.

A sound of n samples is one turn of a circle: noise is drawn in its Fourier series, filters multiply that series,
and what rings on behind the end rings on at the beginning. So every sound made of these parts loops without a seam.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heart.records import SAMPLE_RATE_HZ

RATE = SAMPLE_RATE_HZ
Gain = Callable[[np.ndarray], np.ndarray]
"""Amplitude over frequency in Hz."""


def frames(seconds: float) -> int:
    """Samples of so many seconds."""
    return round(seconds * RATE)


def band(low_hz: float, high_hz: float, order: float = 2.0) -> Gain:
    """Passes what lies between, and falls off by 6 dB an octave for each order; 0 and inf leave an end open."""

    def gain(hz: np.ndarray) -> np.ndarray:
        above = (low_hz / np.maximum(hz, 1e-3)) ** (2 * order) if low_hz else 0.0
        below = (hz / high_hz) ** (2 * order) if np.isfinite(high_hz) else 0.0
        return np.asarray(1 / np.sqrt((1 + above) * (1 + below)))

    return gain


def tilted(db_per_octave: float, low_hz: float = 20.0) -> Gain:
    """Falls by so many dB an octave from low_hz on: 3 is pink, 6 brown."""
    return lambda hz: np.maximum(hz, low_hz) ** (-db_per_octave / 6.02)


def both(*gains: Gain) -> Gain:
    """One filter after the other."""

    def gain(hz: np.ndarray) -> np.ndarray:
        return np.asarray(np.prod([one(hz) for one in gains], axis=0))

    return gain


def filtered(sound: np.ndarray, gain: Gain) -> np.ndarray:
    """The sound through a filter without delay, and without DC: float64 [n]."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum = np.fft.rfft(sound) * gain(hz)
    spectrum[0] = 0
    return np.fft.irfft(spectrum, len(sound))


def noise(n: int, random: np.random.Generator, gain: Gain) -> np.ndarray:
    """Noise of that colour and RMS 1: float64 [n]."""
    sound = filtered(random.standard_normal(n), gain)
    return np.asarray(sound / sound.std())


def wander(n: int, random: np.random.Generator, hz: float) -> np.ndarray:
    """A curve that wanders about 0 with RMS 1 and hardly anything faster than `hz`: float64 [n]."""
    turns = max(2, round(3 * hz * n / RATE))
    k = np.arange(1, turns + 1)
    loudness = np.exp(-0.5 * (k * RATE / n / hz) ** 2) * (random.standard_normal((2, turns)))
    spectrum = np.zeros(n // 2 + 1, complex)
    spectrum[k] = loudness[0] + 1j * loudness[1]
    curve = np.fft.irfft(spectrum, n)
    return np.asarray(curve / curve.std())


def scattered(n: int, random: np.random.Generator, per_second: float, heavy: float = 1.3) -> np.ndarray:
    """Impulses at random times (a Poisson process), few strong among many weak: float64 [n].

    Levels have the density of a Pareto law with exponent `heavy`, held below 20, with either sign.
    """
    count = random.poisson(per_second * n / RATE)
    levels = np.minimum(random.pareto(heavy, count) + 0.1, 20.0) * random.choice([-1.0, 1.0], count)
    sound = np.zeros(n)
    np.add.at(sound, random.integers(n, size=count), levels)
    return sound


def ringing(impulses: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Each impulse as the kernel (no longer than the circle): float64 [n]."""
    return np.fft.irfft(np.fft.rfft(impulses) * np.fft.rfft(kernel, len(impulses)), len(impulses))


def place(sound: np.ndarray, at_s: float, piece: np.ndarray) -> None:
    """Add a piece from a time on; what hangs over the end goes on at the beginning (in place)."""
    n = len(sound)
    begin = round(at_s * RATE) % n
    for offset in range(0, len(piece), n):
        part = piece[offset : offset + n]
        head = min(len(part), n - begin)
        sound[begin : begin + head] += part[:head]
        sound[: len(part) - head] += part[head:]


def room(sound: np.ndarray, random: np.random.Generator, decay_s: float, gain: Gain, wet: float) -> np.ndarray:
    """The sound in a room: diffuse echo that dies by 60 dB in decay_s, of the colour `gain`; float64 [n].

    wet: the echo's energy over the sound's, 0..1 and more.
    """
    t = np.arange(min(frames(1.2 * decay_s), len(sound))) / RATE
    echo = random.standard_normal(len(t)) * 10 ** (-3 * t / decay_s) * -np.expm1(-t / 0.012)
    echo = filtered(echo, gain)
    echo *= np.sqrt(wet / (echo**2).sum())
    return np.asarray(sound + ringing(sound, echo))


def faded(piece: np.ndarray, begin_s: float = 0.002, end_s: float = 0.01) -> np.ndarray:
    """A piece with its ends rounded, so that it neither begins nor ends with a click: float64 [n]."""
    piece = piece.copy()
    for length, side in ((begin_s, slice(None)), (end_s, slice(None, None, -1))):
        count = min(frames(length), len(piece))
        piece[side][:count] *= np.sin(0.5 * np.pi * np.arange(count) / max(count, 1)) ** 2
    return piece
