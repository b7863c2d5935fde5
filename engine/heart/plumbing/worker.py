"""Workers: child processes that may hang, crash and be killed without the engine missing a beat.

Threads of one worker, all in the engine's process:

* the engine's asyncio loop: creates the worker, calls `start`, `send`, `stop`; gets `on_record`, `on_event`.
* the **supervisor**: spawns the child, reads its pipe, watches its sentinel and heartbeat, spawns the next.
* the **sender**, one a life: takes records from a bounded queue into the pipe, so `send` never waits.

Children are spawned, never forked: a fork would copy sockets, locks and threads in mid-air, and Windows
and macOS spawn anyway.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from heart.errors import WorkerError
from heart.plumbing.life import Life, Limits

BACK_OFF_S: tuple[float, ...] = (0.0, 0.25, 1.0)
"""Wait before the first, second, ... rebirth within a minute."""

MAX_DEATHS = 3
DEATH_WINDOW_S = 60.0
QUEUE_RECORDS = 256


class Worker:
    """A named child process that runs `target` and is born again when it dies.

    `on_record(record)` gets what the target sends; `on_event(event, text)` gets

        "started"   a child process runs            text: its pid
        "ready"     the target has loaded           text: ""
        "died"      it ended unasked, or hung       text: the reason and its last log line
        "gave_up"   the third death in a minute     text: the last reason; no more tries until `start`
        "stopped"   it ended because `stop` asked   text: ""

    Both are called in the loop, in the order in which things happened.
    """

    def __init__(
        self,
        name: str,
        target: str,
        options: Mapping[str, Any] | None = None,
        on_record: Callable[[Any], None] | None = None,
        on_event: Callable[[str, str], None] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        silence_s: float = 5.0,
        stall_s: float | None = None,
        start_s: float = 60.0,
        queue_records: int = QUEUE_RECORDS,
        nice: int = 0,
        max_deaths: int = MAX_DEATHS,
    ) -> None:
        """`silence_s`: no heartbeat for so long is a death (a stopped process, a lock held in C).

        `stall_s`: so long without touching the pipe is a death (an endless loop); None trusts the target.
        `start_s`: time to load before `ready`; neither limit counts sooner. `nice` is added to the priority
        number where the system has one.
        """
        self.name, self.target, self.options = name, target, dict(options or {})
        self.restarts = 0
        self.dropped = 0
        self._limits = Limits(silence_s, stall_s, start_s, nice)
        self._on_record, self._on_event = on_record, on_event
        self._loop = loop
        self._queue: deque[Any] = deque()
        self._queue_records = queue_records
        self.max_deaths = max_deaths
        self._filled = threading.Condition()
        self._life: Life | None = None
        self._supervisor: threading.Thread | None = None
        self._ending = threading.Event()
        self._log = logging.getLogger(f"heart.{name}")

    @property
    def pid(self) -> int | None:
        """Process id of the present child."""
        life = self._life
        return life.pid if life else None

    @property
    def alive(self) -> bool:
        """Whether a child process runs."""
        return self.pid is not None

    @property
    def ready(self) -> bool:
        """Whether the present child has loaded what it needs."""
        life = self._life
        return bool(life and life.ready)

    @property
    def cpu_s(self) -> float:
        """Processor seconds that the present child has used, as of its last heartbeat."""
        life = self._life
        return life.cpu_s if life else 0.0

    def start(self) -> None:
        """Spawn the child; returns at once. Call from the loop (or give the loop to the constructor).

        Raises WorkerError when it already runs.
        """
        if self._supervisor and self._supervisor.is_alive():
            raise WorkerError(f"worker {self.name} already runs (pid {self.pid}); stop it first")
        self._loop = self._loop or asyncio.get_running_loop()
        self._ending.clear()
        self._supervisor = threading.Thread(target=self._supervise, name=f"{self.name}-life", daemon=True)
        self._supervisor.start()

    def send(self, record: Any) -> None:
        """Queue a record for the child; never waits. A full queue loses its oldest, counted in `dropped`.

        What is queued when the child dies is lost with it: ask again after "ready".
        """
        with self._filled:
            while len(self._queue) >= self._queue_records:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(record)
            self._filled.notify()

    def kill(self) -> None:
        """End the present child by force, now. It counts as a death, so the next one is born."""
        life = self._life
        if life:
            life.kill()

    async def stop(self, timeout_s: float = 2.0, drain: bool = False) -> None:
        """Ask the child to end, and end it by force after `timeout_s`. Nothing is left when this returns.

        With `drain` the child first gets what is still queued.
        """
        supervisor = self._supervisor
        if supervisor is None:
            return
        self._end(drain)
        deadline_s = time.monotonic() + timeout_s
        while supervisor.is_alive():
            if time.monotonic() > deadline_s:
                self.kill()
            await asyncio.sleep(0.01)
        self._supervisor = None
        await asyncio.sleep(0)  # let the last on_event run

    def _end(self, drain: bool) -> None:
        with self._filled:
            if not drain:
                self._queue.clear()
            self._ending.set()
            self._filled.notify_all()

    def _supervise(self) -> None:
        """The supervisor thread: one life after another."""
        deaths: list[float] = []
        while not self._ending.is_set():
            reason = self._live()
            if self._ending.is_set():
                break
            now_s = time.monotonic()
            deaths = [*(death_s for death_s in deaths if death_s > now_s - DEATH_WINDOW_S), now_s]
            self._log.warning("%s died: %s", self.name, reason)
            self._tell("died", reason)
            if len(deaths) >= self.max_deaths:
                self._tell("gave_up", f"{len(deaths)} deaths within {DEATH_WINDOW_S:.0f} s; the last: {reason}")
                return
            self._ending.wait(BACK_OFF_S[min(len(deaths), len(BACK_OFF_S)) - 1])
            self.restarts += not self._ending.is_set()
        self._tell("stopped", "")

    def _live(self) -> str:
        """One life of the child, from spawn to burial; returns why it ended."""
        try:
            life = Life(self.name, self.target, self.options, self._limits)
        except OSError as error:
            return f"could not be spawned ({error})"
        self._life = life
        self._tell("started", str(life.pid))
        sender = threading.Thread(target=self._feed, args=(life,), name=f"{self.name}-send", daemon=True)
        sender.start()
        try:
            return life.watch(self._heed)
        finally:
            self._life = None
            with self._filled:
                self._queue.clear()
                self._filled.notify_all()
            sender.join()
            life.bury()

    def _heed(self, kind: str, value: Any) -> None:
        if kind == "record":
            self._post(self._on_record, value)
        elif kind == "ready":
            self._tell("ready", "")
        elif kind == "log":
            name, level, text = value
            logging.getLogger(name).log(level, "[%s] %s", self.name, text)

    def _feed(self, life: Life) -> None:
        """The sender thread of one life: queue to pipe, until the child is gone or asked to end."""
        while True:
            with self._filled:
                self._filled.wait_for(lambda: self._queue or self._ending.is_set() or life.over)
                if life.over:
                    return
                last = not self._queue
                record = None if last else self._queue.popleft()
            if not life.send("stop" if last else "record", record) or last:
                return

    def _tell(self, event: str, text: str) -> None:
        self._log.debug("%s %s %s", self.name, event, text)
        self._post(self._on_event, event, text)

    def _post(self, call: Callable[..., None] | None, *values: Any) -> None:
        if call is None or self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(call, *values)
        except RuntimeError:
            self._log.debug("the loop is closed; %s is not told %r", call, values)
