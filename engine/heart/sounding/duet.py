"""Hearts and textures behind one door: the label decides which net sings, a mixture may ask both.

Each net continues its own past. A wish therefore carries the two parts of its past, a chunk the two parts of
its sound, both before their gains; what is heard is their sum with equal power. So a texture may be faded in
and out, or take over on a beat, without either net hearing the other.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from heart.records import OVERLAP, Chunk, Wish
from heart.sounding.mixtures import HEART, TEXTURE, gain_track, gains, shares_of
from heart.sounding.together import together
from heart.sounding.voice import Voice


class Duet:
    """Both diffusion voices. The textures' net is read when it is first asked for.

    Args:
        folder: beside the folders of the two models, `voice-heart` and `voice-texture`.
        threads, sampler, device: as of `Voice`.

    Raises:
        FileError: the heart's card or weights are missing or damaged; singing raises it for the textures'.
        UsageError: no such sampler or device.
    """

    name = "voice"

    def __init__(self, folder: Path, threads: int = 0, sampler: str = "ddim", device: str = "cpu") -> None:
        self._options = (threads, sampler, device)
        self._models = folder.parent
        self.hearts = Voice(self._models / "voice-heart", *self._options)
        self._textures: Voice | None = None
        self._opening = threading.Lock()

    @property
    def textures(self) -> Voice:
        with self._opening:  # several threads may sing together
            if self._textures is None:
                self._textures = Voice(self._models / "voice-texture", *self._options)
            return self._textures

    def warm_up(self) -> None:
        """Both nets, where the textures' is here: opened at its first wish it would come late on stage."""
        self.hearts.warm_up()
        if (self._models / "voice-texture").is_dir():
            self.textures.warm_up()

    def sing(self, wish: Wish) -> Chunk:
        """The wished-for frames and OVERLAP more; see `records.Chunk`."""
        began_s = time.perf_counter()
        loud = gain_track(wish)
        if not loud[:, TEXTURE].any():
            return self.hearts.sing(_own(wish, HEART))
        parts = np.zeros((wish.frames + OVERLAP, 2), np.float32)
        recipes = []
        for column, voice in ((HEART, self.hearts), (TEXTURE, self.textures)):
            if loud[:, column].any():
                part = voice.sing(_own(wish, column))
                parts[:, column] = part.audio
                recipes.append(part.recipe)
        audio = (parts * loud).sum(1)
        recipe = hashlib.sha256(f"{recipes} {wish.mix} {wish.crossing}".encode()).hexdigest()[:12]
        spent_s = time.perf_counter() - began_s
        return Chunk(wish.number, wish.start, audio, spent_s, wish.seed, recipe, wish.steps, parts)

    def sing_many(self, wishes: Sequence[Wish]) -> list[Chunk]:
        """A chunk for each wish, in shared forward passes: see `Voice.sing_many`."""
        began_s = time.perf_counter()
        chunks = together(self.sing, wishes)
        share_s = (time.perf_counter() - began_s) / max(len(chunks), 1)
        return [replace(chunk, spent_s=share_s) for chunk in chunks]


def _own(wish: Wish, column: int) -> Wish:
    """The wish as one net is to see it: its own past, its own side of a crossing, and beats for the heart only."""
    alone = not gain_track(wish)[:, 1 - column].any()
    past = wish.past if column == HEART or alone else wish.past[:0]
    if wish.parts is not None:
        past = np.ascontiguousarray(wish.parts[:, column])
        if not past[-OVERLAP:].any():  # it did not sing
            past = past[:0]
    if wish.crossing is not None and not gains(shares_of(wish))[column]:
        wish = replace(wish, mix=wish.crossing.mix)
    beats = wish.beats if column == HEART else ()
    return replace(wish, past=past, parts=None, crossing=None, beats=beats)
