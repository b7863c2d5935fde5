"""A client's side of the stream: the ring it plays from, what is missing in it, and what to ask again for.

    put ─▶ ring[offset]            play ─▶ the next frames, cleared behind
    a gap in seq ─▶ missing ─▶ wanted(now): (seq, count) to nack, again every 25 ms until it is too late

Pure: no clock, no socket. A hole is silence, counted; never sound that was played before.
"""

from __future__ import annotations

import numpy as np

RING_FRAMES = 65_536
SEQ_WRAP = 2**20
BEHIND = 8192
"""A block whose place lies up to this far behind the play position has come too late."""

PATIENCE_S = 0.010
"""A block that is only out of order usually comes within this time."""

RETRY_S = 0.025
GIVE_UP_S = 1.0


class Gaps:
    """The numbers of one channel that should have come and did not."""

    def __init__(self) -> None:
        self._next = 0
        self._missing: dict[int, tuple[float, float]] = {}

    def came(self, seq: int, now: float) -> None:
        """Block `seq` (modulo 2^20) is here."""
        number = self._next + (seq - self._next + SEQ_WRAP // 2) % SEQ_WRAP - SEQ_WRAP // 2
        if number < self._next:
            self._missing.pop(number, None)
            return
        for lost in range(max(self._next, number - 1024), number):
            self._missing[lost] = (now, now + PATIENCE_S)
        self._next = number + 1

    def wanted(self, now: float) -> list[int]:
        """Numbers to ask for now."""
        due = []
        for number, (since, at) in list(self._missing.items()):
            if now - since > GIVE_UP_S:
                del self._missing[number]
            elif now >= at:
                self._missing[number] = (since, now + RETRY_S)
                due.append(number)
        return due

    def __len__(self) -> int:
        return len(self._missing)


class PlayRing:
    """The ring of one stream, from its welcome on."""

    def __init__(self, channels: int = 1) -> None:
        self.channels = channels
        self.played = 0
        """Frames played since welcome."""
        self.underruns = 0
        """Holes in the sound, however long, since the first block came."""
        self.silent_frames = 0
        """Frames in those holes."""
        self.late = self.blocks = 0
        self.first_frame: int | None = None
        """Stream frame of the first sound."""
        self._ring = np.zeros((RING_FRAMES, channels), dtype=np.float32)
        self._here = np.zeros((RING_FRAMES, channels), dtype=bool)
        self._gaps = [Gaps() for _ in range(channels)]
        self._in_hole = False
        self._end = 0

    def put(self, channel: int, seq: int, offset: int, samples: np.ndarray, now: float) -> bool:
        """Lay a block (float32 [n]) where it belongs, also over its older self; False: too late."""
        column = channel - 1
        if not 0 <= column < self.channels or offset + len(samples) > RING_FRAMES:
            return False
        self._gaps[column].came(seq, now)
        ahead = self.frames_ahead(offset)
        if ahead + len(samples) <= 0:
            self.late += 1
            return False
        self.blocks += 1
        start = self.played + ahead
        self.first_frame = start if self.first_frame is None else min(self.first_frame, start)
        self._end = max(self._end, start + len(samples))
        skip = max(0, -ahead)
        self._ring[offset + skip : offset + len(samples), column] = samples[skip:]
        self._here[offset + skip : offset + len(samples), column] = True
        return True

    def frames_ahead(self, offset: int) -> int:
        """How far a ring frame lies ahead of the play position; negative: behind."""
        ahead = (offset - self.played) % RING_FRAMES
        return ahead - RING_FRAMES if ahead > RING_FRAMES - BEHIND else ahead

    @property
    def fill_frames(self) -> int:
        """Frames from the play position to the end of what came, holes included."""
        return max(0, self._end - self.played)

    def play(self, frames: int) -> np.ndarray:
        """The next `frames` frames: float32 [frames, channels], silence where nothing came."""
        return self.play_marked(frames)[0]

    def play_marked(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """The same, and which of them came on all channels: bool [frames]."""
        at = (self.played + np.arange(frames)) % RING_FRAMES
        sound = self._ring[at]
        here = np.all(self._here[at], axis=1)
        self._ring[at] = 0.0
        self._here[at] = False
        if self.first_frame is not None:
            self._count_holes(here[max(0, self.first_frame - self.played) :])
        self.played += frames
        return sound, here

    def _count_holes(self, here: np.ndarray) -> None:
        if not len(here):
            return
        holes = ~here
        begins = holes & ~np.concatenate(([self._in_hole], holes[:-1]))
        self.underruns += int(begins.sum())
        self.silent_frames += int(holes.sum())
        self._in_hole = bool(holes[-1])

    def wanted(self, now: float) -> list[tuple[int, int]]:
        """(seq, count) runs to nack now, seq modulo 2^20."""
        numbers = sorted({number for gaps in self._gaps for number in gaps.wanted(now)})
        runs: list[list[int]] = []
        for number in numbers:
            if runs and number == runs[-1][0] + runs[-1][1]:
                runs[-1][1] += 1
            else:
                runs.append([number, 1])
        return [(first % SEQ_WRAP, count) for first, count in runs]
