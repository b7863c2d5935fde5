"""Notes as the nets learn them, computed once and kept in a folder: log power at the knots, and who plays what."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor, from_numpy

from heart.errors import FileError
from heart.learning.ear_progress import Telling
from heart.learning.notes_data import Note, read_nsynth, read_piano
from heart.learning.notes_files import write_notes
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.spectra import knot_levels

OWN_COUNT = 5000
"""Notes made where no folder of them is given."""
PLAYED = ("brightness", "attack", "noise", "decay", "vibrato")
"""What is told of a note's play, each 0..1 or so: see `played`."""

Progress = Callable[[str, float, str], None]


@dataclass(frozen=True)
class Pack:
    """N notes. levels: [N, K, F] in dB under each note's maximum, float16; played: [N, len(PLAYED)], nan where
    nobody knows; train, val: places of the notes of each side."""

    notes: Sequence[Note]
    levels: np.ndarray
    pitch: np.ndarray
    family: np.ndarray
    played: np.ndarray
    train: np.ndarray
    val: np.ndarray

    def batch(self, places: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """levels [B, K, F], pitch [B], family [B, 6] one-hot, played [B, 5], as float32."""
        hot = np.eye(len(FAMILIES), dtype=np.float32)[self.family[places]]
        parts = (self.levels[places], self.pitch[places], hot, self.played[places])
        return tuple(from_numpy(part.astype(np.float32)) for part in parts)  # type: ignore[return-value]


def open_pack(data: Path | None, folder: Path) -> Pack:
    """The notes of a training (see `gather_notes`) and their spectra, made in `folder` where they are missing."""
    with Telling() as tell:
        return pack_notes(gather_notes(data, folder, tell), folder / "pack", tell)


def gather_notes(data: Path | None, out: Path, progress: Progress) -> list[Note]:
    """The notes to learn from: those of `data` in NSynth's layout, or OWN_COUNT of our own made in out/notes.

    Where `data` is a folder of recordings with a manifest.csv, its piano notes join our own.
    """
    if data is not None and (data / "examples.json").is_file():
        return read_nsynth(data)
    own = out / "notes"
    if not (own / "examples.json").is_file():
        write_notes(own, OWN_COUNT, 0, progress)
    return read_nsynth(own) + ([] if data is None else read_piano(data))


def pack_notes(notes: Sequence[Note], folder: Path, progress: Progress) -> Pack:
    """Pack notes; what the folder already has of these very notes is used again.

    Raises FileError where no instrument is held out, or none left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, names = folder / "levels.npy", folder / "names.csv"
    wanted = [[str(note.path), str(note.pitch)] for note in notes]
    if not (file.is_file() and names.is_file() and _rows(names) == wanted):
        np.save(file, _levels(notes, progress))
        with names.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(wanted)
    sides = np.array([note.split for note in notes])
    if not {"train", "val"} <= set(sides):
        raise FileError(f"{len(notes)} notes: too few instruments to learn from some and be judged by others")
    return Pack(
        notes,
        np.load(file, mmap_mode="r"),
        np.array([note.pitch for note in notes]),
        np.array([note.family for note in notes]),
        np.array([played(note) for note in notes], np.float32),
        np.flatnonzero(sides == "train"),
        np.flatnonzero(sides == "val"),
    )


def played(note: Note) -> list[float]:
    """How a note was played, as numbers 0..1 or so in the order of PLAYED; nan where nobody knows."""
    how = note.synthesis
    if not how:
        return [np.nan] * len(PLAYED)
    return [
        how["brightness"],
        np.log10(how["attack_s"] / 0.002) / 2.4,
        how["noise"],
        np.log10(how["decay_s"] / 0.1) / 2.5,
        how["vibrato_cents"] / 40,
    ]


def _levels(notes: Sequence[Note], progress: Progress) -> np.ndarray:
    found = []
    for number, note in enumerate(notes, 1):
        found.append(knot_levels(note.sound()).astype(np.float16))
        if number % 500 == 0 or number == len(notes):
            progress("spectra", number / len(notes), f"{number} of {len(notes)} notes")
    return np.stack(found)


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))
