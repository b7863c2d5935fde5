"""From the tape to a client's ears: desk, resampler, guard; and which tape frame sounds when.

    tape ─▶ desk (faders with 8 ms glides) ─▶ soxr (only at another rate) ─▶ guard ─▶ stream frames

A feed begins somewhere on the tape at some stream frame and runs on from there without a gap. When a
client has to be set anew on the tape (it ran dry, or fell out of the tape), it gets a new feed, and the
guard's own fade-in makes the start soft.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import soxr

from heart.guard import Guard
from heart.plumbing.desk import Desk, Faders
from heart.records import SAMPLE_RATE_HZ

RESAMPLER_FRAMES = 1024
"""Tape frames that soxr HQ may hold back (measured: 21 ms down to 32 kHz, twice that at 22 kHz)."""


STANDING = Faders()
"""All at 0 dB."""


class TapeLike(Protocol):
    """What a feed needs of the tape: see heart.plumbing.tape.Tape."""

    @property
    def head(self) -> int: ...
    @property
    def tail(self) -> int: ...
    @property
    def sealed(self) -> int: ...
    @property
    def channels(self) -> int: ...
    def read(self, start: int, frames: int) -> np.ndarray: ...
    def seal(self, frame: int) -> None: ...


class Feed:
    """Reads the tape from `tape_start` on as stream frames at `rate_hz` from `stream_start` on."""

    def __init__(
        self,
        tape: TapeLike,
        tape_start: int,
        stream_start: int,
        rate_hz: int,
        channels: int = 1,
        faders: Faders = STANDING,
    ) -> None:
        self.tape_start, self.stream_start = tape_start, stream_start
        self.next_tape = tape_start
        """First tape frame that has not been read: what lies before must never change."""
        self.next_stream = stream_start
        """First stream frame that has not been made."""
        self._tape = tape
        self._ratio = SAMPLE_RATE_HZ / rate_hz
        self.desk = Desk(tape.channels, channels, faders)
        self.guard = Guard(rate_hz, self.desk.columns)
        self._resampler = None
        if rate_hz != SAMPLE_RATE_HZ:
            self._resampler = soxr.ResampleStream(SAMPLE_RATE_HZ, rate_hz, self.desk.columns, quality="HQ")
        self._made: list[np.ndarray] = []
        self._waiting = 0
        self.hold_frames = RESAMPLER_FRAMES * max(1, math.ceil(self._ratio)) if self._resampler else 0
        """Tape frames needed beyond those that sound."""

    def tape_frame(self, stream_frame: float) -> float:
        """Tape frame that sounds at a stream frame; soxr makes up for its own delay, so this is exact."""
        return self.tape_start + (stream_frame - self.stream_start) * self._ratio

    def stream_frame(self, tape_frame: float) -> float:
        """Stream frame at which a tape frame sounds."""
        return self.stream_start + (tape_frame - self.tape_start) / self._ratio

    def has_tape(self) -> bool:
        """Whether the next frame to read has not fallen off the tape."""
        return self.next_tape >= self._tape.tail

    def take(self, frames: int, block: int = 1) -> np.ndarray:
        """Up to `frames` next stream frames, in whole blocks, guarded: float32 [n, desk.columns].

        Fewer when the tape ends earlier; nothing is ever invented. What is read is sealed first.
        """
        self._fetch(frames)
        count = min(frames, self._waiting) // block * block
        ready = np.concatenate(self._made) if len(self._made) != 1 else self._made[0]
        self._made = [ready[count:]]
        self._waiting -= count
        self.next_stream += count
        return self.guard.process(ready[:count])

    def _fetch(self, frames: int) -> None:
        """Read the tape until `frames` stream frames wait, or it ends."""
        if not self._made:
            self._made = [np.zeros((0, self.desk.columns), dtype=np.float32)]
        while self._waiting < frames:
            wanted = math.ceil((frames - self._waiting) * self._ratio)
            count = min(wanted, self._tape.head - self.next_tape)
            if count <= 0:
                return
            self._tape.seal(self.next_tape + count)
            sound = self.desk.process(self._tape.read(self.next_tape, count))
            self.next_tape += count
            if self._resampler is not None:
                sound = self._resampler.resample_chunk(sound)
            self._made.append(sound)
            self._waiting += len(sound)
