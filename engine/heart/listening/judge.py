"""A plain judge of where beats sound. It shares no code with the beat clock, the voice or the ear's net.

Envelope of the lowest band, its peaks, and where each began to rise: what a person would mark on a plot.
Used to measure sung beats against the asked schedule.

The constants were chosen on training recordings alone (the five-class set by its marks at 20 ms, three sites of
CinC 2016 by their hand labels at 40 ms), but for LEAST_APART_S, which the heart sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, find_peaks, hilbert, sosfiltfilt

BAND_HZ = (25.0, 110.0)
"""Here are S1 and S2; most of a murmur lies above."""
SMOOTH_HZ = 15.0
RATE_HZ = 1_000.0
"""The envelope is looked at on this grid."""

LEAST_PART = 0.12
"""A peak counts from this part of the loud peaks (98th percentile) on."""
LEAST_PROMINENCE = 0.2
"""A peak stands out by this part of the loud peaks; ripples of a murmur do not."""
LEAST_APART_S = 0.13
"""Of two onsets nearer than this the louder one counts: systole is longer, the way to a click is not."""
RISE_MS = 100
"""A sound rises to its peak within this time, also one that is split in two..."""
RISE_PART = 0.25
"""... and begins where it last passes this part of its rise: between the halves of a split S1 it stays above."""


@dataclass(frozen=True)
class Score:
    """How found times agree with asked ones."""

    f1: float
    precision: float
    recall: float
    lag_ms: float
    """Median of found minus asked, taken out before counting: perception and envelope have a delay."""
    spread_ms: float
    """Median absolute deviation of the matched times."""
    asked: int


def onsets(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Times in s at which low, short sounds begin; `sound` float [n]."""
    envelope = envelope_of(sound, rate_hz)
    loud = np.percentile(envelope, 98) if len(envelope) else 0.0
    if loud <= 0:
        return np.zeros(0)
    peaks, _ = find_peaks(envelope, height=LEAST_PART * loud, prominence=LEAST_PROMINENCE * loud)
    kept: list[int] = []
    for peak in sorted(peaks, key=lambda peak: -envelope[peak]):
        onset = _onset(envelope, peak)
        if all(abs(onset - other) >= LEAST_APART_S * RATE_HZ for other in kept):
            kept.append(onset)
    return np.sort(kept) / RATE_HZ


def envelope_of(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Smooth envelope of BAND_HZ at RATE_HZ: float64 [seconds * RATE_HZ]."""
    band = butter(3, BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    smooth = butter(2, SMOOTH_HZ, fs=rate_hz, output="sos")
    raw = np.abs(hilbert(sosfiltfilt(band, np.asarray(sound, np.float64))))
    fine = np.maximum(sosfiltfilt(smooth, raw), 0.0)
    return np.interp(np.arange(0, len(fine) / rate_hz, 1 / RATE_HZ), np.arange(len(fine)) / rate_hz, fine)


def score(found_s: np.ndarray, asked_s: np.ndarray, tolerance_s: float = 0.04) -> Score:
    """Match found and asked times one to one, within the tolerance, after taking out one common lag."""
    found_s, asked_s = np.sort(found_s), np.sort(asked_s)
    if not len(asked_s) or not len(found_s):
        return Score(0.0, 0.0, 0.0, 0.0, 0.0, len(asked_s))
    nearest = found_s[np.abs(found_s[None] - asked_s[:, None]).argmin(1)] - asked_s
    lag_s = float(np.median(nearest[np.abs(nearest) < 0.12])) if (np.abs(nearest) < 0.12).any() else 0.0
    errors = _matched(found_s - lag_s, asked_s, tolerance_s)
    precision, recall = len(errors) / len(found_s), len(errors) / len(asked_s)
    f1 = 2 * precision * recall / (precision + recall) if errors else 0.0
    spread = float(np.median(np.abs(errors))) if errors else 0.0
    return Score(f1, precision, recall, 1000 * lag_s, 1000 * spread, len(asked_s))


def _matched(found_s: np.ndarray, asked_s: np.ndarray, tolerance_s: float) -> list[float]:
    errors, i, j = [], 0, 0
    while i < len(found_s) and j < len(asked_s):
        error = float(found_s[i] - asked_s[j])
        if abs(error) <= tolerance_s:
            errors.append(error)
            i, j = i + 1, j + 1
        elif error < 0:
            i += 1
        else:
            j += 1
    return errors


def _onset(envelope: np.ndarray, peak: int) -> int:
    """Where the sound of a peak began: where it last passed RISE_PART of its rise."""
    rise = envelope[max(0, peak - RISE_MS) : peak + 1]
    below = np.flatnonzero(rise <= rise.min() + RISE_PART * (rise[-1] - rise.min()))
    return peak + 1 - len(rise) + int(below[-1])
