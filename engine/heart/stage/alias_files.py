"""Alias files: what the controls of one program are bound to, and how it is spoken to.

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

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heart.audio import shown
from heart.config import shipped
from heart.errors import FileError, HeartError, UsageError
from heart.namespace import PARAMS, check, find
from heart.plumbing.door import FIRST_USER_PORT
from heart.plumbing.osc import encode
from heart.stage.aliases import MOST, Alias
from heart.stage.small_files import read_json, write_json

_KEYS = {"from", "to", "given", "argument", "low", "high", "as", "with", "back"}


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
    check(to, args)
    return tuple(args)


def _greeting(entry: dict[str, Any]) -> dict[str, Any]:
    say = entry.get("say")
    if set(entry) != {"port", "say"} or not isinstance(say, list) or not say:
        raise UsageError('a greeting has a "port" and what to "say": [address, arguments]')
    if not all(isinstance(part, int | float | str) for part in say) or not str(say[0]).startswith("/"):
        raise UsageError('"say" must be [address, numbers and texts]')
    encode(*say)  # what OSC cannot carry is said now
    return {"port": _port(entry["port"]), "say": say}


def _port(port: Any) -> int:
    if not isinstance(port, int) or not FIRST_USER_PORT <= port <= 65_535:
        raise UsageError(f"port is {port!r:.40}, must be {FIRST_USER_PORT} to 65535")
    return port


def _pattern(text: Any) -> str:
    plain = isinstance(text, str) and text.isascii() and text.isprintable() and " " not in text
    if not plain or not text.startswith("/") or not 1 < len(text) <= 255:
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
