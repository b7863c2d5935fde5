"""The lines of a score file: JSON objects, one a line, with comments; and what the words in them mean.

The words are explained in docs/score.md. A line is read here into what it says; `score.py` puts the lines together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from heart.audio import shown
from heart.errors import FileError, WireError
from heart.namespace import ROWS, check

MAX_BYTES = 8 * 2**20
COMMENTS = ("#", "//")
CONDITIONS = ("heart", "beats")
"""What a line may depend on: a heart to follow (--heart, --in), beats of somebody's own (--beats, --ecg)."""
TIMED = {"at", "after", "if", "unless"}
ACTIONS = {"set", "choose", "ramp", "curve", "load", "beats", "morph", "downbeat", "send"}
PERFORMED = {
    "set",
    "norm",
    "ramp",
    "morph",
    "downbeat",
    "panic",
    "resume",
    "sound/load",
    "sound/clear",
    "beats/load",
}
"""What of the OSC table a score may send, without /heart/ and parameter."""


@dataclass(frozen=True)
class Line:
    """One line: its number, from 1, and what it says."""

    number: int
    says: Mapping[str, Any]


Message = tuple[str, tuple[Any, ...]]
Timed = tuple[float, Message]
"""Seconds after the line's own time, and what is sent then."""


def read_lines(path: Path) -> list[Line]:
    """All lines of a file that say something. Raises FileError with the line's number."""
    try:
        if not path.is_file():
            raise FileError(f"{shown(path)}: no such score")
        if path.stat().st_size > MAX_BYTES:
            raise FileError(f"{shown(path)}: larger than {MAX_BYTES >> 20} MB; that is no score")
        texts = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{shown(path)}: cannot be read as a score ({error})") from None
    lines = []
    for number, text in enumerate(texts, 1):
        try:
            says = parse(text)
        except (ValueError, RecursionError) as error:
            raise FileError(f"{shown(path)}: line {number}: is not JSON ({error})") from None
        if says is not None:
            lines.append(Line(number, says))
    return lines


def parse(text: str) -> dict[str, Any] | None:
    """The object on a line, None where there is none. Raises ValueError."""
    text = text.strip()
    if not text or text.startswith(COMMENTS):
        return None
    says, end = json.JSONDecoder(parse_constant=_no_number).raw_decode(text)
    rest = text[end:].strip()
    if rest and not rest.startswith(COMMENTS):
        raise ValueError(f"{rest[:20]!r} after its end; one object a line")
    if not isinstance(says, dict):
        raise ValueError("a line is an object, in braces")
    return says


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def actions(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    """What a line sends, checked against the OSC table; `random`: a numpy Generator, for what is chosen.

    Raises ValueError, or WireError for what the table does not allow.
    """
    for word in says:
        if word in ACTIONS:
            yield from _MEANINGS[word](says, random)


def _set(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    for name, value in _table(says, "set").items():
        yield 0.0, message(f"/heart/set/{name}", value)


def _choose(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    for name, values in _table(says, "choose").items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"choose {name}: must list what to choose from")
        yield 0.0, message(f"/heart/set/{name}", values[int(random.integers(len(values)))])


def _ramp(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    seconds = number(says, "over")
    for name, target in _table(says, "ramp").items():
        yield 0.0, message("/heart/ramp", name, target, seconds)


def _curve(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    """The first point is set, straight ways lead to the others."""
    for name, points in _table(says, "curve").items():
        if not isinstance(points, list) or len(points) < 2 or not all(_is_point(point) for point in points):
            raise ValueError(f"curve {name}: must list two points [seconds, value] or more")
        times = [point[0] for point in points]
        if times[0] < 0 or any(later <= sooner for sooner, later in pairwise(times)):
            raise ValueError(f"curve {name}: its times must rise, from 0 on")
        yield times[0], message(f"/heart/set/{name}", points[0][1])
        for (begin, _), (end, value) in pairwise(points):
            yield begin, message("/heart/ramp", name, value, end - begin)


def _load(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    for slot, name in _table(says, "load").items():
        if not slot.isdecimal():
            raise ValueError(f"load {slot!r}: must name a slot, like 1")
        loads = ("/heart/sound/load", int(slot), name)
        yield 0.0, message("/heart/sound/clear", int(slot)) if name is None else message(*loads)


def _beats(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    yield 0.0, message("/heart/beats/load", says["beats"])


def _morph(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    yield 0.0, message("/heart/morph", *_list(says, "morph"))


def _downbeat(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    yield 0.0, message("/heart/downbeat", says["downbeat"])


def _send(says: Mapping[str, Any], random: Any) -> Iterator[Timed]:
    address, *args = _list(says, "send")
    yield 0.0, message(address, *args)


_MEANINGS = {
    "set": _set,
    "choose": _choose,
    "ramp": _ramp,
    "curve": _curve,
    "load": _load,
    "beats": _beats,
    "morph": _morph,
    "downbeat": _downbeat,
    "send": _send,
}


def message(address: Any, *args: Any) -> Message:
    """A checked message that a score may hold. Raises ValueError or WireError."""
    if not isinstance(address, str):
        raise ValueError(f"{address!r} is no address")
    plain = tuple(arg for arg in args if isinstance(arg, (int, float, str)) and not isinstance(arg, bool))
    if len(plain) != len(args):
        raise ValueError(f"{shown(address)}: takes numbers and words, not {args!r}")
    check(address, plain)
    row = ROWS[address]
    verb = row.family.removeprefix("/heart/").partition("/<")[0] if row.param else address.removeprefix("/heart/")
    if verb not in PERFORMED:
        raise ValueError(f"{address}: is nothing a score performs ({', '.join(sorted(PERFORMED))})")
    if address == "/heart/ramp":
        check(f"/heart/set/{plain[0]}", (plain[1],))
    return address, plain


def number(says: Mapping[str, Any], word: str, least: float = 0.0, most: float = 86_400.0) -> float:
    """The number a word has. Raises ValueError: it is missing, none, or out of range."""
    value = says.get(word)
    if value is None:
        raise ValueError(f"{word} is missing")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{word} is {value!r}, must be a number from {least:g} to {most:g}")
    return float(value)


def _table(says: Mapping[str, Any], word: str) -> dict[str, Any]:
    value = says[word]
    if not isinstance(value, dict) or not value:
        raise ValueError(f'{word} must be an object, like {{"bpm": 72}}')
    return value


def _list(says: Mapping[str, Any], word: str) -> list[Any]:
    value = says[word]
    if not isinstance(value, list) or not value:
        raise ValueError(f"{word} must be a list")
    return value


def _is_point(point: Any) -> bool:
    numbers = isinstance(point, list) and len(point) == 2
    return numbers and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in point)


def located(path: Path, line: Line, error: Exception) -> FileError:
    """An error with its place."""
    text = str(error) if isinstance(error, (ValueError, WireError)) else repr(error)
    return FileError(f"{shown(path)}: line {line.number}: {text}")
