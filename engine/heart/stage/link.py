"""Ableton Link, optional: the heart leads the tempo of every program on the network that follows Link, or the
session leads the heart, tempo and beat."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Protocol

from heart.errors import UsageError
from heart.namespace import PARAMS
from heart.records import SAMPLE_RATE_HZ
from heart.stage.effects import Effect
from heart.stage.performance import Performance

SMALLEST_STEP_BPM = 0.2
"""Smaller changes are kept to ourselves: every change moves all peers."""
SMALLEST_HEARD_BPM = 0.05
"""... and of the session's, those that nobody would hear."""
OFF_BEAT_S = 0.025
"""So far, and half of the variability, an S1 may lie beside the session's beat before it is moved there."""
PATIENCE_S = 4.0
"""Between two such moves: each has sound sung again."""
AHEAD_S = 1.5
"""Where beats are compared: what comes sooner may be sealed."""


def check_link() -> None:
    """Raises UsageError when aalink is not installed."""
    if importlib.util.find_spec("aalink") is None:
        raise UsageError("--link needs aalink: pip install 'sounds-of-the-heart[link]'")


class LinkSession:
    """Our place in the Link session. Needs the extra `link` (aalink, GPL-3.0-or-later)."""

    def __init__(self, bpm: float) -> None:
        """Call inside a running loop; see `check_link`. `bpm` holds until another peer is met."""
        from aalink import Link

        self._link = Link(bpm)
        self._link.enabled = True

    @property
    def peers(self) -> int:
        return int(self._link.num_peers)

    @property
    def tempo(self) -> float:
        """Beats per minute of the session."""
        return float(self._link.tempo)

    @property
    def beat(self) -> float:
        """Where the session is now; whole numbers are its beats."""
        return float(self._link.beat)

    def lead(self, bpm: float) -> None:
        """Give the session this tempo, if it differs audibly from what it has."""
        if abs(bpm - self.tempo) >= SMALLEST_STEP_BPM:
            self._link.tempo = bpm

    def leave(self) -> None:
        self._link.enabled = False


class Session(Protocol):
    """What a leader must tell."""

    @property
    def tempo(self) -> float: ...
    @property
    def beat(self) -> float: ...


class SessionFollower:
    """Keeps a performance in mode lead at a session's tempo, and its S1 on the session's beats.

    Args:
        heard_frame: tells the tape frame that the first listener hears now, or None.
    """

    def __init__(self, performance: Performance, session: Session, heard_frame: Callable[[], int | None]) -> None:
        self.performance, self.session, self.heard_frame = performance, session, heard_frame
        self._moved_s = -1e9

    def follow(self, now_s: float, sealed: int) -> list[Effect]:
        """What must change at time `now_s`; nothing in modes in which others lead."""
        if self.performance.mode != "lead":
            return []
        bpm = within_reach(self.session.tempo)
        effects: list[Effect] = []
        if abs(bpm - self.performance.values["bpm"]) >= SMALLEST_HEARD_BPM:
            effects = self.performance.on_set(PARAMS["bpm"], (bpm,), None)
        heard = self.heard_frame()
        if heard is None or now_s - self._moved_s < PATIENCE_S:
            return effects
        beat = max(heard, sealed) + AHEAD_S * SAMPLE_RATE_HZ
        beat = self._next_beat(heard, beat, bpm)
        if abs(self._off(beat, bpm)) > OFF_BEAT_S + self.performance.values["rmssd"] / 2_000:
            self._moved_s = now_s
            effects += self.performance.downbeat(beat)
        return effects

    def _next_beat(self, heard: int, after: float, bpm: float) -> float:
        """Tape frame at which the first of the session's beats after a frame will be heard."""
        every = 60 / bpm * SAMPLE_RATE_HZ
        beats = 60 / self.session.tempo * SAMPLE_RATE_HZ
        first = heard + (math.ceil(self.session.beat) - self.session.beat) * beats
        return first + max(0, math.ceil((after - first) / every)) * every

    def _off(self, beat: float, bpm: float) -> float:
        """Seconds from a beat of the session to the nearest scheduled S1; 0 where none is scheduled there."""
        half = int(30 / bpm * SAMPLE_RATE_HZ)
        near = self.performance.beats_between(int(beat) - half, int(beat) + half)
        return min((beat_.s1 - beat for beat_ in near), key=abs, default=0.0) / SAMPLE_RATE_HZ


def within_reach(bpm: float) -> float:
    """A tempo that a heart can have: the session's, halved or doubled where it must be."""
    low, high = PARAMS["bpm"].low or 30.0, PARAMS["bpm"].high or 220.0
    while bpm > high:
        bpm /= 2
    while bpm < low:
        bpm *= 2
    return bpm
