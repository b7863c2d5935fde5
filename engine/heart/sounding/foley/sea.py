"""The sea on a beach: waves that swell, break and draw back, each its own.

After Farnell, "Designing Sound" (2010), chapter on water: noise in octave bands, each band with an envelope of its
own. The deep ones come first and slowly, the high ones with the break, and the highest stay as foam while the water
draws back. When a wave comes and how high it is, is left to chance within bounds: a sea is no clock.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from heart.sounding.foley.circle import RATE, band, frames, noise, ringing, room, scattered, wander

_EDGES_HZ = (40, 90, 180, 360, 720, 1_440, 2_880, 5_760, 12_000)
_PERIOD_S = 6.5
"""Between two waves, about."""
_LEVELS_DB = (-14, -7, -2, -2, -5, -8, -13, -20)
"""Of the octaves, at the height of a wave."""


def sea(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Waves on a beach: float64 [n], a loop of a whole number of waves."""
    n = frames(seconds)
    waves = _waves(seconds, random)
    sound = np.zeros(n)
    for octave, (low, high) in enumerate(pairwise(_EDGES_HZ)):
        level = 10 ** (_LEVELS_DB[octave] / 20)
        surge = sum(height * _wave(n, at_s, octave, height) for at_s, height in waves)
        rough = np.exp(0.22 * wander(n, random, 1.0 + octave))
        sound += level * noise(n, random, band(low, high, 2)) * (0.10 + surge) * rough
    foam = sum(height * _foam(n, at_s) for at_s, height in waves)
    return room(sound + 0.07 * _fizz(n, random) * foam, random, 0.7, band(100, 4_000, 1), 0.08)


def _waves(seconds: float, random: np.random.Generator) -> list[tuple[float, float]]:
    """(time of the break in s, height 0.45..1) of every wave; the highest come in a group, as they do."""
    count = max(1, round(seconds / _PERIOD_S))
    times = (np.arange(count) + 0.35 + random.uniform(-0.22, 0.22, count)) * seconds / count
    phase = random.uniform(0, 2 * np.pi)
    heights = 0.68 + 0.2 * np.cos(2 * np.pi * np.arange(count) / count + phase) + random.uniform(-0.12, 0.12, count)
    return [(float(at), float(height)) for at, height in zip(times, heights)]


def _since(n: int, at_s: float) -> np.ndarray:
    """Seconds since a moment on the circle, from minus a half to half a turn: [n]."""
    whole = n / RATE
    return (np.arange(n) / RATE - at_s + whole / 2) % whole - whole / 2


def _wave(n: int, at_s: float, octave: int, height: float) -> np.ndarray:
    """How loud an octave is while a wave comes, breaks and goes; 1 at its loudest."""
    t = _since(n, at_s + 0.05 * octave)
    rise_s = 1.9 - 0.19 * octave
    fall_s = (1.0 + 0.22 * octave) * (0.7 + 0.5 * height)
    return np.asarray(np.where(t < 0, np.exp(-((t / rise_s) ** 2)), (1 + t / fall_s) * np.exp(-1.6 * t / fall_s)))


def _foam(n: int, at_s: float) -> np.ndarray:
    """How much foam there is: it comes with the break and seeps away for seconds."""
    t = _since(n, at_s + 0.5)
    return np.asarray(np.where(t < 0, np.exp(-((t / 0.4) ** 2)), np.exp(-t / 2.2)))


def _fizz(n: int, random: np.random.Generator) -> np.ndarray:
    """Bubbles bursting in foam: thousands of very short tones; RMS 1."""
    sound = np.zeros(n)
    t = np.arange(frames(0.004)) / RATE
    for hz in np.geomspace(2_600, 9_500, 8):
        kernel = np.sin(2 * np.pi * hz * t) * np.exp(-t / 0.0007)
        sound += ringing(scattered(n, random, 260.0, 1.6), kernel)
    return np.asarray(sound / sound.std())
