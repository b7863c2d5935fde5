"""Training material of the textures: levelled pieces of some seconds, at several speeds, with their styles."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from scipy.signal import butter, sosfiltfilt

from heart.errors import FileError
from heart.learning import texture_sounds
from heart.learning.texture_style import STYLES, band_levels_db, measure_style
from heart.records import SAMPLE_RATE_HZ, TEXTURES
from heart.sounding.contour import PHRASE, measure_contour
from heart.sounding.filterbank import analyse_span

RATE = SAMPLE_RATE_HZ
SOURCES = {
    "storm": "storm", "thunderstorm": "storm", "rain": "rain", "wind": "wind", "sea_waves": "sea", "birds": "birds",
    "chirping_birds": "birds", "crackling_fire": "fire", "bells": "bells", "church_bells": "bells", "jazz": "jazz",
    "breathing": "breath",
}  # fmt: skip
"""The data's labels that become textures. Piano comes from `pitch_<MIDI>`, single notes."""
_NOISE = (1.0, 0.75, 0.87, 1.15, 1.33)
SPEEDS = {
    "storm": _NOISE, "rain": _NOISE, "wind": _NOISE, "sea": _NOISE, "fire": _NOISE, "breath": _NOISE,
    "birds": (1.0, 0.85, 1.17), "bells": (1.0, 0.8, 0.9, 1.12, 1.25), "jazz": (1.0, 0.94, 1.06), "piano": (1.0,),
}  # fmt: skip
"""Speed and pitch at which each piece is played; only speed 1 enters the bank of styles."""
MADE = {"bells": 10, "breath": 10, "piano": 20}
"""Pieces from arithmetic."""
PIECE_S = 6.0
LEVEL = 0.12
"""RMS of the loud pieces after levelling, less where peaks are high: one sample in a thousand lies beyond 0.6, none
beyond 0.95."""


@dataclass(frozen=True)
class Piece:
    """Some seconds of a texture."""

    path: str
    split: str
    label: int
    """Index into TEXTURES."""
    speed: float
    sound: np.ndarray
    """float16 [n] at 44.1 kHz."""
    style: np.ndarray
    """float32 [STYLES], see `texture_style`."""

    @cached_property
    def points(self) -> np.ndarray:
        """How its loudness moves: float32 [ROWS, P] in dB, see `sounding.contour`."""
        sound = self.sound.astype(np.float32)
        return measure_contour(analyse_span(sound), band_levels_db(sound))

    @property
    def contour(self) -> np.ndarray:
        """The same as one phrase, again from its beginning where it is shorter: float32 [ROWS, PHRASE]."""
        return np.take(self.points, range(PHRASE), axis=1, mode="wrap")


def pack_pieces(
    data_dir: Path, out: Path, progress: Callable[[int, int], None] = lambda done, of: None
) -> list[Piece]:
    """Read, level, cut, speed up and down and measure all texture clips; keep them in `out` (.npz).

    Raises:
        FileError: no manifest, or no clip of a texture in it.
    """
    rows = texture_rows(data_dir)
    pieces: list[Piece] = []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        if row["label"] in SOURCES:
            sound = read_levelled(data_dir / row["path"])
            pieces += cut(sound, row["path"], row["split"], SOURCES[row["label"]])
    for label, name, sound in made_sounds(data_dir, rows):
        pieces += cut(level(sound), name, "train", label)
    progress(len(rows), len(rows))
    out.parent.mkdir(parents=True, exist_ok=True)
    _save(pieces, out)
    return pieces


def texture_rows(data_dir: Path) -> list[dict[str, str]]:
    """The manifest's rows that textures are made of."""
    manifest = data_dir / "manifest.csv"
    if not manifest.is_file():
        raise FileError(f"{manifest}: no such file; `heart data` says how to get the training data")
    with manifest.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["label"] in SOURCES or _pitch(r) is not None]
    if not any(row["label"] in SOURCES for row in rows):
        raise FileError(f"{manifest}: lists no clip of a texture ({', '.join(SOURCES)})")
    return rows


def _pitch(row: dict[str, str]) -> int | None:
    word, _, number = row["label"].partition("_")
    return int(number) if word == "pitch" and number.isdigit() else None


