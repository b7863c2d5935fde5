"""A setting that moves: straight from one value to another on the tape's own clock. No clock, no state."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from heart.records import SAMPLE_RATE_HZ

_MINUTE = 60.0 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Glide:
    """`before` until frame `begin`, `after` from frame `begin + frames` on, a straight line between.

    Frames are absolute frames of the tape, so whoever rewinds finds the same values again. A setting that
    stands still is `still(value)`.
    """

    before: float
    after: float
    begin: float = 0.0
    frames: float = 1.0

    @property
    def end(self) -> float:
        """Frame from which on it stands still."""
        return self.begin + self.frames

    def at(self, frame: float) -> float:
        """The value at a frame."""
        if frame >= self.end:
            return self.after
        return self.before + (self.after - self.before) * max(0.0, frame - self.begin) / self.frames

    def beats_between(self, begin: float, end: float) -> float:
        """Beats that pass from frame `begin` to `end` when the value is a rate in bpm: its integral."""
        cuts = [begin, *(min(max(cut, begin), end) for cut in (self.begin, self.end)), end]
        return sum((b - a) * (self.at(a) + self.at(b)) / 2 for a, b in itertools.pairwise(cuts)) / _MINUTE

    def frames_of(self, beats: float, frame: float) -> float:
        """Frames from `frame` on in which `beats` beats pass, the value being a rate in bpm: the inverse."""
        left, now = beats * _MINUTE, frame
        for end in (self.begin, self.end, math.inf):
            if now >= end:
                continue
            rate = self.at(now)
            slope = (self.after - self.before) / self.frames if self.begin <= now < self.end else 0.0
            under = rate * rate + 2 * slope * left
            # rate * t + slope * t^2 / 2 = left; no root: the line ends before so many beats have passed.
            took = 2 * left / (rate + math.sqrt(under)) if under >= 0 else math.inf
            if now + took <= end:
                return now + took - frame
            left -= (rate + slope * (end - now) / 2) * (end - now)
            now = end
        return now - frame


def still(value: float) -> Glide:
    """A setting that does not move."""
    return Glide(float(value), float(value))
