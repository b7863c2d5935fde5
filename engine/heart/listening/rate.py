"""Heart rate, its variability, and how far to trust it.

The rate comes from the S1 onsets where the net is sure of them or they agree with the period after which the sound
repeats itself, else from that period alone (`rhythm`). An interval twice its neighbours is a missed beat and does
not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.listening.rhythm import Rhythm

MIN_TRUST = 0.5
"""Below this there is no trustworthy rhythm and bpm is None."""
MIN_HEART = 0.5
BPM_RANGE = (30.0, 220.0)
MISSED = 1.65
"""An interval beyond this many medians holds a missed beat."""
SURE = 0.65
"""Certainty from which an interval counts for the rate of a file."""
SURE_BEATS = 0.8
"""Certainty of a decoding from which its beats need no second witness."""
SAME_RATE = 0.03
"""Beats and rhythm within this relative distance are of one mind, and the beats are the finer measure."""
CHANGED = 0.18
"""A rate is taken for another one from this relative step on: more than breathing does to most hearts."""
EXTRA = 0.55
"""An interval under this share of the median has a false S1 at one of its ends."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a rhythm. Each 0..1, more is better.

    certainty: mean posterior of the decoded states; regularity: 1 - relative spread of RR; agreement: of beats and
    rhythm, 0 where they are a tenth apart; clearness: how plainly the sound repeats itself; heart: mean of the
    net's heart output; amount: intervals counted, full at 5.
    """

    certainty: float
    regularity: float
    agreement: float
    clearness: float
    heart: float
    amount: float

    def row(self) -> np.ndarray:
        """float64 [6], the order of the trust weights."""
        parts = (self.certainty, self.regularity, self.agreement, self.clearness, self.heart, self.amount)
        return np.array(parts)


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


def agreement(beats_bpm: float | None, rhythm: Rhythm | None) -> float:
    """1 where beats and rhythm give one rate, 0 from a tenth apart on, or without either."""
    if beats_bpm is None or rhythm is None:
        return 0.0
    return float(np.clip(1 - abs(np.log(beats_bpm / rhythm.bpm)) / 0.1, 0, 1))


def settle(beats_bpm: float | None, certainty: float, rhythm: Rhythm | None) -> float | None:
    """The rate to say: that of the beats where they are sure or the rhythm bears them out, else the rhythm's."""
    if rhythm is None or beats_bpm is None:
        return beats_bpm
    same = abs(beats_bpm / rhythm.bpm - 1) < SAME_RATE
    return beats_bpm if certainty >= SURE_BEATS or same else rhythm.bpm
