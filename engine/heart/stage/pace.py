"""How many diffusion steps this machine has time for: fewer when the voice runs late, more when there is room.

Pure: told how long each chunk took and when it came; no clock of its own. Down is quick, because a reserve of
two seconds is soon gone; up is slow, because every change is heard a little.
"""

from __future__ import annotations

from collections import deque

import numpy as np

COUNTS = (1, 2, 4, 8, 16)
"""Step counts worth having: each costs about twice the one before."""
TOO_SLOW = 0.8
"""Down when the 95th percentile of work time over sound time exceeds this."""
ROOM = 0.6
"""Up when the next count's would stay below this ..."""
PATIENCE_S = 10.0
"""... for this long."""
WINDOW = 20
"""Chunks looked at: 7 s of sound."""
LEAST = 4
"""Chunks before anything is said of a new step count. Two of them must be too slow: one alone is an accident."""


class Pace:
    """The steps sung, at most those asked for.

    `steps(asked)` says how many to sing, `note(...)` learns from a chunk and says whether that number changed.
    """

    def __init__(self) -> None:
        self._limit: int | None = None
        self._ratios: deque[float] = deque(maxlen=WINDOW)
        self._counted = 0
        self._room_since_s: float | None = None

    @property
    def p95(self) -> float:
        """95th percentile of work time over sound time at the steps sung now (0 before the first chunk)."""
        return float(np.percentile(self._ratios, 95)) if self._ratios else 0.0

    def steps(self, asked: int) -> int:
        """How many steps to sing when `asked` are asked for."""
        return asked if self._limit is None else min(asked, self._limit)

    def note(self, asked: int, sung: int, ratio: float, now_s: float) -> bool:
        """A chunk of `sung` steps took `ratio` of its sound's time; True when another count follows from it.

        Chunks of another count than the one sung now (they were under way when it changed) say nothing.
        """
        if sung != self.steps(asked):
            return False
        if sung != self._counted:
            self._begin(sung)
        self._ratios.append(ratio)
        if self._too_slow():
            return self._down(sung)
        return self._up(asked, sung, now_s)

    def _begin(self, count: int) -> None:
        self._counted, self._room_since_s = count, None
        self._ratios.clear()

    def _too_slow(self) -> bool:
        slow = sum(ratio > TOO_SLOW for ratio in self._ratios)
        return len(self._ratios) >= LEAST and slow >= 2 and self.p95 > TOO_SLOW

    def _down(self, sung: int) -> bool:
        lower = [count for count in COUNTS if count < sung]
        if not lower:
            return False
        self._limit = lower[-1]
        return True

    def _up(self, asked: int, sung: int, now_s: float) -> bool:
        """The predicted cost grows with the steps; what every chunk costs besides only makes it less."""
        higher = min([count for count in COUNTS if count > sung] + [asked]) if sung < asked else sung
        if higher == sung or self.p95 * higher / sung >= ROOM:
            self._room_since_s = None
            return False
        if self._room_since_s is None:
            self._room_since_s = now_s
        if now_s - self._room_since_s < PATIENCE_S:
            return False
        self._limit = None if higher >= asked else higher
        return True
