"""Figures of a classifier, from its confusion matrix and its probabilities; numpy only.

Balanced accuracy: mean recall of the classes present (Brodersen et al., ICPR 2010). Calibration error: mean gap
between confidence and accuracy over ten bins of confidence (Guo et al., ICML 2017, eq. 3). Interval: percentile
bootstrap over whole groups (Field and Welsh, J. R. Stat. Soc. B 2007), because clips of one group err together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


def confusion(truth: np.ndarray, found: np.ndarray, k: int) -> np.ndarray:
    """int64 [k, k]: rows are the truth, columns what was found."""
    table = np.zeros((k, k), np.int64)
    np.add.at(table, (truth, found), 1)
    return table


def recall(table: np.ndarray) -> np.ndarray:
    """float [..., k] of confusions [..., k, k]; nan for a class that does not occur."""
    return _ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(-1), np.nan)


def precision(table: np.ndarray) -> np.ndarray:
    """float [..., k]; 0 for a class never found."""
    return _ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(-2), 0.0)


def f1(table: np.ndarray) -> np.ndarray:
    """float [..., k]: 2 TP / (2 TP + FP + FN); nan for a class that does not occur."""
    both = table.sum(-1) + table.sum(-2)
    score = _ratio(2 * np.diagonal(table, axis1=-2, axis2=-1), both, 0.0)
    return np.where(table.sum(-1) > 0, score, np.nan)


def balanced_accuracy(table: np.ndarray) -> np.ndarray:
    """float [...]: mean recall of the classes that occur."""
    return _mean(recall(table))


def macro_f1(table: np.ndarray) -> np.ndarray:
    """float [...]: mean F1 of the classes that occur."""
    return _mean(f1(table))


def accuracy(table: np.ndarray) -> float:
    """Share of all clips that were right."""
    return float(np.trace(table) / max(table.sum(), 1))


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """0..1 of probabilities [n, k]: by how much the top probability misses the share that is right, on average."""
    top, right = probabilities.max(1), probabilities.argmax(1) == truth
    place = np.minimum((top * bins).astype(int), bins - 1)
    gaps = [abs(top[place == b].mean() - right[place == b].mean()) * (place == b).sum() for b in np.unique(place)]
    return float(sum(gaps) / max(len(truth), 1))


@dataclass(frozen=True)
class Abstention:
    """What happens when the model may say nothing: share of clips unsaid, and accuracies of the rest."""

    below: float
    abstained: float
    accuracy: float | None
    balanced_accuracy: float | None


def abstention(probabilities: np.ndarray, truth: np.ndarray, below: float) -> Abstention:
    """Leave out clips whose top probability lies under `below`; accuracies are None where none is left."""
    said = probabilities.max(1) >= below
    if not said.any():
        return Abstention(below, 1.0, None, None)
    table = confusion(truth[said], probabilities[said].argmax(1), probabilities.shape[1])
    return Abstention(below, float(1 - said.mean()), accuracy(table), float(balanced_accuracy(table)))


def fit_threshold(
    top: np.ndarray, right: np.ndarray, weights: np.ndarray, *, wanted: float, most_abstained: float, least: float
) -> float:
    """The least top probability, a multiple of 0.01 from `least` up, at which `wanted` of the answers are right.

    top, right, weights: [n], weights summing to 1. Where that would leave out more than `most_abstained`, the
    highest that does not.
    """
    best = least
    for threshold in np.arange(np.ceil(100 * least) / 100, 0.96, 0.01):
        sure = top >= threshold
        if weights[~sure].sum() > most_abstained:
            break
        best = round(float(threshold), 2)
        if (weights * right)[sure].sum() >= wanted * weights[sure].sum():
            break
    return best


@dataclass(frozen=True)
class Interval:
    """95 % intervals of balanced accuracy and macro F1, low and high; None where none can be given.

    note: "" for a plain interval over groups, otherwise what it does not hold.
    """

    balanced_accuracy: tuple[float, float] | None
    macro_f1: tuple[float, float] | None
    note: str = ""


def interval(
    truth: np.ndarray, found: np.ndarray, groups: np.ndarray, labels: Sequence[str], seed: int = 0
) -> Interval:
    """Percentile bootstrap over groups, stratified by the class most of a group's clips have.

    truth, found: int [n]; groups: str [n]. A class that lies in a single group cannot show how much groups
    differ: its clips are drawn instead, and the note says that the interval is too narrow for it. Where every
    class is such a class there is no interval.
    """
    units, strata, alone = _units(truth, found, groups, len(labels))
    names = ", ".join(labels[label] for label in alone)
    if len(alone) == len(np.unique(strata)):
        return Interval(None, None, f"no interval: one group only for {names}")
    tables = _resampled(units, strata, seed)
    note = f"too narrow: one group only for {names}, whose clips were drawn instead" if alone else ""
    return Interval(_percentiles(balanced_accuracy(tables)), _percentiles(macro_f1(tables)), note)


def _units(
    truth: np.ndarray, found: np.ndarray, groups: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """What is drawn: confusions [u, k, k], the stratum of each [u], and the strata made of one group."""
    members = [np.flatnonzero(groups == group) for group in sorted(set(groups))]
    main = np.array([np.bincount(truth[m]).argmax() for m in members])
    alone = [int(label) for label in np.unique(main) if (main == label).sum() == 1]
    drawn = [part for m, label in zip(members, main) for part in ([[i] for i in m] if label in alone else [m])]
    strata = [label for m, label in zip(members, main) for _ in (m if label in alone else [m])]
    return np.array([confusion(truth[d], found[d], k) for d in drawn]), np.array(strata), alone


def _resampled(units: np.ndarray, strata: np.ndarray, seed: int) -> np.ndarray:
    """Confusions [RESAMPLES, k, k] of units drawn with replacement inside each stratum."""
    random = np.random.default_rng(seed)
    total = np.zeros((RESAMPLES, *units.shape[1:]))
    for stratum in np.unique(strata):
        own = units[strata == stratum]
        counts = random.multinomial(len(own), np.full(len(own), 1 / len(own)), RESAMPLES)
        total += np.tensordot(counts, own, 1)
    return total


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def _ratio(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(whole.shape, otherwise), where=whole > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0.0).sum(-1) / np.maximum(there.sum(-1), 1))
