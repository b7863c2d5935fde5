"""Batches for the valve net: every class equally often, every group of a class nearly so, every tape disguised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heart.learning.valve_changes import FRAMES, changed, crop, filled
from heart.learning.valve_data import LABELS, Sound
from heart.learning.valve_murmurs import afflict, usable

SOURCE_FRAMES = round(FRAMES * 1.4)
"""Frames cut from a recording, enough for the quickest speed."""
GROUP_POWER = 0.3
"""A group of n clips is drawn as often as n ** 0.3: take by take, but singletons not as often as whole tapes."""


@dataclass(frozen=True)
class Mix:
    """Shares of a batch, 0..1: the labelled clips (the rest are murmurs by the book), and windows that are blended
    with another (mixup; Zhang et al., ICLR 2018)."""

    own: float = 0.5
    mixup: float = 0.3


class Batches:
    """An endless source of windows.

    own: labelled clips, may be empty; hearts: annotated normal recordings, to be given lesions.
    """

    def __init__(self, own: Sequence[Sound], hearts: Sequence[Sound], mix: Mix, seed: int, size: int = 64) -> None:
        self.rng, self.size, self.mix = np.random.default_rng(seed), size, mix
        self.own = _by_class(own)
        self.hearts = [sound for sound in hearts if usable(sound.states)]
        self.others = [*own, *hearts]

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 [size, MELS, FRAMES] powers and float32 [size, 5] targets, each row summing to 1."""
        windows = [self._window() for _ in range(self.size)]
        powers = np.stack([powers / max(float(powers.max()), 1e-12) for powers, _ in windows])
        targets = np.eye(len(LABELS), dtype=np.float32)[[label for _, label in windows]]
        blend = np.where(self.rng.random(self.size) < self.mix.mixup, self.rng.beta(0.4, 0.4, self.size), 1.0)
        blend = np.maximum(blend, 1 - blend).astype(np.float32)
        partner = self.rng.permutation(self.size)
        logs = np.log(powers + 1e-6)
        logs = logs * blend[:, None, None] + logs[partner] * (1 - blend[:, None, None])
        targets = targets * blend[:, None] + targets[partner] * (1 - blend[:, None])
        return np.exp(logs).transpose(0, 2, 1).astype(np.float32), targets.astype(np.float32)

    def _window(self) -> tuple[np.ndarray, int]:
        draw, label = self.rng.random(), int(self.rng.integers(len(LABELS)))
        if self.own and (draw < self.mix.own or not self.hearts):
            sound = self._pick(LABELS[label])
            powers, _ = crop(self.rng, sound.powers, SOURCE_FRAMES)
        else:
            powers = self._afflicted(LABELS[label])
        other, _ = crop(self.rng, self.others[self.rng.integers(len(self.others))].powers, FRAMES)
        return changed(self.rng, powers, filled(other, FRAMES)), label

    def _pick(self, label: str) -> Sound:
        groups = list(self.own[label].values())
        often = np.array([len(group) for group in groups]) ** GROUP_POWER
        group = groups[self.rng.choice(len(groups), p=often / often.sum())]
        return group[self.rng.integers(len(group))]

    def _afflicted(self, label: str) -> np.ndarray:
        sound = self.hearts[self.rng.integers(len(self.hearts))]
        assert sound.states is not None
        for _ in range(8):  # until a stretch is found that is annotated throughout
            powers, start = crop(self.rng, sound.powers, SOURCE_FRAMES)
            states = sound.states[start : start + SOURCE_FRAMES]
            if (states >= 0).all():
                break
        return afflict(self.rng, powers, states, label)


def _by_class(sounds: Sequence[Sound]) -> dict[str, dict[str, list[Sound]]]:
    """Sounds by label and group."""
    classes: dict[str, dict[str, list[Sound]]] = {}
    for sound in sounds:
        classes.setdefault(sound.label, {}).setdefault(sound.group, []).append(sound)
    return classes
