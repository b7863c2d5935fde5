"""The recorder: writes a take in a process of its own, so that no disk ever holds up the sound.

The file can be opened at any moment, also after the process was killed: what is missing then is at most
FLUSH_S of sound. A full disk ends the take, says so once, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from heart.errors import FileError, UsageError
from heart.plumbing.child import Pipe
from heart.plumbing.takes import FlacTake, Take, WavTake
from heart.plumbing.worker import Worker

log = logging.getLogger("heart.recorder")

FLUSH_S = 0.5
QUEUE_RECORDS = 4096
"""20 s of blocks of 256 frames at 44.1 kHz; what a slower disk leaves over is dropped and counted."""

TAKES: dict[str, type[Take]] = {".wav": WavTake, ".flac": FlacTake}
"""Suffix to writer: float32 WAV is exact, FLAC has 24 bits."""


class Recorder:
    """The engine's handle on one take.

    `on_event(event, text)` gets the worker's events, and "error" with a line about a disk that is full or
    gone; it is called in the loop.
    """

    def __init__(
        self,
        path: str | Path,
        rate_hz: int,
        channels: int = 1,
        on_event: Callable[[str, str], None] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Claims the file at once; an older one of that name is replaced.

        Raises UsageError for a suffix other than .wav and .flac, FileError when the place cannot be written.
        """
        self.path = Path(path)
        self.seconds = 0.0
        """Safe on disk, as far as the recorder has told."""
        claim(self.path)
        self._on_event = on_event
        self._frame = 0
        options = {"path": str(self.path), "rate_hz": rate_hz, "channels": channels}
        self.worker = Worker(
            "recorder",
            "heart.plumbing.recorder:serve",
            options,
            self._take,
            on_event,
            loop,
            queue_records=QUEUE_RECORDS,
        )

    def start(self) -> None:
        """Spawn the process. What is written before it is ready waits in the queue."""
        self.worker.start()

    def write(self, samples: np.ndarray) -> None:
        """Queue the take's next frames, float32 [n] or [n, channels]. Never waits."""
        self.worker.send((self._frame, np.asarray(samples, dtype=np.float32)))
        self._frame += len(samples)

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Write what is queued and close the file."""
        await self.worker.stop(timeout_s, drain=True)

    def _take(self, record: Any) -> None:
        kind, value = record
        if kind == "seconds":
            self.seconds = value
        elif self._on_event:
            self._on_event(kind, value)


def serve(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """The worker's target. Options: path, rate_hz, channels. Records: (first frame in the take, samples)."""
    path = _next_free(Path(options["path"]))
    take = TAKES[path.suffix.lower()](path, options["rate_hz"], options["channels"])
    if path != Path(options["path"]):
        pipe.send(("error", f"the recorder was killed; the take goes on in {path}"))
    pipe.ready()
    try:
        _write_all(pipe, take, None if path != Path(options["path"]) else 0)
    except OSError as error:
        reason = f"{path}: recording ended after {take.seconds:.1f} s ({error.strerror or error}); free some space"
        log.error("%s", reason)
        pipe.send(("error", reason))
        while True:
            pipe.receive()
    finally:
        take.close()


def _write_all(pipe: Pipe, take: Take, first: int | None) -> None:
    """Write until the end is asked for, and make the file whole every FLUSH_S.

    `first` is the frame at which the file begins; None: with whatever comes first.
    """
    told_s = 0.0
    while True:
        record = pipe.receive(timeout_s=FLUSH_S)
        if record is not None:
            start, samples = record
            first = start if first is None else first
            take.pad_to(start - first)
            take.write(samples)
        if take.seconds - told_s >= FLUSH_S or (record is None and take.seconds > told_s):
            take.flush()
            told_s = take.seconds
            pipe.send(("seconds", told_s))


def claim(path: Path) -> None:
    """Make sure that a take can be written there; an older one of that name is replaced.

    Raises UsageError for a suffix other than .wav and .flac, FileError when the place cannot be written.
    """
    if path.suffix.lower() not in TAKES:
        raise UsageError(f"{path}: a take is recorded as {' or '.join(TAKES)}")
    try:
        path.open("wb").close()
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror})") from error


def _next_free(path: Path) -> Path:
    """The claimed, still empty file; or, after a death, the first name that is free."""
    number = 1
    goal = path
    while goal.exists() and goal.stat().st_size:
        number += 1
        goal = path.with_stem(f"{path.stem}-{number}")
    return goal
