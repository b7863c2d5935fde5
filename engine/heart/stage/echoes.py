"""Values given back to the controls of other programs, so that faders stand where the parameters are.

A control is told at most 50 times a second, always of the newest value; never of its own movement. What it then
sends back is its reflection: a message that says what it was told in the last second changes nothing, so two
programs that echo each other cannot fight.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from heart.clock import Clock
from heart.errors import WireError
from heart.plumbing.clients import Client
from heart.plumbing.lines import Line
from heart.plumbing.post import Target
from heart.plumbing.wire import Wire
from heart.stage.alias_files import Program
from heart.stage.aliases import Alias, Book, position_of

PACE_S = 0.02
REFLECTION_S = 1.0
NEAR = 1e-5
"""Of a control's range: closer than this is the same, however it was rounded on the way."""
MOST_PLACES = 256
GREET_S = 10.0
"""A program that has not been heard for so long is greeted again: it may have been started since."""
SETTLE_S = 1.0
"""So long after a greeting a program tells how its controls stand: those are no movements."""

VALUE = "/heart/value/"


@dataclass
class Place:
    """One control of one sender, as it was heard last."""

    sender: Target
    address: str
    args: tuple[Any, ...]
    told_s: float = 0.0
    told: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=64))
    """(time, number) of what it was told."""


class Echoes:
    """Knows where each bound control is, and speaks to the programs that must be spoken to first."""

    def __init__(
        self, wire: Wire, book: Book, programs: Sequence[Program], values: Mapping[str, Any], clock: Clock
    ) -> None:
        """`values`: of all parameters, as they are whenever it is read."""
        self.wire, self.book, self.values, self.clock = wire, book, values, clock
        self._ports = {alias.key: program.echo_port for program in programs for alias in program.aliases}
        self._greetings = [greeting for program in programs for greeting in program.greet]
        self._greeted_s: dict[int, float] = {}
        self._heard_s: dict[int, float] = {}
        """When a port on this computer was heard last, for those that are greeted."""
        self._places: OrderedDict[tuple[Any, ...], Place] = OrderedDict()
        self._moving: Place | None = None
        self._due: dict[tuple[Any, ...], Any] = {}
        """Values to be told, by place."""

    @contextmanager
    def moving(self, alias: Alias, address: str, args: tuple[Any, ...], sender: Target) -> Iterator[bool]:
        """While a control moves its parameter, that place is not told; False when it only says what it was told, or
        where it stands since its program was greeted: then it is told where to stand."""
        key = (sender, address, alias.key)
        place = self._places.pop(key, None) or Place(sender, address, args)
        place.args = args
        self._places[key] = place
        if len(self._places) > MOST_PLACES:
            self._due.pop(self._places.popitem(last=False)[0], None)
        said = args[alias.argument]
        if self.was_just_greeted(sender):
            self._due[key] = self.values[alias.to]
            yield False
            return
        if isinstance(said, int | float) and self._is_reflection(place, alias, float(said)):
            yield False
            return
        self._moving = place
        self._due.pop(key, None)
        try:
            yield True
        finally:
            self._moving = None

    def _is_reflection(self, place: Place, alias: Alias, number: float) -> bool:
        since, near = self.clock() - REFLECTION_S, NEAR * abs(alias.high - alias.low)
        return any(at >= since and abs(number - told) <= near for at, told in place.told)

    def was_just_greeted(self, sender: Target) -> bool:
        """Whether it is still telling all that it has, because it was asked to."""
        port = None if isinstance(sender, Client | Line) else sender[1]
        return self.clock() - self._greeted_s.get(port or 0, -1e9) < SETTLE_S

    def posted(self, address: str, args: tuple[Any, ...], origin: Any) -> None:
        """A notice on the board: a changed parameter is to be told to its controls."""
        if not self._places or not address.startswith(VALUE):
            return
        name = address[len(VALUE) :]
        aliases = {alias.key: alias for alias in self.book if alias.to == name}
        for key, place in self._places.items():
            if key[2] in aliases and place is not self._moving:
                self._due[key] = args[0]

    def tick(self, now: float) -> None:
        """Send what is due."""
        for key in [key for key in self._due if now - self._places[key].told_s >= PACE_S]:
            value, place = self._due.pop(key), self._places[key]
            alias = next((alias for alias in self.book if alias.key == key[2]), None)
            if alias is not None:
                self._tell(place, alias, value, now)
        for port in {greeting["port"] for greeting in self._greetings}:
            if now - self._heard_s.get(port, -1e9) >= GREET_S:
                self._heard_s[port] = self._greeted_s[port] = now
                self._greet(port)

    def _greet(self, port: int) -> None:
        for greeting in self._greetings:
            if greeting["port"] == port:
                self.wire.send(("127.0.0.1", port), *greeting["say"])

    def _tell(self, place: Place, alias: Alias, value: Any, now: float) -> None:
        said = place.args[alias.argument]
        if isinstance(said, str):
            back: Any = str(value)
        else:
            number = float(value) if alias.as_value else alias.number(position_of(alias.to, value))
            back = round(number) if isinstance(said, int) else number
            place.told.append((now, float(back)))
        args = [*place.args[: alias.argument], back, *place.args[alias.argument + 1 :]]
        place.args, place.told_s = tuple(args), now
        with suppress(WireError):  # it sends types that we do not
            self.wire.send(
                self._reach(place.sender, self._ports.get(alias.key, 0)), alias.back or place.address, *args
            )

    def _reach(self, sender: Target, port: int) -> Target:
        if port and not isinstance(sender, Client | Line):
            return (sender[0], port)
        return sender

    def forget(self, sender: Target) -> None:
        """It went away."""
        for key in [key for key in self._places if key[0] == sender]:
            del self._places[key]
            self._due.pop(key, None)

    def heard(self, sender: Target) -> None:
        """A sign of life of a program."""
        if not isinstance(sender, Client | Line) and sender[1] in self._heard_s:
            self._heard_s[sender[1]] = self.clock()
