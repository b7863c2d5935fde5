"""One life of a worker's child process: spawn, pipe, heartbeat, death."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from heart.plumbing import child

LOOK_S = 0.1
"""How often the heartbeat is looked at; a death by exit is seen at once, through the sentinel."""


PAUSE_S = 1.0
"""A longer gap between two looks means that we ourselves were stopped (a closed lid, SIGSTOP)."""

EXCUSE_S = 2.0
"""After such a gap the child gets so long to show life: it was stopped as well."""


@dataclass(frozen=True)
class Limits:
    """When a child that still exists counts as dead; see `Worker`."""

    silence_s: float
    stall_s: float | None
    start_s: float
    nice: int = 0


class Life:
    """A running child. `watch` belongs to the supervisor thread, `send` to the sender; `kill` to anyone."""

    def __init__(self, name: str, target: str, options: Mapping[str, Any], limits: Limits) -> None:
        """Spawns the child. Raises OSError when the system refuses one."""
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe(duplex=True)
        level = logging.getLogger("heart").getEffectiveLevel()
        self._process = spawn.Process(
            target=child.main,
            args=(theirs, name, target, dict(options), level, limits.nice),
            name=name,
            daemon=True,
        )
        try:
            with _deaf_to_ctrl_c():
                self._process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._pipe: Connection = ours
        self._limits = limits
        self.pid: int | None = self._process.pid
        self.ready = False
        self.over = False
        self.cpu_s = 0.0
        self._born_s = self._heard_s = time.monotonic()
        self._looked_s = self._born_s
        self._excused_s = 0.0
        self._busy_s = 0.0
        self._crash = ""
        self._last_line = ""
        self._verdict = ""

    def watch(self, heed: Callable[[str, Any], None]) -> str:
        """Pass every message to `heed` until the child is dead; return the reason in one line."""
        while True:
            woken = wait([self._pipe, self._process.sentinel], LOOK_S)
            self._mind_the_gap()
            if self._pipe in woken and self._take(heed):
                continue
            if self._process.sentinel in woken or self._pipe in woken:
                break
            if not self._verdict:
                self._judge()
        self.over = True
        self._process.join(1.0)
        self.kill()
        self._process.join()
        return self._reason()

    def send(self, kind: str, record: Any) -> bool:
        """Send to the child, waiting while it is behind; False when it is gone."""
        try:
            self._pipe.send((kind, record))
        except OSError:
            return False
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            logging.getLogger("heart").error("a record that cannot be sent to a worker: %s", error)
        return True

    def kill(self) -> None:
        """SIGKILL (TerminateProcess on Windows)."""
        try:
            self._process.kill()
        except (OSError, ValueError):
            self.over = True

    def bury(self) -> None:
        """Close the pipe and forget the process. Call when `watch` has returned and nobody sends."""
        self.pid = None
        self._pipe.close()
        # Another thread that spawns may be collecting the exit status at this moment; then the
        # garbage collector closes the sentinel instead.
        with contextlib.suppress(ValueError):
            self._process.close()

    def _take(self, heed: Callable[[str, Any], None]) -> bool:
        """Read one message; False at the pipe's end."""
        try:
            kind, value = self._pipe.recv()
        except (EOFError, OSError):
            return False
        self._heard_s = time.monotonic()
        if kind == "beat":
            self.cpu_s, self._busy_s = value
            self._judge()
        elif kind == "crash":
            self._crash = value
        else:
            self.ready |= kind == "ready"
            if kind == "log":
                self._last_line = value[2].splitlines()[-1] if value[2] else ""
            heed(kind, value)
        return True

    def _mind_the_gap(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s > PAUSE_S:
            self._heard_s, self._excused_s = now_s, now_s + EXCUSE_S
            self._born_s += now_s - self._looked_s
        self._looked_s = now_s

    def _judge(self) -> None:
        """Kill a child that exists without living."""
        now_s, limits = time.monotonic(), self._limits
        if now_s < self._excused_s:
            return
        if not self.ready:
            if now_s - self._born_s > limits.start_s:
                self._condemn(f"not ready after {limits.start_s:g} s")
        elif now_s - self._heard_s > limits.silence_s:
            self._condemn(f"no heartbeat for {limits.silence_s:g} s")
        elif limits.stall_s is not None and self._busy_s > limits.stall_s:
            self._condemn(f"stuck for {self._busy_s:.1f} s")

    def _condemn(self, verdict: str) -> None:
        self._verdict = verdict
        self.kill()

    def _reason(self) -> str:
        code = self._process.exitcode
        ended = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        reason = self._verdict or self._crash or ended
        return f"{reason} (last log line: {self._last_line})" if self._last_line else reason


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is spawned in here inherits a blocked SIGINT, so Ctrl-C cannot hit it before it can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else the first spawn does it, and unblocks SIGINT behind our back
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
