"""Beats of a further voice: so many for each beat of the first one, locked to it whatever that one does.

A place in the first voice's rhythm is counted in its beats: 12.5 lies half way from its beat 12 to its beat 13. The
companion beats at every 1/tempo of these, so it goes along with every variation, ramp and heard heart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from heart.records import SAMPLE_RATE_HZ, Beat
from heart.sounding.rhythm import systole_ms

FASTEST_BPM = 240.0
"""A companion that would beat faster beats half as often."""
HISTORY = 256
"""Beats remembered; the oldest are dropped."""


class Companion:
    """Beats on absolute frames, made from those of the first voice; changed only where the caller rewinds."""

    def __init__(self, tempo: float = 1.0) -> None:
        """`tempo`: beats for each beat of the first voice, 0.25..4."""
        self.tempo = tempo
        self._steps: list[tuple[float, Beat]] = []
        """Beats with their places."""
        self._next = 0.0
        self._number = 0
        self._floor = 0
        """No beat is made before this frame: it has been sung past."""

    def beats_until(
        self, frame: int, leads: Sequence[Beat], systole: Callable[[float], float] = lambda frame: 1.0
    ) -> tuple[Beat, ...]:
        """All remembered beats with S1 before `frame`; those still missing are made from `leads`, the beats of the
        first voice up to there. `systole`: of an S1's frame, 0.7..1.3, share of the systole that the rate would
        have."""
        if leads and self._next < leads[0].n:  # so long ago that the first voice has forgotten it
            self._next = float(leads[0].n)
        while leads and self._next < leads[-1].n + 1:
            if not self._schedule(frame, leads, systole):
                break
        del self._steps[:-HISTORY]
        return tuple(beat for _, beat in self._steps if beat.s1 < frame)

    def rewind(self, frame: int, leads: Sequence[Beat], former: float | None = None) -> None:
        """Forget the beats whose S1 lies at or after `frame`. The one under way keeps its phase, also when it was
        begun at another tempo, `former`."""
        self._floor = frame
        while self._steps and self._steps[-1][1].s1 >= frame:
            self._next, beat = self._steps.pop()
            self._number = beat.n
        if former is None or former == self.tempo or not self._steps:
            return
        here = place_of(frame, leads)
        gone = (here - self._steps[-1][0]) * former
        self._next = max(here, here + (1.0 - gone) / self.tempo)

    def _schedule(self, frame: int, leads: Sequence[Beat], systole: Callable[[float], float]) -> bool:
        """The next beat, if its S1 lies before `frame`."""
        lead = leads[int(self._next) - leads[0].n]
        s1 = max(lead.s1 + (self._next - lead.n) * _frames(lead.rr_ms), float(self._floor))
        if s1 >= frame:
            return False
        tempo = self.tempo
        while tempo * 60_000.0 / lead.rr_ms > FASTEST_BPM:
            tempo /= 2
        self._steps.append((self._next, self._beat(lead, s1, lead.rr_ms / tempo, systole(s1))))
        self._next += 1.0 / tempo
        self._number += 1
        return True

    def _beat(self, lead: Beat, s1: float, rr_ms: float, systole: float) -> Beat:
        """In unison with the first voice also its S2."""
        unison = self._next == lead.n and rr_ms == lead.rr_ms
        s2 = lead.s2 if unison else round(s1 + _frames(systole_ms(rr_ms, systole)))
        return Beat(self._number, round(s1), s2, rr_ms, lead.gain1, lead.gain2)


def place_of(frame: float, leads: Sequence[Beat]) -> float:
    """Where `frame` lies in the rhythm of the first voice, in its beats."""
    lead = next((beat for beat in reversed(leads) if beat.s1 <= frame), leads[0])
    return lead.n + (frame - lead.s1) / _frames(lead.rr_ms)


def _frames(ms: float) -> float:
    return ms * SAMPLE_RATE_HZ / 1_000.0
