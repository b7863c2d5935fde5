"""A journal: one line of text for each record, written by a thread of its own so that no disk holds up the sound.

Every line is flushed, so a killed engine loses at most the last one.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heart.errors import FileError

log = logging.getLogger(__name__)

QUEUE_RECORDS = 256
"""Chunks that wait for a slow disk: a minute and a half of them."""


class Journal:
    """Writes `encode(record)` and a line's end for each record.

    `write` never waits: from the loop. `on_end(text)` is called from the journal's thread, once, when the disk is
    full, gone or far too slow; nothing is written after that.
    """

    def __init__(
        self, path: Path, encode: Callable[[Any], str], on_end: Callable[[str], object] = lambda text: None
    ) -> None:
        """Claims the file at once; an older one of that name is replaced.

        Raises FileError when the place cannot be written.
        """
        self.path, self._encode, self._on_end = path, encode, on_end
        try:
            self._file = path.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise FileError(f"{path}: cannot be written ({error.strerror})") from error
        self._queue: queue.Queue[Any] = queue.Queue(QUEUE_RECORDS)
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, record: Any) -> None:
        """Queue a record; the thread encodes it, so it must not change any more."""
        if self._ended:
            return
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self._end("the disk is too slow")

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and close the file."""
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            try:
                if not self._ended:
                    self._file.write(self._encode(record) + "\n")
                    self._file.flush()
            except (OSError, TypeError, ValueError) as error:  # also a record that cannot be encoded
                self._end(getattr(error, "strerror", None) or str(error))
        with contextlib.suppress(OSError):  # what a full disk did not take was told already
            self._file.close()

    def _end(self, reason: str) -> None:
        self._ended = True
        text = f"{self.path}: the log ended ({reason}); free some space, start again"
        log.error("%s", text)
        self._on_end(text)
