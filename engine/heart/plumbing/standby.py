"""Two workers for one task: one works, the other has loaded and waits, so that a death costs no time to load.

Only for targets that keep nothing between two records, as the voice: then either may answer the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from heart.plumbing.worker import DEATH_WINDOW_S, MAX_DEATHS, Worker

SETTLE_S = 2.0
"""After the first is ready, before the second loads: the first has a reserve to sing."""


class Standby:
    """Looks like one `Worker`, and tells the same events of the one that works; of the other it tells "spare".

    After `max_deaths` within a minute nobody is born any more; who lives goes on; "gave_up" comes with the last.
    """

    def __init__(
        self,
        name: str,
        target: str,
        options: Mapping[str, Any],
        on_record: Callable[[Any], None],
        on_event: Callable[[str, str], None],
        **limits: Any,
    ) -> None:
        """As for a Worker."""
        self.name, self.max_deaths = name, MAX_DEATHS
        self._on_record, self._on_event = on_record, on_event
        self._front, self._back = (self._worker(each, target, options, limits) for each in (name, f"{name}-2"))
        self._front_ready = False
        self._deaths: list[float] = []
        self._given_up = self._stopping = False
        self._later: asyncio.TimerHandle | None = None

    def _worker(self, name: str, target: str, options: Mapping[str, Any], limits: Mapping[str, Any]) -> Worker:
        def note(event: str, text: str) -> None:
            self._note(worker, event, text)

        worker = Worker(name, target, options, self._on_record, note, **limits)
        worker.max_deaths = 2**30  # counted here, of both together
        return worker

    @property
    def pid(self) -> int | None:
        """Process of the one that works."""
        return self._front.pid

    @property
    def ready(self) -> bool:
        """Whether one has loaded and can work."""
        return self._front.ready

    @property
    def spare_ready(self) -> bool:
        """Whether the other has loaded too."""
        return self._back.ready

    @property
    def restarts(self) -> int:
        return self._front.restarts + self._back.restarts

    def start(self) -> None:
        """Spawn the first; the second follows when that is ready."""
        self._front.start()

    def send(self, record: Any) -> None:
        """To the one that works; never waits."""
        self._front.send(record)

    def kill(self) -> None:
        """End the one that works by force."""
        self._front.kill()

    async def stop(self, timeout_s: float = 2.0) -> None:
        """End both."""
        self._stopping = True
        if self._later:
            self._later.cancel()
        await asyncio.gather(self._front.stop(timeout_s), self._back.stop(timeout_s))

    def _note(self, worker: Worker, event: str, text: str) -> None:
        if event == "died":
            self._died(worker, text)
        elif event == "ready" and worker is self._back and not self._front.ready:
            self._promote()
        elif worker is self._front:
            self._tell_front(event, text)
        elif event != "stopped":
            self._on_event("spare", f"{event} {text}".strip())

    def _tell_front(self, event: str, text: str) -> None:
        if event != "stopped" or self._stopping:
            self._on_event(event, text)
        if event == "ready" and self._later is None:
            self._later = asyncio.get_running_loop().call_later(SETTLE_S, self._back.start)

    def _died(self, worker: Worker, reason: str) -> None:
        now_s = time.monotonic()
        self._deaths = [*(death_s for death_s in self._deaths if death_s > now_s - DEATH_WINDOW_S), now_s]
        working = worker is self._front
        self._on_event("died" if working else "spare", reason if working else f"died {reason}")
        if len(self._deaths) >= self.max_deaths:
            self._end(worker)
        if working and self._back.ready:
            self._promote()
        elif self._given_up and not self._front.ready:
            self._on_event("gave_up", f"{len(self._deaths)} deaths within a minute; the last: {reason}")

    def _end(self, worker: Worker) -> None:
        """No further life for one that has just died."""
        self._given_up = True
        if self._later:
            self._later.cancel()
        task = asyncio.get_running_loop().create_task(worker.stop())
        task.add_done_callback(lambda done: done.exception())

    def _promote(self) -> None:
        self._front, self._back = self._back, self._front
        self._on_event("started", str(self._front.pid))
        self._on_event("ready", "")
