"""How much the intervals between beats vary: SDNN, RMSSD and pNN50, from beats that are certain.

The measures of the Task Force of ESC and NASPE (Circulation 1996), over neighbours only where both intervals are
certain: one beat guessed under noise would weigh more than all breathing. What is irregular in itself stays in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.listening import rate

PLENTY = 20
"""Intervals from which there are enough of them."""
STEP_S = 0.05
"""pNN50 counts neighbouring intervals further apart than this."""
WEIGHTS = np.array([6.0, 4.0, 2.0, 2.0, -9.0])
"""Trust of an ear that was never fitted: plain sense, the order of `Evidence.row`."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a variability. Each 0..1, more is better.

    certainty: median certainty of the intervals; counted: share of them that count; regularity: of those, as
    `rate.regularity`; amount: how many, full at PLENTY.
    """

    certainty: float
    counted: float
    regularity: float
    amount: float

    def row(self) -> np.ndarray:
        """float64 [4], the order of the trust weights."""
        return np.array((self.certainty, self.counted, self.regularity, self.amount))


@dataclass(frozen=True)
class Variability:
    """sdnn_ms, rmssd_ms; pnn50: share 0..1. None: too few intervals to say."""

    sdnn_ms: float | None
    rmssd_ms: float | None
    pnn50: float | None
    evidence: Evidence | None

    def trust(self, weights: np.ndarray) -> float:
        """Chance, 0..1, that SDNN is within 9 ms and RMSSD within 14 ms of the heart's own (fitted by
        `learning.ear_calibrate`). weights: [5], logistic, bias last."""
        if self.evidence is None or self.rmssd_ms is None:
            return 0.0
        logit = float(self.evidence.row() @ weights[:-1] + weights[-1])
        return float(0.5 + 0.5 * np.tanh(0.5 * logit))


UNKNOWN = Variability(None, None, None, None)


def certain_intervals(s1_s: np.ndarray, certainty: np.ndarray) -> np.ndarray:
    """bool [n - 1]: which intervals count. s1_s: [n]; certainty: [n - 1], 0..1, of each interval.

    Where most are unsure the bar falls with them, and the trust with it.
    """
    if not len(certainty):
        return np.zeros(0, bool)
    needed = min(rate.SURE, 0.9 * float(np.median(certainty)))
    return np.asarray(rate.sound_intervals(s1_s) & (certainty >= needed))


def steps_s(s1_s: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Differences of neighbouring intervals that both count, [steps]."""
    return np.asarray(np.diff(np.diff(s1_s))[good[1:] & good[:-1]])


def pnn50(step_s: np.ndarray) -> float | None:
    """Share of steps beyond 50 ms, 0..1; None with fewer than two."""
    return float((np.abs(step_s) > STEP_S).mean()) if len(step_s) > 1 else None


def variability(s1_s: np.ndarray, certainty: np.ndarray) -> Variability:
    """Of a whole sound. s1_s: [n] onsets of S1; certainty: [n - 1] of each interval, 0..1."""
    good = certain_intervals(s1_s, certainty)
    rr_s = np.diff(s1_s)[good] if len(good) else np.zeros(0)
    if len(rr_s) < 3:
        return UNKNOWN
    step_s = steps_s(s1_s, good)
    rmssd_ms = float(np.sqrt((step_s**2).mean()) * 1e3) if len(step_s) > 1 else None
    amount = min(len(rr_s) / PLENTY, 1.0)
    evidence = Evidence(float(np.median(certainty)), float(good.mean()), rate.regularity(rr_s), amount)
    return Variability(rate.sdnn_ms(rr_s), rmssd_ms, pnn50(step_s), evidence)
