"""Sounds asked for over the wire: accepted in the loop, read in a thread, answered when they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from heart.audio import shown
from heart.errors import FileError, HeartError, UsageError
from heart.plumbing.wire import Wire
from heart.sounding.sources import looped
from heart.sounding.track import Track
from heart.stage.beat_files import read_track
from heart.stage.effects import Effect, Load, LoadBeats
from heart.stage.performance import Performance
from heart.stage.sounds import LIVE_LONGEST_S, find_sound, read_sound

Read = TypeVar("Read")

MOST_WAITING = 16
"""Requests that may wait for the one under way."""


def check_folder(folder: Path | None) -> None:
    """Raises UsageError when the folder that sounds may come from is not there."""
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--sounds {folder}: no such folder")


class Loader:
    """Carries out `Load` effects one after another, in the order asked. Belongs to the engine's loop.

    Args:
        folder: the only one that sounds may come from; None: none may.
        do: carries out what a loaded sound entails.
    """

    def __init__(
        self, folder: Path | None, performance: Performance, wire: Wire, do: Callable[[list[Effect]], None]
    ) -> None:
        self.folder, self.performance, self.wire, self.do = folder, performance, wire, do
        self._thread = ThreadPoolExecutor(1, "sounds")
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether something asked for is still to come."""
        return bool(self._waiting)

    def load(self, wanted: Load) -> None:
        """Fill a slot, or empty it, which waits its turn too: what was asked for last holds.

        Raises UsageError when too many requests wait already.
        """
        address = "/heart/sound/clear" if wanted.name is None else "/heart/sound/load"
        self._begin(wanted.to, address, self._read, wanted.name, lambda loop: self._put(wanted.slot, loop))

    def load_beats(self, wanted: LoadBeats) -> None:
        """Take the beats of a file. Raises UsageError when too many requests wait already."""
        take = self.performance.take_track
        self._begin(wanted.to, "/heart/beats/load", self._read_beats, wanted.name, take)

    def _begin(
        self,
        to: Any,
        address: str,
        read: Callable[[Any], Any],
        name: str | None,
        take: Callable[[Any], list[Effect]],
    ) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise UsageError(f"{MOST_WAITING} sounds are waiting to be loaded; ask again when they are done")
        task = asyncio.get_running_loop().create_task(self._carry_out(to, address, read, name, take))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _carry_out(
        self,
        to: Any,
        address: str,
        read: Callable[[Any], Any],
        name: str | None,
        take: Callable[[Any], list[Effect]],
    ) -> None:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, read, name)
        except (HeartError, MemoryError) as error:
            self.wire.error(to, "failed", address, f"{address}: {error}")
            return
        self.do(take(found))
        self.wire.send(to, "/heart/done", address)

    def _put(self, slot: int, loop: np.ndarray | None) -> list[Effect]:
        if loop is None:
            self.performance.sounds.clear(slot)
        else:
            self.performance.sounds.put(slot, loop)
        return self.performance.sounds_changed()

    def _read(self, name: str | None) -> np.ndarray | None:
        """In the thread: a sound as a loop, None for no name. Raises UsageError or FileError."""
        return (
            None
            if name is None
            else self._from_folder(name, lambda path: looped(read_sound(path, LIVE_LONGEST_S, apart=True)))
        )

    def _read_beats(self, name: str) -> Track:
        return self._from_folder(name, lambda path: read_track(path, loop=True))

    def _from_folder(self, name: str, read: Callable[[Path], Read]) -> Read:
        path = find_sound(self.folder, name)
        try:
            return read(path)
        except FileError as error:  # where the folder lies is nobody's business
            raise FileError(str(error).replace(shown(path), shown(name)).replace(str(path), shown(name))) from error

    def close(self) -> None:
        """End the thread; what still waits is not carried out."""
        for task in self._waiting:
            task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
