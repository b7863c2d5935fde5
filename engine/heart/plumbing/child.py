"""The child's side of a worker: a pipe to the engine, a heartbeat, and a log that the engine writes.

A worker's target is a function `serve(pipe, options)`, named as "module:function". It is called once in a
fresh process and works until the pipe raises `Stop`:

    def serve(pipe, options):
        model = load(options["model"])      # may take seconds
        pipe.ready()
        while True:
            wish = pipe.receive(timeout_s=1.0)
            if wish is not None:
                pipe.send(model.sing(wish))

`Stop` need not be caught; use `try/finally` for what must be closed. Whatever is logged here, and the text of
an exception that nobody caught, appears in the engine's own log.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

BEAT_S = 0.05
"""Between two heartbeats."""

PARENT_LOST = 70
"""Exit status of a child whose engine is gone."""


class Stop(BaseException):
    """The engine wants this worker to end. Like KeyboardInterrupt it passes every `except Exception`."""


class Pipe:
    """What a target talks to. `receive` belongs to one thread; `send` and `ready` may be called from any."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._owner = threading.get_ident()
        self._touched_s: float | None = time.monotonic()

    def receive(self, timeout_s: float | None = None) -> Any | None:
        """The engine's next record, or None when none came within `timeout_s` (None waits for ever).

        Raises Stop when the engine asked for the end or is gone.
        """
        self._touched_s = None
        try:
            if not self._connection.poll(timeout_s):
                return None
            kind, record = self._connection.recv()
        except (EOFError, OSError) as error:
            raise Stop from error
        finally:
            self._touched_s = time.monotonic()
        if kind == "stop":
            raise Stop
        return record

    def send(self, record: Any) -> None:
        """Hand a record (a dataclass of heart.records, or a tuple of plain values and arrays) to the engine.

        Waits while the engine is behind in reading. Raises Stop when the engine is gone.
        """
        self.post("record", record)
        self._touch()

    def ready(self) -> None:
        """Say that loading is over and work can come."""
        self.post("ready")
        self._touch()

    @property
    def busy_s(self) -> float:
        """Seconds since the target last touched the pipe; 0 while it waits for a record."""
        touched_s = self._touched_s
        return 0.0 if touched_s is None else time.monotonic() - touched_s

    def _touch(self) -> None:
        """Only the thread that receives proves that work goes on; a helper thread proves nothing."""
        if threading.get_ident() == self._owner:
            self._touched_s = time.monotonic()

    def post(self, kind: str, value: Any = None) -> None:
        """Send one message of the worker's own protocol (for `plumbing.worker`, not for targets)."""
        try:
            with self._lock:
                self._connection.send((kind, value))
        except OSError as error:
            raise Stop from error


class _Relay(logging.Handler):
    """Sends finished log lines to the engine, which knows where they belong."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._pipe.post("log", (record.name, record.levelno, self.format(record)))
        except Stop:
            return
        except Exception:
            self.handleError(record)


def main(connection: Connection, name: str, target: str, options: Mapping[str, Any], level: int, nice: int) -> None:
    """Entry of the spawned process: run `target` between a heartbeat and a log relay."""
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine handles Ctrl-C and stops us in order
    pipe = Pipe(connection)
    logging.basicConfig(level=level, handlers=[_Relay(pipe)], format="%(message)s", force=True)
    threading.Thread(target=_beat, args=(pipe,), name="heartbeat", daemon=True).start()
    try:
        _load(target)(pipe, options)
        _crash(pipe, f"{target} returned by itself")
    except Stop:
        return
    except Exception as error:
        logging.getLogger(f"heart.{name}").exception("%s ended by an error", target)
        _crash(pipe, f"{type(error).__name__}: {error}")


def _load(target: str) -> Any:
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def _crash(pipe: Pipe, reason: str) -> None:
    """Tell the reason and end at once: a library's own clean-up may hang after what has just happened."""
    with contextlib.suppress(Stop):
        pipe.post("crash", reason)
    os._exit(1)


def _beat(pipe: Pipe) -> None:
    """Prove twenty times a second that this process runs; when nobody listens any more, end it."""
    try:
        while True:
            pipe.post("beat", (time.process_time(), pipe.busy_s))
            time.sleep(BEAT_S)
    except Stop:
        os._exit(PARENT_LOST)
