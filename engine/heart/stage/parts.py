"""What lies on the tape, by voice: a column of it for each, and beside the tape how much of each is heart and how
much texture, so that each net can continue its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heart.plumbing.tape import Tape
from heart.records import OVERLAP, SAMPLE_RATE_HZ, Chunk


class Parts:
    """Follows one tape, lay for lay. Same writer, same rules."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._parts = Tape(seconds=tape.capacity / SAMPLE_RATE_HZ, channels=2 * tape.channels)

    def lay(self, chunk: Chunk, first: int) -> None:
        """The parts of what of `chunk` begins at frame `first`; to be called before the tape itself is laid."""
        parts = np.concatenate([_parts_of(each) for each in by_voice(chunk, self._tape.channels)], 1)
        self._parts.seal(self._tape.sealed)
        self._parts.lay(first, parts[first - chunk.start :], overlap=min(OVERLAP, self._tape.head - first))

    def read(self, begin: int, frames: int) -> np.ndarray:
        """float32 [frames, 2 * voices] from tape frame `begin` on: heart and texture of voice 1, of voice 2, ..."""
        return self._parts.read(begin, frames)

    def restore(self, begin: int, parts: np.ndarray) -> None:
        """Put back what stood from frame `begin` up to the head; see `Tape.restore`."""
        self._parts.restore(begin, parts)


def lay(tape: Tape, chunk: Chunk, first: int) -> None:
    """Put what of a chunk begins at frame `first` on the tape, cross-faded with what lies there."""
    sound = np.stack([each.audio for each in by_voice(chunk, tape.channels)], 1)
    tape.lay(first, sound[first - chunk.start :], overlap=min(OVERLAP, tape.head - first))


def by_voice(chunk: Chunk, voices: int) -> list[Chunk]:
    """The chunk of each voice; silence of those that were not asked to sing.

    Raises ValueError when a chunk of a voice that is not there, or of another length, came along.
    """
    silence = Chunk(chunk.number, chunk.start, np.zeros_like(chunk.audio), 0.0)
    chunks = [silence] * voices
    for each in (chunk, *chunk.others):
        if not 1 <= each.voice <= voices or each.audio.shape != chunk.audio.shape:
            raise ValueError(f"a chunk of voice {each.voice} of shape {each.audio.shape} among {voices} voices")
        chunks[each.voice - 1] = each
    return chunks


def own_past(past: np.ndarray, parts: np.ndarray | None, voice: int) -> dict[str, Any]:
    """Of the past of all voices ([n, voices] and [n, 2 * voices]) what the wish of one of them holds.

    A further voice that did not sing before begins freely: it has no past to continue.
    """
    own = np.ascontiguousarray(past[:, voice - 1])
    if voice > 1 and not own[-OVERLAP:].any():
        return {"past": own[:0], "parts": None}
    return {"past": own, "parts": None if parts is None else parts[:, 2 * voice - 2 : 2 * voice]}


def _parts_of(chunk: Chunk) -> np.ndarray:
    """Heart and texture of a chunk: [n, 2]."""
    return np.stack([chunk.audio, np.zeros_like(chunk.audio)], 1) if chunk.parts is None else chunk.parts
