"""Hearts as loops: beats that begin again after one turn, sung so that the end leads into the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from heart.audio import rise
from heart.records import SAMPLE_RATE_HZ, Beat, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.offline import Progress, sing_on

if TYPE_CHECKING:
    from heart.sounding.registry import Singer

LEAD = 4_410
"""Frames before the first S1: the seam lies in the diastole before it."""
_SEAM = 2_048
"""Frames over which the next turn's beginning, sung on from the end, leads over to the first one's."""
_NEAR = 2 * SAMPLE_RATE_HZ
"""A wish is told the beats so far around it."""


@dataclass(frozen=True)
class Stretch:
    """So many beats of one rhythm; see `BeatClock`."""

    beats: int
    pattern: str
    bpm: float
    rmssd_ms: float = 30.0
    ectopy: float = 0.1


def strung(stretches: Sequence[Stretch], seed: int) -> tuple[Beat, ...]:
    """The beats of stretches one after another, the first S1 at LEAD."""
    beats: list[Beat] = []
    for number, part in enumerate(stretches):
        start = beats[-1].s1 + _frames(beats[-1].rr_ms) if beats else LEAD
        clock = BeatClock(part.bpm, part.rmssd_ms, seed + number, start, pattern=part.pattern, ectopy=part.ectopy)
        while clock.next_s1 == start or len(own := clock.beats_until(int(clock.next_s1))) < part.beats:
            clock.beats_until(int(clock.next_s1) + 1)
        beats += [replace(beat, n=len(beats) + beat.n) for beat in own[: part.beats]]
    return tuple(beats)


def sing_turn(
    singer: Singer,
    beats: Sequence[Beat],
    label: str,
    seed: int,
    steps: int,
    progress: Progress = lambda sung_s: None,
) -> np.ndarray:
    """One turn of a heart that beats like this for ever: float32 [n], from its first S1 to the next first."""
    turn = beats[-1].s1 + _frames(beats[-1].rr_ms) - beats[0].s1

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        begin, end = start - len(past) - _NEAR, start + frames + _NEAR
        near = tuple(
            replace(beat, n=beat.n + lap * len(beats), s1=beat.s1 + lap * turn, s2=beat.s2 + lap * turn)
            for lap in range(-1, 3)
            for beat in beats
            if begin <= beat.s1 + lap * turn < end
        )
        return Wish(number, start, frames, past, near, label, seed, steps, 1.0)

    sound = sing_on(singer, turn + _SEAM, make, progress)
    fade = rise(_SEAM)
    sound[:_SEAM] = fade * sound[:_SEAM] + (1 - fade) * sound[turn:]
    return np.ascontiguousarray(sound[:turn])


def _frames(ms: float) -> int:
    return round(ms * SAMPLE_RATE_HZ / 1_000)
