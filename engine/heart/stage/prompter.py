"""Knows where a score is: which cue is played, what is due next, what waits. Time comes in as tape frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heart.errors import UsageError
from heart.namespace import PARAMS
from heart.records import SAMPLE_RATE_HZ, SLOTS
from heart.stage.score import Cue, Event, Score


@dataclass(frozen=True)
class Place:
    """Where a score is. `number` from 1; 0: no cue has begun yet."""

    number: int
    count: int
    name: str
    state: str
    """waiting, playing or ended."""
    seconds: float
    """Since the cue began."""
    left: float
    """Until it ends."""
    next: str
    next_waits: bool


class Prompter:
    """One performance of a score.

    A cue that waits begins at `go`; any other when the one before it is over. Where nobody is there to say go,
    `patient` is False, and none waits.
    """

    def __init__(self, score: Score, patient: bool = True) -> None:
        self.score, self.patient = score, patient
        self.number = 0
        """Of the cue that is played, from 1."""
        self._begin = self._done = 0
        """Frame at which it began (the first one: is to begin), and how many of its events have been taken."""

    @property
    def due(self) -> int | None:
        """Tape frame at which something is to happen next; None: nothing before somebody says go."""
        if self._done < len(self._events):
            return self._begin + self._events[self._done].frame
        if self._next is None or (self._next.waits and self.patient):
            return None
        return self.end

    @property
    def end(self) -> int:
        """Tape frame at which the cue that is played is over."""
        return self._begin + (self._cue.frames if self._cue else 0)

    @property
    def over(self) -> bool:
        """Whether nothing is left to happen but the end of the last cue."""
        return self._next is None and self._done == len(self._events)

    def start(self, frame: int) -> None:
        """Let the first cue begin at `frame`, if none has begun yet."""
        if not self.number:
            self._begin = frame

    def take(self) -> list[Event]:
        """What is due first: all events of one frame. A cue that is due begins with its first ones."""
        due = self.due
        if due is None:
            return []
        if self._done == len(self._events):
            self._enter(self.number + 1, due)
        taken = []
        while self._done < len(self._events) and self._begin + self._events[self._done].frame == due:
            taken.append(self._events[self._done])
            self._done += 1
        return taken

    def go(self, frame: int) -> list[Event]:
        """Begin the next cue at `frame`, whether it waits or not: what is left of this one, all at once.

        Raises UsageError after the last one.
        """
        if self._next is None:
            raise UsageError("the last cue is played already; /heart/cue/to goes back")
        left = self._events[self._done :]
        self._enter(self.number + 1, frame)
        return gathered(left)

    def to(self, number: int, frame: int) -> list[Event]:
        """Begin cue `number` at `frame`: what was set before it, as it would stand there.

        Raises UsageError when there is no such cue.
        """
        if not 1 <= number <= len(self.score.cues):
            raise UsageError(f"cue {number}: there are cues 1 to {len(self.score.cues)}")
        before = [event for cue in self.score.cues[: number - 1] for event in cue.events]
        self._enter(number, frame)
        return gathered([*cleared(), *before])

    def place(self, frame: int) -> Place:
        """Where it is for who hears tape frame `frame`."""
        after, cue, count = self._next, self._cue, len(self.score.cues)
        if cue is None:
            ready = self.score.cues[0]
            return Place(0, count, "", "waiting", 0.0, 0.0, ready.name, ready.waits)
        seconds = max(0.0, (frame - self._begin) / SAMPLE_RATE_HZ)
        state = "playing" if frame < self.end else "ended" if after is None else "waiting"
        left = max(0.0, (self.end - frame) / SAMPLE_RATE_HZ)
        waits = bool(after and after.waits)
        return Place(self.number, count, cue.name, state, seconds, left, after.name if after else "", waits)

    @property
    def _cue(self) -> Cue | None:
        return self.score.cues[self.number - 1] if self.number else None

    @property
    def _next(self) -> Cue | None:
        return self.score.cues[self.number] if self.number < len(self.score.cues) else None

    @property
    def _events(self) -> Sequence[Event]:
        return self._cue.events if self._cue else ()

    def _enter(self, number: int, frame: int) -> None:
        self.number, self._begin, self._done = number, frame, 0


def gathered(events: Sequence[Event]) -> list[Event]:
    """What events come to when all of them happen at once: the last word of each, a ramp as its target."""
    last: dict[tuple[str, object], Event] = {}
    for event in events:
        if event.address == "/heart/downbeat":
            continue
        if event.address == "/heart/ramp":
            event = Event(event.frame, f"/heart/set/{event.args[0]}", (event.args[1],), event.line)
        slot = event.args[0] if event.address.startswith("/heart/sound/") else None
        key = ("/heart/sound" if slot else event.address, slot)
        last.pop(key, None)
        last[key] = event
    return list(last.values())


def cleared() -> list[Event]:
    """Everything as at the start."""
    params = [Event(0, f"/heart/set/{p.name}", (p.default,), 0) for p in PARAMS.values() if p.name != "mode"]
    slots = [Event(0, "/heart/sound/clear", (slot,), 0) for slot in range(1, SLOTS + 1)]
    return [Event(0, "/heart/resume", (), 0), *params, *slots, Event(0, "/heart/morph", (1.0,) * SLOTS, 0)]
