"""Changes to a window of band powers that keep a heart normal or abnormal: another sensor, room, pace and noise.

On powers [frames, BANDS] at 100 frames a second, as in `ear_changes`, so that a thousand windows take seconds.
Nothing here adds or takes away what lies between S1 and S2 in time with the beat: that would change the label.
"""

from __future__ import annotations

import numpy as np

from heart.learning import ear_changes
from heart.learning import valve_murmurs as book
from heart.learning.condition_data import FRAMES, Sound
from heart.listening.features import BANDS, FFT, FILTERS, RATE_HZ

BAND_HZ = FILTERS @ (np.arange(FFT // 2 + 1) * RATE_HZ / FFT)
"""Centre of each band."""


def pace(rng: np.random.Generator, sound: Sound) -> tuple[np.ndarray, np.ndarray]:
    """A window from anywhere in the sound, sometimes played up to a quarter faster or slower: powers
    [FRAMES, BANDS] and states [FRAMES]."""
    speed = float(np.exp(rng.uniform(-0.22, 0.22))) if rng.random() < 0.6 else 1.0
    spare = max(0.0, min(sound.frames, len(sound.powers)) - 1 - FRAMES * speed)
    at = np.minimum(rng.uniform(0, spare) + np.arange(FRAMES) * speed, len(sound.powers) - 1.001)
    low = at.astype(int)
    part = (at - low)[:, None].astype(np.float32)
    return sound.powers[low] * (1 - part) + sound.powers[low + 1] * part + 1e-12, sound.states[low]


def noise(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Sometimes a steady or drifting noise under everything, 10 to 45 dB below the loud moments."""
    if rng.random() < 0.4:
        return powers
    loud = np.quantile(powers.mean(1), 0.95)
    drift = 10 ** np.interp(np.arange(len(powers)), np.linspace(0, len(powers), 5), rng.normal(0, 0.2, 5))
    level = loud * 10 ** rng.uniform(-4.5, -1.0) * ear_changes.colour(rng, 0.6)
    return powers + level * drift[:, None] * rng.chisquare(4, powers.shape) / 4


def bumps(rng: np.random.Generator, powers: np.ndarray) -> np.ndarray:
    """Sometimes the sensor rubs or is knocked, for a moment, a few times."""
    if rng.random() < 0.7:
        return powers
    powers = powers.copy()
    for _ in range(rng.integers(1, 4)):
        start, length = rng.integers(len(powers)), rng.integers(2, 40)
        powers[start : start + length] += powers.max() * 10 ** rng.uniform(-1.5, 0.5) * ear_changes.colour(rng, 0.8)
    return powers


def murmur(rng: np.random.Generator, powers: np.ndarray, states: np.ndarray) -> np.ndarray:
    """A murmur over a heart: holosystolic, a diamond, late in systole, or a rumble or fading noise in diastole."""
    kind = rng.choice(4, p=(0.3, 0.35, 0.2, 0.15))
    shape = (
        book.plateau(rng, states)
        if kind == 0
        else book.diamond(rng, states)
        if kind == 1
        else book.late(rng, states, rng.uniform(0.25, 0.7))
        if kind == 2
        else book.rumble(rng, states)
    )
    low_hz, high_hz = (40, 200) if kind == 3 else (80, 400)
    centre_hz = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz)))
    colour = 10 ** (-((np.log2(BAND_HZ / centre_hz) / rng.uniform(0.7, 1.6)) ** 2)) + 1e-4
    rustle = rng.chisquare(6, powers.shape) / 6
    loud = float(np.quantile(powers.max(1), 0.9)) * 10 ** rng.uniform(-1.9, 0.2)
    return powers + loud * shape[:, None] * colour * rustle


def changed(rng: np.random.Generator, sound: Sound, *, murmuring: bool = False) -> np.ndarray:
    """A window of the sound as another sensor on another day would have heard it: float32 [FRAMES, BANDS].

    murmuring: with a murmur laid over it, which makes a normal heart abnormal.
    """
    powers, states = pace(rng, sound)
    if murmuring:
        powers = murmur(rng, powers, states)
    powers = ear_changes.gain(rng, powers)
    powers = noise(rng, powers * ear_changes.colour(rng, 0.2, BANDS) if rng.random() < 0.3 else powers)
    powers = ear_changes.sensor(rng, bumps(rng, powers))
    powers = powers + 10 ** rng.uniform(-9, -6) * float(np.quantile(powers, 0.99))  # noise of the electronics
    return np.asarray(powers, np.float32)
