"""What an object is: inlets that take messages, outlets with cords, served right to left as in Max."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

Atom = int | float | str
Message = list[Atom]
BANG: Message = ["bang"]


class Obj:
    """One box. Subclasses take messages in `left` (inlet 1) and `other` (the rest)."""

    signal = False
    names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, host: Any, args: list[Atom], attrs: dict[str, list[Atom]]) -> None:
        self.host, self.args, self.attrs = host, args, attrs
        self.cords: dict[int, list[tuple[float, float, Obj, int]]] = {}
        self.ins: dict[int, list[tuple[Obj, int]]] = {}
        """Signal cords that end here, by inlet."""
        self.setup()

    def setup(self) -> None:
        """After the arguments are known."""

    def loaded(self) -> None:
        """After the whole patch is there: loadbang's moment."""

    def connect(self, outlet: int, to: Obj, inlet: int, x: float, y: float) -> None:
        self.cords.setdefault(outlet, []).append((x, y, to, inlet))
        self.cords[outlet].sort(key=lambda cord: (-cord[0], -cord[1]))

    def out(self, outlet: int, message: Message) -> None:
        for _, _, to, inlet in self.cords.get(outlet, ()):
            to.take(inlet, message)

    def take(self, inlet: int, message: Message) -> None:
        if inlet == 0:
            self.left(message)
        else:
            self.other(inlet, message)

    def left(self, message: Message) -> None:
        raise AssertionError(f"{type(self).__name__} got {message} in its left inlet")

    def other(self, inlet: int, message: Message) -> None:
        raise AssertionError(f"{type(self).__name__} got {message} in inlet {inlet + 1}")


KINDS: dict[str, type[Obj]] = {}


def named(*names: str) -> Callable[[type[Obj]], type[Obj]]:
    """These names in a box make this class."""

    def enter(kind: type[Obj]) -> type[Obj]:
        KINDS.update(dict.fromkeys(names, kind))
        kind.names = names
        return kind

    return enter


def number(message: Message) -> float:
    value = message[0]
    assert isinstance(value, int | float), f"a number was expected: {message}"
    return value


def atom(text: str) -> Atom:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
