"""A storm: heavy rain, wind in gusts, and thunder computed from the shape of its lightning.

Thunder after Ribner and Roy, "Acoustics of thunder" (JASA 1982), and Farnell, "Designing Sound" (2010): a lightning
channel is a crooked line of short segments. Each sends out an N-wave that arrives when sound has come the way to
it, weaker and duller from farther off; segments seen end on are faint, those seen from the side arrive together,
and that is the claps. Echoes of clouds and hills add the rumble behind.
"""

from __future__ import annotations

import numpy as np

from heart.sounding.foley.circle import (
    RATE,
    band,
    both,
    filtered,
    frames,
    noise,
    place,
    ringing,
    room,
    tilted,
    wander,
)
from heart.sounding.foley.rain import bursts, hiss

SOUND_M_S = 340.0
_SEGMENT_M = 6.0
_CLOUD_M = 2_200.0
_GUSTS = ((90, 260, 1.0), (240, 700, 0.7), (600, 1_500, 0.3), (1_400, 3_600, 0.11))
"""Bands of wind in Hz and their levels: the higher, the more it takes a gust to hear them."""


def storm(seconds: float, random: np.random.Generator) -> np.ndarray:
    """A storm that passes: one stroke near, two far; float64 [n], a loop."""
    n = frames(seconds)
    drops = bursts(n, random, 2_200.0)
    sound = 0.07 * hiss(n, random) + 0.035 * drops / drops.std() + 0.17 * wind(n, random)
    for at, distance_m, level in ((0.08, 380.0, 1.0), (0.40, 2_600.0, 0.5), (0.68, 1_100.0, 0.75)):
        place(sound, at * seconds, level * thunder(distance_m, random, min(9.0, 0.9 * seconds)))
    return filtered(sound, band(22, np.inf, 3))


def wind(n: int, random: np.random.Generator) -> np.ndarray:
    """Wind in gusts, brighter the harder it blows, with a whistle at its height; RMS about 1."""
    gust = np.exp(0.55 * wander(n, random, 0.22) + 0.2 * wander(n, random, 1.1))
    sound = np.zeros(n)
    for place_, (low, high, level) in enumerate(_GUSTS):
        flutter = np.exp(0.25 * wander(n, random, 2.0 + 2 * place_))
        sound += (
            level * noise(n, random, both(band(low, high, 1.5), tilted(1))) * gust ** (1 + 0.5 * place_) * flutter
        )
    for hz in (410.0, 655.0):
        # Air around a wire or a branch: a tone as narrow as the wind is steady, which comes with the gusts.
        whistle = noise(n, random, band(hz * 0.985, hz * 1.015, 3))
        sound += 0.10 * whistle * np.maximum(gust - 1, 0) ** 1.5
    return np.asarray(sound / sound.std())


def thunder(distance_m: float, random: np.random.Generator, seconds: float) -> np.ndarray:
    """One stroke at that distance, from its first sound on: float64 [frames(seconds)], peak 4, faded at its end."""
    n = frames(seconds)
    arrivals, levels, ranges_m = channel(distance_m, random)
    sound = np.zeros(n)
    near = ranges_m < np.quantile(ranges_m, 0.35)
    for part, hz in ((near, 9_000.0), (~near, 2_500.0)):
        heard = np.zeros(n)
        inside = part & (arrivals < n)
        np.add.at(heard, arrivals[inside], levels[inside])
        # Air takes the high tones on the way: the cut falls with distance.
        sound += filtered(heard, band(0, hz * (400.0 / (400.0 + distance_m)) ** 1.1, 1.2))
    crack = filtered(sound, band(900, 8_000, 1))
    sound = ringing(sound, _n_wave(0.0025 + distance_m * 1e-6))
    sound = sound / np.abs(sound).max() + (300 / distance_m) ** 1.5 * crack / np.abs(crack).max()
    t = np.arange(n) / RATE
    rumble = room(sound, random, 1.2 * seconds, both(band(25, 260 + 160_000 / distance_m, 1), tilted(1.2)), 2.5)
    rolls = np.exp(0.5 * wander(n, random, 1.3) + 0.4 * wander(n, random, 0.4))
    sound = (0.6 * sound + rumble * rolls) * np.minimum(1, (seconds - t) / (0.4 * seconds)) ** 2
    sound[: frames(0.004)] *= np.linspace(0, 1, frames(0.004))
    return np.asarray(4 * sound / np.abs(sound).max())


def channel(distance_m: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A lightning channel with branches: frame of arrival, level and range in m of each segment, [segments] each.

    The nearest arrives at frame 0.
    """
    points, ways = [], []
    for start_m, length_m in ((0.0, _CLOUD_M), (600.0, 700.0), (1_200.0, 900.0)):
        count = int(length_m / _SEGMENT_M)
        # It turns a little at every step, and drifts sideways over hundreds of metres.
        bend = np.cumsum(random.normal(0, 0.22, (count, 2)), 0) * 0.35 + random.normal(0, 0.5, (count, 2))
        way = np.column_stack([bend, np.ones(count)])
        way *= _SEGMENT_M / np.linalg.norm(way, axis=1, keepdims=True)
        points.append(np.cumsum(way, 0) + np.array([0, 0, start_m]))
        ways.append(way)
    where = np.concatenate(points) + np.array([distance_m, 0, 0])
    way = np.concatenate(ways) / _SEGMENT_M
    ranges_m = np.linalg.norm(where, axis=1)
    across = np.sqrt(1 - np.clip((where * way).sum(1) / ranges_m, -1, 1) ** 2)
    levels = across**2 * (distance_m / ranges_m) * random.uniform(0.5, 1.0, len(ranges_m))
    arrivals = np.round((ranges_m - ranges_m.min()) / SOUND_M_S * RATE).astype(int)
    return arrivals, levels, ranges_m


def _n_wave(seconds: float) -> np.ndarray:
    """Pressure of a shock: up at once, straight down through zero, back at once; [frames]."""
    ramp = np.linspace(1, -1, max(frames(seconds), 8))
    return ramp * np.hanning(len(ramp) * 8)[::8][: len(ramp)] ** 0.25
