"""Messages for later: what the time tag of a bundle asks for, within limits.

A tag is wall-clock time (NTP, RFC 5905); what waits is counted on the clock that never jumps, so a clock set by an
hour meanwhile moves nothing. Pure: both times come in.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Any

from heart.errors import WireError

NOW = 1
"""The tag that means at once; what is dated before 1970 is taken so too."""
NTP_TO_UNIX_S = 2_208_988_800
MOST_WAITING = 1024
MOST_AHEAD_S = 10.0
LATE_S = 0.05
"""So much is the way through a network; what is later is told."""


def seconds_ahead(when: int, wall_s: float) -> float:
    """How far in the future an OSC time tag lies; 0 for "at once", negative for what is late."""
    unix_s = when / 2**32 - NTP_TO_UNIX_S
    return 0.0 if when <= NOW or unix_s <= 0 else unix_s - wall_s


class Agenda:
    """What waits for its time, in order; of two for the same time the one that came first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Any]] = []
        self._number = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, address: str, ahead_s: float, now: float, item: Any) -> None:
        """Keep `item` for `ahead_s`. Raises WireError: `time`, too far ahead; `full`, too many wait."""
        if ahead_s > MOST_AHEAD_S:
            text = f"{address}: is for {ahead_s:.1f} s from now, at most {MOST_AHEAD_S:g} s are kept; send it later"
            raise WireError("time", address, text)
        if len(self) >= MOST_WAITING:
            raise WireError("full", address, f"{address}: {MOST_WAITING} messages wait for their time already")
        heapq.heappush(self._waiting, (now + ahead_s, next(self._number), item))

    def due(self, now: float) -> list[Any]:
        """Take out what is due."""
        found = []
        while self._waiting and self._waiting[0][0] <= now:
            found.append(heapq.heappop(self._waiting)[2])
        return found

    @property
    def next_s(self) -> float | None:
        """When the next one is due."""
        return self._waiting[0][0] if self._waiting else None
