"""`measure`: evaluate any registered model with a progress bar, and draw its confusion matrix where it has one."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from heart.errors import FileError, UsageError
from heart.learning import evaluator, full_name


def measure(name: str, data_dir: Path, picture: Path | None = None) -> dict[str, Any]:
    """Figures of model `name` (`valve` is short for `ear-valve`) on the val split of a data folder.

    picture: where to write a PNG of the confusion matrix. Raises UsageError for an unknown model or one that has
    no such matrix, FileError where the folder lacks the recordings or the picture cannot be written.
    """
    evaluate = evaluator(full_name(name))
    if picture and not picture.absolute().parent.is_dir():
        raise FileError(f"{picture}: there is no folder {picture.parent}; make it first")
    result = _with_bar(full_name(name), evaluate, data_dir)
    if picture:
        if "confusion" not in result or "labels" not in result:
            raise UsageError(f"{full_name(name)} is no classifier: it has no confusion matrix to draw")
        from heart.learning.classes.picture import draw_confusion

        draw_confusion(result, picture)
    return result


def _with_bar(name: str, evaluate: Any, data_dir: Path) -> dict[str, Any]:
    """Evaluations that count what they have done get a bar on a terminal; classifiers draw their own."""
    if "progress" not in inspect.signature(evaluate).parameters or not sys.stderr.isatty():
        return dict(evaluate(data_dir))
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        return dict(evaluate(data_dir, progress=lambda done, of: bar.update(task, completed=done, total=of)))
