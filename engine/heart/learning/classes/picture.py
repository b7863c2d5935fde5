"""The confusion matrix as a PNG: every row is what a class was taken for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from heart.errors import FileError

INK, PALE = "#22252b", "#ffffff"


def draw_confusion(result: dict[str, Any], out_png: str | os.PathLike[str]) -> None:
    """Draw result["confusion"] of evaluate_classifier: share of the row as colour, clips as numbers.

    Raises FileError where out_png cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels, table = result["labels"], np.array(result["confusion"])
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    size = 2.6 + 0.75 * len(labels)
    figure = Figure(figsize=(size + 1, size))
    axis = figure.subplots()
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), clips in np.ndenumerate(table):
        colour = PALE if share[row, column] > 0.5 else INK
        axis.text(column, row, f"{clips}\n{share[row, column]:.0%}", ha="center", va="center", color=colour)
    groups = [f"{row['label']}\n{row['clips']} clips, {_counted(row['groups'])}" for row in result["classes"]]
    axis.set_xticks(range(len(labels)), labels)
    axis.set_yticks(range(len(labels)), groups)
    axis.set(xlabel="said", ylabel="truth")
    axis.set_title(_title(result), color=INK, fontsize=10)
    try:
        FigureCanvasAgg(figure).print_figure(os.fspath(Path(out_png)), dpi=110, bbox_inches="tight")
    except (OSError, ValueError) as error:
        raise FileError(f"{out_png}: picture cannot be written ({error})") from None


def _title(result: dict[str, Any]) -> str:
    pair = result["balanced_accuracy_interval"]
    spread = "no interval" if pair is None else f"{100 * pair[0]:.0f} to {100 * pair[1]:.0f}"
    return f"{result['model']}: balanced accuracy {100 * result['balanced_accuracy']:.1f} % ({spread}), by group"


def _counted(groups: int) -> str:
    return "1 group" if groups == 1 else f"{groups} groups"
