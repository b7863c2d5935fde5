"""Sounds asked for over the wire: accepted in the loop, read in a thread, answered when they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class Job:
    """One request: what it was, how its file is read (in the thread), and what is done with what was read."""

    to: Any
    address: str
    args: tuple[Any, ...]
    read: Callable[[], Any]
    take: Callable[[Any], list[Effect]]


class Loader:
    """Carries out `Load` and `LoadBeats` one after another, in the order asked. Belongs to the engine's loop.

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
        slot, name = wanted.slot, wanted.name
        if name is None:
            job = Job(wanted.to, "/heart/sound/clear", (slot,), lambda: None, lambda _: self._clear(slot))
        else:
            read = partial(read_loop, self.folder, name)
            job = Job(wanted.to, "/heart/sound/load", (slot, name), read, lambda loop: self._put(slot, loop))
        self._begin(job)

    def load_beats(self, wanted: LoadBeats) -> None:
        """Take the beats of a file. Raises UsageError when too many requests wait already."""
        read = partial(read_beats, self.folder, wanted.name)
        self._begin(Job(wanted.to, "/heart/beats/load", (wanted.name,), read, self.performance.take_track))

    def _begin(self, job: Job) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise UsageError(f"{MOST_WAITING} sounds are waiting to be loaded; ask again when they are done")
        task = asyncio.get_running_loop().create_task(self._carry_out(job))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _carry_out(self, job: Job) -> None:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, job.read)
        except (HeartError, MemoryError, OSError) as error:
            self.wire.error(job.to, "failed", job.address, f"{job.address}: {error}")
            return
        self.performance.note(job.address, job.args)
        self.do(job.take(found))
        self.wire.send(job.to, "/heart/done", job.address)

    def _put(self, slot: int, loop: np.ndarray) -> list[Effect]:
        self.performance.sounds.put(slot, loop)
        return self.performance.sounds_changed()

    def _clear(self, slot: int) -> list[Effect]:
        self.performance.sounds.clear(slot)
        return self.performance.sounds_changed()

    def close(self) -> None:
        """End the thread; what still waits is not carried out."""
        for task in self._waiting:
            task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)


def read_loop(folder: Path | None, name: str) -> np.ndarray:
    """The sound `name` of the folder as a loop, float32 [n]. Raises UsageError or FileError."""
    return _from_folder(folder, name, lambda path: looped(read_sound(path, LIVE_LONGEST_S, apart=True)))


def read_beats(folder: Path | None, name: str) -> Track:
    """The beats in the file `name` of the folder, to be played again and again. Raises UsageError or FileError."""
    return _from_folder(folder, name, lambda path: read_track(path, loop=True))


def _from_folder(folder: Path | None, name: str, read: Callable[[Path], Read]) -> Read:
    path = find_sound(folder, name)
    try:
        return read(path)
    except FileError as error:  # where the folder lies is nobody's business
        raise FileError(str(error).replace(shown(path), shown(name)).replace(str(path), shown(name))) from error
