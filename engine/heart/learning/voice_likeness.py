"""How near the sung is to the recorded: a Frechet distance, nearest neighbours, floors; all with fixed features.

Features of a sound, whatever its level: 24 mel bands of 25 to 3,800 Hz in frames of 64 ms every 20 ms, in dB under
the loudest, held at -70; of each band the mean and the deviation over time, 48 numbers. They are scaled by the
training recordings and never learnt, so figures of other voices and other years can stand beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
import torch

from heart.learning.classes.twins import RATE_HZ as TWIN_RATE_HZ
from heart.learning.classes.twins import TWIN, similarity
from heart.learning.nets.logmel import LogMel
from heart.learning.voice_data import Clip
from heart.learning.voice_style import measure_style
from heart.learning.voice_sung import Sung
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.style import NAMES, units

RATE_HZ = 8_000
MELS = 24
LOW_HZ, HIGH_HZ = 25.0, 3_800.0
FLOOR_DB = -70.0
LEAST_DEVIATION_DB = 1.0
"""A feature that hardly varies among recordings is not magnified beyond this."""


@dataclass(frozen=True)
class Heap:
    """Sounds of one kind: features [n, 48], number of the label [n] and the sounds at TWIN_RATE_HZ."""

    features: np.ndarray
    labels: np.ndarray
    low: list[np.ndarray]


def heap(sounds: Sequence[np.ndarray], labels: Sequence[int]) -> Heap:
    """Measure sounds, float32 [n] at 44.1 kHz."""
    low = [soxr.resample(sound, SAMPLE_RATE_HZ, TWIN_RATE_HZ) for sound in sounds]
    return Heap(np.stack([measure(sound) for sound in sounds]), np.array(labels), low)


def measure(sound: np.ndarray) -> np.ndarray:
    """The features of a sound: float64 [2 * MELS]."""
    low = soxr.resample(np.asarray(sound, np.float32), SAMPLE_RATE_HZ, RATE_HZ)
    with torch.inference_mode():
        bands = _FRONT.powers(torch.from_numpy(low / max(float(np.abs(low).max()), 1e-6))[None].float())[0]
    db = 10 * np.log10(bands.numpy().astype(np.float64) + 1e-12)
    db = np.maximum(db - db.max(), FLOOR_DB)
    return np.concatenate([db.mean(1), db.std(1)])


_FRONT = LogMel(RATE_HZ, 512, 160, MELS, LOW_HZ, HIGH_HZ)


def likeness(sung: Sequence[Sung], clips: Sequence[Clip]) -> dict[str, Any]:
    """Figures of sung sounds against the clips of both splits; see `distances` and `copying`."""
    train, val = ([clip for clip in clips if clip.split == split] for split in ("train", "val"))
    heaps = [heap([clip.sound for clip in part], [clip.label for clip in part]) for part in (train, val)]
    ours = heap([one.sound for one in sung], [LABELS.index(one.label) for one in sung])
    return {"frechet": distances(ours, *heaps), "copying": copying(ours, *heaps)}


def distances(sung: Heap, train: Heap, val: Heap) -> dict[str, float]:
    """Frechet distances with every label weighing alike. No group lies in both splits, so the distance between
    them is what two sets of real hearts differ by; `ratio` is sung to val over train to val."""
    centre, spread = train.features.mean(0), np.maximum(train.features.std(0), LEAST_DEVIATION_DB)
    a, b, c = (_moments((h.features - centre) / spread, h.labels) for h in (sung, train, val))
    to_val, real = frechet(*a, *c), frechet(*b, *c)
    return {
        "sung_to_train": round(frechet(*a, *b), 3),
        "sung_to_val": round(to_val, 3),
        "train_to_val": round(real, 3),
        "ratio": round(to_val / max(real, 1e-9), 3),
    }


def _moments(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance, each label with the same weight."""
    weights = 1.0 / np.bincount(labels, minlength=len(LABELS))[labels]
    return np.average(features, axis=0, weights=weights), np.cov(features.T, aweights=weights)


def frechet(mean_a: np.ndarray, cov_a: np.ndarray, mean_b: np.ndarray, cov_b: np.ndarray) -> float:
    """Squared Frechet distance of two Gaussians (Dowson and Landau 1982; Heusel et al. 2017, for images)."""
    # The product of two covariances has real eigenvalues >= 0; rounding may leave a little else.
    roots = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real.clip(0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * roots)


def copying(sung: Heap, train: Heap, val: Heap) -> dict[str, float]:
    """Does it sing recordings back? Twins (correlation above TWIN at some shift) in train, and the distance of the
    features to the nearest training clip: of the sung, of validation clips, and of training clips to another."""
    count, known = len(sung.low), len(train.low)
    alike = similarity([*sung.low, *train.low, *val.low])
    between = alike[:count, count : count + known].max(1), alike[count + known :, count : count + known].max(1)
    spread = np.maximum(train.features.std(0), LEAST_DEVIATION_DB)
    ours, theirs = (_nearest(h.features / spread, train.features / spread) for h in (sung, val))
    inside = _nearest(train.features / spread, train.features / spread, others=True)
    return {
        "sung_with_twin_in_train": round(float((between[0] > TWIN).mean()), 4),
        "val_with_twin_in_train": round(float((between[1] > TWIN).mean()), 4),
        "train_with_twin_in_train": round(
            float((_without_self(alike[count : count + known, count : count + known]) > TWIN).mean()), 4
        ),
        "highest_correlation_sung": round(float(between[0].max()), 3),
        "nearest_sung": round(float(np.median(ours)), 2),
        "nearest_val": round(float(np.median(theirs)), 2),
        "nearest_train": round(float(np.median(inside)), 2),
    }


def _without_self(alike: np.ndarray) -> np.ndarray:
    return np.asarray((alike - 2 * np.eye(len(alike))).max(1))


def _nearest(from_: np.ndarray, to: np.ndarray, others: bool = False) -> np.ndarray:
    """Euclidean distance of each row to the nearest of `to`; `others`: but for itself."""
    apart = np.sqrt(((from_[:, None] - to[None]) ** 2).sum(-1))
    if others:
        np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.min(1))


def styles(sung: Sequence[Sung], clips: Sequence[Clip]) -> dict[str, dict[str, dict[str, float]]]:
    """By label the six numbers of a style, in dB and octaves: median sung, and what recordings have.

    `low`, `high`: tenth and ninetieth percentile of validation clips; `train`: median of the training clips, which
    the voice is asked to sound like.
    """
    told = {}
    for number, label in enumerate(LABELS):
        ours = _units([measure_style(s.sound, s.cycles) for s in sung if s.label == label and len(s.cycles)])
        train, val = (
            _units([clip.style for clip in clips if clip.label == number and clip.split == split])
            for split in ("train", "val")
        )
        if not len(ours) or not len(train) or not len(val):
            continue
        low, high = np.percentile(val, [10, 90], axis=0)
        columns = {"sung": np.median(ours, 0), "train": np.median(train, 0), "low": low, "high": high}
        told[label] = {
            name: {key: round(float(column[i]), 1) for key, column in columns.items()}
            for i, name in enumerate(NAMES)
        }
    return told


def _units(rows: Sequence[np.ndarray]) -> np.ndarray:
    return units(np.array(rows, np.float32).reshape(-1, len(NAMES)))
