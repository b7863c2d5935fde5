"""Murmurs by the book, laid over normal hearts whose first and second sounds are annotated.

A collection of a few tapes lets a net learn the tapes. What defines the five classes is when in the beat the valve
is heard, and that is known: aortic stenosis swells and fades within systole and softens S2; mitral regurgitation
fills systole; mitral stenosis snaps open after S2 and rumbles through diastole, louder before a loud S1; a
prolapsing mitral valve clicks in mid-systole, often with a late murmur (Constant, Bedside Cardiology; Leatham,
Auscultation of the Heart, 1975). Laid over some 570 normal recordings of three sites, each heart is heard with each
lesion, so that nothing about the recording tells the label.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heart.learning.valve_data import CENTRES_HZ, FRAMES_PER_S, LABELS

S1, SYSTOLE, S2, DIASTOLE = range(4)
SMEAR = np.hanning(7)[1:-1] ** 2 / (np.hanning(7)[1:-1] ** 2).sum()
"""What the 50 ms window of a frame makes of an instant."""


def runs(states: np.ndarray, state: int) -> Iterator[tuple[int, int]]:
    """First frame and the frame after the last of every stretch of a state."""
    inside = np.concatenate([[0], states == state, [0]])
    edges = np.flatnonzero(np.diff(inside))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist())


def spectrum(rng: np.random.Generator, low_hz: float, high_hz: float, octaves: float) -> np.ndarray:
    """A bell over the logarithm of frequency, in power, peak 1: centre between low_hz and high_hz. [MELS]."""
    centre = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz)))
    return 10 ** (-((np.log2(CENTRES_HZ / centre) / octaves) ** 2)) + 1e-4


def rustle(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Power of noise as frames of 50 ms see it: mean 1, float64 [frames, MELS]."""
    noise = rng.chisquare(2, (frames + len(SMEAR) - 1, len(CENTRES_HZ))) / 2
    return sum(weight * noise[place : place + frames] for place, weight in enumerate(SMEAR))


def fill(states: np.ndarray, state: int, shape: np.ndarray, before: int = 0, after: int = 0) -> np.ndarray:
    """`shape` (any length, power) stretched over every stretch of a state, widened by some frames: [frames]."""
    out = np.zeros(len(states))
    for start, end in runs(states, state):
        start, end = max(0, start - before), min(len(states), end + after)
        out[start:end] = np.interp(np.linspace(0, 1, end - start), np.linspace(0, 1, len(shape)), shape)
    return np.convolve(out, SMEAR, "same")


def diamond(rng: np.random.Generator, states: np.ndarray) -> np.ndarray:
    """Aortic stenosis: crescendo and decrescendo within systole, earlier or later."""
    u, peak = np.linspace(-rng.uniform(0, 0.15), 1 + rng.uniform(0, 0.1), 41), rng.uniform(0.2, 0.75)
    swell = np.minimum(u / peak, (1 - u) / (1 - peak)).clip(0) ** rng.uniform(1.0, 5.0)
    return fill(states, SYSTOLE, swell, after=int(rng.integers(0, 3)))


def plateau(rng: np.random.Generator, states: np.ndarray) -> np.ndarray:
    """Mitral regurgitation: from S1 to S2 and into both; level, rising or falling, never a diamond."""
    early, end = (0.0, -rng.exponential(0.5)) if rng.random() < 0.5 else (-rng.exponential(0.5), 0.0)
    middle = rng.uniform(min(early, end), (early + end) / 2 + 0.15)
    shape = 10 ** np.interp(np.linspace(0, 2, 41), [0, 1, 2], [early, middle, end])
    return fill(states, SYSTOLE, shape, before=int(rng.integers(2, 8)), after=int(rng.integers(1, 9)))


def late(rng: np.random.Generator, states: np.ndarray, begin: float) -> np.ndarray:
    """Mitral valve prolapse: a murmur that begins at a share of systole and goes on to S2, growing or fading."""
    u = np.linspace(0, 1, 41)
    since = (u - begin) / (1 - begin)
    grow = since.clip(0) ** rng.uniform(0.3, 2.0) if rng.random() < 0.7 else 10 ** (-rng.uniform(0, 1) * since)
    return fill(states, SYSTOLE, grow * (since > 0), after=int(rng.integers(0, 4)))


def rumble(rng: np.random.Generator, states: np.ndarray) -> np.ndarray:
    """Mitral stenosis: diastole from the opening snap on, fading, and rising again before S1."""
    u = np.linspace(0, 1, 41)
    shape = np.exp(-u / rng.uniform(0.15, 1.5)) * (u > rng.uniform(0, 0.15))
    if rng.random() < 0.8:
        shape = shape + 10 ** rng.uniform(-0.7, 0.6) * ((u - 0.6) / 0.4).clip(0) ** rng.uniform(1, 3)
    return fill(states, DIASTOLE, shape)


def instants(rng: np.random.Generator, places: list[float], frames: int) -> np.ndarray:
    """Short sounds at some frames, as power: [frames]."""
    out = np.zeros(frames)
    for place in np.round(places).astype(int):
        if 0 <= place < frames:
            out[place] = 10 ** rng.normal(0, 0.15)
    return np.convolve(out, SMEAR / SMEAR.max(), "same")


