"""Quality against steps: the whole voice and its distilled weights, by the same figures on the same wishes.

heart evaluate voice-heart-fast --data DATA --picture steps.png
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.errors import UsageError
from heart.learning.classes.table import columns
from heart.learning.voice_data import Clip
from heart.learning.voice_evaluate import packed
from heart.learning.voice_heard import score
from heart.learning.voice_likeness import Heap, distances, heap
from heart.learning.voice_style import measure_style
from heart.learning.voice_sung import Sung, sing_likenesses
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.registry import open_voice
from heart.sounding.style import NAMES, clear, units
from heart.sounding.voice import Voice

STEPS = (1, 2, 4, 8, 16)
EACH = 6
"""Sounds of each label at each number of steps."""
SHOWN = {
    "floor_db": "floor, dB against S1",
    "systole_octave": "brightness of systole, octaves over 100 Hz",
    "s1_db": "level of S1 against training, dB",
    "frechet_to_train": "Frechet distance to training recordings",
}
WAYS = {"undistilled": "#7f8c9b", "distilled": "#c0392b"}


def evaluate_steps(
    data_dir: Path,
    pack: Path | None = None,
    picture: Path | None = None,
    every: int = 1,
    voice: Voice | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """Figures of `voice-heart` for each of STEPS, with and without its few-step weights; and `text`.

    Arguments as in `voice_evaluate.evaluate_voice`. Raises UsageError where the voice has no few-step weights.
    """
    opened = voice or open_voice("voice-heart")
    assert isinstance(opened, Voice)
    if not opened.few:
        raise UsageError(
            f"{opened.name} has no few-step weights to compare: heart train voice-heart-fast makes them"
        )
    whole = copy.copy(opened)
    whole.few = {}
    clips = packed(data_dir, pack)
    tries = [("undistilled", whole, steps) for steps in STEPS]
    tries += [("distilled", opened, steps) for steps in STEPS if steps in opened.few]
    train, val = ([clip for clip in clips if clip.split == split] for split in ("train", "val"))
    heaps = [heap([clip.sound for clip in part], [clip.label for clip in part]) for part in (train, val)]
    figures: dict[str, dict[str, Any]] = {way: {} for way in WAYS}
    for done, (way, singer, steps) in enumerate(tries):
        sung = sing_likenesses(singer, val, steps, max(2, EACH // every))
        figures[way][str(steps)] = figures_of(sung, train, heaps)
        progress(done + 1, len(tries))
    asked = {
        name: round(float(np.mean([asked_style(train, label)[name] for label in LABELS])), 2) for name in NAMES
    }
    result = {**figures, "asked": asked, "sounds": max(2, EACH // every) * len(LABELS)}
    if picture:
        draw(result, picture)
    return {**result, "text": "\n".join(as_lines(result))}


def figures_of(sung: Sequence[Sung], train: Sequence[Clip], heaps: Sequence[Heap]) -> dict[str, Any]:
    """Means over the labels of the medians of a style; S1 against training; beats; Frechet distance."""
    by_label: dict[str, dict[str, float]] = {}
    for label in LABELS:
        ours = [one for one in sung if one.label == label]
        rows = units(np.array([measure_style(one.sound, one.cycles) for one in ours]))
        by_label[label] = dict(zip(NAMES, np.median(rows, 0).round(2).tolist()))
        real = [peak_of(c.sound, c.cycles) for c in train if LABELS[c.label] == label]
        level = np.median([peak_of(one.sound, one.cycles) for one in ours]) / np.median(real)
        by_label[label]["s1_db"] = round(float(20 * np.log10(level)), 2)
    all_of_them = heap([one.sound for one in sung], [LABELS.index(one.label) for one in sung])
    apart = distances(all_of_them, *heaps)
    names = (*NAMES, "s1_db")
    return {
        **{name: round(float(np.mean([row[name] for row in by_label.values()])), 2) for name in names},
        "f1_40ms": round(float(np.mean([score(one, 0.04).f1 for one in sung])), 4),
        "frechet_ratio": apart["ratio"],
        "frechet_to_train": apart["sung_to_train"],
        "labels": by_label,
    }


def asked_style(train: Sequence[Clip], label: str) -> dict[str, float]:
    """What the voice may choose for a label: the median style of the training clips that are clear."""
    styles = np.array([clip.style for clip in train if LABELS[clip.label] == label])
    return dict(zip(NAMES, np.median(units(styles[clear(styles)]), 0).tolist()))


def peak_of(sound: np.ndarray, cycles: np.ndarray) -> float:
    """Median peak of S1."""
    span = int(0.12 * SAMPLE_RATE_HZ)
    return float(np.median([np.abs(sound[begin : begin + span]).max() for begin in cycles[:, 0]]))


def as_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """A table: a line for each number of steps and kind of weights."""
    names = ("floor_db", "systole_db", "diastole_db", "systole_octave", "s1_db", "f1_40ms", "frechet_ratio",
             "frechet_to_train")  # fmt: skip
    rows = [
        (f"{steps} {way}", *(f"{row[name]:.2f}" for name in names))
        for way in WAYS
        for steps, row in result[way].items()
    ]
    asked = ("asked of it", *(f"{result['asked'][name]:.2f}" if name in result["asked"] else "" for name in names))
    yield f"voice-heart by steps, {result['sounds']} sounds each, means over the labels"
    yield from columns(("steps", *names), [*rows, asked])


def draw(result: Mapping[str, Any], out_png: Path) -> None:
    """A panel for each figure of SHOWN. Raises FileError where out_png cannot be written."""
    from matplotlib.figure import Figure

    from heart.learning.voice_plot import INK, save

    figure = Figure(figsize=(3.2 * len(SHOWN), 3.4), layout="constrained")
    for axis, (name, words) in zip(figure.subplots(1, len(SHOWN)), SHOWN.items()):
        for way, colour in WAYS.items():
            steps = sorted(result[way], key=int)
            axis.plot([int(s) for s in steps], [result[way][s][name] for s in steps], "o-", color=colour, label=way)
        if name in result["asked"]:
            axis.axhline(result["asked"][name], color=INK, linewidth=0.8, linestyle=":", label="asked of it")
        if name.startswith("frechet"):
            axis.set_yscale("log")
        axis.set_xscale("log", base=2)
        axis.set_xticks(STEPS, STEPS)
        axis.set_xlabel("steps")
        axis.set_title(words, color=INK, fontsize=10)
    figure.axes[0].legend(fontsize=8)
    save(figure, out_png)
