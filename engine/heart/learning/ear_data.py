"""Recordings for the ear: hand-annotated hearts, and sounds that are none, as band energies.

Reads a data folder with a manifest.csv (columns path, source, group, split, beats, truth, hr_bpm, ...) and keeps
what the nets need: 100 frames a second of sixteen band energies and one heart state a frame. Groups
are never split.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from heart.errors import FileError
from heart.listening import features

STATES = ("S1", "systole", "S2", "diastole")


@dataclass(frozen=True)
class Recording:
    """One recording ready for training.

    bels: float16 [frames, BANDS], log10 of the band powers before any floor.
    states: int8 [frames]: 0..3 as STATES, -1 where nobody annotated; None for a sound that is no heart.
    """

    path: str
    source: str
    group: str
    bels: np.ndarray
    states: np.ndarray | None


def read_manifest(data_dir: Path) -> list[dict[str, str]]:
    """All rows of manifest.csv as dictionaries. Raises FileError where there is none."""
    path = Path(data_dir) / "manifest.csv"
    if not path.is_file():
        raise FileError(f"{path}: no manifest.csv here; pass the folder that holds it (heart data says more)")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_states(path: Path, frames: int) -> np.ndarray:
    """States at the middle of each frame, int8 [frames], from a start_s, end_s, state table (1..4, 0 unknown)."""
    rows = np.loadtxt(path, delimiter="\t", skiprows=1, ndmin=2)
    middle_s = (np.arange(frames) * features.HOP + features.WINDOW / 2) / features.RATE_HZ
    at = np.searchsorted(rows[:, 0], middle_s, side="right") - 1
    inside = (at >= 0) & (middle_s < rows[at, 1])
    return np.where(inside, rows[at, 2].astype(np.int8) - 1, -1).astype(np.int8)


def read_sound(path: Path) -> np.ndarray:
    """Mono float32 [n] at the ear's rate. Raises FileError where it cannot be read."""
    try:
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise FileError(f"{path}: cannot be read as sound ({error})") from None
    return np.asarray(soxr.resample(sound.mean(1), rate_hz, features.RATE_HZ), np.float32)


def read_bels(path: Path) -> np.ndarray:
    """float16 [frames, BANDS]: log10 of the band powers of a sound file."""
    return np.log10(features.band_powers(read_sound(path)) + 1e-12).astype(np.float16)


def is_heart(row: dict[str, str]) -> bool:
    """Annotated heart recording?"""
    return bool(row["beats"]) and row["source"].startswith(("cinc2016", "circor"))


def is_other(row: dict[str, str]) -> bool:
    """Weather, animals, music, or what PASCAL calls an artifact: certainly no heart."""
    return row["path"].startswith(("env/", "music/")) or (
        row["source"] == "pascal2011-A" and row["label"] == "artifact"
    )


def gate_test(row: dict[str, str]) -> bool:
    """Is this one of the sounds kept back to measure the gate?

    The weather's val rows and, as all music is in train, about every fourth group of music (picked by its
    letters, so that no list needs to be kept).
    """
    if row["split"] == "val":
        return True
    return row["path"].startswith("music/") and sum(row["group"].encode()) % 4 == 0


def load(
    data_dir: Path,
    keep: Callable[[dict[str, str]], bool],
    progress: Callable[[int, int], None] = lambda a, b: None,
) -> Iterator[Recording]:
    """Recordings of the rows that `keep` likes, one after another; progress(done, total) as they come."""
    rows = [row for row in read_manifest(data_dir) if keep(row) and (is_heart(row) or is_other(row))]
    for done, row in enumerate(rows):
        bels = read_bels(Path(data_dir) / row["path"])
        states = read_states(Path(data_dir) / row["beats"], len(bels)) if is_heart(row) else None
        yield Recording(row["path"], row["source"], row["group"], bels, states)
        progress(done + 1, len(rows))


def training_rows(row: dict[str, str]) -> bool:
    """What the nets may learn from."""
    return row["split"] == "train" and not gate_test(row)


def validation_rows(row: dict[str, str]) -> bool:
    """What the nets are judged by while they learn: annotated hearts of other groups."""
    return row["split"] == "val" and is_heart(row)
