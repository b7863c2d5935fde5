"""The pitch of a single note, by the comb of its harmonics in a long spectrum."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from heart.sounding.notes.kinds import HIGHEST, LOWEST, RATE_HZ, hertz

LONG_FFT = 32_768
LONG_S = 1.02
"""What is looked at: as long as the low notes need to have harmonics."""
BEGIN_S = 0.05
STEPS = 12
"""Candidates in a semitone."""
HARMONICS = 14
FADING = 0.75
BETWEEN = 0.7
POWER = 0.4


def find_pitch(sound: np.ndarray, begin_s: float = BEGIN_S) -> float:
    """MIDI pitch of a note [n], with its fraction; nan for silence.

    Every candidate sums the compressed spectrum at its harmonics, the fundamental weighing most; the best is then
    tuned by the peaks it stands on.
    """
    spectrum = _spectrum(sound, begin_s)
    if spectrum.max() <= 0:
        return float("nan")
    best = int(np.argmax(_scores(_heights((spectrum / spectrum.max()) ** POWER))))
    return _tuned(spectrum, float(_ladder()[best]))


def _spectrum(sound: np.ndarray, begin_s: float) -> np.ndarray:
    begin = int(begin_s * RATE_HZ)
    part = sound[begin : begin + int(LONG_S * RATE_HZ)]
    return np.abs(np.fft.rfft(part * np.hanning(len(part)), LONG_FFT))


@lru_cache
def _ladder() -> np.ndarray:
    """Frequencies in Hz, STEPS a semitone, from the lowest candidate up to half the rate."""
    bottom = hertz(LOWEST - 1)
    return bottom * 2 ** (np.arange(int(12 * STEPS * np.log2(RATE_HZ / 2 / bottom))) / (12 * STEPS))


def _heights(loud: np.ndarray) -> np.ndarray:
    """Most of the spectrum within a step of each rung of the ladder."""
    places = _ladder() / RATE_HZ * LONG_FFT
    reach = np.maximum(places * (2 ** (0.6 / (12 * STEPS)) - 1), 1)
    low, high = np.floor(places - reach).astype(int), np.ceil(places + reach).astype(int) + 1
    return np.array([loud[a:b].max(initial=0) for a, b in zip(low, high)])


def _scores(heights: np.ndarray) -> np.ndarray:
    """Of each candidate from LOWEST - 1 to HIGHEST + 1: what stands at its harmonics, less what stands between."""
    count = (HIGHEST - LOWEST + 2) * STEPS + 1
    scores, weighed = np.zeros(count), np.zeros(count)
    for k in range(1, HARMONICS + 1):
        scores += FADING ** (k - 1) * _at(heights, count, k)
        weighed += FADING ** (k - 1)
    for half in (0.5, 1.5, 2.5):  # an octave too high a comb leaves every second peak in its gaps
        scores -= BETWEEN * _at(heights, count, half)
    return scores


def _at(heights: np.ndarray, count: int, ratio: float) -> np.ndarray:
    """Heights at a ratio to each candidate, 0 beyond the spectrum."""
    places = np.arange(count) + round(12 * STEPS * np.log2(ratio))
    there = (places >= 0) & (places < len(heights))
    return np.where(there, heights[np.clip(places, 0, len(heights) - 1)], 0)


def _tuned(spectrum: np.ndarray, f0: float) -> float:
    """The pitch by the loudest peaks among the first harmonics, each told to a fraction of a bin."""
    votes = []
    for k in range(1, HARMONICS + 1):
        place = k * f0 / RATE_HZ * LONG_FFT
        reach = max(2, round(place * 0.006))
        low, high = round(place) - reach, round(place) + reach + 1
        if high >= len(spectrum) - 1:
            break
        top = low + int(np.argmax(spectrum[low:high]))
        before, here, after = np.log(spectrum[top - 1 : top + 2] + 1e-12)
        bend = before - 2 * here + after
        if bend < 0 and low < top < high - 1:
            votes.append(((top + 0.5 * (before - after) / bend) / k, spectrum[top] ** 2))
    if not votes:
        return float(69 + 12 * np.log2(f0 / 440))
    places, weights = np.array(votes).T
    place = np.average(places, weights=weights)
    return float(69 + 12 * np.log2(place * RATE_HZ / LONG_FFT / 440))
