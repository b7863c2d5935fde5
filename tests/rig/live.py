"""A whole engine in a thread of its own, on free ports, and a socket that speaks to it like any other program."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from heart.config import LiveConfig
from heart.plumbing.osc import decode, encode
from heart.stage.live import Engine


class LiveEngine:
    """`heart live --voice pulse` with any settings; ready when its ports are open."""

    def __init__(self, **settings: Any) -> None:
        free = {"port": 0, "voice": "pulse", "http_port": -1, "announce": False}
        self._config = LiveConfig(**{**free, **settings})
        self._thread = threading.Thread(target=self._run, name="live-engine", daemon=True)
        self._opened = threading.Event()
        self._failure: BaseException | None = None
        self.engine: Engine | None = None

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:
            self._failure = error
        self._opened.set()

    async def _live(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.engine = Engine(self._config)
        running = asyncio.ensure_future(self.engine.run())
        while not running.done() and not self.engine.bridge.open:
            await asyncio.sleep(0.005)
        if not running.done():
            self._opened.set()
        await running

    @property
    def port(self) -> int:
        assert self.engine is not None
        return int(self.engine.wire.port)

    @property
    def http_port(self) -> int:
        assert self.engine is not None
        assert self.engine.bridge.http is not None
        return int(self.engine.bridge.http.port)

    def value(self, name: str) -> Any:
        """A parameter as it is now."""
        assert self.engine is not None
        return self.engine.performance.values[name]

    def call(self, function: Callable[[], Any]) -> Any:
        """Done in the engine's loop."""

        async def inside() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(10)

    def __enter__(self) -> LiveEngine:
        self._thread.start()
        assert self._opened.wait(20), "the engine did not start"
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.engine is not None and self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.engine.stop.set)
        self._thread.join(20)


class Program:
    """Another program: a UDP socket of its own. Use it in a `with`."""

    def __init__(self, port: int, local_port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", local_port))
        self._engine = ("127.0.0.1", port)
        self.port = int(self._socket.getsockname()[1])

    def send(self, address: str, *args: Any) -> None:
        self.send_bytes(encode(address, *args))

    def send_bytes(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, self._engine)

    def heard(self, seconds: float = 0.3) -> list[tuple[str, tuple[Any, ...]]]:
        """All that comes in so long."""
        messages, until = [], time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                messages += decode(self._socket.recv(65_536))
            except TimeoutError:
                break
        return messages

    def heard_one(self, seconds: float = 5.0) -> list[tuple[str, tuple[Any, ...]]]:
        """The messages of the next datagram."""
        self._socket.settimeout(seconds)
        return decode(self._socket.recv(65_536))

    def wait_for(self, address: str, seconds: float = 5.0) -> tuple[Any, ...]:
        """Arguments of the next message with this address; others are dropped."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                for found, args in decode(self._socket.recv(65_536)):
                    if found == address:
                        return args
            except TimeoutError:
                break
        raise AssertionError(f"no {address} within {seconds} s")

    def ask(self, address: str, *args: Any) -> tuple[Any, ...]:
        """Send, and wait for done or error: the arguments of whichever comes first."""
        self.send(address, *args)
        until = time.monotonic() + 5
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            for found, said in decode(self._socket.recv(65_536)):
                if found in ("/heart/done", "/heart/error"):
                    return said
        raise AssertionError(f"{address}: neither done nor error")

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until `condition()` holds; whether it did in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
