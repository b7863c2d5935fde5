"""A beat track: given RR intervals, sung in place of the beat clock's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from heart.errors import UsageError

RR_MS = (200.0, 10_000.0)
"""Shortest and longest RR interval that is sung as it is."""
RATE_BPM = (30.0, 220.0)
"""What the mean rate of a track may be."""
MOST_BEATS = 200_000
"""A day and a night at 140 bpm."""


@dataclass(frozen=True)
class Track:
    """RR intervals in ms, one a beat, and where known the time from each S1 to its S2 in ms (0: unknown).

    Raises:
        UsageError: no intervals, too many, one out of RR_MS, a mean rate out of RATE_BPM.
    """

    rr_ms: tuple[float, ...]
    systole_ms: tuple[float, ...] = ()
    loop: bool = False
    """Begin again at the end; else the beat clock goes on by itself."""
    levels: tuple[tuple[float, float], ...] = ()
    """Levels of S1 and S2 of each beat, 0..1: weak ones are weak. Empty: all 1."""

    def __post_init__(self) -> None:
        if not 0 < len(self.rr_ms) <= MOST_BEATS:
            raise UsageError(f"{len(self.rr_ms)} RR intervals: a beat track has 1 to {MOST_BEATS}")
        for number, rr_ms in enumerate(self.rr_ms, 1):
            if not RR_MS[0] <= rr_ms <= RR_MS[1]:
                raise UsageError(f"RR interval {number} is {rr_ms:g} ms, must be {RR_MS[0]:g} to {RR_MS[1]:g} ms")
        if not RATE_BPM[0] <= self.bpm <= RATE_BPM[1]:
            raise UsageError(f"mean rate {self.bpm:.1f} bpm, must be {RATE_BPM[0]:g} to {RATE_BPM[1]:g} bpm")

    @cached_property
    def mean_ms(self) -> float:
        """Mean RR interval."""
        return sum(self.rr_ms) / len(self.rr_ms)

    @property
    def bpm(self) -> float:
        """Mean rate."""
        return 60_000.0 / self.mean_ms

    @property
    def seconds(self) -> float:
        """Length of the track, played once."""
        return sum(self.rr_ms) / 1_000.0

    def beat(self, index: int) -> tuple[float, float] | None:
        """RR interval and systole (0: unknown) of a beat, in ms; None behind the end."""
        if self.loop:
            index %= len(self.rr_ms)
        if not 0 <= index < len(self.rr_ms):
            return None
        return self.rr_ms[index], self.systole_ms[index] if self.systole_ms else 0.0

    def levels_of(self, index: int) -> tuple[float, float]:
        """Levels of S1 and S2 of a beat; (1, 1) before the track and behind its end."""
        if self.loop:
            index %= len(self.rr_ms)
        return self.levels[index] if 0 <= index < len(self.levels) else (1.0, 1.0)
