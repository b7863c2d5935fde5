"""One WebSocket as a line: packets wait in a short queue, values that were overtaken do not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from heart.plumbing.lines import Line

if TYPE_CHECKING:
    from aiohttp import web

MAX_PACKET = 8192
"""As on UDP."""
MAX_WAITING = 256
"""Packets that may wait before no more requests are read; values come on top, one of each path at most."""
STUCK_S = 10.0
"""So long one packet may take to be taken before the connection is cut."""


class SocketLine(Line):
    """The sending half of a WebSocket; `listening` are the paths that it asked to be told of."""

    def __init__(self, ip: str, socket: web.WebSocketResponse, cut: Callable[[], None]) -> None:
        """`cut`: ends the connection at once, whatever is still to be sent."""
        self.ip, self._cut = ip, cut
        self.listening: set[str] = set()
        self._socket = socket
        self._waiting: dict[str | int, bytes] = {}
        """By path for values, of which the newest is enough, by number for answers."""
        self._answers = 0
        self._ready = asyncio.Event()
        self._taken = asyncio.Event()
        self._writer = asyncio.get_running_loop().create_task(self._write())

    def send(self, packet: bytes) -> bool:
        """An answer: each one is sent."""
        self._answers += 1
        return self._queue(self._answers, packet)

    def tell(self, path: str, packet: bytes) -> bool:
        """The value of `path`; one that has not been sent yet is replaced."""
        return self._queue(path, packet)

    def _queue(self, key: str | int, packet: bytes) -> bool:
        if self._socket.closed or self._writer.done():
            return False
        self._waiting[key] = packet
        self._ready.set()
        return True

    async def room(self) -> None:
        """Wait until its answers have been taken: who does not read is not read from either."""
        while len(self._waiting) > MAX_WAITING and not self._writer.done():
            self._taken.clear()
            await self._taken.wait()

    async def _write(self) -> None:
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                while self._waiting:
                    key = next(iter(self._waiting))
                    await asyncio.wait_for(self._socket.send_bytes(self._waiting.pop(key)), STUCK_S)
                    self._taken.set()
        except (ConnectionError, RuntimeError, asyncio.TimeoutError):
            self._cut()
        finally:
            self._taken.set()

    async def close(self) -> None:
        """End it, whatever still waits."""
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._socket.close()
