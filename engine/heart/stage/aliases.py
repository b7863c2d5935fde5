"""Foreign addresses: what the controls of other programs are bound to.

An alias binds one argument of one foreign address to a parameter (as a fader, or as the value itself), or to a
message of our own table. The files that hold them: `alias_files.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heart.namespace import PARAMS, norm_to_value, value_to_norm

MOST = 512
"""Aliases in all files together."""
RANGES = (1.0, 100.0, 127.0, 255.0, 1023.0, 16_383.0)
"""What controls send, if not 0..1: the first that holds all that was seen is taken. Percents are floats."""
LARGEST = 1e6
"""A number beyond is no control's: it is bound to nothing, and no observed range grows to it."""


@dataclass(frozen=True)
class Alias:
    """One binding. `argument` counts from 0; `low` and `high` lie at the two ends of the fader."""

    address: str
    to: str
    given: tuple[Any, ...] = ()
    argument: int = 0
    low: float = 0.0
    high: float = 1.0
    as_value: bool = False
    observed: bool = False
    """Whether the range was not given: it grows with what is seen."""
    message: tuple[Any, ...] = ()
    """Arguments, where `to` is an address."""
    back: str = ""
    """Address for echoes, where it is not the one that is heard."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What no two aliases share."""
        return (self.address, self.given, self.argument)

    def takes(self, args: Sequence[Any]) -> bool:
        """Whether a message with these arguments is meant."""
        return len(args) > self.argument and all(_same(a, b) for a, b in zip(self.given, args))

    def position(self, number: float) -> float:
        """Of the fader, 0..1, clipped."""
        return min(max((number - self.low) / (self.high - self.low), 0.0), 1.0)

    def number(self, position: float) -> float:
        """What the control would send at a position."""
        return self.low + (self.high - self.low) * position

    def widened(self, number: float) -> Alias:
        """With a range that holds `number` too."""
        if self.low <= number <= self.high or abs(number) > LARGEST:
            return self
        size = max(abs(number), abs(self.low), self.high)
        ranges = [end for end in RANGES if end != 100 or isinstance(number, float)]
        high = next((end for end in ranges if size <= end), size)
        return replace(self, low=-high if min(number, self.low) < 0 else 0.0, high=high)

    def as_json(self) -> dict[str, Any]:
        """As it stands in a file."""
        found: dict[str, Any] = {"from": self.address, "to": self.to}
        if self.given:
            found["given"] = list(self.given)
        if self.argument != len(self.given):
            found["argument"] = self.argument + 1
        if not self.observed:
            found.update(low=self.low, high=self.high)
        if self.as_value:
            found["as"] = "value"
        if self.message:
            found["with"] = list(self.message)
        if self.back:
            found["back"] = self.back
        return found


def _same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, int | float) and isinstance(b, int | float) and abs(a - b) < 1e-6)


class Book:
    """All aliases in force, found by address. A few exact look-ups, then the patterns, remembered by address."""

    def __init__(self, aliases: Iterable[Alias] = (), ignore: Iterable[str] = ()) -> None:
        self._aliases = {alias.key: alias for alias in aliases}
        self._ignore = [pattern.split("/") for pattern in ignore]
        self._found: dict[str, tuple[list[tuple[Any, ...]], bool]] = {}

    def __iter__(self) -> Any:
        return iter(self._aliases.values())

    def __len__(self) -> int:
        return len(self._aliases)

    def find(self, address: str, args: Sequence[Any]) -> list[Alias]:
        """The aliases that this message moves."""
        keys, _ = self._look_up(address)
        return [self._aliases[key] for key in keys if self._aliases[key].takes(args)]

    def knows(self, address: str) -> bool:
        """Whether messages of this address are expected, whatever they say."""
        keys, ignored = self._look_up(address)
        return bool(keys) or ignored

    def ignores(self, address: str) -> bool:
        """Whether messages of this address are of no use to anybody."""
        return self._look_up(address)[1]

    def put(self, alias: Alias) -> None:
        """Bind; what this control moved before it moves no more."""
        self._aliases[alias.key] = alias
        self._found.clear()

    def drop(self, to: str) -> list[Alias]:
        """Let go of all that is bound to a parameter."""
        gone = [alias for alias in self._aliases.values() if alias.to == to]
        for alias in gone:
            del self._aliases[alias.key]
        self._found.clear()
        return gone

    def _look_up(self, address: str) -> tuple[list[tuple[Any, ...]], bool]:
        found = self._found.get(address)
        if found is None:
            words = address.split("/")
            keys = [key for key, alias in self._aliases.items() if matches(alias.address.split("/"), words)]
            found = keys, any(matches(pattern, words) for pattern in self._ignore)
            if len(self._found) >= 1024:  # somebody makes addresses up
                self._found.clear()
            self._found[address] = found
        return found


def matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    """Whether an address fits a pattern, both as words."""
    if pattern[-1] == "*" and len(words) > len(pattern):
        words = words[: len(pattern)]
    return len(pattern) == len(words) and all(p in ("*", w) for p, w in zip(pattern, words))


def value_at(name: str, position: float) -> Any:
    """A parameter's value at a position 0..1: by its fader's law, the nearest whole number, or one of its words."""
    param = PARAMS[name]
    if param.continuous:
        return norm_to_value(param, position)
    if param.choices:
        return param.choices[min(int(position * len(param.choices)), len(param.choices) - 1)]
    low, high = int(param.low or 0), int(param.high or 0)
    return low + round(position * (high - low))


def position_of(name: str, value: Any) -> float:
    """Where a fader stands for a value; the middle of its share for one of several words."""
    param = PARAMS[name]
    if param.continuous:
        return value_to_norm(param, value)
    if param.choices:
        return (param.choices.index(value) + 0.5) / len(param.choices)
    low, high = float(param.low or 0), float(param.high or 1)
    return (value - low) / (high - low)
