"""Learning: /heart/learn <param>, then move a control of any program; and what its messages do from then on.

    foreign message ─▶ learning? bind it ─▶ else its aliases: /heart/set/<param>, or a message of our own
    changed value   ─▶ `Echoes`: back to every control that is bound to it, except the one that moved it

The message that binds moves nothing. Every message came through the same structure check and door as our own.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from heart.clock import Clock
from heart.errors import FileError, UsageError, WireError
from heart.namespace import PARAMS, check
from heart.plumbing.post import Target
from heart.plumbing.wire import Wire
from heart.stage.alias_files import Program, read_program, recipes
from heart.stage.aliases import LARGEST, MOST, Alias, Book, value_at
from heart.stage.board import Board
from heart.stage.echoes import Echoes
from heart.stage.effects import Effect
from heart.stage.errands import Errands

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""So long a control may be looked for."""
SAVE_S = 1.0
"""A file is written again no sooner than this after the last change."""

Send = Callable[[str, tuple[Any, ...], Any], None]
"""Does what a checked message of our own table asks, on behalf of somebody."""


@dataclass
class Lesson:
    """A parameter that waits for its control."""

    param: str
    bounds: tuple[float, ...]
    who: Target
    until_s: float
    first: tuple[str, tuple[Any, ...]] | None = None
    """A first message with several moving numbers: the next one tells which of them is meant."""


