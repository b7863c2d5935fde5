"""How fast a sound may get louder: at most 6 dB in 10 ms, above what nobody minds.

The limit follows the loudest sample of the last seconds at a slope, and runs 3 dB ahead of it. What lies below
passes bit for bit, so the second of two equal beats has its whole attack; only what is more than 3 dB louder than
all of the last 5 s comes up softly: those 3 dB at once, and 3 dB more in 10 ms.
"""

from __future__ import annotations

import numpy as np

RISE_DB_PER_S = 300.0
AHEAD_DB = 3.0
"""Without it every crest that is a little higher than the last would be bent."""

CALM_DB = -20.0
"""Below this anything may begin at once: where full scale is set to 100 dB(A) it is 80, as loud as speech."""

MEMORY_S = 5.0
"""A level is remembered for one to two times as long: a heart at 30 bpm, and one that skips beats, stay known."""


class Rise:
    """The running limit of one stream. All of it hangs on the grid that the guard counts in (`phase` 0..grid)."""

    def __init__(self, rate_hz: float, grid: int) -> None:
        self._calm = 10 ** (CALM_DB / 20)
        self._ahead = 10 ** (AHEAD_DB / 20)
        self._slope = 10 ** (RISE_DB_PER_S / rate_hz / 20 * np.arange(1, grid + 1))
        self._span = max(1, round(MEMORY_S * rate_hz / grid))
        self.reset()

    def reset(self) -> None:
        """Nothing has been heard."""
        self._goal = self._calm
        """Where the limit goes: 3 dB above the loudest."""
        self._limit = self._calm
        """As of the last anchor: a frame's limit is at most this times its slope."""
        self._loudest = 0.0
        self._anchors = 0

    def holds(self, peak: float, phase: int, frames: int) -> bool:
        """Whether a stretch with this peak is below a limit that stands: then nothing needs to be done."""
        if peak * self._ahead > self._goal or self._limit * self._slope[phase] < self._goal:
            return False
        self._limit = min(self._limit, self._goal / float(self._slope[phase + frames - 1]))
        return True

    def allowed(self, level: np.ndarray, phase: int) -> np.ndarray:
        """The limit at each frame of a stretch with levels [n] from `phase` on: float64 [n]."""
        slope = self._slope[phase : phase + len(level)]
        goal = np.maximum.accumulate(np.maximum(np.minimum(level, 1.0) * self._ahead, self._goal))
        limit = np.minimum.accumulate(np.minimum(goal / slope, self._limit))
        self._goal, self._limit = float(goal[-1]), float(limit[-1])
        return np.minimum(limit * slope, goal)

    def follow(self, peak: float) -> None:
        """A stretch that comes up softly by itself had this peak: the limit is there already."""
        self._goal = max(self._goal, min(peak, 1.0) * self._ahead)
        self._limit = self._goal

    def anchor(self, peak: float) -> None:
        """A grid of frames with this peak in the output is over."""
        self._limit = min(self._limit * float(self._slope[-1]), self._goal)
        self._loudest = max(self._loudest, peak)
        self._anchors += 1
        if self._anchors >= self._span:
            self._anchors = 0
            self._goal = max(self._calm, self._loudest * self._ahead)
            self._limit = min(self._limit, self._goal)
            self._loudest = 0.0
