"""Notes on disk: NSynth's layout, ours or the real one, and loose recordings of single notes from a data folder."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.errors import FileError, UsageError
from heart.sounding.notes.kinds import FAMILIES, HIGHEST, LOWEST, RATE_HZ, SAMPLES, family_number

NEEDED = ("note_str", "instrument_str", "pitch", "velocity", "instrument_family_str")
VALIDATION_SHARE = 10
"""One instrument in so many is held out."""
PIANO = "salamander"
"""Source of the piano notes in a data folder's manifest.csv."""


@dataclass(frozen=True)
class Note:
    """A note on disk. pitch: MIDI; velocity: 1..127; family: place in FAMILIES; split: train or val.

    synthesis: how a note from arithmetic was played (`notes_synth.Play`), else empty.
    """

    path: Path
    instrument: str
    pitch: int
    velocity: int
    family: int
    split: str
    synthesis: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def sound(self) -> np.ndarray:
        """float32 [SAMPLES]: cut or filled with silence. Raises FileError."""
        return fitted(read_audio(self.path, RATE_HZ, first_seconds=SAMPLES / RATE_HZ)[0])


def fitted(sound: np.ndarray) -> np.ndarray:
    """The first SAMPLES of a sound, filled with silence where there are fewer."""
    return np.pad(sound[:SAMPLES], (0, max(0, SAMPLES - len(sound))))


def split_of(instrument: str) -> str:
    """train or val, by the instrument's name alone: all notes of one timbre are on the same side."""
    return "val" if zlib.crc32(instrument.encode()) % VALIDATION_SHARE == 0 else "train"


def read_nsynth(folder: Path) -> list[Note]:
    """The notes of a folder in NSynth's layout (examples.json, audio/*.wav) whose pitch a piano has.

    An NSynth subset without some of the sounds is read as far as it goes.

    Raises FileError: no examples.json, one that is not NSynth's, or no sound at all.
    """
    path = folder / "examples.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(
            f"{path}: no such file; make notes with `heart data notes -o {folder} --count 4000`"
        ) from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read ({error})") from None
    if not isinstance(rows, dict):
        raise FileError(f"{path}: must map names of notes to their facts, as NSynth's does")
    notes = [note for name, row in rows.items() if (note := _note(path, name, row)).path.is_file()]
    if not notes:
        raise FileError(f"{folder / 'audio'}: none of the {len(rows)} notes of examples.json is there as .wav")
    return [note for note in notes if LOWEST <= note.pitch <= HIGHEST]


def _note(path: Path, name: str, row: Any) -> Note:
    missing = [key for key in NEEDED if not isinstance(row, dict) or key not in row]
    if missing:
        raise FileError(f"{path}: note {name} lacks {', '.join(missing)}")
    try:
        family = family_number(str(row["instrument_family_str"]))
        pitch, velocity = int(row["pitch"]), int(row["velocity"])
    except (UsageError, TypeError, ValueError) as error:
        raise FileError(f"{path}: note {name}: {error}") from None
    instrument, sound = str(row["instrument_str"]), path.parent / "audio" / f"{name}.wav"
    return Note(sound, instrument, pitch, velocity, family, split_of(instrument), row.get("synthesis", {}))


def read_piano(data_dir: Path) -> list[Note]:
    """The piano notes of a data folder with a manifest.csv; none where it has none."""
    return list(_piano(data_dir))


def _piano(data_dir: Path) -> Iterator[Note]:
    try:
        with (data_dir / "manifest.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["source"] == PIANO]
    except FileNotFoundError:
        return
    for row in rows:
        pitch = int(row["label"].removeprefix("pitch_"))
        yield Note(data_dir / row["path"], PIANO, pitch, 100, FAMILIES.index("struck"), "train")
