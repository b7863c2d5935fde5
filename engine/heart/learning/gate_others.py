"""Sounds that are no heart, from arithmetic: what else a microphone may hear beside a heart, or instead of one.

Each maker gives float32 [frames] at rate_hz, at any level; `other_sound` picks one. A finder of beats follows drums
and speech gladly, so these are rhythmic on purpose.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heart.learning.gate_drums import add, drums, hiss, thump
from heart.learning.sound_changes import coloured_noise

Maker = Callable[[int, int, np.random.Generator], np.ndarray]
VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""First three formants of five vowels (Peterson and Barney, J. Acoust. Soc. Am. 1952)."""


def noise(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """White to brown noise, often with slow swells as wind and rain have."""
    swell = np.exp(rng.uniform(0, 1.5) * _slow(frames, rate_hz * rng.uniform(0.1, 1.5), rng))
    return coloured_noise(1, frames, rng)[0] * swell


def tones(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """One to five held tones, some trembling."""
    sound = np.zeros(frames)
    for _ in range(rng.integers(1, 6)):
        hz = np.exp(rng.uniform(np.log(25), np.log(0.45 * rate_hz)))
        tremble = 1 + rng.choice([0, 0.8]) * np.sin(_turn(frames, rate_hz, rng.uniform(0.5, 8), rng))
        sound += rng.uniform(0.2, 1) * tremble * np.sin(_turn(frames, rate_hz, hz, rng))
    return sound


def hum(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Silence as a cable hears it: mains and its harmonics over a little noise."""
    mains_hz = rng.choice([50.0, 60.0])
    parts = [
        rng.exponential() / k * np.sin(_turn(frames, rate_hz, k * mains_hz, rng))
        for k in range(1, rng.integers(2, 9))
    ]
    return np.sum(parts, 0) + rng.uniform(0.01, 1) * coloured_noise(1, frames, rng)[0]


def speech(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Pulses of a voice through moving formants, in syllables and pauses; some syllables hiss."""
    pitch_hz = rng.uniform(80, 260) * np.exp(0.15 * _slow(frames, 0.4 * rate_hz, rng))
    turns = np.cumsum(pitch_hz) / rate_hz
    pulses = np.diff(np.floor(turns), prepend=0.0) + 0.02 * rng.normal(size=frames)
    sound, at = np.zeros(frames), 0
    while at < frames:
        length = int(rate_hz * rng.uniform(0.08, 0.3))
        part = pulses[at : at + length] if rng.random() < 0.8 else 0.2 * rng.normal(size=min(length, frames - at))
        sound[at : at + length] = _formants(part, rate_hz, rng) * np.hanning(len(part)) ** 0.5
        at += length + int(rate_hz * rng.choice([0.02, 0.06, rng.uniform(0.2, 0.8)], p=[0.5, 0.3, 0.2]))
    return sound + 0.002 * rng.normal(size=frames)


def claps(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Claps, knocks, clicks, ticking and taps: short bursts, regular or not."""
    every_s, jitter = rng.uniform(0.12, 1.2), rng.choice([0.0, 0.05, 0.5])
    ring_hz, fall_s = np.exp(rng.uniform(np.log(60), np.log(1800))), rng.uniform(0.003, 0.06)
    sound, at_s = rng.choice([0.001, 0.03]) * rng.normal(size=frames), rng.random() * every_s
    while at_s * rate_hz < frames:
        burst = hiss(rate_hz, fall_s, rng)
        tone = np.sin(2 * np.pi * ring_hz * np.arange(len(burst)) / rate_hz)
        add(sound, int(at_s * rate_hz), rng.uniform(0.3, 1) * burst * (1 if rng.random() < 0.5 else tone))
        at_s += every_s * max(0.1, 1 + jitter * rng.normal())
    return sound


def handling(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Rubbing and bumps of a sensor that is moved: swelling low noise with thuds at no rhythm."""
    swell = np.exp(2 * _slow(frames, 0.1 * rate_hz, rng))
    sound = coloured_noise(1, frames, rng)[0] * swell
    for at in rng.integers(0, frames, rng.integers(0, 7)):
        thud = thump(rate_hz, rng.uniform(30, 400), rng.uniform(15, 60), rng.uniform(0.02, 0.2))
        add(sound, int(at), rng.uniform(1, 12) * thud)
    return sound


def nothing(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Digital silence, an offset, or the last bit of a converter rattling."""
    return rng.choice([0.0, 1e-4]) * np.sign(rng.normal(size=frames)) * (rng.random(frames) < 0.1) + rng.normal()


MAKERS: tuple[Maker, ...] = (noise, tones, hum, speech, drums, claps, handling, nothing)
SHARES = (0.1, 0.08, 0.07, 0.18, 0.38, 0.1, 0.08, 0.01)


def other_sound(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [frames] that is no heart."""
    maker = MAKERS[rng.choice(len(MAKERS), p=SHARES)]
    return np.asarray(maker(frames, rate_hz, rng), np.float32)


def _slow(frames: int, step: float, rng: np.random.Generator) -> np.ndarray:
    """A wandering curve of deviation about 1 that turns every `step` samples."""
    knots = rng.normal(size=int(frames / step) + 3)
    return np.interp(np.arange(frames) / step, np.arange(len(knots)), knots)


def _turn(frames: int, rate_hz: int, hz: float, rng: np.random.Generator) -> np.ndarray:
    return 2 * np.pi * (hz * np.arange(frames) / rate_hz + rng.random())


def _formants(part: np.ndarray, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """part [n] through three resonances of a random vowel."""
    vowel = np.array(VOWELS_HZ[rng.integers(len(VOWELS_HZ))]) * rng.uniform(0.85, 1.2)
    hz = np.fft.rfftfreq(2 * len(part), 1 / rate_hz)[:, None]
    gain = (1 / (1 + ((hz - vowel) / np.array([60, 90, 120])) ** 2)) @ np.array([1.0, 0.5, 0.25])
    return np.fft.irfft(np.fft.rfft(part, 2 * len(part)) * (gain + 0.02))[: len(part)]
