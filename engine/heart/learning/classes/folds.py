"""Folds for choosing: whole groups, whole sites, and the random one that leaks (kept for comparison only)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from heart.errors import UsageError

Fold = tuple[np.ndarray, np.ndarray]
"""int64 [n_train] and int64 [n_test]: places in the list of clips."""


def group_folds(targets: np.ndarray, groups: np.ndarray, splits: int = 5, seed: int = 0) -> list[Fold]:
    """Folds that keep every group whole and the classes balanced as far as groups allow.

    targets: int [n], groups: str [n]. Fewer folds come back where a class has fewer groups than `splits`
    (at least two), so that no fold has to learn a class it never saw. Where a class lies in one group only
    there are two folds, and one of them cannot know that class: its recall is then honestly zero.
    """
    learn = _model_selection()
    fewest = min(len(set(groups[targets == label])) for label in np.unique(targets))
    count = max(2, min(splits, fewest))
    if len(set(groups)) < count:
        raise UsageError("all clips lie in one group: there is nothing to hold out")
    folder = learn.StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return [(train, test) for train, test in folder.split(targets, targets, groups)]


def leave_one_site_out(sources: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each site its name, the places of all other clips, and its own."""
    sites = sorted(set(sources))
    if len(sites) < 2:
        raise UsageError("all clips come from one site: there is none to leave out")
    for site in sites:
        yield str(site), np.flatnonzero(sources != site), np.flatnonzero(sources == site)


def random_folds(targets: np.ndarray, splits: int = 5, seed: int = 0) -> list[Fold]:
    """Folds that know nothing of groups. LEAKY: twins of a test clip lie in train; for comparison only."""
    learn = _model_selection()
    count = max(2, min(splits, int(np.bincount(targets)[np.unique(targets)].min())))
    folder = learn.StratifiedKFold(count, shuffle=True, random_state=seed)
    return [(train, test) for train, test in folder.split(targets, targets)]


def _model_selection() -> Any:
    try:
        from sklearn import model_selection
    except ImportError:
        raise UsageError("needs scikit-learn: pip install 'sounds-of-the-heart[train]'") from None
    return model_selection
