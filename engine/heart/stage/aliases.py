"""Foreign addresses: what the controls of other programs are bound to, and the files that say so.

An alias binds one argument of one foreign address to a parameter (as a fader, or as the value itself), or to a
message of our own table. A file holds any number of them, and what else a program needs:

    {"about": "words for people",
     "aliases": [{"from": "/track/*/fx/*/fxparam/1/value", "to": "bpm"},
                 {"from": "/strip/fader", "given": [2], "to": "gain"},
                 {"from": "/tempo/raw", "to": "bpm", "as": "value"},
                 {"from": "/midi/cc/1/74", "to": "strength", "low": 0, "high": 127},
                 {"from": "/stop", "to": "/heart/panic"}],
     "ignore": ["/track/*/vu"],
     "greet": [{"port": 3819, "say": ["/set_surface", 8, 159, 9, 1]}],
     "echo_port": 9000}

`*` stands for one word of an address, at the end for all that follow. `given` are the arguments before the one
that counts; `back` is the address for echoes, when it is another one. `greet` is said on this computer to a program
that must be asked to speak. `echo_port` is where the program listens, when it is not the port it sends from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from heart.audio import shown
from heart.config import shipped
from heart.errors import FileError, HeartError, UsageError
from heart.namespace import PARAMS, check, find, norm_to_value, value_to_norm
from heart.plumbing.door import FIRST_USER_PORT
from heart.stage.small_files import read_json, write_json

MOST = 512
"""Aliases in all files together."""
RANGES = (1.0, 100.0, 127.0, 255.0, 1023.0, 16_383.0)
"""What controls send, if not 0..1: the first that holds all that was seen is taken. Percents are floats."""
LARGEST = 1e6
"""A number beyond is no control's: it is bound to nothing, and no observed range grows to it."""
_KEYS = {"from", "to", "given", "argument", "low", "high", "as", "with", "back"}


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


@dataclass
class Program:
    """What one file says: its aliases, and how its program is spoken to."""

    aliases: list[Alias] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    greet: list[dict[str, Any]] = field(default_factory=list)
    echo_port: int = 0
    about: str = ""

    def save(self, path: Path) -> None:
        """Write it whole. Raises FileError."""
        content: dict[str, Any] = {"about": self.about} if self.about else {}
        content["aliases"] = [alias.as_json() for alias in self.aliases]
        for name in ("ignore", "greet", "echo_port"):
            if getattr(self, name):
                content[name] = getattr(self, name)
        write_json(path, content)


def recipes() -> dict[str, Path]:
    """The files shipped for programs, by name."""
    return {path.stem: path for path in sorted((shipped("patches") / "daw" / "aliases").glob("*.json"))}


def read_program(path: Path) -> Program:
    """Raises FileError that names the file, the entry, and what is wrong with it."""
    found = read_json(path)
    try:
        return _program(found)
    except HeartError as error:
        raise FileError(f"{shown(path.name)}: {error}") from None


def _program(found: dict[str, Any]) -> Program:
    unknown = set(found) - {"about", "aliases", "ignore", "greet", "echo_port"}
    if unknown:
        raise UsageError(f"{shown(min(unknown))!r} means nothing here: aliases, ignore, greet, echo_port, about")
    for name, kind in (("aliases", list), ("ignore", list), ("greet", list), ("echo_port", int), ("about", str)):
        if not isinstance(found.get(name, kind()), kind):
            raise UsageError(
                f'"{name}" must be {"a list" if kind is list else "a text" if kind is str else "a port"}'
            )
    if len(found.get("aliases", ())) > MOST:
        raise UsageError(f"more than {MOST} aliases")
    return Program(
        [_numbered(n, _alias, entry) for n, entry in enumerate(found.get("aliases", ()), 1)],
        [_pattern(text) for text in found.get("ignore", ())],
        [_numbered(n, _greeting, entry) for n, entry in enumerate(found.get("greet", ()), 1)],
        _port(found["echo_port"]) if found.get("echo_port") else 0,
        found.get("about", ""),
    )


def _numbered(number: int, read: Any, entry: Any) -> Any:
    try:
        if not isinstance(entry, dict):
            raise UsageError("must be an object, in braces")
        return read(entry)
    except HeartError as error:
        raise UsageError(f"entry {number}: {error}") from None


def _alias(entry: dict[str, Any]) -> Alias:
    unknown = set(entry) - _KEYS
    if unknown:
        raise UsageError(f"{shown(min(unknown))!r} means nothing here: {', '.join(sorted(_KEYS))}")
    address, to, given = _pattern(entry.get("from")), entry.get("to"), entry.get("given", [])
    if not isinstance(given, list) or not all(isinstance(value, int | float | str) for value in given):
        raise UsageError('"given" must be a list of numbers and texts')
    argument = entry.get("argument", len(given) + 1)
    if not isinstance(argument, int) or not 1 <= argument <= 32:
        raise UsageError(f'"argument" is {argument!r:.40}, must be 1 to 32')
    low, high = _number(entry.get("low", 0.0), "low"), _number(entry.get("high", 1.0), "high")
    if low == high:
        raise UsageError('"low" and "high" are the same')
    if entry.get("as", "fader") not in ("fader", "value"):
        raise UsageError('"as" must be "fader" or "value"')
    message = _message(to, entry.get("with", [])) if isinstance(to, str) and to.startswith("/") else ()
    if not message and not (isinstance(to, str) and (to in PARAMS or to.startswith("/"))):
        raise UsageError(f'"to" is {to!r:.60}: no parameter (`heart osc` lists them) and no address')
    observed = not {"low", "high"} & set(entry)
    back = _pattern(entry["back"]) if "back" in entry else ""
    as_value = entry.get("as") == "value"
    return Alias(address, str(to), tuple(given), argument - 1, low, high, as_value, observed, message, back)


def _message(to: str, args: Any) -> tuple[Any, ...]:
    row = find(to)
    if row is None or row.direction == "out" or row.owner == "wire" or not isinstance(args, list):
        raise UsageError(f'"to" is {to[:60]!r}: no address that takes a message here; "with" is a list')
    return check(to, args)


def _greeting(entry: dict[str, Any]) -> dict[str, Any]:
    say = entry.get("say")
    if set(entry) != {"port", "say"} or not isinstance(say, list) or not say:
        raise UsageError('a greeting has a "port" and what to "say": [address, arguments]')
    if not all(isinstance(part, int | float | str) for part in say) or not str(say[0]).startswith("/"):
        raise UsageError('"say" must be [address, numbers and texts]')
    return {"port": _port(entry["port"]), "say": say}


def _port(port: Any) -> int:
    if not isinstance(port, int) or not FIRST_USER_PORT <= port <= 65_535:
        raise UsageError(f"port is {port!r:.40}, must be {FIRST_USER_PORT} to 65535")
    return port


def _pattern(text: Any) -> str:
    if not isinstance(text, str) or not text.startswith("/") or not text.isascii() or not 1 < len(text) <= 255:
        raise UsageError(f"{text!r:.60} is no address: it begins with / and has up to 255 plain characters")
    if any("*" in word and word != "*" for word in text.split("/")):
        raise UsageError(f"{text!r:.60}: * stands for a whole word of an address")
    if find(text) is not None:
        raise UsageError(f"{text!r:.60}: is an address of this engine itself")
    return text


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise UsageError(f'"{name}" is {value!r:.40}, must be a number')
    return float(value)


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
