"""Notes over the tape: sounds with a beginning on it, added where the tape is read, never written onto it.

What the voice continues and the log repeats is therefore the tape alone. A note is laid, let go and cut only from
the sealed frame on, so what a reader has taken stays true: all readers hear the same notes.

One writer (the engine's loop); readers from any thread; a short lock makes each call whole.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from heart.plumbing.feed import TapeLike
from heart.records import SAMPLE_RATE_HZ

POLYPHONY = 8
RISE, RELEASE, STOLEN, END = (round(s * SAMPLE_RATE_HZ) for s in (0.002, 0.12, 0.02, 0.03))
"""Frames in which a note comes in, goes after it is let go, goes when another takes its place, and ends."""
PAST = 30 * SAMPLE_RATE_HZ
"""How long a note is kept behind what is sealed, for a reader that is late."""


@dataclass
class _Note:
    """A sound from frame `start` on; from `gone` on, if ever, it fades within `fade` frames."""

    key: int
    start: int
    sound: np.ndarray
    gone: int = field(default=2**62)
    fade: int = RELEASE

    @property
    def end(self) -> int:
        return min(self.start + len(self.sound), self.gone + self.fade)

    def add_to(self, out: np.ndarray, first: int) -> None:
        """Add what sounds of it to `out`, which begins at frame `first`."""
        low, high = max(first, self.start), min(first + len(out), self.end)
        if low >= high:
            return
        frames = np.arange(low, high)
        part = self.sound[low - self.start : high - self.start]
        fading = np.clip((self.gone + self.fade - frames) / self.fade, 0, 1)
        out[low - first : high - first] += part * (0.5 - 0.5 * np.cos(np.pi * fading))


class Overlay:
    """At most POLYPHONY notes at once; a further one takes the place of the one that began first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: list[_Note] = []

    def add(self, key: int, start: int, sound: np.ndarray) -> None:
        """Let `sound`, float32 [n], begin at frame `start`, which is not sealed yet."""
        shaped = np.array(sound, np.float32)
        rise, end = min(RISE, len(shaped)), min(END, len(shaped))
        shaped[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
        shaped[len(shaped) - end :] *= np.linspace(1, 0, end, dtype=np.float32)
        with self._lock:
            sounding = [note for note in self._notes if note.gone > start and note.end > start]
            for oldest in sounding[: max(0, len(sounding) + 1 - POLYPHONY)]:
                oldest.gone, oldest.fade = start, STOLEN
            self._notes.append(_Note(key, start, shaped))

    def release(self, key: int, frame: int) -> bool:
        """Let go of all notes of `key` from `frame` on, which is not sealed yet; whether there was one."""
        with self._lock:
            held = [note for note in self._notes if note.key == key and note.gone > frame and note.end > frame]
            for note in held:
                note.gone = max(frame, note.start)
        return bool(held)

    def clear(self, frame: int) -> None:
        """Let go of everything from `frame` on, fast."""
        with self._lock:
            for note in self._notes:
                if note.gone > frame:
                    note.gone, note.fade = frame, STOLEN

    def forget(self, sealed: int) -> None:
        """Drop what ended long before `sealed`. Call often."""
        with self._lock:
            self._notes = [note for note in self._notes if note.end > sealed - PAST]

    def sounding(self, frame: int) -> int:
        """How many notes are held at `frame`."""
        with self._lock:
            return sum(note.start <= frame < min(note.end, note.gone) for note in self._notes)

    def mix(self, start: int, frames: int) -> np.ndarray | None:
        """Sum of the notes over `frames` frames from `start` on: float32 [frames]; None where none sounds."""
        with self._lock:
            notes = [note for note in self._notes if note.start < start + frames and note.end > start]
            if not notes:
                return None
            out = np.zeros(frames, np.float32)
            for note in notes:
                note.add_to(out, start)
        return out


class Overlaid:
    """A tape as its listeners hear it: with the notes, in the first column."""

    def __init__(self, tape: TapeLike, overlay: Overlay) -> None:
        self.tape, self.overlay = tape, overlay

    @property
    def head(self) -> int:
        return self.tape.head

    @property
    def tail(self) -> int:
        return self.tape.tail

    @property
    def sealed(self) -> int:
        return self.tape.sealed

    @property
    def channels(self) -> int:
        return self.tape.channels

    def seal(self, frame: int) -> None:
        self.tape.seal(frame)

    def read(self, start: int, frames: int) -> np.ndarray:
        """As of `Tape.read`, with the notes."""
        sound, notes = self.tape.read(start, frames), self.overlay.mix(start, frames)
        if notes is not None:
            sound[:, 0] += notes
        return sound
