"""A wire in a thread of its own, a bad network in front of it, and sound one can recognise: for tests."""

from __future__ import annotations

import asyncio
import heapq
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from heart.guard import Guard
from heart.plumbing.osc import decode, encode
from heart.plumbing.tape import Tape
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ


def noise(seconds: float, seed: int = 0, level: float = 0.1) -> np.ndarray:
    """Seeded noise, float32 [n]: every sample differs, so a wrong place shows."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(round(seconds * SAMPLE_RATE_HZ)) * level).astype(np.float32)


def sine(seconds: float, hz: float = 220.0, level: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


class Engine:
    """A Wire over a tape filled with `sound`, in its own thread; use it in a `with`."""

    def __init__(self, sound: np.ndarray | None = None, **options: Any) -> None:
        self.sound = noise(20) if sound is None else sound
        self.tape = Tape(max(30.0, len(self.sound) / SAMPLE_RATE_HZ))
        if len(self.sound):
            self.tape.lay(0, self.sound)
        self.events: list[str] = []
        self.messages: list[tuple[str, tuple[Any, ...], Any]] = []
        self.inputs: list[tuple[int, int, np.ndarray]] = []
        self.sent: list[np.ndarray] = []
        options = {"port": 0, "version": "1.0", "voice_name": "test", **options}
        self.wire = Wire(
            self.tape,
            on_message=lambda *m: self.messages.append(m),
            on_input=lambda ch, seq, samples, sender: self.inputs.append((ch, seq, samples)),
            on_client=lambda event, client: self.events.append(event),
            on_sent=self.sent.append,
            **options,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Engine:
        self._thread.start()
        try:
            self.call(self.wire.start())
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.call(self.wire.stop())
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def kill(self) -> None:
        """Gone without a word: the socket closes, nobody is told."""

        def cut() -> None:
            self.wire.broadcast = lambda *a, **k: None  # type: ignore[method-assign]

        self.do(cut)
        self.__exit__()

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def do(self, function: Callable[[], Any]) -> Any:
        """Call a function in the engine's loop."""

        async def run() -> Any:
            return function()

        return self.call(run())

    def wait(self, condition: Callable[[], bool], timeout_s: float = 2.0) -> bool:
        """Wait until `condition()` holds; whether it did in time."""
        until = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < until:
            time.sleep(0.005)
        return condition()

    @property
    def port(self) -> int:
        return self.wire.port

    def heard(self, start: int = 0) -> np.ndarray:
        """What must be heard of the tape from frame `start` on: float32 [n]."""
        return Guard(SAMPLE_RATE_HZ).process(self.sound[start:])


class Plain:
    """A bare socket that speaks OSC: a DAW, a careless patch, or worse."""

    def __init__(self, port: int) -> None:
        self.engine = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def say(self, address: str, *args: Any) -> int:
        return self.throw(encode(address, *args))

    def throw(self, datagram: bytes) -> int:
        return self.socket.sendto(datagram, self.engine)

    def raw(self, timeout_s: float = 1.0) -> bytes | None:
        """The next datagram, or None."""
        if not select.select([self.socket], [], [], timeout_s)[0]:
            return None
        return self.socket.recv(65_536)

    def hear(self, address: str, timeout_s: float = 1.0) -> tuple[Any, ...] | None:
        """Arguments of the next message with this address, passing over others."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            datagram = self.raw(left)
            for name, args in decode(datagram) if datagram else []:
                if name == address:
                    return args
        return None

    def all(self, timeout_s: float = 0.2) -> list[bytes]:
        """Every datagram until it has been quiet for `timeout_s`."""
        found = []
        while (datagram := self.raw(timeout_s)) is not None:
            found.append(datagram)
        return found

    def hello(self, reply_port: int = 0, rate: int = SAMPLE_RATE_HZ, channels: int = 1) -> int:
        """Say hello and return the epoch."""
        self.say("/heart/hello", "plain", reply_port, 1, rate, channels)
        welcome = self.hear("/heart/welcome")
        assert welcome is not None
        return int(welcome[6])


class BadNetwork:
    """Stands between one client and the engine: loses, delays and so reorders, both ways, seeded."""

    def __init__(
        self, engine_port: int, loss: float = 0.0, reorder: float = 0.0, jitter_s: float = 0.0, seed: int = 0
    ) -> None:
        self.engine = ("127.0.0.1", engine_port)
        self.loss, self.reorder, self.jitter_s = loss, reorder, jitter_s
        self.lost = self.passed = 0
        self._dice = random.Random(seed)
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for sock in (self._inside, self._outside):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        self.port = self._outside.getsockname()[1]
        self._client: tuple[str, int] | None = None
        self._late: list[tuple[float, int, bytes, bool]] = []
        self._count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> BadNetwork:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._inside.close()
        self._outside.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._inside, self._outside], [], [], 0.001)
            for sock in ready:
                datagram, source = sock.recvfrom(65_536)
                if sock is self._outside:
                    self._client = source
                self._pass(datagram, sock is self._outside)
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, datagram, inward = heapq.heappop(self._late)
                self._deliver(datagram, inward)

    def _pass(self, datagram: bytes, inward: bool) -> None:
        if self._dice.random() < self.loss:
            self.lost += 1
            return
        delay = self._dice.random() * self.jitter_s
        if self._dice.random() < self.reorder:
            delay += 0.015
        self._count += 1
        heapq.heappush(self._late, (time.monotonic() + delay, self._count, datagram, inward))

    def _deliver(self, datagram: bytes, inward: bool) -> None:
        self.passed += 1
        if inward:
            self._inside.sendto(datagram, self.engine)
        elif self._client:
            self._outside.sendto(datagram, self._client)
