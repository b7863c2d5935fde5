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


def r_peaks(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    """Samples of the R peaks of a signal float [n], none in what is missing (NaN): float64 [peaks].

    Raises UsageError without neurokit2.
    """
    try:
        import neurokit2
    except ImportError:
        raise UsageError(EXTRA) from None
    signal, known = np.asarray(signal, float), np.isfinite(signal)
    if known.sum() < rate_hz or np.ptp(signal[known]) == 0:
        return np.zeros(0)
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
    return np.asarray(peaks[known[peaks.astype(int)]], float)


def first_of_pairs(times_s: np.ndarray) -> np.ndarray:
    """bool [n]: which of ascending times are no second of a pair within APART_S."""
    kept, last = np.zeros(len(times_s), bool), -np.inf
    for number, moment_s in enumerate(times_s):
        if moment_s - last >= APART_S:
            kept[number], last = True, moment_s
    return kept


def _centred(found: np.ndarray, clean: np.ndarray, near: int) -> np.ndarray:
    """Found beats moved onto the greatest swing of the band-passed signal within `near` samples: the detector marks
    where its energy peaks, some hundredths of a second beside the R, and not always the same."""
    spans = [(max(0, at - near), min(len(clean), at + near + 1)) for at in found]
    return np.array([first + np.argmax(np.abs(clean[first:last])) for first, last in spans], float)
