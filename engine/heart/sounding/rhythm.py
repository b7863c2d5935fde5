"""When beats come: variation of the RR interval, ectopic and missing beats, fibrillation, systole. numpy only.

Everything is a function of (settings, seed, beat number): what was rewound comes back the same.

Variation at rest: a breathing wave of one breath in 4.6 beats (the resting pulse-respiration quotient lies
between 4 and 5; Scholkmann and Wolf, Frontiers in Physiology 2019), a slower blood pressure wave and noise.
Their shares of the squared RMSSD are fixed, so any RMSSD can be asked for; SDNN then comes out about equal
to RMSSD, as it does in short recordings at rest.

Patterns (records.PATTERNS):

    sinus       nothing but the variation
    pvc         single premature ventricular beats, `ectopy` of all beats
    bigeminy    every second beat is one
    trigeminy   every third
    couplet     two in a row, `ectopy` of all beats
    skipped     after `ectopy` of the beats one is missing
    af          atrial fibrillation: RR intervals irregularly irregular

A premature ventricular beat leaves the sinus node alone, so the beat after it comes when it would have come
anyway: the pause is fully compensatory, and coupling interval and pause are together two sinus intervals
(Braunwald's Heart Disease, "Specific arrhythmias"). It finds the ventricle hardly filled: a short systole,
and a second sound that is faint or absent.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

MIN_DIASTOLE_MS = 90.0
_BREATH_BEATS, _PRESSURE_BEATS = 4.6, 17.3
_SHARES = (0.60, 0.05, 0.35)
"""Parts of RMSSD squared: breathing, pressure wave, noise."""
_BLOCK = 32
"""Beats after which rate and RMSSD have been met."""
COUPLING = 0.6
"""From a beat to the premature one after it, as part of the RR interval it shortens."""
REFRACTORY_MS = 250.0
"""... but no sooner than this: the ventricle cannot answer earlier."""
ECTOPIC_LEVELS = (0.85, 0.2)
"""S1 and S2 of a premature beat against those of a sinus beat: S2 14 dB weaker."""
FIBRILLATION_CV = 0.24
"""Standard deviation of RR over its mean in atrial fibrillation (Tateno and Glass, Medical and Biological
Engineering and Computing 2001); its distribution is near a gamma's."""
_FIBRILLATION_PARTS = (0.45, 2.2)
_RUNS = {"pvc": 1, "skipped": 1, "couplet": 2}
"""Ectopic beats in a row, of the patterns that fall where chance has them."""
_PERIODS = {"bigeminy": 2, "trigeminy": 3}


def systole_ms(rr_ms: float, share: float = 1.0) -> float:
    """Time from S1 to S2 at a given RR interval, in ms; `share` 0.7..1.3 shortens or lengthens it.

    Weissler's regression of left ventricular ejection time on rate (LVET = 413 - 1.7 HR for men;
    Weissler, Harris, Schoenfeld, Circulation 1968) plus 30 ms of isovolumic contraction before it.
    Held between 150 ms (before `share`) and what leaves MIN_DIASTOLE_MS before the next beat.
    """
    law_ms = 443.0 - 1.7 * 60_000.0 / rr_ms
    return float(min(share * max(law_ms, 150.0), rr_ms - MIN_DIASTOLE_MS))


def variation_ms(seed: int, n: int, rmssd_ms: float) -> float:
    """Deviation of the RR interval of beat n (from 0) from its mean, in ms."""
    return rmssd_ms * float(_variation(abs(int(seed)), n // _BLOCK)[n % _BLOCK])


@lru_cache(maxsize=64)
def _variation(seed: int, block: int) -> np.ndarray:
    """Deviations of the beats of a block for an RMSSD of 1: float64 [_BLOCK], of mean 0 and RMSSD 1 exactly.

    So rate and variability are met within every half minute, and not only in the long run.
    """
    n = block * _BLOCK + np.arange(_BLOCK)
    phases = np.random.default_rng([seed, 2**32]).uniform(0, 2 * math.pi, 2)
    values = math.sqrt(_SHARES[2] / 2) * np.random.default_rng([seed, block]).standard_normal(_BLOCK)
    for phase, beats, share in zip(phases, (_BREATH_BEATS, _PRESSURE_BEATS), _SHARES):
        # A wave's successive differences have the mean square 2 (amplitude sin(pi / beats))^2.
        amplitude = math.sqrt(share / 2) / math.sin(math.pi / beats)
        values += amplitude * np.sin(2 * math.pi * n / beats + phase)
    values -= values.mean()
    return values / math.sqrt(np.mean(np.diff(values) ** 2))


def sinus_ms(seed: int, n: int, mean_ms: float, rmssd_ms: float) -> float:
    """RR interval of beat n at rest: held within half and one and a half of its mean."""
    rr_ms = mean_ms + variation_ms(seed, n, rmssd_ms)
    return min(max(rr_ms, 0.5 * mean_ms), 1.5 * mean_ms)


def fibrillation_ms(seed: int, n: int, mean_ms: float) -> float:
    """RR interval of beat n in atrial fibrillation: no beat knows of the one before."""
    shape = FIBRILLATION_CV**-2
    part = np.random.default_rng([abs(int(seed)), n, 1]).gamma(shape, 1 / shape)
    return mean_ms * float(np.clip(part, *_FIBRILLATION_PARTS))


def coupling_ms(sinus_rr_ms: float) -> float:
    """Time from a beat to the premature one that follows it."""
    return max(COUPLING * sinus_rr_ms, min(REFRACTORY_MS, sinus_rr_ms))


def is_ectopic(pattern: str, ectopy: float, seed: int, n: int) -> bool:
    """Whether beat n (from 0) is premature; with "skipped" whether one is missing before it."""
    if n < 1 or pattern in ("sinus", "af"):
        return False
    if pattern in _PERIODS:
        return n % _PERIODS[pattern] == _PERIODS[pattern] - 1
    run = _RUNS[pattern]
    return any(_begins(ectopy / run, run, seed, n - back) for back in range(min(run, n)))


def _begins(share: float, run: int, seed: int, n: int) -> bool:
    """Whether chance lets a run of ectopic beats begin at beat n; more than a run apart from all others.

    Each beat draws a number. A run begins where it is below a bound and the least of all within `run` beats on
    either side, which happens to (1 - (1 - bound)^width) / width of the beats, width = 2 run + 1.
    """
    width = 2 * run + 1
    bound = 1 - max(0.0, 1 - width * share) ** (1 / width)
    mine = _draw(seed, n)
    near = (n + step for step in range(-run, run + 1) if step)
    return mine < bound and all(mine < _draw(seed, other) for other in near)


def _draw(seed: int, n: int) -> float:
    return float(np.random.default_rng([abs(int(seed)), n + 8, 2]).random())


def balance_levels(balance: float) -> tuple[float, float]:
    """Levels of S1 and S2 for a balance of -1 (S1 alone) .. 0 (as sung) .. 1 (S2 alone).

    The other one is turned down by BALANCE_DB * abs(balance) dB, and silent at the very end.
    """
    lower = 0.0 if abs(balance) >= 1 else 10 ** (-BALANCE_DB * abs(balance) / 20)
    return (lower, 1.0) if balance > 0 else (1.0, lower)


BALANCE_DB = 30.0
"""What a balance just short of 1 takes away."""