class Teacher:
    """Handles /heart/learn, unlearn and aliases, and all foreign messages. Belongs to the engine's loop."""

    def __init__(
        self,
        files: Sequence[str],
        wire: Wire,
        board: Board,
        errands: Errands,
        values: Mapping[str, Any],
        send: Send,
        clock: Clock,
    ) -> None:
        """`files`: alias files, or names of shipped recipes; what is learned goes to the last file. `values`: of
        all parameters, as they are whenever it is read.

        Raises FileError when one of them cannot be used, UsageError for too many aliases.
        """
        programs = [_opened(name) for name in files]
        own = [(path, program) for path, program in programs if path]
        self.path: Path | None = own[-1][0] if own else None
        self.program = own[-1][1] if own else Program()
        aliases = [alias for _, program in programs for alias in program.aliases]
        if len(aliases) > MOST:
            raise UsageError(f"--aliases: {len(aliases)} aliases, at most {MOST} can be held")
        self.book = Book(aliases, (pattern for _, program in programs for pattern in program.ignore))
        self.echoes = Echoes(wire, self.book, [program for _, program in programs], values, clock)
        self.wire, self.errands, self.send, self.clock = wire, errands, send, clock
        self.lesson: Lesson | None = None
        self._changed_s: float | None = None
        board.watch(self.echoes.posted)

    # what clients ask

    def on_learn(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        """The newest lesson is the only one."""
        param, bounds = args[0], tuple(float(bound) for bound in args[1])
        if bounds and (len(bounds) != 2 or bounds[0] == bounds[1]):
            raise WireError(
                "range", "/heart/learn", "/heart/learn: give the lowest and the highest number, or none"
            )
        if len(self.book) >= MOST:
            raise UsageError(f"{MOST} controls are bound already; /heart/unlearn some")
        self.lesson = Lesson(param, bounds, origin, self.clock() + PATIENCE_S)
        return []

    def on_unlearn(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        """Also ends a lesson about that parameter."""
        if self.lesson and self.lesson.param == args[0]:
            self.lesson = None
        gone = self.book.drop(args[0])
        self.program.aliases = [alias for alias in self.program.aliases if alias not in gone]
        self._changed_s = self.clock()
        self.wire.send(origin, "/heart/done", "/heart/unlearn")
        return []

    def on_aliases(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        """One message each."""
        for alias in self.book:
            self._show(alias, origin)
        self.wire.send(origin, "/heart/done", "/heart/aliases")
        return []

    def _show(self, alias: Alias, to: Target) -> None:
        self.wire.send(to, "/heart/alias", alias.to, alias.address, alias.argument + 1, alias.low, alias.high)

    # what other programs say

    def foreign(self, address: str, args: tuple[Any, ...], sender: Target, top: float | None = None) -> bool:
        """Whether a message that is not of our table was of use; `top`: the highest number such a control sends.

        Raises HeartError when it is bound to something that cannot be.
        """
        args = tuple(value for value in args if not isinstance(value, np.ndarray))
        self.echoes.heard(sender)
        by_hand = not self.book.ignores(address) and not self.echoes.was_just_greeted(sender)
        if self.lesson and by_hand and self._learn(self.lesson, address, args, top):
            return True
        for alias in self.book.find(address, args):
            self._move(alias, address, args, sender)
        return self.book.knows(address)

    def _learn(self, lesson: Lesson, address: str, args: tuple[Any, ...], top: float | None) -> bool:
        argument = which(args, lesson.first[1] if lesson.first and lesson.first[0] == address else None)
        if argument is None:
            several = len(_floats(args)) > 1
            lesson.first = (address, args) if several else lesson.first
            return several
        given = () if _floats(args[:argument]) else args[:argument]
        low, high = lesson.bounds or (0.0, top or 1.0)
        alias = Alias(address, lesson.param, given, argument, low, high, observed=not (lesson.bounds or top))
        alias = alias.widened(args[argument]) if alias.observed else alias
        self._bind(alias)
        self._show(alias, lesson.who)
        self.wire.send(lesson.who, "/heart/done", "/heart/learn")
        self.lesson = None
        return True

    def _bind(self, alias: Alias) -> None:
        self.book.put(alias)
        self.program.aliases = [a for a in self.program.aliases if a.key != alias.key] + [alias]
        self._changed_s = self.clock()

    def _move(self, alias: Alias, address: str, args: tuple[Any, ...], sender: Target) -> None:
        said = args[alias.argument]
        if alias.to.startswith("/"):
            pressed = isinstance(said, int | float) and alias.position(float(said)) >= 0.5
            if pressed and not self.echoes.was_just_greeted(sender):
                self.send(alias.to, check(alias.to, alias.message), sender)
            return
        if isinstance(said, int | float) and not np.isfinite(said):
            return
        if alias.observed and isinstance(said, int | float) and alias.widened(said) != alias:
            alias = alias.widened(said)
            self.book.put(alias)
            if any(a.key == alias.key for a in self.program.aliases):
                self._bind(alias)
        with self.echoes.moving(alias, address, args, sender) as is_news:
            if is_news:
                path = f"/heart/set/{alias.to}"
                self.send(path, check(path, (wanted(alias, said),)), sender)

    # time

    def tick(self) -> None:
        """Call often: lessons end, files are written, echoes and greetings go out."""
        now = self.clock()
        if self.lesson and now > self.lesson.until_s:
            text = (
                f"/heart/learn: no control was moved for {PATIENCE_S:.0f} s; {self.lesson.param} is bound to none"
            )
            self.wire.error(self.lesson.who, "timeout", "/heart/learn", text)
            self.lesson = None
        self.echoes.tick(now)
        if self._changed_s is not None and now - self._changed_s >= SAVE_S:
            self.save()

    def save(self) -> None:
        """Have the file written, if there is one and something has changed."""
        changed, self._changed_s = self._changed_s is not None, None
        if changed and self.path:
            path, program = self.path, replace(self.program, aliases=list(self.program.aliases))
            with contextlib.suppress(UsageError):
                self.errands.run(None, "/heart/learn", lambda: program.save(path), lambda _: None)

    def close(self) -> None:
        """The last changes, now."""
        if self._changed_s is not None and self.path:
            try:
                self.program.save(self.path)
            except FileError as error:
                log.warning("/heart/learn: %s", error)


def wanted(alias: Alias, said: Any) -> Any:
    """The value that a message asks for. Words are for the table to check."""
    if isinstance(said, str) or not isinstance(said, int | float):
        return said
    if not alias.as_value:
        return value_at(alias.to, alias.position(float(said)))
    param = PARAMS[alias.to]
    low = said if param.low is None else max(said, param.low)
    return low if param.high is None else min(low, param.high)


def which(args: Sequence[Any], before: Sequence[Any] | None) -> int | None:
    """The argument that a control moves: the only float, or the last whole number where there is no float.

    Of several floats (a pad) the one that moved most since `before`; None where that cannot be said.
    """
    floats = _floats(args)
    if len(floats) == 1:
        return floats[0]
    if not floats:
        whole = [n for n, value in enumerate(args) if isinstance(value, int) and abs(value) <= LARGEST]
        return whole[-1] if whole else None
    if before is None or len(before) != len(args):
        return None
    moved = {n: abs(args[n] - before[n]) for n in floats if isinstance(before[n], float)}
    best = max(moved, key=moved.__getitem__, default=None)
    return best if best is not None and moved[best] > 0 else None


def _floats(args: Iterable[Any]) -> list[int]:
    """Where there are floats that a control may send: none that is not a number, or beyond all reason."""
    return [n for n, value in enumerate(args) if isinstance(value, float) and abs(value) <= LARGEST]


def _opened(name: str) -> tuple[Path | None, Program]:
    """A shipped recipe (never written to) or a file, which begins empty when it is not there yet."""
    if name in recipes():
        return None, read_program(recipes()[name])
    path = Path(name)
    if path.suffix != ".json":
        raise FileError(f"--aliases {name}: a file of aliases ends in .json; shipped are {', '.join(recipes())}")
    if not path.parent.is_dir():
        raise FileError(f"--aliases {name}: no such folder")
    return path, read_program(path) if path.exists() else Program()
