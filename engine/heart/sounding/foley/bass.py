"""A plucked double bass: a string as a delay line (Karplus and Strong, "Digital synthesis of plucked string and
drum timbres", Computer Music Journal 1983; extended by Jaffe and Smith in the same issue), a body of three
resonances, and the finger on the string. The only place here with scipy, for the line's recurrence.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from heart.sounding.foley.circle import RATE, faded, frames
from heart.sounding.foley.piano import hz_of

_PLUCKED_AT = 0.22
"""Of the string's length: near the end of the fingerboard."""
_BODY = ((62.0, 1.2, 1.6), (105.0, 1.5, 1.2), (190.0, 2.0, 0.4), (420.0, 2.0, 0.2))
"""Resonances of air and wood: Hz, sharpness, level."""


def note(pitch: int, seconds: float, velocity: float, random: np.random.Generator) -> np.ndarray:
    """A note of so many seconds and a short release; velocity 0..1. float64 [n], peak about velocity."""
    n = frames(seconds + 0.08)
    string = _string(hz_of(pitch), n, velocity, random)
    body = 0.4 * string + sum(level * _resonance(string, hz, q) for hz, q, level in _BODY)
    finger = _resonance(random.standard_normal(n) * np.exp(-np.arange(n) / RATE / 0.006), 900.0, 0.8)
    sound = body / np.abs(body).max() + 0.05 * velocity * finger / np.abs(finger).max()
    t = np.arange(n) / RATE
    held = np.exp(-np.maximum(t - seconds, 0) / 0.025)
    return faded(velocity * sound / np.abs(sound).max() * held, 0.003, 0.02)


def _string(hz: float, n: int, velocity: float, random: np.random.Generator) -> np.ndarray:
    """The delay line, filled by the pluck."""
    period = RATE / hz
    whole = int(period - 0.5)
    rest = period - whole - 0.5  # the averaging filter is half a sample long
    pluck = lfilter([1.0], [1.0, -0.94 + 0.10 * velocity], random.standard_normal(whole))
    comb = pluck - 0.85 * np.roll(pluck, round(_PLUCKED_AT * whole))
    start = np.zeros(n)
    start[:whole] = comb - comb.mean()
    loss = 10 ** (-3 * period / RATE / 2.2)  # 60 dB in 2.2 s
    # One turn of the line: averaging (which damps high tones) times linear interpolation for the pitch.
    loop = loss * np.convolve([0.5, 0.5], [1 - rest, rest])
    feedback = np.concatenate([[1.0], np.zeros(whole - 1), -loop])
    return np.asarray(lfilter([1.0], feedback, start))


def _resonance(sound: np.ndarray, hz: float, q: float) -> np.ndarray:
    """A second-order resonance of gain 1 at its middle."""
    w = 2 * np.pi * hz / RATE
    alpha = np.sin(w) / (2 * q)
    a0 = 1 + alpha
    return np.asarray(lfilter([alpha / a0, 0, -alpha / a0], [1, -2 * np.cos(w) / a0, (1 - alpha) / a0], sound))
