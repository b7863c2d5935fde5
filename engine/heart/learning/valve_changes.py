"""Changes to band powers at random: other sensors, rooms, tempi and noises than those of a few tapes.

Domain randomisation, so that what makes a recording (its bandwidth, noise floor, level, tempo) says nothing about
the valve; masks in time and frequency are from Park et al., SpecAugment, Interspeech 2019.
"""

from __future__ import annotations

import numpy as np

from heart.learning.valve_data import FRAMES_PER_S, MELS

WINDOW_S = 2.0
FRAMES = round(WINDOW_S * FRAMES_PER_S) + 1
"""Frames of a window: those that the graph sees in two seconds."""
LEAST = 1e-12


def filled(powers: np.ndarray, frames: int) -> np.ndarray:
    """The sound, repeated to so many frames where it has fewer."""
    return powers if len(powers) >= frames else np.tile(powers, (-(-frames // len(powers)), 1))[:frames]


def crop(rng: np.random.Generator, powers: np.ndarray, frames: int) -> tuple[np.ndarray, int]:
    """A stretch of `frames` frames somewhere in a sound (all of a shorter one), and where it begins."""
    start = int(rng.integers(max(0, len(powers) - frames) + 1))
    return powers[start : start + frames], start


def curve(rng: np.random.Generator, spread: float, knots: int = 6) -> np.ndarray:
    """A smooth random response, [MELS], in bels with a spread."""
    return np.interp(np.linspace(0, knots - 1, MELS), np.arange(knots), rng.normal(0, spread, knots))


def warped(rng: np.random.Generator, bels: np.ndarray, frames: int) -> np.ndarray:
    """Played at another speed, and in another pitch, each for itself: [n, MELS] to [frames, MELS]."""
    speed = np.exp(rng.uniform(-0.3, 0.3)) if rng.random() < 0.8 else 1.0
    bels = filled(bels, int(np.ceil(frames * speed)) + 1)
    places = rng.uniform(0, len(bels) - 1 - frames * speed) + np.arange(frames) * speed
    low = places.astype(int)
    part = (places - low)[:, None]
    bels = bels[low] * (1 - part) + bels[low + 1] * part
    if rng.random() < 0.7:
        band = (np.arange(MELS) + 1.5) * np.exp(rng.uniform(-0.25, 0.25)) - 1.5
        band = band.clip(0, MELS - 1)
        left = np.minimum(band.astype(int), MELS - 2)
        bels = bels[:, left] * (1 - (band - left)) + bels[:, left + 1] * (band - left)
    return bels


def sensor(rng: np.random.Generator, bels: np.ndarray) -> np.ndarray:
    """Another stethoscope: tilt and resonances, sometimes deaf below or above somewhere."""
    bels = bels + curve(rng, 0.5)
    if rng.random() < 0.3:
        bels = bels + curve(rng, 0.25, MELS)
    if rng.random() < 0.5:
        band, slope = np.arange(MELS), rng.uniform(0.05, 0.5)
        low, high = rng.uniform(-4, 5), rng.uniform(6, 40)
        bels = bels - slope * (np.maximum(low - band, 0) + np.maximum(band - high, 0))
    return bels


def dynamics(rng: np.random.Generator, bels: np.ndarray) -> np.ndarray:
    """Levels stretched or squeezed around a middle, as by a compressor; a level that drifts."""
    if rng.random() < 0.5:
        middle = np.quantile(bels, 0.8)
        bels = middle + (bels - middle) * np.exp(rng.uniform(-0.3, 0.35))
    if rng.random() < 0.4:
        knots = rng.normal(0, 0.2, 4)
        bels = bels + np.interp(np.linspace(0, 3, len(bels)), np.arange(4), knots)[:, None]
    return bels


def noisy(rng: np.random.Generator, powers: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A noise floor of any colour, at times another heart far away (`other`: powers, as many frames)."""
    loud = np.quantile(powers.max(1), 0.95)
    if rng.random() < 0.7:
        floor = 10 ** (rng.uniform(-4.0, -1.2) + curve(rng, 0.5)) * rng.chisquare(8, powers.shape) / 8
        powers = powers + loud * floor
    if rng.random() < 0.3:
        scale = loud / max(float(np.quantile(other.max(1), 0.95)), LEAST)
        powers = powers + other * scale * 10 ** rng.uniform(-3.0, -1.2)
    return powers


def gated(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Sometimes what is quiet is silenced, as on cleaned tapes."""
    if rng.random() > 0.15:
        return powers
    return np.maximum(powers - np.quantile(powers, rng.uniform(0.1, 0.5), axis=0), LEAST)


def masked(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Sometimes a few bands, or a few frames, at their lowest."""
    if rng.random() < 0.5:
        start, width = rng.integers(MELS), rng.integers(1, 8)
        powers[:, start : start + width] = powers[:, start : start + width].min(0)
    if rng.random() < 0.4:
        start, width = rng.integers(len(powers)), rng.integers(2, 12)
        powers[start : start + width] = powers.min(0)
    return powers


def changed(rng: np.random.Generator, powers: np.ndarray, other: np.ndarray) -> np.ndarray:
    """One window for training: float32 [FRAMES, MELS].

    powers: float [n, MELS], repeated where the speed needs more; other: float [FRAMES, MELS], some other recording.
    """
    bels = warped(rng, np.log10(powers + LEAST), FRAMES)
    powers = 10 ** dynamics(rng, sensor(rng, bels))
    return masked(rng, gated(rng, noisy(rng, powers, other))).astype(np.float32)
