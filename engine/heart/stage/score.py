"""A score: what is performed when, cue by cue. Read from a file, checked whole before anything sounds.

The file is JSON, one object a line, with comments; docs/score.md explains it. Everything in it becomes messages of
the OSC table at frames that are counted from the beginning of their cue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from heart.records import SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Event:
    """A message at a frame of its cue, and the line of the file it comes from."""

    frame: int
    address: str
    args: tuple[Any, ...]
    line: int


@dataclass(frozen=True)
class Cue:
    """A part of a score that begins by itself or at /heart/cue/go."""

    name: str
    frames: int
    events: tuple[Event, ...] = ()
    waits: bool = False
    movement: bool = True
    """Whether it is one that a programme names."""
    line: int = 0

    @property
    def seconds(self) -> float:
        return self.frames / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Score:
    """A whole score. `seed` decides what is left to chance, and is the first value of the parameter seed."""

    path: Path
    title: str
    cues: tuple[Cue, ...]
    seed: int = 0
    voices: int = 1
    voice: str = ""
    """Which voice it was written for; "" for whichever."""

    @property
    def seconds(self) -> float:
        """How long it lasts when no cue keeps anybody waiting."""
        return sum(cue.frames for cue in self.cues) / SAMPLE_RATE_HZ

    def events(self) -> Iterator[Event]:
        """All events, their frames counted from the beginning."""
        begin = 0
        for cue in self.cues:
            for event in cue.events:
                yield replace(event, frame=begin + event.frame)
            begin += cue.frames

    def sounds(self) -> dict[str, int]:
        """Names of the sounds it loads, each with the first line that does."""
        return self._names("/heart/sound/load", 1)

    def tracks(self) -> dict[str, int]:
        """The same of the files of beats."""
        return self._names("/heart/beats/load", 0)

    def _names(self, address: str, which: int) -> dict[str, int]:
        named = [(str(event.args[which]), event.line) for event in self.events() if event.address == address]
        return dict(reversed(named))


def with_steps(score: Score, steps: int) -> Score:
    """The same score, sung with so many diffusion steps whatever it says of them."""
    address = "/heart/set/steps"
    cues = [
        replace(cue, events=tuple(event for event in cue.events if event.address != address)) for cue in score.cues
    ]
    cues[0] = replace(cues[0], events=(Event(0, address, (steps,), 0), *cues[0].events))
    return replace(score, cues=tuple(cues))


def sets_steps(score: Score) -> bool:
    """Whether it says anything of steps."""
    return any(event.address == "/heart/set/steps" for event in score.events())


def marks(cues: Sequence[Cue]) -> list[tuple[float, str]]:
    """(seconds, name) of every movement, when no cue keeps anybody waiting."""
    begins = np.cumsum([0.0, *(cue.seconds for cue in cues)])
    return [(float(begin), cue.name) for begin, cue in zip(begins, cues) if cue.movement]
