"""`heart models export`: which model leaves in which format, and how.

A row of WAYS is all that a new kind of model needs: a function that writes the file, by "module:function".
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from heart.audio import shown
from heart.cards import Model, find_model
from heart.errors import FileError, UsageError
from heart.sounding.registry import OWN
from heart.sounding.torchscript import sign

FORMATS = {"nn~": ".ts", "onnx": ".onnx", "torchscript": ".ts"}
"""Name and suffix."""


@dataclass(frozen=True)
class Written:
    """What was written: the file, and how far it is from torch where it was compared (-1: the model's own file)."""

    path: Path
    difference: float = 0.0

    def __str__(self) -> str:
        size_kb = self.path.stat().st_size / 1e3
        how = "as it ships" if self.difference < 0 else f"within {self.difference:.1g} of the engine's own net"
        return f"{shown(self.path)}: {size_kb:,.0f} kB, {how}"


Write = Callable[[Model, Path], float]
"""(model, file) -> largest difference from torch."""
PLACE = "heart.learning.export."
WAYS: dict[str, dict[str, str]] = {
    OWN: {"nn~": "voices:write_stream", "onnx": "voices:write_graph", "torchscript": "voices:write_script"},
    "heart.listening.stream:EarStream": {"onnx": "ears:write_beats", "torchscript": "ears:script_beats"},
    "heart.listening.onset:OnsetWatch": {"onnx": "ears:write_onset", "torchscript": "ears:script_onset"},
    "heart.listening.classifier:Classifier": {"onnx": "ears:copy"},
    "heart.listening.estimators:HeartRateNet": {"onnx": "ears:copy"},
    "heart.sounding.notes.model:NoteVoice": {
        "nn~": "notes:write_stream",
        "onnx": "notes:write_decoder",
        "torchscript": "notes:script_decoder",
    },
    "heart.sounding.notes.generator:NoteMaker": {"onnx": "notes:write_maker", "torchscript": "notes:script_maker"},
}
"""Class of a card -> format -> "module:function" in this package."""
OFFLINE = "heart.sounding.dance.model:DanceModel"
WHY = {
    "nn~": "it cannot stream: nn~ wants as much out as comes in, buffer for buffer, and this one answers for whole "
    "windows",
    "torchscript": "it ships as an ONNX graph",
    "onnx": "nothing writes it as a graph",
}
"""Why there is no way."""


def export_model(name: str, form: str, out: Path) -> Written:
    """Write the model `name` as `form`, one of FORMATS, to the file `out`, complete or not at all.

    Raises:
        UsageError: no such model or format; a model that does not leave in it; a file that is there already.
        FileError: damaged weights, or a folder that cannot be written.
    """
    if form not in FORMATS:
        raise UsageError(f"format {form!r}: take one of {', '.join(FORMATS)}")
    model = find_model(name)
    write = _way(model, form)
    if out.suffix != FORMATS[form]:
        raise UsageError(f"{shown(out)}: a file for {form} ends in {FORMATS[form]}")
    if out.exists():
        raise UsageError(f"{shown(out)}: is there already; name another, or remove it first")
    if not out.parent.is_dir():
        raise FileError(f"{shown(out)}: there is no folder {shown(out.parent)}; make it first")
    try:
        folder = Path(tempfile.mkdtemp(prefix=".part-", dir=out.parent))
    except OSError as error:
        raise FileError(f"{shown(out)}: cannot be written ({error.strerror})") from None
    try:
        part = folder / out.name
        difference = write(model, part)
        if out.suffix == ".ts":
            sign(part, {"model": model.name, "format": form, "weights": str(model.card["sha256"])})
        os.replace(part, out)
        if (model.path / "labels.txt").is_file() and form == "onnx":
            shutil.copyfile(model.path / "labels.txt", out.with_name(f"{out.stem}.labels.txt"))
    except OSError as error:
        raise FileError(f"{shown(out)}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Written(out, difference)


def _way(model: Model, form: str) -> Write:
    """The function that writes it. Raises UsageError, with what there is instead."""
    kind = OWN if model.card.get("own") else str(model.card["class"])
    ways = WAYS.get(kind, {})
    if form not in ways:
        others = " or ".join(f"--format {other}" for other in ways)
        hint = f"take {others}" if others else "`heart models convert` writes such a net for other programs"
        raise UsageError(f"{model.name} does not leave as {form}: {WHY[form]}; {hint}")
    module, _, function = ways[form].partition(":")
    write: Write = getattr(importlib.import_module(PLACE + module), function)
    return write
