"""What is sung: a label or a mix, and from which beat on. No clock of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heart.records import CROSSFADE, OVERLAP, Beat, Crossing, Mix
from heart.sounding.mixtures import gains, shares


@dataclass(frozen=True)
class Sung:
    """A label, or a mix that goes by its labels' names."""

    label: str
    mix: Mix = ()

    @property
    def whole(self) -> Mix:
        return self.mix or ((self.label, 1.0),)

    def uses(self) -> tuple[bool, bool]:
        """Whether the heart and whether the texture sounds in it."""
        heart, texture = gains(shares(self.whole))
        return heart > 0, texture > 0


Way = Callable[[float], Sung]
"""What is to be sung, by tape frame."""


class Mixing:
    """The sung of now and, while a crossing may still be sung again, the one before it.

    A crossing is a change between heart and texture that waits for an S1. Its frame is not kept but found anew
    for each wish, because the beats before it may still move. What a change leads away from is decided by the first
    wish after it, which knows at which frame the change is heard, and so whether an earlier crossing is over there.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._former: Sung | None = None
        self._since: int | None = 0
        """First frame at which the crossing may be complete; None until the first wish after a change."""
        self._frame = 0
        """Where the crossing is complete, as the last wish had it."""
        self._before: tuple[Way, Sung | None, int] = (way, None, 0)
        self._on_beat = False

    @property
    def now(self) -> Sung:
        """What is sung once everything that moves has arrived."""
        return self._way(math.inf)

    def change(self, way: Way, on_beat: bool, was: Way | None = None) -> None:
        """Sing something else: at the next S1 if `on_beat` and another net is to sing, else at once.

        `was`: what was sung so far, where the way of before does not say that any more.
        """
        if self._since is not None:  # of two changes that no wish lies between only the last is sung
            self._before = (self._way, self._former, self._frame)
        if was is not None:
            self._before = (was, *self._before[1:])
        self._way, self._on_beat, self._since = way, on_beat, None

    def over(self, start: int, frames: int, beats: Sequence[Beat]) -> tuple[Sung, Crossing | None]:
        """What a chunk of `frames` from `start` on begins with, and its crossing if there is one in it."""
        if self._since is None:
            self._decide(start)
        now, end = self._way(start), start + frames + OVERLAP
        if self._former is None or self._since is None:
            return now, None
        since = self._since
        self._frame = next((beat.s1 for beat in beats if beat.s1 >= since), end + CROSSFADE)
        if self._frame <= start:
            return now, None
        if self._frame - CROSSFADE >= end:
            return self._former, None
        return self._former, Crossing(self._frame, now.whole)

    def _decide(self, start: int) -> None:
        way, former, frame = self._before
        sounding = former if former is not None and frame > start else way(start)
        crosses = self._on_beat and sounding.uses() != self._way(start).uses()
        self._former = sounding if crosses else None
        self._since = start + CROSSFADE


def only(label: str) -> Way:
    """The way of one label."""
    return lambda frame: Sung(label)
