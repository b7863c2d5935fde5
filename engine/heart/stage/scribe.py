"""Writes a live performance down as a score: what was asked, at the tape frame from which it held.

Rendered offline with the same voice it makes the same chunks, as long as the voice was never late and no ear led.
Where that was not so, a comment in the score says it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from heart.namespace import PARAMS
from heart.records import SAMPLE_RATE_HZ
from heart.stage.performance import Note, is_still
from heart.stage.score_reader import FORMAT


class Scribe:
    """`write` takes one line at a time, in the order of time; `sealed` says which tape frame is certain now."""

    def __init__(self, write: Callable[[str], object], sealed: Callable[[], int]) -> None:
        self._write, self._sealed = write, sealed
        self._asked: list[tuple[str, Note]] = []
        """Messages that hold from a frame that is not known yet."""
        self._known: list[tuple[int, str]] = []
        """Lines whose frame is still to come."""

    def head(self, title: str, voice: str, voices: int, values: Mapping[str, Any]) -> None:
        """The first lines: who sings, and all that is not as it is by itself."""
        moved = {name: value for name, value in values.items() if value != PARAMS[name].default}
        mode = moved.pop("mode", "lead")
        seed = moved.pop("seed", 0)
        moved["steps"] = values["steps"]
        self._write(_line({"score": FORMAT, "title": title, "voice": voice, "voices": voices, "seed": seed}))
        self._write(_line({"movement": title}))
        self._write(_line({"at": 0, "set": moved}))
        if mode == "track":
            self._write(_line({"at": 0, "if": "beats", "set": {"mode": mode}}))

    def note(self, address: str, args: Note) -> None:
        """A message was performed."""
        if not callable(args) and is_still(address, args):
            self._place(self._sealed(), line_of(address, args))
        else:
            self._asked.append((address, args))

    def begun(self, frame: int, exact: bool) -> None:
        """What was asked up to now holds from tape frame `frame` on."""
        if not exact and self._asked:
            self._place(frame, "# there was no reserve here: a rendering may differ a little from what was heard")
        for address, args in self._asked:
            self._place(frame, line_of(address, args(frame) if callable(args) else args))
        self._asked.clear()

    def remark(self, text: str) -> None:
        """Something that a rendering will not do again."""
        self._place(self._sealed(), f"# {text}")

    def tick(self) -> None:
        """Write what lies behind."""
        self._write_until(self._sealed())

    def finish(self) -> None:
        """Write the rest, and where it ended."""
        sealed = self._sealed()
        self._write_until(sealed)
        self._write(_line({"at": _seconds(sealed), "end": "cue"}))

    def _place(self, frame: int, line: str) -> None:
        self._known.append((frame, line))

    def _write_until(self, sealed: int) -> None:
        due = sorted((each for each in self._known if each[0] <= sealed), key=lambda each: each[0])
        self._known = [each for each in self._known if each[0] > sealed]
        for frame, line in due:
            self._write(line if line.startswith("#") else f'{{"at": {_seconds(frame):.6f}, {line[1:]}')


def line_of(address: str, args: tuple[Any, ...]) -> str:
    """A message in the words of a score, without its time."""
    verb = address.removeprefix("/heart/")
    if verb.startswith("set/"):
        return _line({"set": {verb.removeprefix("set/"): args[0]}})
    if verb == "ramp":
        return _line({"ramp": {args[0]: args[1]}, "over": args[2]})
    if verb in ("sound/load", "sound/clear"):
        return _line({"load": {str(args[0]): args[1] if len(args) > 1 else None}})
    if verb == "beats/load":
        return _line({"beats": args[0]})
    if verb == "downbeat":
        return _line({"downbeat": args[0]})
    if verb == "morph":
        return _line({"morph": list(args)})
    return _line({"send": [address, *args]})


def _seconds(frame: int) -> float:
    return round(frame / SAMPLE_RATE_HZ, 6)


def _line(says: dict[str, Any]) -> str:
    return json.dumps(says, ensure_ascii=False)
