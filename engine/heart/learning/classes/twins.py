"""Why random splits lie: how many recordings of a task have a near twin among the others.

    python -m heart.learning.classes.twins ear-valve --data DATA

Two clips are twins when one, shifted in time, correlates with the other above 0.9 (normalised
cross-correlation at 1 kHz, where nearly all of a heart's energy lies). A model that only remembers then scores
whatever share of its test clips has a twin in training: one nearest neighbour shows it without learning anything.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.config import data_dir
from heart.learning import MODELS, full_name
from heart.learning.classes.folds import Fold, group_folds, random_folds
from heart.learning.classes.task import Clip, Task

RATE_HZ = 1000
TWIN = 0.9
MAX_SECONDS = 10.0


def similarity(
    sounds: Sequence[np.ndarray], progress: Callable[[int, int], None] = lambda done, total: None
) -> np.ndarray:
    """float32 [n, n]: highest normalised cross-correlation (-1..1) of each two sounds over all shifts.

    sounds: float32 [length] each, at one rate. Normalised by the energies of both whole sounds, so a short sound
    inside a long one counts less than a twin of its own length.
    """
    size = 1 << int(np.ceil(np.log2(2 * max(map(len, sounds)))))
    spectra = np.stack([np.fft.rfft(_unit(sound), size) for sound in sounds]).astype(np.complex64)
    alike = np.eye(len(sounds), dtype=np.float32)
    for i, spectrum in enumerate(spectra):
        alike[i, i:] = np.fft.irfft(spectra[i:] * spectrum.conj(), size).max(1)
        progress(i + 1, len(sounds))
    return np.maximum(alike, alike.T)


def twins(
    alike: np.ndarray, targets: np.ndarray, groups: np.ndarray, val: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Figures of `similarity`: share of clips with a twin, and what one nearest neighbour scores on three splits.

    targets: int [n]; groups: str [n]; val: bool [n]. "val_with_twin_in_train" should be near 0.
    """
    others = alike - 2 * np.eye(len(alike), dtype=np.float32)
    held_out: list[Fold] = [(np.flatnonzero(~val), np.flatnonzero(val))]
    ways = {
        "train_to_val": held_out,
        "group_folds": group_folds(targets, groups, seed=seed),
        "leaky_random_split": random_folds(targets, seed=seed),
    }
    return {
        "clips": len(alike),
        "with_twin": round(float((others.max(1) > TWIN).mean()), 4),
        "val_with_twin_in_train": round(float((alike[np.ix_(val, ~val)].max(1) > TWIN).mean()), 4),
        **{f"nearest_neighbour_{way}": _nearest(alike, targets, folds) for way, folds in ways.items()},
    }


def _nearest(alike: np.ndarray, targets: np.ndarray, folds: Sequence[Fold]) -> float:
    """Accuracy of giving every test clip the label of the most similar training clip."""
    right = [
        targets[train[alike[np.ix_(test, train)].argmax(1)]] == targets[test] for train, test in folds if len(test)
    ]
    return round(float(np.concatenate(right).mean()), 4)


def _unit(sound: np.ndarray) -> np.ndarray:
    sound = sound - sound.mean()
    return sound / max(float(np.sqrt((sound**2).sum())), 1e-9)


def _hear(clips: Sequence[Clip]) -> list[np.ndarray]:
    return [read_audio(clip.path, rate_hz=RATE_HZ, first_seconds=MAX_SECONDS)[0] for clip in clips]


def measure_twins(task: Task, folder: Path) -> dict[str, Any]:
    """The figures for all clips of a task. Raises FileError where the folder has none."""
    clips = task.read(folder)
    sounds = _hear(clips)
    val = np.array([clip.split == "val" for clip in clips])
    return twins(similarity(sounds), task.targets(clips), task.folds_by(clips), val)


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a classifier, for example ear-valve")
    parser.add_argument("--data", help="folder of recordings with a manifest.csv (or HEART_DATA)")
    given = parser.parse_args()
    module = importlib.import_module(MODELS[full_name(given.name)][1].partition(":")[0])
    for name, value in measure_twins(module.TASK, data_dir(given.data)).items():
        print(f"{name:40} {value}")


if __name__ == "__main__":
    main()
