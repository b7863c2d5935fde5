"""What a simple method reaches on the same clips: MFCC statistics with a support vector machine and a forest.

A network that does not beat these has learnt nothing worth shipping. They are fitted anew in every evaluation, on
train and measured on val; and, for the story of the leak, over folds of all clips, once by group and once at
random. librosa and scikit-learn come with the extra `train`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.errors import UsageError
from heart.learning.classes.figures import accuracy, balanced_accuracy, confusion, macro_f1
from heart.learning.classes.folds import Fold, group_folds, random_folds
from heart.learning.classes.task import Clip, Task

COEFFICIENTS = 20
MELS = 40
WINDOW_S = 0.064
HOP_S = 0.016
NAMES = ("svm", "forest")
LEAK = "flatters: twins of a test clip lie in train; for comparison only"
MAX_SECONDS = 60.0
"""Longer recordings are heard for their first minute."""


def mfcc_statistics(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """float32 [80]: mean and deviation over time of 20 MFCC and of their first differences.

    samples: float32 [n], any level; shorter than ten frames (0.16 s) it is filled with zeros.
    """
    import librosa

    n_fft, hop = 1 << round(np.log2(WINDOW_S * rate_hz)), round(HOP_S * rate_hz)
    samples = samples - samples.mean()
    samples = np.pad(samples, (0, max(0, 10 * hop - len(samples)))) / max(float(np.abs(samples).max()), 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # n_fft longer than a very short clip
        mfcc = librosa.feature.mfcc(
            y=samples, sr=rate_hz, n_mfcc=COEFFICIENTS, n_fft=n_fft, hop_length=hop, n_mels=MELS, fmin=20
        )
    steps = np.diff(mfcc, axis=1)
    return np.concatenate([mfcc.mean(1), mfcc.std(1), steps.mean(1), steps.std(1)]).astype(np.float32)


def read_statistics(
    clips: Sequence[Clip], rate_hz: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> np.ndarray:
    """float32 [n, 80]: the statistics of every clip. Raises FileError for a clip that cannot be read."""
    rows = []
    for done, clip in enumerate(clips):
        samples, _ = read_audio(clip.path, rate_hz=rate_hz)
        rows.append(mfcc_statistics(samples[: int(MAX_SECONDS * rate_hz)], rate_hz))
        progress(done + 1, len(clips))
    return np.stack(rows)


def make(name: str, seed: int = 0) -> Any:
    """An unfitted baseline: `svm` (RBF kernel, standardised, classes weighted) or `forest` (300 trees)."""
    try:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC
    except ImportError:
        raise UsageError("the baselines need scikit-learn: pip install 'sounds-of-the-heart[train]'") from None
    if name == "svm":
        return make_pipeline(StandardScaler(), SVC(C=10.0, class_weight="balanced"))
    return RandomForestClassifier(300, class_weight="balanced", random_state=seed)


def measure(
    features: np.ndarray, targets: np.ndarray, folds: Sequence[Fold], k: int, seed: int = 0
) -> dict[str, Any]:
    """Both baselines over the folds, the confusions of all test parts added up: {"svm": {...}, "forest": {...}}."""
    return {name: _measure(name, features, targets, folds, k, seed) for name in NAMES}


def _measure(
    name: str, features: np.ndarray, targets: np.ndarray, folds: Sequence[Fold], k: int, seed: int
) -> dict[str, float]:
    table = np.zeros((k, k), np.int64)
    for train, test in folds:
        found = make(name, seed).fit(features[train], targets[train]).predict(features[test])
        table += confusion(targets[test], found, k)
    return {
        "balanced_accuracy": round(float(balanced_accuracy(table)), 4),
        "macro_f1": round(float(macro_f1(table)), 4),
        "accuracy": round(accuracy(table), 4),
    }


def baselines(
    task: Task,
    clips: Sequence[Clip],
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """The baselines three ways: {"train_to_val", "group_folds", "leaky_random_split"}, each {"svm", "forest"}.

    clips: train and val together. train_to_val is the fair rival of the model; the other two cross-validate over
    all clips, alike but for the split, so that their difference is the leak and nothing else.
    """
    features, targets = read_statistics(clips, task.rate_hz, progress), task.targets(clips)
    split = np.array([clip.split for clip in clips])
    held_out: list[Fold] = [(np.flatnonzero(split == "train"), np.flatnonzero(split == "val"))]
    k, groups = len(task.labels), task.folds_by(clips)
    return {
        "train_to_val": measure(features, targets, held_out, k, seed),
        "group_folds": measure(features, targets, group_folds(targets, groups, seed=seed), k, seed),
        "leaky_random_split": {
            **measure(features, targets, random_folds(targets, seed=seed), k, seed),
            "note": LEAK,
        },
    }
