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
    for each wish, because the beats before it may still move.
    """

    def __init__(self, label: str) -> None:
        self.now = Sung(label)
        self._former: Sung | None = None
        self._since: int | None = None
        """First frame at which the crossing may be complete; None until the next wish."""
        self._crossed = True

    def change(self, sung: Sung, on_beat: bool) -> None:
        """Sing something else: at the next S1 if `on_beat` and another net is to sing, else at once."""
        sounding = self.now if self._former is None or self._crossed else self._former
        self.now = sung
        crosses = on_beat and sounding.uses() != sung.uses()
        self._former = sounding if crosses else None
        self._since, self._crossed = None, not crosses

    def over(self, start: int, frames: int, beats: Sequence[Beat]) -> tuple[Sung, Crossing | None]:
        """What a chunk of `frames` from `start` on begins with, and its crossing if there is one in it."""
        if self._former is None:
            return self.now, None
        if self._since is None:
            self._since = start + CROSSFADE
        end = start + frames + OVERLAP
        frame = next((beat.s1 for beat in beats if beat.s1 >= self._since), end + CROSSFADE)
        self._crossed = frame <= start
        if self._crossed:
            return self.now, None
        if frame - CROSSFADE >= end:
            return self._former, None
        return self._former, Crossing(frame, self.now.whole)
