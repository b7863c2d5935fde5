"""A piano note from its strings: partials of a stiff string, struck by a felt hammer, in a wooden box.

After Fletcher and Rossing, "The Physics of Musical Instruments" (1998), chapter 12. Stiffness stretches the
partials, the hammer's place leaves some of them out, felt gets harder with speed and brightens the note, two
strings a little apart make a decay that is fast at first and slow after, and the hammer's blow on the box is a soft
thud.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from heart.sounding.foley.circle import RATE, band, faded, filtered, frames

_STRUCK_AT = 0.12
"""Of the string's length."""
_RELEASE_S = 0.09


def hz_of(pitch: float) -> float:
    """Frequency of a MIDI pitch."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def note(pitch: int, seconds: float, velocity: float) -> np.ndarray:
    """A note held for so long, then damped; velocity 0..1. float64 [n], peak about velocity."""
    whole = _struck(pitch, round(velocity * 20) / 20)
    n = min(frames(seconds), len(whole))
    tail = min(frames(_RELEASE_S * 3), len(whole) - n)
    t = np.arange(n + tail) / RATE
    held = np.exp(-np.maximum(t - n / RATE, 0) / _RELEASE_S * 2.5)
    return faded(velocity * whole[: n + tail] * held, 0.0004, 0.01)


@lru_cache(maxsize=256)
def _struck(pitch: int, velocity: float) -> np.ndarray:
    """The note undamped, 4 s of it, peak 1."""
    hz = hz_of(pitch)
    t = np.arange(frames(4.0)) / RATE
    random = np.random.default_rng([pitch, 88])
    stiffness = 3.2e-4 * 2 ** ((pitch - 60) / 14)
    count = int(min(36, 11_000 / hz))
    sound = np.zeros(len(t))
    for k in range(1, count + 1):
        partial = k * hz * np.sqrt(1 + stiffness * k * k)
        level = abs(np.sin(np.pi * k * _STRUCK_AT)) / k**1.5 * _felt(partial, velocity) * _board(partial)
        fast_s = 1.1 * (220 / hz) ** 0.55 / (1 + 0.13 * k + 4e-8 * partial**2)
        detune = hz * random.uniform(0.0004, 0.0011) * np.sqrt(k)
        strings = [np.sin(2 * np.pi * (partial + d) * t + random.uniform(-0.6, 0.6)) for d in (-detune, detune)]
        sound += level * (0.62 * np.exp(-t / fast_s) * strings[0] + 0.38 * np.exp(-t / (2.8 * fast_s)) * strings[1])
    sound *= 1 - np.exp(-t / (0.0006 + 0.0010 * (1 - velocity)))
    knock = filtered(random.standard_normal(len(t)), band(90, 1_100 + 1_500 * velocity, 1)) * np.exp(-t / 0.016)
    sound = sound / np.abs(sound).max() + 0.035 * knock / np.abs(knock).max()
    return np.asarray(sound / np.abs(sound).max())


def _felt(hz: float, velocity: float) -> float:
    """What the hammer leaves of a partial: hard felt, more of the high ones."""
    return float(1 / (1 + (hz / (900 + 3_000 * velocity**1.5)) ** 2) ** 0.75)


def _board(hz: float) -> float:
    """The soundboard hardly radiates below 90 Hz."""
    return float(1 / np.sqrt(1 + (90 / hz) ** 4))
