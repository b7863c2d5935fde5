"""The log of a live run: a line for the engine, then one for every chunk laid, with all that decides its sound.

A chunk is a function of its wish and the voice's weights, and its past is the tape that earlier chunks made, so
these lines are enough to sing a performance again (`stage/again.py`). Wishes are written field by field as
their dataclass names them, so whatever a wish comes to hold is logged too.

    {"log": 2, "version": ..., "voice": ..., "weights": sha256, "threads": 0, "voices": 1, "device": "cpu"}
    {"first": 40704, "after": 3, "sealed": 8820, "by": "voice", "bpm": 72.0, "recipe": ...,
     "past": sha256, "sound": sha256, "wish": {"is": "Wish", "number": 4, ..., "past": 20736, "beats": [...]}}
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from heart import __version__, records
from heart.cards import find_model
from heart.errors import FileError
from heart.records import VOICES, Chunk, Wish
from heart.sounding.registry import models_of
from heart.stage.conductor import Laid

FORMAT = 2


_NO_PAST: dict[str, Any] = {"past": np.zeros(0, np.float32), "parts": None}


@dataclass(frozen=True)
class Header:
    """Who sang: what must be the same for the same bits."""

    voice: str
    weights: str
    """sha256 of the voice's weights, of several joined by +; "" for a voice without any."""
    threads: int
    voices: int = 1
    """How many sing at once."""
    device: str = "cpu"
    """Where the nets run."""
    version: str = __version__
    log: int = FORMAT


@dataclass(frozen=True)
class Line:
    """A chunk laid. The pasts and parts of its wish, and of the others in it, are empty here: `past_frames` before
    start + OVERLAP belong there."""

    number: int
    """Line of the file, for messages; the header is line 1."""
    first: int
    after: int
    sealed: int
    by: str
    recipe: str
    past_hash: str
    past_frames: int
    sound_hash: str
    wish: Wish


def header_of(voice: str, threads: int = 0, voices: int = 1, device: str = "cpu") -> Header:
    """The header of a run with this voice. Raises HeartError when there is no such voice."""
    weights = "+".join(str(find_model(name).card["sha256"]) for name in models_of(voice))
    return Header(voice, weights, threads, voices, device)


def encode_line(record: Header | Laid) -> str:
    """One line of the log, without its end."""
    if isinstance(record, Header):
        return json.dumps({field.name: getattr(record, field.name) for field in fields(record)})
    others = tuple(replace(other, **_NO_PAST) for other in record.wish.others)
    wish = pack(replace(record.wish, **_NO_PAST, others=others))
    wish["past"] = len(record.wish.past)
    line = {name: getattr(record, name) for name in ("first", "after", "sealed", "by", "bpm")}
    proof = {"recipe": record.chunk.recipe, "past": hash_past(record.wish), "sound": hash_sound(record.chunk)}
    return json.dumps({**line, **proof, "wish": wish})


def read_log(path: Path) -> tuple[Header, list[Line]]:
    """A whole log. Raises FileError with the number of the line that cannot be understood."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: cannot be read as a log of heart live ({error})") from None
    if not lines:
        raise FileError(f"{path}: is empty; `heart live --log FILE` writes one")
    return _decoded(path, 1, lines[0], _header), [
        _decoded(path, number, text, _line) for number, text in enumerate(lines[1:], 2)
    ]


def hash_past(wish: Wish) -> str:
    """Short hash of what all voices of a wish continue, bit by bit."""
    return _hash([each.past for each in (wish, *wish.others)])


def hash_sound(chunk: Chunk) -> str:
    """Short hash of what all voices of a chunk sang, bit by bit."""
    return _hash([each.audio for each in (chunk, *chunk.others)])


def _hash(sounds: list[np.ndarray]) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(each, "<f4").tobytes() for each in sounds)).hexdigest()[:16]


def pack(value: Any) -> Any:
    """Anything a record holds as JSON; `unpack` gives an equal value back (lists come back as tuples)."""
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
        return {"is": type(value).__name__, **{name: pack(getattr(value, name)) for name in names}}
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"is": "array", "dtype": value.dtype.str, "shape": list(value.shape), "data": data}
    if isinstance(value, Mapping):
        return {"is": "mapping", "items": [[pack(key), pack(item)] for key, item in value.items()]}
    if isinstance(value, (tuple, list)):
        return [pack(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def unpack(value: Any) -> Any:
    """The inverse of `pack`. Raises KeyError, TypeError or ValueError for what `pack` cannot have made."""
    if isinstance(value, list):
        return tuple(unpack(item) for item in value)
    if not isinstance(value, dict):
        return value
    kind = value.pop("is")
    if kind == "array":
        data = np.frombuffer(base64.b64decode(value["data"], validate=True), np.dtype(value["dtype"]))
        return data.reshape(value["shape"]).copy()
    if kind == "mapping":
        return {unpack(key): unpack(item) for key, item in value["items"]}
    record = getattr(records, kind, None)
    if not (isinstance(record, type) and is_dataclass(record)):
        raise ValueError(f"no record is called {kind!r}")
    return record(**{name: unpack(item) for name, item in value.items()})


def _decoded(path: Path, number: int, text: str, decode: Any) -> Any:
    try:
        return decode(number, json.loads(text, parse_constant=_refuse))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else error
        raise FileError(
            f"{path}: line {number} is no line of a log ({reason}); delete it if it is the last, cut off by a kill"
        ) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _header(number: int, line: dict[str, Any]) -> Header:
    header = Header(**line)
    if header.log != FORMAT:
        raise ValueError(f"format {header.log!r}, this version reads {FORMAT}")
    if not 1 <= _whole(header.voices) <= VOICES:
        raise ValueError(f"{header.voices} voices")
    return header


def _line(number: int, line: dict[str, Any]) -> Line:
    past_frames = _whole(line["wish"].pop("past"))
    wish = unpack({**line["wish"], "past": pack(np.zeros(0, np.float32))})
    if not isinstance(wish, Wish):
        raise ValueError("its wish is none")
    for each in (wish, *wish.others):
        for name in ("start", "frames", "seed", "steps", "voice"):
            _whole(getattr(each, name))
    first, after, sealed = (_whole(line[name]) for name in ("first", "after", "sealed"))
    if line["by"] not in ("voice", "bed") or after > number - 2 or first < wish.start:
        raise ValueError("it contradicts itself")
    text = [str(line[name]) for name in ("recipe", "past", "sound")]
    return Line(number, first, after, sealed, line["by"], text[0], text[1], past_frames, text[2], wish)


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
