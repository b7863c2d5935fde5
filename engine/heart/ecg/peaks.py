"""R peaks of an ECG: neurokit2's Pan and Tompkins, its settling and its misplacements mended.

`pantompkins1985` has F1 0.99 within 150 ms on the MIT-BIH Arrhythmia Database. Runs in the child process of
`heart.ecg.reader` alone, because neurokit2 is heavy.
"""

from __future__ import annotations

import numpy as np

from heart.errors import UsageError

EXTRA = "reading ECG records needs wfdb, edfio and neurokit2: pip install 'sounds-of-the-heart[ecg]'"
SETTLING_S = 4.0
NEAR_S = 0.12
"""How far beside an R the detector may mark it."""
APART_S = 0.2
"""No heart beats twice within this: the second of such a pair is no beat."""
EDGE_PART = 0.75
"""A swing that leaves the signal so far from where it was, as a part of itself, is the edge of a calibration pulse
or an electrode's: an R comes back. Over 23 MIT-BIH and 14 normal records F1 rises from 0.989 to 0.990, and is no
longer 59 % in one that begins with a calibration."""
BESIDE_S, SWING_S = (0.08, 0.2), 0.08


def r_peaks(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    """Samples of the R peaks of a signal float [n], none in what is missing (NaN): float64 [peaks].

    Raises UsageError without neurokit2.
    """
    signal, known = np.asarray(signal, float), np.isfinite(signal)
    if known.sum() < rate_hz or np.ptp(signal[known]) == 0:
        return np.zeros(0)
    try:
        import neurokit2
    except ImportError:
        raise UsageError(EXTRA) from None
    # What is missing is bridged: a step would be the greatest R of all.
    places = np.arange(len(signal))
    whole = np.interp(places, places[known], signal[known])
    # Mirrored ends: the detector finds its thresholds in the first seconds, and errs in them.
    pad = min(round(SETTLING_S * rate_hz), len(whole) - 1)
    clean = neurokit2.ecg_clean(np.pad(whole, pad, "reflect"), sampling_rate=rate_hz, method="pantompkins1985")
    try:
        _, found = neurokit2.ecg_peaks(clean, sampling_rate=rate_hz, method="pantompkins1985")
    except IndexError:  # neurokit2's way of saying that there is no peak
        return np.zeros(0)
    peaks = _centred(np.asarray(found["ECG_R_Peaks"], int), clean, round(NEAR_S * rate_hz)) - pad
    peaks = peaks[(peaks >= 0) & (peaks < len(signal))]
    peaks = peaks[known[peaks.astype(int)]]
    return np.asarray(peaks[_comes_back(whole, peaks.astype(int), rate_hz)], float)


def first_of_pairs(times_s: np.ndarray) -> np.ndarray:
    """bool [n]: which of ascending times are no second of a pair within APART_S."""
    kept, last = np.zeros(len(times_s), bool), -np.inf
    for number, moment_s in enumerate(times_s):
        if moment_s - last >= APART_S:
            kept[number], last = True, moment_s
    return kept


def _comes_back(signal: np.ndarray, peaks: np.ndarray, rate_hz: float) -> np.ndarray:
    """bool [peaks]: is the signal after a peak about where it was before (see EDGE_PART)?"""

    def near(first_s: float, last_s: float) -> np.ndarray:
        offsets = np.arange(round(first_s * rate_hz), round(last_s * rate_hz) + 1)
        return np.asarray(signal[(peaks[:, None] + offsets).clip(0, len(signal) - 1)])

    left, right = near(-BESIDE_S[1], -BESIDE_S[0]), near(*BESIDE_S)
    moved = np.abs(np.median(right, axis=1) - np.median(left, axis=1))
    return np.asarray(moved <= EDGE_PART * np.ptp(near(-SWING_S, SWING_S), axis=1))


def _centred(found: np.ndarray, clean: np.ndarray, near: int) -> np.ndarray:
    """Found beats moved onto the greatest swing of the band-passed signal within `near` samples: the detector marks
    where its energy peaks, some hundredths of a second beside the R, and not always the same."""
    spans = [(max(0, at - near), min(len(clean), at + near + 1)) for at in found]
    return np.array([first + np.argmax(np.abs(clean[first:last])) for first, last in spans], float)