def read_levelled(path: Path) -> np.ndarray:
    """A recording as float64 [n] at 44.1 kHz, mono, without what lies below 15 Hz, levelled."""
    sound, rate = sf.read(path, dtype="float64", always_2d=True)
    return levelled(soxr.resample(sound.mean(1), rate, RATE, quality="HQ"))


def levelled(sound: np.ndarray) -> np.ndarray:
    """A sound [n] at 44.1 kHz without what lies below 15 Hz, levelled."""
    return level(sosfiltfilt(butter(2, 15, "high", fs=RATE, output="sos"), sound))


def level(sound: np.ndarray) -> np.ndarray:
    """Scaled so that its loud 50 ms pieces have the RMS LEVEL."""
    size = RATE // 20
    rms = np.sqrt((sound[: len(sound) // size * size].reshape(-1, size) ** 2).mean(1))
    peaks = np.abs(sound)
    least = max(np.percentile(peaks, 99.9) / 0.6, peaks.max() / 0.95)
    return sound / max(np.percentile(rms, 90) / LEVEL, least, 1e-6)


def made_sounds(data_dir: Path, rows: Sequence[dict[str, str]]) -> Iterator[tuple[str, str, np.ndarray]]:
    """(label, name, sound) of all that comes from arithmetic; the piano plays the notes of the data, if any."""
    random = np.random.default_rng(5)
    for n in range(MADE["bells"]):
        yield "bells", f"arithmetic/bell-{n}", texture_sounds.bell(PIECE_S, random)
    for n in range(MADE["breath"]):
        yield "breath", f"arithmetic/breath-{n}", texture_sounds.breath(PIECE_S, random)
    notes = []
    for row in rows:
        pitch = _pitch(row)
        if pitch is not None and row["split"] == "train":
            sound, rate = sf.read(data_dir / row["path"], dtype="float64")
            notes.append((pitch, soxr.resample(sound, rate, RATE)))
    for n in range(MADE["piano"] if notes else 0):
        yield "piano", f"notes/piano-{n}", texture_sounds.piano(PIECE_S, notes, random)


def cut(
    sound: np.ndarray, path: str, split: str, label: str = TEXTURES[0], speeds: Sequence[float] | None = None
) -> list[Piece]:
    """Pieces of about PIECE_S with faded ends, at every speed, by default those of the label."""
    speeds = SPEEDS[label] if speeds is None else speeds
    count = max(1, round(len(sound) / (PIECE_S * RATE)))
    pieces = []
    for part in np.array_split(sound, count):
        for speed in speeds if split == "train" else (1.0,):
            played = part if speed == 1 else soxr.resample(part, RATE * speed, RATE, quality="HQ")
            faded = fade_ends(played).astype(np.float32)
            style = measure_style(faded)
            pieces.append(Piece(path, split, TEXTURES.index(label), speed, faded.astype(np.float16), style))
    return pieces


def fade_ends(sound: np.ndarray) -> np.ndarray:
    """The sound with 10 ms of fade at both ends, and nothing beyond."""
    ramp = np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / (0.01 * RATE)
    return sound * np.minimum(1, ramp)


def load_pieces(pack: Path) -> list[Piece]:
    """The pieces of a pack. Raises FileError when there is none."""
    if not pack.is_file():
        raise FileError(f"{pack}: no such pack of texture pieces")
    with np.load(pack) as data:
        index = json.loads(str(data["index"]))
        sounds = np.split(data["sounds"], np.cumsum([entry["length"] for entry in index])[:-1])
        styles = data["styles"]
    return [
        Piece(e["path"], e["split"], e["label"], e["speed"], sound, style)
        for e, sound, style in zip(index, sounds, styles)
    ]


def gather_pieces(data_dir: Path, pack: Path) -> list[Piece]:
    """The pieces, packed now when they are not yet."""
    return load_pieces(pack) if pack.is_file() else pack_pieces(data_dir, pack)


def _save(pieces: Sequence[Piece], out: Path) -> None:
    keys = ("path", "split", "label", "speed")
    index = [{**{key: getattr(p, key) for key in keys}, "length": len(p.sound)} for p in pieces]
    sounds = np.concatenate([piece.sound for piece in pieces])
    styles = np.array([piece.style for piece in pieces], np.float32).reshape(-1, STYLES)
    np.savez(out, index=json.dumps(index), sounds=sounds, styles=styles)
