"""Birds of a wood in the morning: six singers, each with its own phrases, place and patience.

A syllable is what a syrinx does in one breath: pressure makes it loud, muscle tension sets the pitch, and both
trace a smooth gesture (Gardner et al., "Simple motor gestures for birdsongs", Physical Review Letters 2001). So a
syllable is a tone whose pitch and level follow two curves, with a weak second harmonic, and a song is syllables in
an order that a species keeps and an individual varies. Nobody here is a copy of a recorded bird.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from heart.sounding.foley.circle import (
    RATE,
    band,
    both,
    faded,
    filtered,
    frames,
    noise,
    place,
    room,
    tilted,
    wander,
)

Syllable = tuple[float, np.ndarray]
"""Seconds to the next syllable, and the sound."""
Phrase = Callable[[np.random.Generator], Iterator[Syllable]]


@dataclass(frozen=True)
class Singer:
    """One bird: what it sings, how often (s between beginnings), how loud, and how far in the wood (echo, air)."""

    phrase: Phrase
    every_s: float
    level: float
    echo: float
    air_hz: float


def birds(seconds: float, random: np.random.Generator) -> np.ndarray:
    """A wood in the morning: float64 [n], a loop."""
    n = frames(seconds)
    leaves = noise(n, random, both(band(300, 5_000, 1), tilted(3))) * np.exp(0.3 * wander(n, random, 0.3))
    sound = 0.011 * leaves
    for singer in SINGERS:
        sound += _sung(singer, n, random)
    return filtered(sound, band(120, np.inf, 2))


def _sung(singer: Singer, n: int, random: np.random.Generator) -> np.ndarray:
    """All that one bird sings in one turn of the circle."""
    own, seconds = np.zeros(n), n / RATE
    count = max(1, round(seconds / singer.every_s))
    begins = (np.arange(count) + random.uniform(0, 0.35, count) + random.uniform()) / count * seconds
    for at_s in begins:
        level = singer.level * random.uniform(0.7, 1.0)
        for gap_s, syllable in singer.phrase(random):
            place(own, at_s, level * syllable)
            at_s += gap_s
    own = filtered(own, band(0, singer.air_hz, 1))
    return room(own, random, 0.9, band(500, 5_000, 1), singer.echo)


def tone(seconds: float, hz: np.ndarray, level: np.ndarray, overtone: float = 0.06) -> np.ndarray:
    """A syllable of that length: pitch in Hz and level at points evenly in its time, joined smoothly; [n]."""
    n = frames(seconds)
    x = np.linspace(0, 1, n)
    pitch = np.exp(_smooth(x, np.log(hz)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    shape = np.maximum(_smooth(x, level), 0) * np.sin(np.pi * x) ** 0.35
    wave = np.sin(phase) + overtone * np.sin(2 * phase + 0.4)
    return faded(wave * shape, 0.003, 0.006)


def _smooth(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Through points evenly in 0..1, level at each of them; values at x."""
    points = np.asarray(points, float)
    where = x * (len(points) - 1)
    first = np.minimum(where.astype(int), len(points) - 2)
    part = where - first
    part = part * part * (3 - 2 * part)
    return np.asarray(points[first] * (1 - part) + points[first + 1] * part)


def fluting(random: np.random.Generator) -> Iterator[Syllable]:
    """Slow whistles over a third and a fifth, and a squeaky end: the manner of a blackbird."""
    root = random.uniform(1_750, 2_150)
    for _ in range(int(random.integers(4, 7))):
        step = float(random.choice([1.0, 1.125, 1.26, 1.335, 1.5]))
        bends = root * step * np.array([1, random.uniform(0.94, 1.06), random.choice([0.84, 1.0, 1.12, 1.19])])
        length_s = random.uniform(0.12, 0.32)
        yield length_s + random.uniform(0.02, 0.12), tone(length_s, bends, np.array([0.5, 1, 0.7]), 0.04)
    for _ in range(int(random.integers(2, 5))):
        high = random.uniform(4_500, 6_500) * np.array([1, random.uniform(0.7, 1.3), random.uniform(0.8, 1.2)])
        yield 0.07, 0.25 * tone(0.05, high, np.array([0.6, 1, 0.4]), 0.2)


def ringing_pair(random: np.random.Generator) -> Iterator[Syllable]:
    """Two notes, high and lower, again and again like a small bell: the manner of a great tit."""
    high, low = random.uniform(5_000, 5_500), random.uniform(3_700, 4_000)
    for _ in range(int(random.integers(4, 8))):
        yield 0.15, 0.8 * tone(0.10, high * np.array([0.97, 1, 0.96]), np.array([0.7, 1, 0.8]), 0.03)
        yield 0.22, tone(0.15, low * np.array([1.03, 1, 0.99]), np.array([0.6, 1, 0.7]), 0.05)


def trilling(random: np.random.Generator) -> Iterator[Syllable]:
    """A hurried cascade with a rattle inside: the manner of a wren."""
    top = random.uniform(6_200, 7_200)
    for k in range(9):
        hz = top * random.uniform(0.62, 1.0) * np.array([1.15, 0.85, 1.05])
        yield 0.085, 0.7 * tone(0.07, hz, np.array([0.5, 1, 0.6]), 0.05)
        if k == 5:
            for beat in range(16):
                fall = (5_400 - 25 * beat) * np.array([1.12, 0.88])
                yield 0.034, 0.75 * tone(0.03, fall, np.array([1, 0.6]), 0.05)


def warbling(random: np.random.Generator) -> Iterator[Syllable]:
    """Thin falling runs with sudden leaps, pauses between: the manner of a robin."""
    hz = random.uniform(3_200, 4_800)
    for _ in range(int(random.integers(6, 12))):
        hz = float(np.clip(hz * random.choice([0.72, 0.86, 0.95, 1.08, 1.3, 1.6]), 2_300, 7_600))
        length_s = float(random.choice([0.05, 0.07, 0.1, 0.18, 0.26]))
        bends = hz * np.array([1, random.uniform(0.85, 1.15), random.uniform(0.8, 1.1), random.uniform(0.85, 1.1)])
        yield length_s + random.uniform(0.01, 0.06), tone(length_s, bends, np.array([0.4, 1, 0.8, 0.5]), 0.05)


def cooing(random: np.random.Generator) -> Iterator[Syllable]:
    """Soft low coos, the second the longest: the manner of a wood pigeon."""
    hz = random.uniform(430, 480)
    for length_s, bend in ((0.25, 1.02), (0.55, 1.0), (0.45, 0.97), (0.24, 0.98), (0.3, 0.95)):
        pitch = hz * np.array([0.92, bend, 1.01, 0.94])
        yield length_s + 0.12, tone(length_s, pitch, np.array([0.4, 1, 0.9, 0.5]), 0.10)


SINGERS = (
    Singer(fluting, 7.0, 1.0, 0.12, 14_000),
    Singer(warbling, 5.5, 0.5, 0.25, 12_000),
    Singer(ringing_pair, 9.0, 0.38, 0.5, 9_000),
    Singer(trilling, 12.0, 0.34, 0.6, 8_000),
    Singer(cooing, 13.0, 0.13, 0.7, 3_000),
    Singer(fluting, 11.0, 0.16, 1.5, 5_000),
)
