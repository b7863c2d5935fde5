"""How sure the valve net may be: folds of whole groups, and from their unseen clips temperature and threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from heart.learning.classes.figures import fit_threshold
from heart.learning.valve_data import LABELS, Sound
from heart.learning.valve_net import RATE_HZ, SECONDS, Jury
from heart.learning.valve_train import pooled, targets_of

FOLDS = 5
WANTED = 0.9
"""Share of the answers that should be right, on groups never met."""
MOST_ABSTAINED = 0.3
LEAST = 0.4
"""No answer below this, however good the folds: two fifths for one of five labels is no more than a guess."""


@dataclass(frozen=True)
class Judgement:
    """Temperature of the logits, least probability for an answer, and what both are worth on unseen groups."""

    temperature: float
    abstain_below: float
    balanced_accuracy: float
    abstained: float
    accuracy_when_sure: float


def deal(sounds: Sequence[Sound], folds: int = FOLDS) -> list[list[str]]:
    """Groups dealt to folds, largest first, each to the fold that has least of its classes, then least of all.

    A class may lie almost wholly in one group; that fold must then do with the rest and the murmurs by the book.
    """
    targets, groups = targets_of(sounds), np.array([sound.group for sound in sounds])
    sizes = {group: np.bincount(targets[groups == group], minlength=len(LABELS)) for group in sorted(set(groups))}
    dealt: list[list[str]] = [[] for _ in range(folds)]
    held = np.zeros((folds, len(LABELS)))
    for group in sorted(sizes, key=lambda name: (-int(sizes[name].sum()), name)):
        alike = held[:, sizes[group] > 0].sum(1)
        at = min(range(folds), key=lambda k: (alike[k], held[k].sum(), k))
        dealt[at].append(str(group))
        held[at] += sizes[group]
    return [groups_of_one for groups_of_one in dealt if groups_of_one]


def weights_of(sounds: Sequence[Sound]) -> np.ndarray:
    """How much each sound counts, summing to 1: classes alike, a group of n by the root of n within its class."""
    keys = [(sound.label, sound.group) for sound in sounds]
    counts = {key: keys.count(key) for key in set(keys)}
    weights = np.array([counts[key] ** -0.5 for key in keys])
    targets = targets_of(sounds)
    for label in set(targets.tolist()):
        weights[targets == label] /= weights[targets == label].sum()
    return weights / weights.sum()


def fit_temperature(logits: Sequence[np.ndarray], targets: np.ndarray, weights: np.ndarray) -> float:
    """The temperature, 0.3 to 5, that makes the pooled probabilities of unseen clips most likely."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(5), 60))
    losses = [
        -(weights * np.log(pooled(logits, float(t))[np.arange(len(targets)), targets] + 1e-9)).sum() for t in grid
    ]
    return round(float(grid[int(np.argmin(losses))]), 3)


def about_nothing(jury: Jury) -> float:
    """The highest probability, 0..1, that a jury gives a label on silence, white noise, a tone and a click.

    Rumbling noise sounds like a murmur to it; refusing that is the work of the gate for hearts, which comes first.
    """
    rng, n = np.random.default_rng(0), round(SECONDS * RATE_HZ)
    click = np.eye(1, n, n // 2)
    sounds = [np.zeros((1, n)), rng.normal(0, 0.1, (8, n)), np.sin(np.arange(n) / 30)[None], click]
    judged = jury.cpu().eval()
    with torch.inference_mode():
        pooled_each = [judged(torch.from_numpy(sound.astype(np.float32))).mean(0) for sound in sounds]
    return max(float(probabilities.max()) for probabilities in pooled_each)


def least_sure(probabilities: np.ndarray, targets: np.ndarray, weights: np.ndarray, least: float = LEAST) -> float:
    """The least threshold, from `least`, with 90 % of the answers right, or the highest that leaves 70 %."""
    top, right = probabilities.max(1), probabilities.argmax(1) == targets
    return fit_threshold(top, right, weights, wanted=WANTED, most_abstained=MOST_ABSTAINED, least=max(least, LEAST))


def judge(logits: Sequence[np.ndarray], sounds: Sequence[Sound], least: float = LEAST) -> Judgement:
    """Temperature, threshold and honest figures from logits of nets that never met the group of the sound.

    least: a threshold below this is not considered, unless it would leave fewer than 70 % of the answers.
    """
    targets, weights = targets_of(sounds), weights_of(sounds)
    temperature = fit_temperature(logits, targets, weights)
    probabilities = pooled(logits, temperature)
    below = least_sure(probabilities, targets, weights, least)
    right, sure = probabilities.argmax(1) == targets, probabilities.max(1) >= below
    return Judgement(
        temperature,
        below,
        round(float((weights * right).sum()), 4),
        round(float(weights[~sure].sum()), 4),
        round(float((weights * right)[sure].sum() / max(weights[sure].sum(), 1e-9)), 4),
    )
