"""Where a client's play position is: its own sample counter, unwrapped, and a guess between two credits."""

from __future__ import annotations

from collections import deque

WRAP = 2**20
"""`played` counts modulo this (exact in a 32-bit float, with room)."""

GUESS_S = 0.1
"""How long the position is assumed to run on after the last credit."""

LEAP_S = 4.0
"""No real counter moves so far between two credits: the client began to count anew."""


class Playhead:
    """Frames a client has played since its welcome, from the wrapped counts in its credits."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.played = 0
        """As last reported, unwrapped."""
        self._credits: deque[tuple[float, int]] = deque(maxlen=3)

    def report(self, played: int, now: float) -> bool:
        """Take in a credit. False when the count leapt or fell back: it is a new count, not this one.

        A reordered credit is slightly older than what is known and changes nothing.
        """
        step = (played - self.played + WRAP // 2) % WRAP - WRAP // 2
        if (abs(step) > LEAP_S * self.rate_hz and self._credits) or step < -self.rate_hz:
            return False
        if step >= 0:
            self.played += step
            self._credits.append((now, self.played))
        return True

    def estimate(self, now: float) -> int:
        """Frames played by now. Of the last credits the one that was least delayed on its way counts."""
        if not self._credits:
            return self.played
        until = min(now, self._credits[-1][0] + GUESS_S)
        return max(played + int((until - since) * self.rate_hz) for since, played in self._credits)
