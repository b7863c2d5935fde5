"""The tape: what was sung, what is about to be heard, and the reserve that may still be sung again.

A ring of float32 frames that are counted absolutely: frame 0 is the first the engine ever laid down.

        tail            sealed            head
    ------|================|---------------|------------->  frames
     gone |  never changes |  the reserve  | not yet sung

Who may call what
-----------------
* One writer: `lay` and `seal` from the same thread (the engine's loop).
* Any number of readers, from any thread: `read`, `head`, `tail`, `sealed`. A reader gets a copy.
* A short lock makes each call whole: a reader sees a `lay` entirely or not at all. It is held for one
  copy (about 10 us for 256 frames, well below 1 ms for two seconds) and never while waiting.
* What a reader has taken from before `sealed` stays true for ever; what it takes from behind it may be
  replaced, so a sender seals what it is about to send and then reads it.
"""

from __future__ import annotations

import threading

import numpy as np

from heart.audio import rise
from heart.records import SAMPLE_RATE_HZ


class Tape:
    """A ring of `seconds` of `channels` at SAMPLE_RATE_HZ, addressed by absolute frames."""

    def __init__(self, seconds: float = 30.0, channels: int = 1) -> None:
        """Raises ValueError when the tape would hold no frame or no channel."""
        self.capacity = round(seconds * SAMPLE_RATE_HZ)
        self.channels = channels
        if self.capacity < 1 or channels < 1:
            raise ValueError(f"a tape of {seconds} s and {channels} channels holds nothing")
        self._ring = np.zeros((self.capacity, channels), dtype=np.float32)
        self._lock = threading.Lock()
        self._tail = self._sealed = self._head = 0

    @property
    def head(self) -> int:
        """First frame that has not been written."""
        return self._head

    @property
    def tail(self) -> int:
        """Oldest frame still held. It never moves back, also when a re-sung future is shorter."""
        return self._tail

    @property
    def sealed(self) -> int:
        """Frames before this one never change again."""
        return self._sealed

    def lay(self, start: int, audio: np.ndarray, overlap: int = 0) -> int:
        """Write `audio` from frame `start` on, replacing all that stood behind; return the new head.

        `audio` is [n] or [n, channels]; `sealed <= start <= head`. Over the first `overlap` frames (or as
        many as the tape and the audio both have) the old sound goes over into the new with weights that add up
        to 1: both continue the same past, so they are correlated and this keeps the level.

        Raises ValueError when `start` is out of range, the shape is wrong, or so much is laid that frames
        that were not sealed yet would leave the ring.
        """
        sound = self._as_frames(audio)
        if overlap < 0:
            raise ValueError(f"an overlap of {overlap} frames is negative")
        with self._lock:
            self._check_lay(start, len(sound))
            fade = min(overlap, self._head - start, len(sound))
            if fade:
                sound = _cross_fade(self._copy(start, fade), sound, fade)
            self._put(start, sound)
            self._head = start + len(sound)
            self._tail = max(self._tail, self._head - self.capacity)
            return self._head

    def read(self, start: int, frames: int) -> np.ndarray:
        """A copy of `frames` frames from `start` on: float32 [frames, channels].

        Raises ValueError when any of them lies outside [tail, head).
        """
        with self._lock:
            if frames < 0 or not self._tail <= start <= start + frames <= self._head:
                raise ValueError(
                    f"frames {start}..{start + frames} are not on the tape, which holds {self._tail}..{self._head}"
                )
            return self._copy(start, frames)

    def restore(self, start: int, audio: np.ndarray) -> None:
        """Put back what stood from `start` up to the head, sealed or not: float32 [n, channels].

        Raises ValueError when it does not reach from the tail or later to the head.
        """
        with self._lock:
            if not self._tail <= start <= start + len(audio) == self._head:
                raise ValueError(f"{len(audio)} frames from {start} on do not end at {self._head}")
            self._put(start, self._as_frames(audio))

    def seal(self, frame: int) -> None:
        """Promise that nothing before `frame` changes any more; a lower frame than before changes nothing.

        Raises ValueError when `frame` lies behind the head: silence that was never sung cannot be sealed.
        """
        with self._lock:
            if frame > self._head:
                raise ValueError(f"cannot seal frame {frame}: the tape ends at {self._head}")
            self._sealed = max(self._sealed, frame)

    def _as_frames(self, audio: np.ndarray) -> np.ndarray:
        sound = np.asarray(audio, dtype=np.float32)
        if sound.ndim == 1 and self.channels == 1:
            sound = sound[:, np.newaxis]
        if sound.ndim != 2 or sound.shape[1] != self.channels:
            raise ValueError(f"audio of shape {np.shape(audio)} does not fit {self.channels} channels")
        return sound

    def _check_lay(self, start: int, frames: int) -> None:
        if not self._sealed <= start <= self._head:
            raise ValueError(f"cannot lay at {start}: only {self._sealed}..{self._head} may change")
        if start + frames - self.capacity > self._sealed:
            raise ValueError(
                f"{frames} frames from {start} on would push unsealed frames out of a ring of {self.capacity}"
            )

    def _copy(self, start: int, frames: int) -> np.ndarray:
        at = start % self.capacity
        first = min(frames, self.capacity - at)
        if first == frames:
            return self._ring[at : at + frames].copy()
        return np.concatenate((self._ring[at:], self._ring[: frames - first]))

    def _put(self, start: int, sound: np.ndarray) -> None:
        at = start % self.capacity
        first = min(len(sound), self.capacity - at)
        self._ring[at : at + first] = sound[:first]
        self._ring[: len(sound) - first] = sound[first:]


def _cross_fade(old: np.ndarray, new: np.ndarray, fade: int) -> np.ndarray:
    """`new` with its first `fade` frames led in from `old`; the first is nearly old, the last nearly new."""
    led_in = old + rise(fade)[:, np.newaxis] * (new[:fade] - old)
    return np.concatenate((led_in, new[fade:]))
