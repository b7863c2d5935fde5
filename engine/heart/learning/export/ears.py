"""The ear's nets on their way out."""

from __future__ import annotations

import shutil
from pathlib import Path

from heart.cards import Model
from heart.learning.export import nets, plain


def write_beats(model: Model, path: Path) -> float:
    """The nets of `ear-beats` as one ONNX graph, an output for each."""
    return plain.write_onnx(nets.beats(model), path)


def script_beats(model: Model, path: Path) -> float:
    """The same as TorchScript."""
    return plain.write_script(nets.beats(model), path)


def write_onset(model: Model, path: Path) -> float:
    """The net of `ear-onset` as ONNX."""
    return plain.write_onnx(nets.onsets(model), path)


def script_onset(model: Model, path: Path) -> float:
    """The same as TorchScript."""
    return plain.write_script(nets.onsets(model), path)


def copy(model: Model, path: Path) -> float:
    """A model that ships as ONNX: the very file, proven by its card; torch was compared when it was made."""
    shutil.copyfile(model.weights, path)
    return -1.0
