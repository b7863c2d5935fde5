"""Rain: drops at random times over a hiss of drops too many to tell apart.

After Farnell, "Designing Sound" (2010), and van den Doel, "Physically based models for liquid sounds" (ACM TAP
2005): the hiss is noise; nearer drops are short bursts whose number follows a Poisson law; drops that fall into
water leave bubbles, each a tone of the Minnaert frequency of its radius, damped, and rising as the bubble nears the
surface.
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
    scattered,
    tilted,
    wander,
)

_BURSTS = 14
"""Kinds of surface that drops burst on."""


def rain(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Steady rain on leaves and puddles: float64 [n], a loop."""
    n = frames(seconds)
    drops = bursts(n, random, 900.0)
    water = bubbles(n, random, 9.0)
    sound = hiss(n, random) + 0.55 * drops / drops.std() + 0.45 * water
    return room(filtered(sound, band(0, 12_000, 1)), random, 0.5, band(300, 6_000, 1), 0.12)


def hiss(n: int, random: np.random.Generator) -> np.ndarray:
    """Rain from afar: two bands of noise that swell apart, RMS about 1."""
    near = noise(n, random, both(band(1_200, 9_000, 1), tilted(2)))
    far = noise(n, random, both(band(180, 2_400, 1), tilted(3)))
    swell, drift = wander(n, random, 0.25), wander(n, random, 0.15)
    return 0.8 * near * 10 ** (swell / 10) + 0.6 * far * 10 ** (drift / 12)


def bursts(n: int, random: np.random.Generator, per_second: float) -> np.ndarray:
    """Drops that burst on leaves and stone: short damped noises, each surface with a pitch of its own."""
    sound = np.zeros(n)
    for hz in np.geomspace(1_000, 11_000, _BURSTS) * random.uniform(0.9, 1.1, _BURSTS):
        t = np.arange(frames(0.02)) / RATE
        decay_s = random.uniform(0.5, 1.2) * 2.0 / hz**0.9
        kernel = np.sin(2 * np.pi * hz * t + random.uniform(0, 6)) * np.exp(-t / decay_s)
        kernel *= 1 - np.exp(-t / 0.0002)
        share = per_second / _BURSTS * (hz / 2_500) ** 0.4
        sound += ringing(scattered(n, random, share), kernel) * (hz / 2_500) ** -0.35
    return filtered(sound, band(250, np.inf))


def bubbles(n: int, random: np.random.Generator, per_second: float) -> np.ndarray:
    """Drops that fall into water: bubbles of 0.8 to 4 mm, the larger the rarer and louder; peak about 6."""
    sound = np.zeros(n)
    for _ in range(random.poisson(per_second * n / RATE)):
        radius_m = 0.0008 * (1 + min(random.pareto(2.2), 4.0))
        place(sound, random.uniform(0, n / RATE), bubble(radius_m, random.uniform(0.0, 0.12)) * _level(random))
    return sound


def _level(random: np.random.Generator) -> float:
    return float(min(0.5 + random.pareto(1.8), 6.0))


def bubble(radius_m: float, rise: float) -> np.ndarray:
    """One bubble of peak about 1: pitch and damping by its radius; `rise`: how much the pitch rises on the way."""
    hz = 3.0 / radius_m
    damping = 0.13 / radius_m + 0.0072 * radius_m**-1.5
    t = np.arange(frames(min(6.9 / damping, 0.25))) / RATE
    phase = 2 * np.pi * hz * t * (1 + 0.5 * rise * damping * t)
    return np.sin(phase) * np.exp(-damping * t) * (1 - np.exp(-t / 0.0004))
