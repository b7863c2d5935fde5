"""Heart rate, its variability, and how far to trust it.

The rate comes from the S1 onsets; the autocorrelation of the net's S1 probability is asked whether it
agrees. Half and
double rates are fought where they arise, in the decoder (systole shorter than diastole, durations that belong to
one rate), and here: an interval twice its neighbours is a missed beat and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.listening.features import STEPS_PER_S

MIN_TRUST = 0.5
"""Below this there is no trustworthy rhythm and bpm is None."""
MIN_HEART = 0.5
BPM_RANGE = (30.0, 220.0)
MISSED = 1.65
"""An interval beyond this many medians holds a missed beat."""
SURE = 0.65
"""Certainty from which an interval counts for the rate of a file."""
CHANGED = 0.18
"""A rate is taken for another one from this relative step on: more than breathing does to most hearts."""
EXTRA = 0.55
"""An interval under this share of the median has a false S1 at one of its ends."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a rhythm. Each 0..1, more is better.

    certainty: mean posterior of the decoded states; regularity: 1 - relative spread of RR; agreement:
    autocorrelation of
    P(S1) at the RR, against the best lag; heart: mean of the net's heart output; amount: intervals
    counted, full at 5.
    """

    certainty: float
    regularity: float
    agreement: float
    heart: float
    amount: float

    def row(self) -> np.ndarray:
        """float64 [5], the order of the trust weights."""
        return np.array([self.certainty, self.regularity, self.agreement, self.heart, self.amount])


def trust(evidence: Evidence, weights: np.ndarray) -> float:
    """Chance, 0..1, that bpm is within 5 of the truth: logistic in the evidence (fitted by
    `learning.ear_calibrate`)."""
    if evidence.amount == 0.0:
        return 0.0
    logit = float(evidence.row() @ weights[:-1] + weights[-1])
    return float(0.5 + 0.5 * np.tanh(0.5 * logit))


def sound_intervals(s1_s: np.ndarray) -> np.ndarray:
    """bool [n - 1]: which RR intervals are real, neither holding a missed beat nor ending on a false one."""
    rr = np.diff(s1_s)
    if not len(rr):
        return np.zeros(0, bool)
    near = np.array([np.median(rr[max(0, k - 4) : k + 5]) for k in range(len(rr))])
    in_range = (rr >= 60 / BPM_RANGE[1]) & (rr <= 60 / BPM_RANGE[0])
    return np.asarray((rr > EXTRA * near) & (rr < MISSED * near) & in_range)


def bpm_of(rr_s: np.ndarray) -> float | None:
    """60 over the mean RR; None without intervals."""
    return float(60.0 / rr_s.mean()) if len(rr_s) else None


def certain_bpm(rr_s: np.ndarray, certainty: np.ndarray) -> float | None:
    """Rate of the intervals that the net was sure of, and that lie within a third of their median.

    rr_s, certainty: [n]. Where noise covers beats the decoder still lays some; those must not shift the rate. Where
    most are unsure, the bar falls to a tenth under their median. None without intervals.
    """
    if not len(rr_s):
        return None
    needed = min(SURE, 0.9 * float(np.median(certainty)))
    sure = rr_s[certainty >= needed]
    middle = float(np.median(sure))
    return bpm_of(sure[np.abs(sure / middle - 1) < 1 / 3])


def since_change(rr_s: np.ndarray) -> np.ndarray:
    """The newest intervals that belong together: when the last three agree among themselves, but not with those
    before, the heart has changed its rate and the older ones only hold the ear back."""
    if len(rr_s) < 4:
        return rr_s
    newest = rr_s[-3:]
    middle = float(np.median(newest))
    agree = np.abs(newest / middle - 1).max() < 0.07
    if not agree or abs(float(np.median(rr_s[:-3])) / middle - 1) < CHANGED:
        return rr_s
    alien = np.nonzero(np.abs(rr_s / middle - 1) > CHANGED)[0]
    return rr_s[alien[-1] + 1 :] if len(alien) else rr_s


def sdnn_ms(rr_s: np.ndarray) -> float | None:
    """Standard deviation of RR (ddof 1); None with fewer than three."""
    return float(rr_s.std(ddof=1) * 1e3) if len(rr_s) > 2 else None


def rmssd_ms(s1_s: np.ndarray) -> float | None:
    """Root mean square of differences between unbroken neighbouring RR; None with fewer than two differences."""
    good = sound_intervals(s1_s)
    step = np.diff(np.diff(s1_s))[good[1:] & good[:-1]]
    return float(np.sqrt((step**2).mean()) * 1e3) if len(step) > 1 else None


def regularity(rr_s: np.ndarray) -> float:
    """1 for a metronome, 0 where the middle of the RR spread is as wide as a third of their median."""
    if len(rr_s) < 2:
        return 0.5
    middle = float(np.median(rr_s))
    return float(np.clip(1 - 3 * np.median(np.abs(rr_s - middle)) / middle, 0, 1))


def agreement(p_s1: np.ndarray, rr_s: float) -> float:
    """How well P(S1), [steps], repeats after rr_s seconds (give or take 60 ms), against its best lag. 0..1."""
    x = p_s1 - p_s1.mean()
    longest = min(len(x) - 25, int(60 / BPM_RANGE[0] * STEPS_PER_S))
    shortest = int(60 / BPM_RANGE[1] * STEPS_PER_S)
    if longest <= shortest or not x.any():
        return 0.0
    size = 1 << int(2 * len(x) - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    whole = np.fft.irfft(spectrum * spectrum.conj(), size)[: longest + 1]
    whole = whole / (len(x) - np.arange(longest + 1)) * len(x)
    lag = round(rr_s * STEPS_PER_S)
    here = whole[max(lag - 3, shortest) : lag + 4].max(initial=0.0)
    return float(np.clip(here / max(whole[shortest:].max(), 0.2 * whole[0], 1e-9), 0, 1))
