"""What spread and trunk alone say of a scene: a softmax regression, solved exactly before the LSTM learns.

Few recordings are better served by few parameters: cross-validated by group, this regression is as good as nets a
hundred times its size. The nets start from it and learn what it misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from heart.learning.fold_school import windows
from heart.learning.nets.scene import RATE_HZ, Front, SceneNet
from heart.learning.scene_data import FRAMES, LABELS, SceneSounds

HOP = round(1.25 * RATE_HZ)
ELSEWHERE = 0.1
"""How much a recording of another collection counts against one of PASCAL; chosen by cross-validation."""
STRENGTH = 0.1
"""Inverse of the pull towards zero; chosen by cross-validation among 0.003 to 1."""
STEPS = 60


@dataclass(frozen=True)
class Statistics:
    """Windows of all training sounds.

    values: float32 [w, Front.told]. clip: int [w], the clip's place, -1 for elsewhere. label: int [w], which
    counts where the clip is -1. weight: [w], how much a window counts; all of one clip of PASCAL together count 1.
    """

    values: np.ndarray
    clip: np.ndarray
    label: np.ndarray
    weight: np.ndarray


def statistics_of(sounds: SceneSounds, front: Front) -> Statistics:
    """Statistics of PASCAL's train clips, then of what comes from elsewhere."""
    own = [_of(sound, front) for sound in sounds.sounds]
    parts = [(rows, k, -1, 1.0) for k, rows in enumerate(own)]
    for label, name in enumerate(LABELS):
        parts += [(_of(sound, front), -1, label, ELSEWHERE) for sound in sounds.elsewhere.get(name, ())]
    spans = [len(rows) for rows, *_ in parts]
    columns = [np.repeat([part[i] for part in parts], spans) for i in (1, 2)]
    weight = np.repeat([part[3] / len(part[0]) for part in parts], spans)
    return Statistics(np.concatenate([part[0] for part in parts]), columns[0], columns[1], weight)


def settled_net(known: Statistics, targets: np.ndarray, places: np.ndarray) -> SceneNet:
    """A net settled by the clips at `places` and those of elsewhere; targets: int, of all clips."""
    chosen = np.isin(known.clip, [-1, *places])
    labels = np.where(known.clip[chosen] < 0, known.label[chosen], targets[known.clip[chosen]])
    net = SceneNet(len(LABELS), statistics=known.values.shape[1])
    net.settle(*regression(known.values[chosen], labels, known.weight[chosen], len(places)))
    return net


def regression(
    values: np.ndarray, labels: np.ndarray, weight: np.ndarray, total: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Softmax regression by L-BFGS, every class weighing total / classes.

    values: [n, f]; labels: int [n]; weight: [n]. Returns mean [f], deviation [f], weights [k, f], bias [k].
    """
    x = torch.from_numpy(values).double()
    mean, deviation = x.mean(0), x.std(0).clamp(min=1e-3)
    x, y = (x - mean) / deviation, torch.from_numpy(labels)
    counts = _balanced(torch.from_numpy(weight).double(), y, total)
    w = torch.zeros(len(LABELS), x.shape[1], dtype=torch.double, requires_grad=True)
    b = torch.zeros(len(LABELS), dtype=torch.double, requires_grad=True)
    solver = torch.optim.LBFGS([w, b], max_iter=STEPS, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        solver.zero_grad()
        miss = functional.cross_entropy(x @ w.T + b, y, reduction="none")
        value = (counts * miss).sum() + w.square().sum() / (2 * STRENGTH)
        value.backward()
        return value

    solver.step(cost)
    return mean.float(), deviation.float(), w.detach().float(), b.detach().float()


def _balanced(weight: torch.Tensor, labels: torch.Tensor, total: float) -> torch.Tensor:
    sums: Sequence[torch.Tensor] = [weight[labels == k].sum().clamp(min=1e-9) for k in range(len(LABELS))]
    return weight * total / len(LABELS) / torch.stack(list(sums))[labels]


def _of(sound: np.ndarray, front: Front) -> np.ndarray:
    with torch.no_grad():
        _, statistics = front(torch.from_numpy(windows(sound, FRAMES, HOP)))
    return np.asarray(statistics.numpy())
