"""Reads a score, line by line: what is said under which cue, repeated how often, chosen how."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import shown
from heart.errors import FileError, HeartError
from heart.namespace import MAX_INT
from heart.records import SAMPLE_RATE_HZ, VOICES
from heart.stage.score import Cue, Event, Score
from heart.stage.score_lines import (
    ACTIONS,
    CONDITIONS,
    TIMED,
    Line,
    actions,
    located,
    message,
    number,
    read_lines,
)

FORMAT = 1
MOST_EVENTS = 200_000
LONGEST_S = 6 * 3_600.0
HEADER = {"score", "title", "seed", "voices", "voice", "set"}
CUE = {"cue", "movement", "seconds", "wait", "if", "unless"}
REPEAT = {"repeat", "every", "at", "after", "if", "unless"}
END = {"end", "at", "after"}


def read_score(path: Path, seed: int | None = None, given: Collection[str] = ()) -> Score:
    """Read a score. `seed` takes the place of its own; `given` says which of CONDITIONS are true.

    Raises:
        FileError: it cannot be read, or the line that cannot be, with its number and why.
    """
    path = Path(path)
    lines = read_lines(path)
    if not lines or "score" not in lines[0].says:
        raise FileError(f'{shown(path)}: a score begins with a line {{"score": {FORMAT}, "title": ...}}')
    reader = _Reader(path, seed, given)
    for line in lines:
        try:
            reader.read(line)
        except (ValueError, TypeError, HeartError) as error:
            raise located(path, line, error) from None
    try:
        return reader.finish()
    except ValueError as error:
        raise FileError(f"{shown(path)}: {error}") from None


class _Block:
    """A cue, or a repeat inside one, while its lines are read. Times in seconds from its beginning."""

    def __init__(self, says: Mapping[str, Any], line: int, at: float = 0.0) -> None:
        self.says, self.line, self.at = says, line, at
        self.now = 0.0
        self.least = 0.0
        self.ends: float | None = None
        """Where a line says that it ends."""
        self.lines: list[tuple[float, float, Line]] = []
        """(earliest, latest time, line), a line of a repeat being the block itself."""
        self.blocks: dict[int, _Block] = {}


class _Reader:
    """The lines of a score, one after another."""

    def __init__(self, path: Path, seed: int | None, given: Collection[str]) -> None:
        self.path, self.seed, self.given = path, seed, given
        self.header: Mapping[str, Any] = {}
        self.cues: list[Cue] = []
        self.open: list[_Block] = []
        self.events = 0
        self.skipped = False
        """Whether the lines belong to a cue whose condition is not met."""

    def read(self, line: Line) -> None:
        """One more line. Raises ValueError or WireError for what it cannot be."""
        kind = next((word for word in ("score", "cue", "movement", "repeat", "end") if word in line.says), "")
        _only(line.says, {"score": HEADER, "cue": CUE, "movement": CUE, "repeat": REPEAT, "end": END}.get(kind))
        if not self.header and kind != "score":
            raise ValueError("a score begins with its header")
        if kind == "score":
            self._head(line)
        elif kind in ("cue", "movement"):
            self._begin(line, kind)
        elif not self.open and not self.skipped:
            raise ValueError('comes before the first cue: {"movement": NAME, "seconds": ...}')
        elif self.skipped:
            return
        elif kind == "end":
            self._end(line)
        else:
            self._place(line, kind == "repeat")

    def finish(self) -> Score:
        """The whole. Raises ValueError when something is missing at the end."""
        self._close()
        head = self.header
        if not head:
            raise ValueError("is empty")
        first = [message(f"/heart/set/{name}", value) for name, value in head.get("set", {}).items()]
        if not self.cues:
            raise ValueError("has no cue; it performs nothing")
        start = tuple(Event(0, *each, 1) for each in [message("/heart/set/seed", self._seed), *first])
        cue = self.cues[0]
        self.cues[0] = replace(cue, events=(*start, *cue.events))
        score = Score(self.path, str(head.get("title", self.path.stem)), tuple(self.cues), self._seed)
        if score.seconds > LONGEST_S:
            raise ValueError(f"lasts {score.seconds / 3_600:.1f} hours, at most {LONGEST_S / 3_600:g} are played")
        return replace(score, voices=head.get("voices", 1), voice=str(head.get("voice", "")))

    @property
    def _seed(self) -> int:
        return int(self.header.get("seed", 0) if self.seed is None else self.seed)

    def _head(self, line: Line) -> None:
        says = line.says
        if self.header:
            raise ValueError("a second header")
        if says["score"] != FORMAT:
            raise ValueError(f"is of format {says['score']!r}, this version reads {FORMAT}")
        _whole(says, "seed", 0, MAX_INT)
        _whole(says, "voices", 1, VOICES)
        for name, value in says.get("set", {}).items():
            message(f"/heart/set/{name}", value)
        self.header = says

    def _begin(self, line: Line, kind: str) -> None:
        self._close()
        self.skipped = not self._met(line.says)
        if not isinstance(line.says[kind], str) or not line.says[kind]:
            raise ValueError(f"{kind} must be a name")
        if "seconds" in line.says:
            number(line.says, "seconds", 0.01, LONGEST_S)
        if not self.skipped:
            self.open = [_Block(line.says, line.number)]

    def _place(self, line: Line, repeat: bool) -> None:
        """Note a line at its time; what it sends is made when its cue is closed, once for every repetition."""
        block = self.open[-1]
        at, latest = self._when(line.says, block)
        if not repeat and not line.says.keys() & ACTIONS:
            raise ValueError(f"says nothing to do; there is {', '.join(sorted(ACTIONS))}")
        _only(line.says, None if repeat else TIMED | ACTIONS | {"over"})
        if at < block.least:
            raise ValueError(f"time goes backwards: {at:g} s after {block.least:g} s")
        block.least, block.now = at, latest
        block.lines.append((at, latest, line))
        if repeat:
            _whole(line.says, "repeat", 1, 100_000)
            number(line.says, "every", 0.01)
            block.blocks[line.number] = _Block(line.says, line.number)
            self.open.append(block.blocks[line.number])
        else:
            list(actions(line.says, np.random.default_rng(0)))  # so that a mistake is told of this line

    def _when(self, says: Mapping[str, Any], block: _Block) -> tuple[float, float]:
        if "after" in says:
            at = block.now + number(says, "after")
            return at, at
        if isinstance(says.get("at"), list):
            span = says["at"]
            if len(span) != 2:
                raise ValueError("at must be seconds, or [earliest, latest]")
            low, high = number({"at": span[0]}, "at"), number({"at": span[1]}, "at")
            if high < low:
                raise ValueError(f"at: {high:g} s is earlier than {low:g} s")
            return low, high
        at = number(says, "at") if "at" in says else block.now
        return at, at

    def _end(self, line: Line) -> None:
        if line.says["end"] == "cue" and len(self.open) == 1:
            self.open[0].ends, _ = self._when(line.says, self.open[0])
            return
        if len(self.open) < 2 or line.says["end"] != "repeat":
            raise ValueError('ends nothing; {"end": "repeat"} ends a repeat, {"end": "cue", "at": ...} a cue')
        block = self.open.pop()
        self.open[-1].now += block.says["every"] * block.says["repeat"]
        self.open[-1].least = self.open[-1].now

    def _close(self) -> None:
        """Finish the cue whose lines were read last."""
        if len(self.open) > 1:
            raise ValueError(f'the repeat of line {self.open[-1].line} is never ended by {{"end": "repeat"}}')
        if not self.open:
            return
        block, self.open = self.open[0], []
        says, timed = block.says, sorted(self._timed(block), key=lambda event: event.frame)
        self.events += len(timed)
        if self.events > MOST_EVENTS:
            raise ValueError(f"more than {MOST_EVENTS:,} events")
        last = timed[-1].frame if timed else 0
        ends = says.get("seconds", block.ends)
        frames = last if ends is None else round(ends * SAMPLE_RATE_HZ)
        late = next((event for event in timed if event.frame > frames), None)
        if late:
            raise ValueError(f"line {late.line}: {late.frame / SAMPLE_RATE_HZ:g} s lies after the end of its cue")
        movement = "movement" in says
        name = str(says["movement" if movement else "cue"])
        self.cues.append(Cue(name, frames, tuple(timed), bool(says.get("wait", False)), movement, block.line))

    def _timed(self, block: _Block, offset: float = 0.0) -> Iterator[Event]:
        for at, latest, line in block.lines:
            if not self._met(line.says):
                continue
            inner = block.blocks.get(line.number)
            if inner:
                for turn in range(inner.says["repeat"]):
                    yield from self._timed(inner, offset + at + turn * inner.says["every"])
                continue
            random = np.random.default_rng([self._seed, line.number, round(offset * 1_000)])
            begin = offset + (at if latest == at else random.uniform(at, latest))
            for after, (address, args) in actions(line.says, random):
                yield Event(round((begin + after) * SAMPLE_RATE_HZ), address, args, line.number)

    def _met(self, says: Mapping[str, Any]) -> bool:
        for word in ("if", "unless"):
            if word in says and says[word] not in CONDITIONS:
                raise ValueError(f"{word} {says[word]!r}: there is {' and '.join(CONDITIONS)}")
        return says.get("if", None) in (None, *self.given) and says.get("unless", "") not in self.given


def _only(says: Mapping[str, Any], allowed: Collection[str] | None) -> None:
    strange = sorted(set(says) - set(allowed)) if allowed is not None else []
    if strange:
        raise ValueError(f"{strange[0]!r} means nothing here; there is {', '.join(sorted(allowed or ()))}")


def _whole(says: Mapping[str, Any], word: str, least: int, most: int) -> None:
    value = says.get(word, least)
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{word} is {value!r}, must be a whole number from {least} to {most}")
