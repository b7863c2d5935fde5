"""Breath: air through a throat, in and out.

Turbulent flow makes noise whose power grows with a high power of the speed of the air (Stevens, "Acoustic
Phonetics", 1998), and grows brighter with it. Each octave is therefore raised with its own power of the flow.
Inward air passes narrower lips and nostrils and is the brighter of the two; the throat's resonances, which are
those of a tube closed at one end, colour both.
"""

from __future__ import annotations

import numpy as np

from heart.sounding.foley.circle import RATE, Gain, band, both, frames, noise, tilted, wander

_CYCLE_S = 4.4
"""One breath at rest: some 14 a minute."""
_IN = (0.36, ((400, 1.3), (1_250, 1.3), (2_450, 1.5), (3_900, 0.9)), (450, 6_500))
_OUT = (0.46, ((520, 1.4), (1_350, 0.9), (2_350, 0.5), (3_400, 0.25)), (240, 3_000))
"""Share of the cycle, resonances of the throat (Hz, level), and the band of the noise, inward and outward."""


def breath(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Calm breathing: float64 [n], a loop of whole breaths."""
    n = frames(seconds)
    count = max(1, round(seconds / _CYCLE_S))
    inward, outward = np.zeros(n), np.zeros(n)
    edges = np.sort((np.arange(count) + random.uniform(-0.07, 0.07, count)) / count * seconds)
    for begin_s, next_s in zip(edges, [*edges[1:], edges[0] + seconds]):
        cycle_s, depth = next_s - begin_s, random.uniform(0.75, 1.0)
        inward += depth * _flow(n, begin_s, _IN[0] * cycle_s, 0.62)
        outward += depth * _flow(n, begin_s + (_IN[0] + 0.05) * cycle_s, _OUT[0] * cycle_s, 0.28)
    sound = 0.75 * _air(n, random, inward, *_IN[1:]) + _air(n, random, outward, *_OUT[1:])
    return np.asarray(sound + 0.004 * sound.std() * noise(n, random, tilted(3)))


def _flow(n: int, begin_s: float, length_s: float, peak: float) -> np.ndarray:
    """Speed of the air over one stroke, 0..1: swells to its peak (a share of the stroke) and ebbs; [n]."""
    x = ((np.arange(n) / RATE - begin_s) % (n / RATE)) / length_s
    warped = np.where(x < peak, 0.5 * x / peak, 0.5 + 0.5 * (x - peak) / (1 - peak))
    return np.asarray(np.where(x < 1, np.sin(np.pi * np.clip(warped, 0, 1)) ** 1.4, 0.0))


def _air(
    n: int,
    random: np.random.Generator,
    flow: np.ndarray,
    resonances: tuple[tuple[int, float], ...],
    edges_hz: tuple[int, int],
) -> np.ndarray:
    """Noise of a stream of air: each octave by its own power of the flow, all through the throat; [n]."""
    sound = np.zeros(n)
    throat = both(_tube(resonances), band(*edges_hz, 1.5), tilted(2))
    flutter = np.exp(0.16 * wander(n, random, 14.0) + 0.12 * wander(n, random, 5.0))
    for octave, low in enumerate((120, 240, 480, 960, 1_920, 3_840, 7_680)):
        part = noise(n, random, band(low, 2 * low, 3))
        level = throat(np.array([1.4 * low]))[0] * (low / 480) ** 0.7
        coloured = noise(n, random, both(band(low, 2 * low, 3), throat))
        sound += level * (0.3 * part + 0.7 * coloured) * flow ** (1.1 + 0.22 * octave)
    return sound * flutter


def _tube(resonances: tuple[tuple[int, float], ...]) -> Gain:
    """Resonances, wide as a wet throat makes them, over a floor."""

    def gain(hz: np.ndarray) -> np.ndarray:
        peaks = [level / (1 + ((hz - at) / (0.16 * at + 60)) ** 2) for at, level in resonances]
        return np.asarray(0.18 + np.sum(peaks, axis=0))

    return gain
