"""What is sung: a label or a mix, and from which beat on. No clock of its own."""

from __future__ import annotations

from collections.abc import Sequence
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


class Mixing:
    """The sung of now and, while a crossing may still be sung again, the one before it.

    A crossing is a change between heart and texture that waits for an S1. Its frame is not kept but found anew
    for each wish, because the beats before it may still move. What a change leads away from is decided by the first
    wish after it, which knows at which frame the change is heard, and so whether an earlier crossing is over there.
    """

    def __init__(self, label: str) -> None:
        self.now = Sung(label)
        self._former: Sung | None = None
        self._since: int | None = 0
        """First frame at which the crossing may be complete; None until the first wish after a change."""
        self._frame = 0
        """Where the crossing is complete, as the last wish had it."""
        self._before: tuple[Sung, Sung | None, int] = (self.now, None, 0)
        self._on_beat = False

    def change(self, sung: Sung, on_beat: bool) -> None:
        """Sing something else: at the next S1 if `on_beat` and another net is to sing, else at once."""
        if self._since is not None:  # of two changes that no wish lies between only the last is sung
            self._before = (self.now, self._former, self._frame)
        self.now, self._on_beat, self._since = sung, on_beat, None

    def over(self, start: int, frames: int, beats: Sequence[Beat]) -> tuple[Sung, Crossing | None]:
        """What a chunk of `frames` from `start` on begins with, and its crossing if there is one in it."""
        if self._since is None:
            self._decide(start)
        if self._former is None or self._since is None:
            return self.now, None
        end, since = start + frames + OVERLAP, self._since
        self._frame = next((beat.s1 for beat in beats if beat.s1 >= since), end + CROSSFADE)
        if self._frame <= start:
            return self.now, None
        if self._frame - CROSSFADE >= end:
            return self._former, None
        return self._former, Crossing(self._frame, self.now.whole)

    def _decide(self, start: int) -> None:
        now, former, frame = self._before
        sounding = former if former is not None and frame > start else now
        crosses = self._on_beat and sounding.uses() != self.now.uses()
        self._former = sounding if crosses else None
        self._since = start + CROSSFADE
