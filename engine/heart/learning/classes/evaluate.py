"""`evaluate_classifier`: everything there is to say about a classifier on recordings of groups it never met."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.errors import FileError
from heart.learning.classes import figures
from heart.learning.classes.baseline import baselines
from heart.learning.classes.picture import draw_confusion
from heart.learning.classes.table import as_text
from heart.learning.classes.task import Clip, Task

Predict = Callable[[Sequence[Clip]], np.ndarray]
Progress = Callable[[str, int, int], None]


def evaluate_classifier(
    task: Task,
    data_dir: Path,
    predict: Predict | None = None,
    picture: Path | None = None,
    *,
    abstain_below: float = 0.0,
    with_baselines: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of a classifier on the val split of `data_dir`, and of the simple baselines beside it.

    predict: clips to float32 [n, k] probabilities in the order of task.labels, each row summing to 1; None takes
    the shipped model called task.name, with its own threshold of abstention. abstain_below: for a given
    `predict`, the top probability under which nothing is said. picture: a PNG of the confusion matrix.

    Returns flat figures (balanced_accuracy, its interval, macro_f1, accuracy, calibration_error, abstained,
    accuracy_when_sure, ...), and "classes", "sources", "confusion", "baselines" and "text", a readable table of
    all of it. Numbers count every clip by its most probable label; only the figures named abstained and
    *_when_sure leave out what the model would not say.

    Raises FileError where the folder has no recordings for the task, or none of some class in val.
    """
    clips = task.read(data_dir)
    held_out = [clip for clip in clips if clip.split == "val"]
    _check_classes(task, held_out, data_dir)
    with _bar() as progress:
        if predict is None:
            predict, abstain_below = _shipped(task, progress)
        probabilities = _checked(predict(held_out), len(held_out), len(task.labels))
        result = _measure(task, held_out, probabilities, abstain_below, seed)
        if with_baselines:
            result["baselines"] = baselines(task, clips, seed, partial(progress, "baselines"))
    result["text"] = as_text(task, result)
    if picture:
        draw_confusion(result, picture)
    return result


def card_figures(result: dict[str, Any]) -> dict[str, Any]:
    """What belongs on a card: the flat figures, the recall of each class, and the baselines' balanced accuracy."""
    flat = {key: value for key, value in result.items() if isinstance(value, (int, float)) or "interval" in key}
    flat = {key: value for key, value in flat.items() if value not in (None, "")}
    flat |= {f"recall_{row['label']}": row["recall"] for row in result["classes"]}
    for way, both in result.get("baselines", {}).items():
        for name in ("svm", "forest"):
            flat[f"baseline_{name}_{way}_balanced_accuracy"] = both[name]["balanced_accuracy"]
    return flat


def _measure(
    task: Task, clips: Sequence[Clip], probabilities: np.ndarray, below: float, seed: int
) -> dict[str, Any]:
    truth, found = task.targets(clips), probabilities.argmax(1)
    groups = np.array([clip.group for clip in clips])
    table = figures.confusion(truth, found, len(task.labels))
    apart = figures.interval(truth, found, groups, task.labels, seed)
    sure = figures.abstention(probabilities, truth, below)
    flat = {
        "model": task.name,
        "clips": len(clips),
        "groups": len(set(groups)),
        "balanced_accuracy": _rounded(figures.balanced_accuracy(table)),
        "balanced_accuracy_interval": _both(apart.balanced_accuracy),
        "macro_f1": _rounded(figures.macro_f1(table)),
        "macro_f1_interval": _both(apart.macro_f1),
        "interval_note": apart.note,
        "accuracy": _rounded(figures.accuracy(table)),
        "calibration_error": _rounded(figures.calibration_error(probabilities, truth)),
        "abstain_below": below,
        "abstained": _rounded(sure.abstained),
        "accuracy_when_sure": _rounded(sure.accuracy),
        "balanced_accuracy_when_sure": _rounded(sure.balanced_accuracy),
    }
    return {
        **flat,
        "labels": list(task.labels),
        "classes": _classes(task, table, truth, groups),
        "sources": _sources(clips, truth, found, len(task.labels)),
        "confusion": table.tolist(),
    }


def _classes(task: Task, table: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> list[dict[str, Any]]:
    """One row a class: precision, recall, F1, clips and groups."""
    scores = (figures.precision(table), figures.recall(table), figures.f1(table))
    return [
        {
            "label": label,
            **{name: _rounded(score[i]) for name, score in zip(("precision", "recall", "f1"), scores)},
            "clips": int(table[i].sum()),
            "groups": len(set(groups[truth == i])),
        }
        for i, label in enumerate(task.labels)
    ]


def _sources(clips: Sequence[Clip], truth: np.ndarray, found: np.ndarray, k: int) -> dict[str, Any]:
    """The same model at each site: a figure that holds at one site only shows here."""
    of = np.array([clip.source for clip in clips])
    rows = {}
    for source in sorted(set(of)):
        table = figures.confusion(truth[of == source], found[of == source], k)
        rows[str(source)] = {
            "clips": int(table.sum()),
            "classes": int((table.sum(1) > 0).sum()),
            "balanced_accuracy": _rounded(figures.balanced_accuracy(table)),
            "accuracy": _rounded(figures.accuracy(table)),
        }
    return rows


def _shipped(task: Task, progress: Progress) -> tuple[Predict, float]:
    """The model folder called task.name, as `heart listen` uses it, and its threshold."""
    from heart.listening.classifier import load_classifier

    classifier = load_classifier(task.name)
    if tuple(classifier.labels) != task.labels:
        raise FileError(f"{task.name}: its labels.txt says {', '.join(classifier.labels)}, not {task.labels}")

    def predict(clips: Sequence[Clip]) -> np.ndarray:
        rows = []
        for done, clip in enumerate(clips):
            samples, rate_hz = read_audio(clip.path)
            heard = classifier.judge(samples, rate_hz).probabilities
            rows.append([heard[label] for label in task.labels])
            progress(task.name, done + 1, len(clips))
        return np.array(rows, np.float32)

    return predict, float(classifier.abstain_below)


def _check_classes(task: Task, held_out: Sequence[Clip], data_dir: Path) -> None:
    missing = [label for label in task.labels if label not in {clip.label for clip in held_out}]
    if missing:
        raise FileError(f"{data_dir}: its manifest.csv holds no val recordings of {missing[0]} for {task.name}")


def _checked(probabilities: np.ndarray, n: int, k: int) -> np.ndarray:
    """A model that answers nonsense is our own mistake, and must not become a figure."""
    probabilities = np.asarray(probabilities, np.float64)
    assert probabilities.shape == (n, k), f"probabilities are {probabilities.shape}, not {(n, k)}"
    assert np.isfinite(probabilities).all(), "probabilities that are not numbers"
    assert np.abs(probabilities.sum(1) - 1).max() < 1e-3, "probabilities that do not sum to 1"
    return probabilities


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on a terminal's standard error; nothing elsewhere, as the figures may go into a file."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TaskID

    bar = Progress(
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    known: dict[str, TaskID] = {}

    def progress(name: str, done: int, total: int) -> None:
        if name not in known:
            known[name] = bar.add_task(name, total=total)
        bar.update(known[name], completed=done)

    with bar:
        yield progress


def _rounded(value: float | np.ndarray | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def _both(pair: tuple[float, float] | None) -> list[float] | None:
    return None if pair is None else [round(pair[0], 4), round(pair[1], 4)]
