"""Slow requests that are not sound: accepted in the loop, carried out in a thread, answered when they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from heart.errors import HeartError, UsageError
from heart.plumbing.post import Target
from heart.plumbing.wire import Wire

MOST_WAITING = 16
"""Requests that may wait for the one under way."""

Found = TypeVar("Found")


class Errands:
    """One thread that reads and writes small files, one after another. Belongs to the engine's loop."""

    def __init__(self, wire: Wire, tell: Callable[[str, str], None]) -> None:
        """`tell`: takes a code and a line about what went wrong with a request that was nobody's."""
        self.wire, self.tell = wire, tell
        self._thread = ThreadPoolExecutor(1, "errands")
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether something asked for is still to come."""
        return bool(self._waiting)

    def run(
        self, who: Target | None, address: str, work: Callable[[], Found], then: Callable[[Found], None]
    ) -> None:
        """Have `work` done in the thread, `then` in the loop with what it found, and tell `who` of done or failed.

        Raises UsageError when too many wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise UsageError(f"{MOST_WAITING} requests are waiting already; ask again when they are done")
        task = asyncio.get_running_loop().create_task(self._carry_out(who, address, work, then))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _carry_out(
        self, who: Target | None, address: str, work: Callable[[], Found], then: Callable[[Found], None]
    ) -> None:
        try:
            then(await asyncio.get_running_loop().run_in_executor(self._thread, work))
        except HeartError as error:
            if who is None:
                self.tell("failed", f"{address}: {error}")
            else:
                self.wire.error(who, "failed", address, f"{address}: {error}")
            return
        if who is not None:
            self.wire.send(who, "/heart/done", address)

    def close(self) -> None:
        """Finish what is under way; what still waits is not carried out."""
        for task in self._waiting:
            task.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)
