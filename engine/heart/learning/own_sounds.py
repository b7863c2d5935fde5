"""One's own sounds, without labels or manifest: a folder of sound files becomes training material.

Whatever label is asked of a voice that learnt from them, it sings them; so their label is drawn anew each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.errors import FileError
from heart.learning.texture_data import Piece, cut, levelled
from heart.learning.texture_loom import Habits, TextureLoom
from heart.learning.texture_train import MATERIAL as TEXTURES
from heart.learning.voice_data import Clip, make_clip
from heart.learning.voice_lesson import Weaver
from heart.learning.voice_loom import Batch, Loom, Mix
from heart.learning.voice_train import HEARTS, Material
from heart.listening import features, rate
from heart.listening.files import heartness, take_apart
from heart.listening.weights import load_weights
from heart.records import SAMPLE_RATE_HZ

KINDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
LONGEST_S = 600.0
"""Of a file only so much is taken."""
ANY = -1
"""The label of own sounds in a bank of styles: that of no class."""
SPEEDS = (1.0, 0.93, 1.07)
"""At which own textures are played besides."""
BEATS = 4
"""Of a piece of an own heart."""
LEAD_S = 0.1
VALIDATE_EVERY = 5
"""Every fifth file is kept for validation; of fewer files than that, every fifth piece."""

Telling = Callable[[str], None]


class AnyLabel:
    """A weaver whose windows come with labels by chance, so that none of them means anything."""

    def __init__(self, loom: Weaver, labels: int, seed: int) -> None:
        self.loom, self.labels = loom, labels
        self.random = np.random.default_rng([seed, 1])

    def batch(self, size: int, frames: int) -> Batch:
        """As that of the weaver within, the labels drawn of all and none."""
        batch = self.loom.batch(size, frames)
        drawn = self.random.integers(0, self.labels + 1, size)
        one_hot = np.eye(self.labels + 1, dtype=np.float32)
        return replace(batch, label=drawn if batch.label.ndim == 1 else one_hot[drawn])


def own_hearts(folder: Path, tell: Telling) -> Material:
    """Material of the hearts in a folder; their beats are heard by the ear.

    Raises FileError where there is no sound file, or no heart in them.
    """
    weights = load_weights()

    def pieces(path: Path) -> list[Clip]:
        sound, _ = read_audio(path, rate_hz=SAMPLE_RATE_HZ, first_seconds=LONGEST_S)
        parts = take_apart(read_audio(path, rate_hz=features.RATE_HZ, first_seconds=LONGEST_S)[0], weights)
        heard = parts.beats if heartness(parts) >= rate.MIN_HEART else []
        beats = [(beat.s1_s, beat.s2_s) for beat in heard if beat.s2_s is not None]
        return list(_heart_pieces(path.name, sound, beats))

    clips = _gathered(folder, pieces, "no heart heard in it", tell)
    return replace(
        HEARTS,
        gather=lambda *_: clips,
        weave=lambda clips, seed: AnyLabel(Loom(clips, seed), len(HEARTS.shape.labels), seed),
        judge=lambda clips: AnyLabel(
            Loom(clips, 1, Mix(drop_label=0, drop_style=0, drop_beats=0)), len(HEARTS.shape.labels), 1
        ),
        bank=_unnamed,
    )


def own_textures(folder: Path, tell: Telling) -> Material:
    """Material of whatever sounds a folder holds, over the full band. Raises FileError where there are none."""

    def pieces(path: Path) -> list[Piece]:
        sound, _ = read_audio(path, rate_hz=SAMPLE_RATE_HZ, first_seconds=LONGEST_S)
        if np.abs(sound).max() < 1e-4 or len(sound) < SAMPLE_RATE_HZ:
            return []
        return cut(levelled(sound.astype(np.float64)), path.name, "train", speeds=SPEEDS)

    found = _gathered(folder, pieces, "silent or shorter than a second", tell)
    count = len(TEXTURES.shape.labels)
    return replace(
        TEXTURES,
        gather=lambda *_: found,
        weave=lambda pieces, seed: AnyLabel(TextureLoom(pieces, seed), count, seed),
        judge=lambda pieces: AnyLabel(
            TextureLoom(pieces, 1, Habits(two_labels=0, drop_label=0, drop_style=0)), count, 1
        ),
        bank=lambda pieces: _unnamed(TEXTURES.bank(pieces)),
    )


def _unnamed(clips: Sequence[Any]) -> list[Any]:
    return [replace(clip, label=ANY) for clip in clips]


def _gathered(folder: Path, pieces: Callable[[Path], list[Any]], nothing: str, tell: Telling) -> list[Any]:
    """The pieces of all files of a folder, parted into train and val; what is of no use is told and left out."""
    by_file = []
    for path in _files(folder):
        try:
            found = pieces(path)
        except FileError as error:
            tell(f"{error}; left out")
            continue
        if found:
            by_file.append(found)
        else:
            tell(f"{path.name}: {nothing}; left out")
    if not by_file:
        raise FileError(f"{folder}: nothing in it to learn from")
    kept = parted(by_file)
    files, count = len(by_file), sum(len(found) for found in by_file)
    tell(f"{folder}: {files} files, {count} pieces, {sum(c.split == 'val' for c in kept)} kept for validation")
    return kept


def parted(by_file: Sequence[Sequence[Any]]) -> list[Any]:
    """All pieces, every fifth file's (of few files every fifth piece's) with split "val", and never all of them."""
    many = len(by_file) >= VALIDATE_EVERY
    units = [[piece] for found in by_file for piece in found] if not many else list(by_file)
    kept = []
    for n, unit in enumerate(units):
        split = "val" if n % VALIDATE_EVERY == VALIDATE_EVERY - 1 else "train"
        kept += [replace(piece, split=split) for piece in unit]
    # A validation sound is heard as it is: never at another speed.
    return [piece for piece in kept if piece.split == "train" or getattr(piece, "speed", 1.0) == 1.0]


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)
    if not found:
        raise FileError(f"{folder}: no sound files there ({', '.join(KINDS)}), and no manifest.csv")
    return found


def _heart_pieces(name: str, sound: np.ndarray, beats: Sequence[tuple[float, float]]) -> Iterator[Clip]:
    """Clips of BEATS beats with the marks that the ear gave, sharpened."""
    for first in range(0, len(beats), BEATS):
        inside = beats[first : first + BEATS]
        begin_s = max(0.0, inside[0][0] - LEAD_S)
        end_s = beats[first + BEATS][0] if first + BEATS < len(beats) else math.inf
        end = min(len(sound), int(min(end_s, inside[-1][1] + 1.0) * SAMPLE_RATE_HZ))
        marks = {key: [beat[n] - begin_s for beat in inside] for n, key in enumerate(("s1", "s2"))}
        row = {"path": f"{name} {begin_s:.1f} s", "split": "train", "label": "N"}
        clip = make_clip(sound[int(begin_s * SAMPLE_RATE_HZ) : end].astype(np.float64), SAMPLE_RATE_HZ, marks, row)
        if clip is not None:
            yield clip
