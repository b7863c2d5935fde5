"""A bad network in user space: loses, delays, reorders and doubles datagrams, by a seed, both ways.

client -> front | back -> engine        The engine answers to the back, whatever port the hello
client <- front | back <- engine        named: it is rewritten to 0, "where this comes from".
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from heart.errors import WireError
from heart.plumbing.osc import decode, encode

Address = tuple[str, int]


@dataclass(frozen=True)
class Weather:
    """What happens to each datagram, independently, in each direction. Shares 0..1, times in ms.

    The delay is drawn anew for each datagram from 0..jitter_ms, so jitter alone reorders already;
    `reorder` holds some back by `held_ms` on top.
    """

    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    jitter_ms: float = 0.0
    held_ms: float = 15.0
    ways: tuple[str, ...] = ("up", "down")
    """"up": client to engine; "down": engine to client."""


class Proxy:
    """Stands between one client and the engine at `engine_port`; the client talks to `port`."""

    def __init__(self, engine_port: int, weather: Weather, seed: int = 1) -> None:
        self.engine: Address = ("127.0.0.1", engine_port)
        self.weather = weather
        self.counts: Counter[str] = Counter()
        self._rng = np.random.default_rng(seed)
        self._front, self._back = (self._socket(), self._socket())
        self._client: Address | None = None
        self._waiting: list[tuple[float, int, socket.socket, bytes, Address]] = []
        self._number = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rig-proxy", daemon=True)

    @staticmethod
    def _socket() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        return sock

    @property
    def port(self) -> int:
        return int(self._front.getsockname()[1])

    def _run(self) -> None:
        while not self._stop.is_set():
            timeout = 0.05
            if self._waiting:
                timeout = min(timeout, max(0.0, self._waiting[0][0] - time.monotonic()))
            ready, _, _ = select.select([self._front, self._back], [], [], timeout)
            for sock in ready:
                self._take(sock)
            self._deliver(time.monotonic())

    def _take(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                datagram, source = sock.recvfrom(65_536)
                if sock is self._front:
                    self._submit("up", self._back, self._seen(datagram, source), self.engine)
                elif self._client is not None:
                    self._submit("down", self._front, datagram, self._client)

    def _seen(self, datagram: bytes, source: Address) -> bytes:
        """Learn from a hello where the client listens, and have the engine answer to the back."""
        if datagram.startswith(b"/heart/hello\0"):
            with contextlib.suppress(WireError):
                [(address, (name, reply_port, *rest))] = decode(datagram)
                self._client = (source[0], reply_port or source[1])
                return encode(address, name, 0, *rest)
        return datagram

    def _submit(self, way: str, sock: socket.socket, datagram: bytes, to: Address) -> None:
        weather = self.weather if way in self.weather.ways else Weather()
        self.counts[f"{way}"] += 1
        if self._rng.random() < weather.loss:
            self.counts[f"{way} lost"] += 1
            return
        copies = 1
        if self._rng.random() < weather.duplicate:
            copies = 2
            self.counts[f"{way} doubled"] += 1
        for _ in range(copies):
            delay_ms = self._rng.random() * weather.jitter_ms
            if self._rng.random() < weather.reorder:
                delay_ms += weather.held_ms
                self.counts[f"{way} held back"] += 1
            due = time.monotonic() + delay_ms / 1000
            heapq.heappush(self._waiting, (due, next(self._number), sock, datagram, to))

    def _deliver(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, _, sock, datagram, to = heapq.heappop(self._waiting)
            with contextlib.suppress(OSError):
                sock.sendto(datagram, to)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self._front.close()
        self._back.close()
