"""What a classifier is asked: `Task`, its recordings, `Clip`, and how both come out of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from heart.errors import FileError
from heart.learning.ear_data import read_manifest


@dataclass(frozen=True)
class Clip:
    """One labelled recording."""

    path: Path
    label: str
    group: str
    """Recordings that share a patient, a take or a day share a group; a group is never split."""
    split: str
    """train or val."""
    source: str
    """Where it was recorded: the site, the sensor, the collection."""
    row: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Its line of the manifest."""


@dataclass(frozen=True)
class Task:
    """One question with exclusive answers.

    name: the model's folder (ear-valve). labels: in the order of the model's outputs. clips: all recordings of
    a data folder, train and val. rate_hz: at which the simple baselines listen. sources_as_groups: a fold leaves
    out whole sites rather than groups, because patients are not known or the site alone can be told by ear.
    """

    name: str
    labels: tuple[str, ...]
    clips: Callable[[Path], list[Clip]]
    rate_hz: int
    sources_as_groups: bool = False

    def read(self, data_dir: Path, split: str | None = None) -> list[Clip]:
        """The clips of a split (None: of both).

        Raises FileError where there are none, where a clip has a label the task does not know, or where a
        group lies on both sides of the split.
        """
        clips = self.clips(Path(data_dir))
        unknown = {clip.label for clip in clips} - set(self.labels)
        if unknown:
            raise FileError(f"{data_dir}: {self.name} knows no label {sorted(unknown)[0]!r}")
        check_groups(clips)
        kept = [clip for clip in clips if split in (None, clip.split)]
        if not kept:
            kind = f"{split} recordings" if split else "recordings"
            raise FileError(f"{data_dir}: its manifest.csv holds no {kind} for {self.name}")
        return kept

    def targets(self, clips: Sequence[Clip]) -> np.ndarray:
        """int64 [n]: the place of every clip's label in `labels`."""
        return np.array([self.labels.index(clip.label) for clip in clips], np.int64)

    def folds_by(self, clips: Sequence[Clip]) -> np.ndarray:
        """str [n]: what a fold must keep together, the clip's group or its whole site."""
        return np.array([clip.source if self.sources_as_groups else clip.group for clip in clips])


def clips_from(data_dir: Path, label_of: Callable[[dict[str, str]], str | None]) -> list[Clip]:
    """All rows of the manifest to which `label_of` gives a label (None: the row is not for this task).

    Raises FileError where there is no manifest.
    """
    data_dir = Path(data_dir)
    labelled = ((row, label_of(row)) for row in read_manifest(data_dir))
    return [
        Clip(data_dir / row["path"], label, row["group"], row["split"], row["source"], row)
        for row, label in labelled
        if label is not None
    ]


def check_groups(clips: Sequence[Clip]) -> None:
    """Raises FileError naming a group that lies in train and in val: figures of such a split would flatter."""
    sides: dict[str, str] = {}
    for clip in clips:
        if sides.setdefault(clip.group, clip.split) != clip.split:
            raise FileError(f"group {clip.group!r} lies in train and in val: no honest figure comes of that")
