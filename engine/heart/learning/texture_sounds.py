"""Textures from arithmetic, where recordings are few: bells, breath, and sequences of recorded piano notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import butter, sosfilt

from heart.records import SAMPLE_RATE_HZ

RATE = SAMPLE_RATE_HZ
_PARTIALS = (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.0, 4.0, 5.33, 6.67)
"""Of a church bell against its prime: hum, prime, tierce, quint, nominal and above (Rossing and Perrin,
"Vibrations of bells", Applied Acoustics 1987)."""


def bell(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Strokes of one bell with its inharmonic partials, each a beating pair, high ones dying first; float64 [n]."""
    sound = np.zeros(int(seconds * RATE))
    prime = float(np.exp(random.uniform(np.log(180), np.log(900))))
    hz = prime * np.array(_PARTIALS) * (1 + 0.006 * random.standard_normal(len(_PARTIALS)))
    levels = random.uniform(0.3, 1.0, len(hz)) / np.arange(1, len(hz) + 1) ** 0.4
    decays = random.uniform(1.5, 4.0) * (prime / hz) ** 0.9
    split = random.uniform(0.2, 1.6, len(hz))
    at, gap = random.uniform(0, 0.4), random.uniform(0.8, 2.2)
    while at < seconds:
        start = int(at * RATE)
        t = np.arange(len(sound) - start) / RATE
        stroke = sum(
            level * np.exp(-t / decay) * (np.sin(2 * np.pi * f * t) + 0.5 * np.sin(2 * np.pi * (f + beat) * t))
            for f, level, decay, beat in zip(hz, levels, decays, split)
        )
        clang = random.standard_normal(len(t)) * np.exp(-t / 0.012) * 0.6
        sound[start:] += random.uniform(0.6, 1.0) * (stroke + clang) * (1 - np.exp(-t / 0.0015))
        at += gap * random.uniform(0.95, 1.05)
    return sound


def breath(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Noise through a throat: in and out in turn, each with its own colour and swell; float64 [n]."""
    n = int(seconds * RATE)
    out, at = np.zeros(n), random.uniform(-0.8, 0.2)
    half = random.uniform(0.7, 1.6)
    inward = bool(random.integers(2))
    while at < seconds:
        length = half * random.uniform(0.8, 1.1)
        x = (np.arange(n) / RATE - at) / length
        swell = np.where((x > 0) & (x < 1), np.sin(np.pi * x.clip(0, 1)) ** random.uniform(1, 2), 0)
        low, high = (900, 5_500) if inward else (350, 2_400)
        edges = [low * random.uniform(0.8, 1.2), high * random.uniform(0.8, 1.2)]
        noise = sosfilt(butter(1, edges, "band", fs=RATE, output="sos"), random.standard_normal(n))
        out += noise * swell * (0.8 if inward else 1.0)
        at += length + random.uniform(0.05, 0.4)
        inward = not inward
    return out + 0.003 * out.std() * random.standard_normal(n)


def piano(seconds: float, notes: Sequence[tuple[int, np.ndarray]], random: np.random.Generator) -> np.ndarray:
    """A slow improvisation over one mode from recorded notes (MIDI pitch, sound at 44.1 kHz): float64 [n].

    Notes overlap and ring on. A pitch that was not recorded is its nearest neighbour, played up to two semitones
    faster or slower.
    """
    sound = np.zeros(int(seconds * RATE))
    root, mode = random.integers(12), np.array([0, 2, 3, 5, 7, 9, 10])
    allowed = [p for p in range(36, 92) if (p - root) % 12 in mode]
    pitch, at = float(random.choice(allowed)), random.uniform(-1.5, 0.1)
    while at < seconds:
        pitch = float(np.clip(pitch + random.normal(0, 5), 36, 91))
        for _ in range(int(random.integers(1, 4))):
            chosen = min(allowed, key=lambda p: abs(p - pitch - random.normal(0, 6)))
            note = play(chosen, notes) * random.uniform(0.3, 1.0)
            start = int(at * RATE)
            begin, end = max(start, 0), min(start + len(note), len(sound))
            if begin < end:
                sound[begin:end] += note[begin - start : end - start]
        at += float(random.choice([0.2, 0.3, 0.4, 0.6, 0.9]))
    return sound


def play(pitch: int, notes: Sequence[tuple[int, np.ndarray]]) -> np.ndarray:
    """The note of this MIDI pitch, from the nearest recorded one; float64 [n]."""
    recorded, note = min(notes, key=lambda entry: abs(entry[0] - pitch))
    step = 2 ** ((pitch - recorded) / 12)
    return np.interp(np.arange(0, len(note) - 1, step), np.arange(len(note)), note)
