"""`measure`: evaluate any registered model with a progress bar, and draw what its evaluation can draw."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from heart.errors import FileError, UsageError
from heart.learning import evaluator, full_name


def measure(name: str, data_dir: Path | None, picture: Path | None = None) -> dict[str, Any]:
    """Figures of model `name` (`valve` is short for `ear-valve`) on the val split of a folder.

    picture: where to write a PNG: the confusion matrix of a classifier, what else the evaluation of another draws.
    Raises UsageError for an unknown model or one that draws nothing, FileError where the folder lacks the
    recordings or the picture cannot be written.
    """
    evaluate = evaluator(full_name(name))
    if picture and not picture.absolute().parent.is_dir():
        raise FileError(f"{picture}: there is no folder {picture.parent}; make it first")
    if picture and "picture" not in inspect.signature(evaluate).parameters:
        raise UsageError(f"{full_name(name)} has no picture to draw")
    drawing = {"picture": picture} if picture else {}
    return _with_bar(full_name(name), partial(evaluate, data_dir, **drawing))


def _with_bar(name: str, evaluate: Callable[..., Any]) -> dict[str, Any]:
    """Evaluations that count what they have done get a bar on a terminal; classifiers draw their own."""
    if "progress" not in inspect.signature(evaluate).parameters or not sys.stderr.isatty():
        return dict(evaluate())
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        return dict(evaluate(progress=lambda done, of: bar.update(task, completed=done, total=of)))
