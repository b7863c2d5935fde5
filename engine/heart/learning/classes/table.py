"""The figures of a classifier as a page to read: `as_text`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from heart.learning.classes.task import Task

WAYS = {
    "train_to_val": "fitted on train, measured on val, like the model",
    "group_folds": "cross-validated over all clips by group",
    "leaky_random_split": "LEAKY: cross-validated over all clips at random",
}


def as_text(task: Task, result: dict[str, Any]) -> str:
    """Everything evaluate_classifier found, as lines of at most 116 characters."""
    parts = [_head(result), _classes(result), _confusion(result), _sources(result)]
    if "baselines" in result:
        parts.append(_baselines(task, result["baselines"]))
    return "\n\n".join("\n".join(part) for part in parts)


def _head(result: dict[str, Any]) -> Iterator[str]:
    yield f"{result['model']}: {result['clips']} val clips of {result['groups']} groups never heard in training"
    for name, words in (("balanced_accuracy", "balanced accuracy"), ("macro_f1", "macro F1")):
        yield f"  {words:18} {percent(result[name])}  {_interval(result[f'{name}_interval'])}"
    if result["interval_note"]:
        yield f"  {'':18} ({result['interval_note']})"
    yield f"  {'accuracy':18} {percent(result['accuracy'])}"
    yield f"  {'calibration error':18} {percent(result['calibration_error'])}"
    yield (
        f"  {'abstained':18} {percent(result['abstained'])}  (probability below {result['abstain_below']:.2f}), "
        f"of the rest {percent(result['accuracy_when_sure'])} right, "
        f"balanced {percent(result['balanced_accuracy_when_sure'])}"
    )


def _classes(result: dict[str, Any]) -> Iterator[str]:
    rows = [
        (r["label"], percent(r["precision"]), percent(r["recall"]), percent(r["f1"]), r["clips"], r["groups"])
        for r in result["classes"]
    ]
    yield from columns(("class", "precision", "recall", "F1", "clips", "groups"), rows)


def _confusion(result: dict[str, Any]) -> Iterator[str]:
    labels = result["labels"]
    yield from columns(("truth \\ said", *labels), [(a, *row) for a, row in zip(labels, result["confusion"])])


def _sources(result: dict[str, Any]) -> Iterator[str]:
    rows = [
        (name, r["clips"], r["classes"], percent(r["balanced_accuracy"]), percent(r["accuracy"]))
        for name, r in result["sources"].items()
    ]
    yield from columns(("site", "clips", "classes", "balanced", "accuracy"), rows)


def _baselines(task: Task, found: dict[str, Any]) -> Iterator[str]:
    apart = "site" if task.sources_as_groups else "group"
    rows = [
        (name, percent(found[way][name]["balanced_accuracy"]), percent(found[way][name]["macro_f1"]),
         percent(found[way][name]["accuracy"]), WAYS[way].replace("group", apart))
        for way in WAYS
        for name in ("svm", "forest")
    ]  # fmt: skip
    yield from columns(("MFCC +", "balanced", "macro F1", "accuracy", ""), rows)
    yield f"The leaky figure {found['leaky_random_split']['note']}."


def columns(heads: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Lines of a table: the first and any last worded column to the left, numbers to the right."""
    table = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))
        ]
        if heads[-1] == "":
            cells[-1] = row[-1]
        yield "  ".join(cells).rstrip()


def percent(value: float | None) -> str:
    """0.6123 as ` 61.2 %`; a dash where there is no figure."""
    return "     -" if value is None else f"{100 * value:5.1f} %"


def _interval(pair: Sequence[float] | None) -> str:
    return "no interval" if pair is None else f"95 % interval {100 * pair[0]:.1f} to {100 * pair[1]:.1f}"
