"""The notice board: the last word of every address that is not meant for one client alone.

Whoever is not a client of the wire reads here: the query server, and what gives values back to other programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Watcher = Callable[[str, tuple[Any, ...], Any], None]
"""Called with address, arguments, and who caused it (None: the engine itself)."""


class Board:
    """What was posted last under each address, and who is told at once. Belongs to the engine's loop."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[Any, ...]] = {}
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        """Have every notice from now on handed to `watcher`, which must not wait."""
        self._watchers.append(watcher)

    def post(self, address: str, args: tuple[Any, ...], origin: Any = None) -> None:
        """Put up a notice."""
        self.last[address] = args
        for watcher in self._watchers:
            watcher(address, args, origin)
