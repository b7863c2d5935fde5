"""What a Dance Diffusion net learns, and the sounds it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from heart.audio import read_audio
from heart.errors import FileError
from heart.learning.ear_data import read_manifest
from heart.sounding.dance.net import DanceShape

RATE = 4e-5
"""Of the full net; narrow ones learn faster, see `learning_rate`."""
WIDTH = 512
SOURCE = "yaseen2018"
SMALL = DanceShape(channels=2, widths=(32, 32, 48, 64, 96, 96, 96, 96), attention=2)


@dataclass(frozen=True)
class Lesson:
    """What is learnt and how; the defaults make a small net of hearts in half an hour on a CPU."""

    shape: DanceShape = SMALL
    rate_hz: int = 4_000
    samples: int = 8_192
    batch: int = 8
    source: str = SOURCE
    """Rows of the manifest; "" takes all."""

    @property
    def learning_rate(self) -> float:
        """That of the authors for the full width, more for less."""
        return RATE * WIDTH / max(self.shape.widths) * 4


def gather(data_dir: Path, lesson: Lesson, split: str = "train") -> list[np.ndarray]:
    """Recordings at the net's rate: float32 [C, n] each. Raises FileError where there is none to train with."""
    rows = [
        row for row in read_manifest(data_dir) if row["split"] == split and lesson.source in ("", row["source"])
    ]
    sounds = [read_audio(data_dir / row["path"], rate_hz=lesson.rate_hz, mono=False)[0] for row in rows]
    if not sounds and split == "train":
        raise FileError(f"{data_dir}: no training recording of {lesson.source or 'any kind'} in its manifest.csv")
    channels = lesson.shape.channels
    whole = [s if s.shape[1] == channels else np.repeat(s.mean(1, keepdims=True), channels, 1) for s in sounds]
    return [np.ascontiguousarray((0.9 * s / max(np.abs(s).max(), 1e-6)).T) for s in whole]


class Crops:
    """Random pieces of the sounds, each with a random polarity; short sounds are padded with silence."""

    def __init__(self, sounds: Sequence[np.ndarray], lesson: Lesson, seed: int) -> None:
        self.sounds, self.samples = sounds, lesson.shape.fitting(lesson.samples)
        self.random = np.random.default_rng(seed)

    def batch(self, size: int) -> Tensor:
        """[B, C, T]"""
        return torch.from_numpy(np.stack([self._piece() for _ in range(size)]))

    def _piece(self) -> np.ndarray:
        sound = self.sounds[int(self.random.integers(len(self.sounds)))]
        room = sound.shape[1] - self.samples
        at = self.random.integers(room + 1) if room > 0 else 0
        piece = sound[:, at : at + self.samples] * self.random.choice((-1.0, 1.0))
        return np.pad(piece, ((0, 0), (0, self.samples - piece.shape[1]))).astype(np.float32)
