"""Time comes in as an argument: everything that needs a clock is handed one of these."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""A function that returns seconds that never run backwards."""

monotonic: Clock = time.monotonic


class FakeClock:
    """A clock that moves only when told to; for tests and offline rendering."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
