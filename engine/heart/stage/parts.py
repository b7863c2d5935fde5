"""Beside the tape: how much of it is heart and how much texture, so that each net can continue its own."""

from __future__ import annotations

import numpy as np

from heart.plumbing.tape import Tape
from heart.records import OVERLAP, SAMPLE_RATE_HZ, Chunk


class Parts:
    """Follows one tape, lay for lay. Same writer, same rules."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._parts = Tape(seconds=tape.capacity / SAMPLE_RATE_HZ, channels=2)

    def lay(self, chunk: Chunk, first: int) -> None:
        """The parts of what of `chunk` begins at frame `first`; to be called before the tape itself is laid."""
        parts = chunk.parts
        if parts is None:
            parts = np.stack([chunk.audio, np.zeros_like(chunk.audio)], 1)
        self._parts.seal(self._tape.sealed)
        self._parts.lay(first, parts[first - chunk.start :], overlap=min(OVERLAP, self._tape.head - first))

    def read(self, begin: int, frames: int) -> np.ndarray:
        """float32 [frames, 2] from tape frame `begin` on."""
        return self._parts.read(begin, frames)
