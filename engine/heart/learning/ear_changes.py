"""Changes to a crop of band powers: other rooms, sensors, chests and hearts than those of the recordings.

Everything happens on band powers [frames, BANDS] (100 frames a second), so that it costs next to nothing. Training
on sounds changed at random is what lets a net work on a sensor that it never heard (domain randomisation; for
masks in time and frequency: Park et al., SpecAugment, Interspeech 2019).
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from heart.listening import features

FRAMES_PER_S = features.RATE_HZ / features.HOP
DIASTOLE = 3


def colour(rng: np.random.Generator, spread: float, knots: int = 5) -> np.ndarray:
    """A smooth random frequency response in power, [BANDS], with a spread in bels: another sensor or chest."""
    heights = rng.normal(0, spread, knots)
    return 10 ** np.interp(np.linspace(0, knots - 1, features.BANDS), np.arange(knots), heights)


def sensor(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Another sensor: tilt, resonances, and sometimes a band beyond which it hears little; at another level."""
    powers = powers * 10 ** rng.uniform(-1.5, 1.5) * colour(rng, 0.6)
    if rng.random() < 0.3:
        powers = powers * colour(rng, 0.5, features.BANDS)
    if rng.random() < 0.4:
        band = np.arange(features.BANDS)
        low, high = rng.uniform(-4, 6), rng.uniform(7, 20)
        slope = rng.uniform(0.2, 1.5)  # bels a band
        powers = powers * 10 ** (-slope * (np.maximum(low - band, 0) + np.maximum(band - high, 0)))
    return powers


def drowned(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Each band in noise of its own depth: the low ones under rumble and breath, or the high ones under hiss.

    Some sensors hear S1 only above 100 Hz; a net that has always heard its low part takes what is left for a click.
    """
    if rng.random() > 0.5:
        return powers
    own = np.quantile(powers, 0.9, axis=0)
    depth_bels = rng.uniform(-2.5, -0.8) + np.log10(colour(rng, 0.4))
    band = np.arange(features.BANDS)
    edge = rng.uniform(0, 10) if rng.random() < 0.65 else rng.uniform(6, 16)
    side = band < edge if edge < 10 and rng.random() < 0.8 else band > edge
    depth_bels = depth_bels + side * rng.uniform(0.5, 3.0)
    swells = np.repeat(rng.normal(0, rng.uniform(0, 0.5), len(powers) // 30 + 1), 30)[: len(powers), None]
    noise = rng.chisquare(4, powers.shape) / 4 * own * 10 ** (depth_bels.clip(-3, 1.0) + swells)
    return powers + noise


def room(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """What was heard rings on: energy that fades over 10 to 80 ms."""
    if rng.random() > 0.25:
        return powers
    keep = np.exp(-1 / FRAMES_PER_S / rng.uniform(0.01, 0.08))
    tail = np.asarray(lfilter([rng.uniform(0.05, 1.0)], [1, -keep], powers, axis=0), np.float32)
    return powers + keep * tail * (1 - keep)


def gain(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """A hand that presses harder and softer: the level drifts or jumps."""
    if rng.random() > 0.3:
        return powers
    count = max(2, int(len(powers) / rng.uniform(50, 400)))
    heights = rng.normal(0, rng.uniform(0.1, 0.5), count + 1)
    places = np.linspace(0, count, len(powers))
    bels = np.interp(places, np.arange(count + 1), heights) if rng.random() < 0.7 else heights[places.astype(int)]
    return powers * 10 ** bels[:, None]


def dynamics(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Sometimes stretch or squeeze levels around their middle, as compressors and automatic gains do."""
    if rng.random() < 0.5:
        return powers
    bels = np.log10(powers)
    middle = np.quantile(bels, 0.7)
    return 10 ** (middle + (bels - middle) * np.exp(rng.uniform(-0.5, 0.6)))


def gate(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Sometimes what is quiet becomes digital silence, in each band or in all at once."""
    if rng.random() > 0.2:
        return powers
    if rng.random() < 0.5:
        return np.maximum(powers - np.quantile(powers, rng.uniform(0.2, 0.75), axis=0), 1e-12)
    level = powers.mean(1)
    shut = level < np.quantile(level, rng.uniform(0.2, 0.6))
    return np.where(shut[:, None], 1e-12, powers)


def valves(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Other hearts at other places on the chest: S1 and S2 louder or softer and of other timbre, and murmurs."""
    if rng.random() < 0.5:
        for state in (0, 2):
            powers = np.where(
                (states == state)[:, None], powers * 10 ** rng.normal(0, 0.3) * colour(rng, 0.25), powers
            )
    if rng.random() < 0.25:
        powers = powers + murmur(rng, powers, states)
    return powers


def beat_by_beat(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray) -> np.ndarray:
    """No two beats are alike: every sound at a level of its own, and now and then one that is hardly heard.

    A net that has learnt to bridge such a gap by the rhythm around it does so under noise, too.
    """
    if rng.random() > 0.4:
        return powers
    run = np.concatenate([[0], np.cumsum(np.diff(states) != 0)])
    bels = rng.normal(0, rng.uniform(0.05, 0.3), run[-1] + 1)
    bels[rng.random(len(bels)) < rng.choice([0.0, 0.1])] -= rng.uniform(0.5, 2.0)
    sounds = np.isin(states, (0, 2))
    return np.where(sounds[:, None], powers * 10 ** bels[run][:, None], powers)


def murmur(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Noise that swells in every systole or every diastole, as loud as heart sounds or softer: [frames, BANDS]."""
    inside = np.isin(states, (1,) if rng.random() < 0.7 else (DIASTOLE,)).astype(np.float32)
    swell = np.convolve(inside, np.hanning(9) / np.hanning(9).sum(), "same")[:, None]
    loud = float(np.quantile(powers.mean(1), 0.9)) * 10 ** rng.uniform(-2.0, 0.2)
    return swell * loud * colour(rng, 0.6) * rng.chisquare(4, powers.shape) / 4


def masked(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Normalised frames [B, frames, BANDS] with a few bands, in half of the crops, taken away."""
    for crop in frames:
        if rng.random() < 0.5:
            start, width = rng.integers(features.BANDS), rng.integers(1, 6)
            crop[:, start : start + width] = 0.0
    return frames


def places(rng: np.random.Generator, states: np.ndarray, frames: int) -> np.ndarray:
    """Where in a recording each of `frames` frames of a crop lies, in frames: played faster or slower, and with
    diastoles stretched or squeezed by themselves, as a heart changes its rate."""
    speed = float(np.exp(rng.uniform(-0.35, 0.42))) if rng.random() < 0.6 else 1.0
    rest = float(np.exp(rng.uniform(-0.6, 0.9))) if rng.random() < 0.4 else 1.0
    pace = np.where(states == DIASTOLE, speed * rest, speed)
    times = np.concatenate([[0.0], np.cumsum(1 / pace)])  # when each frame of the recording is played
    spare = times[-1] - frames
    start = rng.uniform(0, spare) if spare > 0 else spare / 2
    wanted = start + np.arange(frames)
    inside = np.interp(wanted, times, np.arange(len(times)))
    return np.where(wanted < 0, wanted, np.where(wanted > times[-1], len(states) + wanted - times[-1], inside))
