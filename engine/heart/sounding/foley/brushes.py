"""A drum set played with brushes: the swish on the snare, taps, a ride cymbal, a hat closed by the foot.

A brush drawn in circles is noise whose level and brightness go with the speed of the hand; a tap is a short burst
of many wires a little apart in time; a cymbal is a crowd of inharmonic modes that die the sooner the higher they
are.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from heart.sounding.foley.circle import RATE, band, faded, filtered, frames


def swish(seconds: float, random: np.random.Generator) -> np.ndarray:
    """One half circle of the brush on the skin, loudest in its middle; float64 [n], RMS about 0.3."""
    n = frames(seconds)
    x = np.linspace(0, 1, n)
    speed = np.sin(np.pi * x) ** 1.6 * (1 + 0.5 * x)
    sound = np.zeros(n)
    for octave, (low, high) in enumerate(((500, 1_200), (1_200, 3_000), (3_000, 7_500), (7_500, 13_000))):
        part = filtered(random.standard_normal(n), band(low, high, 2))
        sound += part / part.std() * (0.30, 0.34, 0.30, 0.12)[octave] * speed ** (0.8 + 0.35 * octave)
    return faded(0.5 * sound, 0.01, 0.02)


def tap(velocity: float, random: np.random.Generator) -> np.ndarray:
    """A tap of the brush on the snare: wires over 8 ms, the skin's two lowest modes, the snares; peak velocity."""
    n = frames(0.28)
    t = np.arange(n) / RATE
    wires = np.zeros(n)
    wires[random.integers(0, frames(0.008), 24)] = random.uniform(0.2, 1.0, 24)
    spray = np.convolve(wires, random.standard_normal(frames(0.012)) * np.exp(-np.arange(frames(0.012)) / 160))[:n]
    snares = random.standard_normal(n) * np.exp(-t / 0.055)
    skin = sum(level * np.sin(2 * np.pi * hz * t) * np.exp(-t / 0.05) for hz, level in ((196.0, 0.5), (318.0, 0.3)))
    sound = filtered(spray / np.abs(spray).max() + 0.30 * snares, band(900, 10_000, 1)) + 0.25 * skin
    return faded(velocity * sound / np.abs(sound).max(), 0.001, 0.03)


def ride(velocity: float, random: np.random.Generator) -> np.ndarray:
    """A brush on the ride: a soft ping over a long wash; float64 [n], peak about velocity."""
    ping, wash = _cymbal()
    touch = 1 + 0.08 * random.standard_normal()
    sound = ping * touch + wash * (0.6 + 0.6 * velocity)
    return velocity * sound / np.abs(sound).max()


def hat(velocity: float, random: np.random.Generator) -> np.ndarray:
    """The hat closed by the foot: a short 'chick'; float64 [n], peak about velocity."""
    n = frames(0.12)
    t = np.arange(n) / RATE
    sound = filtered(random.standard_normal(n), band(2_600, 9_500, 2)) * np.exp(-t / 0.022)
    return faded(velocity * sound / np.abs(sound).max(), 0.0015, 0.02)


@lru_cache(maxsize=1)
def _cymbal() -> tuple[np.ndarray, np.ndarray]:
    """Ping and wash of one cymbal, 1.6 s each."""
    random = np.random.default_rng(1_957)
    n = frames(1.6)
    t = np.arange(n) / RATE
    ping, wash = np.zeros(n), np.zeros(n)
    for hz in np.sort(random.uniform(420, 12_500, 150)):
        level = random.uniform(0.3, 1.0) * np.exp(-(((np.log2(hz / 4_200)) / 1.5) ** 2))
        mode = level * np.sin(2 * np.pi * hz * t + random.uniform(0, 6))
        ping += mode * np.exp(-t / (0.05 + 60 / hz))
        wash += mode * np.exp(-t / (0.25 + 1_300 / hz)) * -np.expm1(-t / 0.02)
    ping *= -np.expm1(-t / 0.0012)
    return faded(ping / np.abs(ping).max(), 0.001, 0.3), faded(0.5 * wash / np.abs(wash).max(), 0.001, 0.5)