def clicks(rng: np.random.Generator, states: np.ndarray, share: float) -> np.ndarray:
    """A click at the same share of every systole, give or take: [frames]."""
    places = [start + (share + rng.normal(0, 0.02)) * (end - start) for start, end in runs(states, SYSTOLE)]
    return instants(rng, places, len(states))


def snaps(rng: np.random.Generator, states: np.ndarray) -> np.ndarray:
    """The opening snap of a stenosed mitral valve, 50 to 130 ms after the begin of S2: [frames]."""
    after = rng.uniform(0.05, 0.13) * FRAMES_PER_S
    return instants(rng, [start + 2 + after + rng.normal(0, 0.3) for start, _ in runs(states, S2)], len(states))


def cleaned(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Sometimes the pauses between the sounds quieter, as on a tape made for teaching: up to 30 dB."""
    if rng.random() < 0.3:
        return powers
    pause = np.convolve(np.isin(states, (SYSTOLE, DIASTOLE)), np.ones(5) / 5, "same")
    return powers * 10 ** (-rng.uniform(0, 3) * pause)[:, None]


def timbre(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, state: int) -> np.ndarray:
    """S1 or S2 of another heart at another place on the chest: louder or softer, duller or brighter."""
    bels = rng.normal(0, 0.25) + rng.normal(0, 0.5) * np.linspace(-0.5, 1, len(CENTRES_HZ))
    return np.where((states == state)[:, None], powers * 10**bels, powers)


def loudness(powers: np.ndarray, states: np.ndarray) -> float:
    """Power of the heart sounds themselves: the mean over bands, high among the frames of S1 and S2."""
    totals = powers.max(1)
    sounds = totals[np.isin(states, (S1, S2))]
    return float(np.quantile(sounds if len(sounds) else totals, 0.8))


def softened(powers: np.ndarray, states: np.ndarray, state: int, bels: float) -> np.ndarray:
    """S1 or S2 louder or softer by some bels."""
    return np.where((states == state)[:, None], powers * 10**bels, powers)


def afflict(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, label: str) -> np.ndarray:
    """A normal heart with a lesion: float64 [frames, MELS].

    powers: float [frames, MELS] of a normal heart; states: int8 [frames]; label: one of LABELS.
    """
    powers = cleaned(rng, powers, states)
    for state in (S1, S2):
        powers = timbre(rng, powers, states, state)
    return LESIONS[label](rng, powers, states, loudness(powers, states))


def _normal(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, loud: float) -> np.ndarray:
    return powers


def _stenosis_aortic(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, loud: float) -> np.ndarray:
    powers = softened(powers, states, S2, rng.uniform(-1.0, 0.1))
    murmur = diamond(rng, states)[:, None] * spectrum(rng, 80, 350, 1.3) * rustle(rng, len(powers))
    return powers + loud * 10 ** rng.uniform(-1.6, 0.6) * murmur


def _regurgitation(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, loud: float) -> np.ndarray:
    powers = softened(powers, states, S1, rng.uniform(-0.8, 0.2))
    murmur = plateau(rng, states)[:, None] * spectrum(rng, 80, 450, 1.3) * rustle(rng, len(powers))
    return powers + loud * 10 ** rng.uniform(-1.6, 0.4) * murmur


def _stenosis_mitral(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, loud: float) -> np.ndarray:
    powers = softened(powers, states, S1, rng.uniform(0, 0.8))
    snapping = rng.random() < 0.85
    if snapping:
        snap = snaps(rng, states) * loud * 10 ** rng.uniform(-1.2, 0.4)
        powers = powers + snap[:, None] * spectrum(rng, 60, 250, 1.5)
    murmur = rumble(rng, states)[:, None] * spectrum(rng, 35, 130, 1.0) * rustle(rng, len(powers))
    return powers + loud * 10 ** (rng.uniform(-2.2, -0.2) if snapping else rng.uniform(-1.6, 0)) * murmur


def _prolapse(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray, loud: float) -> np.ndarray:
    share, murmuring = rng.uniform(0.25, 0.7), rng.random() < 0.7
    if not murmuring or rng.random() < 0.85:
        for place in [share, *rng.uniform(share, 0.85, rng.choice(3, p=(0.7, 0.2, 0.1)))]:
            click = clicks(rng, states, place) * loud * 10 ** rng.uniform(-1.2, 0.3)
            powers = powers + click[:, None] * spectrum(rng, 60, 300, 1.4)
    if murmuring:
        colour = spectrum(rng, 100, 450, rng.uniform(0.4, 1.3))
        murmur = late(rng, states, share)[:, None] * colour * rustle(rng, len(powers))
        powers = powers + loud * 10 ** rng.uniform(-1.8, 0.2) * murmur
    return powers


LESIONS = {
    "AS": _stenosis_aortic,
    "MR": _regurgitation,
    "MS": _stenosis_mitral,
    "MVP": _prolapse,
    "N": _normal,
}
assert tuple(LESIONS) == LABELS


def usable(states: np.ndarray | None) -> bool:
    """Are at least four seconds annotated without a gap?"""
    return states is not None and (states >= 0).sum() >= 4 * FRAMES_PER_S
