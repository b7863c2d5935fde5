"""What went wrong so far, in words and numbers: for `/heart/troubles` and `heart doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heart.stage.effects import Effect, Origin, Say

WORDS: dict[str, str] = {
    "late": "chunks sung too late, or given up: the bed or the reserve took their place",
    "bed": "tenths of a second that the bed sang instead of the voice",
    "refused": "chunks of the voice that were broken",
    "restarted": "new lives of voice, ear, sound and recorder",
    "dropouts": "holes heard by clients and the local device",
    "lost": "blocks that clients missed and were sent again",
    "too_late": "blocks that reached the network after their time",
    "broken": "times the sound was no number and was faded to silence",
    "errors": "messages that were answered by an error",
    "junk": "datagrams that could not be read",
    "stale": "messages dropped because the engine had stood still while they waited",
    "disk": "times the disk refused what was recorded or logged",
}
"""Every kind there is; what its count means."""


class Troubles:
    """Counts of all kinds, and the last words about each. Belongs to the engine's loop."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts
        self._last: dict[str, str] = {}

    def note(self, kind: str, text: str) -> None:
        """Something of this kind has just been told in these words."""
        self._last[kind] = text

    def all(self) -> dict[str, tuple[int, str]]:
        """Each kind that has happened: how often, what that means, and the last of it."""
        counts = self._counts()
        return {
            kind: (counts[kind], f"{words}; last: {self._last[kind]}" if kind in self._last else words)
            for kind, words in WORDS.items()
            if counts[kind]
        }

    def on_troubles(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        """A line for each kind, then done."""
        lines: list[Effect] = [Say(origin, "/heart/trouble", (kind, *told)) for kind, told in self.all().items()]
        return [*lines, Say(origin, "/heart/done", ("/heart/troubles",))]
