"""An engine of wire and tape only, in a thread of its own, singing seeded noise: the truth to compare with."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Any

import numpy as np

from heart.plumbing.wire import Wire

LEVEL = 0.5
"""Of the noise: below the knee of the guard's limiter, so that every sample goes out as it is."""

_PIECE = 65_536


class NoiseTape:
    """An endless tape of noise: any frame can be read at any time, the same for the same seed."""

    channels = 1

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tail = 0
        self.sealed = 0
        self.head = 2**40
        self._pieces: dict[int, np.ndarray] = {}

    def seal(self, frame: int) -> None:
        self.sealed = max(self.sealed, frame)

    def read(self, start: int, frames: int) -> np.ndarray:
        first, last = start // _PIECE, (start + frames) // _PIECE
        sound = np.concatenate([self._piece(n) for n in range(first, last + 1)])
        return sound[start - first * _PIECE :][:frames, np.newaxis].copy()

    def _piece(self, number: int) -> np.ndarray:
        if number not in self._pieces:
            rng = np.random.default_rng((self.seed, number))
            self._pieces = {n: p for n, p in self._pieces.items() if n >= number - 2}
            self._pieces[number] = rng.uniform(-LEVEL, LEVEL, _PIECE).astype(np.float32)
        return self._pieces[number]


class Engine:
    """A Wire over a NoiseTape. `sent` is what the first client was sent, as the wire itself recorded it."""

    def __init__(self, port: int = 0, seed: int = 1, **options: Any) -> None:
        self.seed = seed
        self._options = {"host": "127.0.0.1", "port": port, **options}
        self._sent: list[np.ndarray] = []
        self._input: list[tuple[int, int, np.ndarray]] = []
        self.messages: list[tuple[Any, ...]] = []
        """(address, argument, ...) of everything that is not the wire's own."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="rig-engine", daemon=True)
        self._ready = threading.Event()
        self.events: list[str] = []
        """What became of the clients: hello, start, lost, bye, expired."""
        self._clock_id: int | None = None
        self.wire: Wire | None = None
        self._error: BaseException | None = None

    @property
    def port(self) -> int:
        assert self.wire is not None
        return int(self.wire.port)

    def start(self) -> Engine:
        self._thread.start()
        assert self._ready.wait(10), "the engine's loop did not start"
        if self._error is not None:
            raise self._error
        return self

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        if hasattr(time, "pthread_getcpuclockid"):
            self._clock_id = time.pthread_getcpuclockid(threading.get_ident())
        self.wire = Wire(
            tape=NoiseTape(self.seed),
            on_sent=lambda x: self._sent.append(x[:, 0].copy()),
            on_client=lambda event, client: self.events.append(event),
            on_message=lambda address, args, sender: self.messages.append((address, *args)),
            on_input=lambda channel, seq, sound, sender: self._input.append((channel, seq, sound)),
            **self._options,
        )
        try:
            self._loop.run_until_complete(self.wire.start())
        except BaseException as error:
            self._error = error
            self._ready.set()
            return
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        self._loop.close()

    def cpu_s(self) -> float:
        """CPU seconds used by the engine's thread so far; 0 where the system cannot say."""
        return 0.0 if self._clock_id is None else time.clock_gettime(self._clock_id)

    def sent(self) -> np.ndarray:
        """All that was settled so far: float32 [n]."""
        return np.concatenate([np.zeros(0, np.float32), *self._sent])

    def heard(self) -> list[tuple[int, int, np.ndarray]]:
        """What came in for the ear so far: (channel, seq, float32 [n]) in the order of arrival."""
        return list(self._input)

    def stats(self) -> dict[str, Any]:
        assert self.wire is not None
        wire = self.wire

        async def ask() -> dict[str, Any]:
            return wire.stats()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(5)

    def announce_beat(self, ahead_ms: float, bpm: float, n: int = 1) -> int:
        """Tell the first client of a beat so far ahead of what it hears; where its S1 is in `sent`."""
        assert self.wire is not None
        wire = self.wire

        async def tell() -> int:
            client = wire.streaming[0]
            now_frame = client.heard_frame(time.monotonic())
            assert now_frame is not None
            frame = now_frame + round(ahead_ms * 44.1)
            offset = client.ring_offset(frame)
            assert offset is not None
            wire.send(client, "/heart/beat", n, offset, bpm, 60_000 / bpm, 0.0, "N", 1.0)
            assert client.stream is not None
            assert client.stream.feed is not None
            return frame - client.stream.feed.tape_start

        return asyncio.run_coroutine_threadsafe(tell(), self._loop).result(5)

    def say(self, address: str, *args: Any) -> None:
        """A message to the first client."""
        assert self.wire is not None
        wire = self.wire

        async def tell() -> None:
            wire.send(wire.clients[0], address, *args)

        asyncio.run_coroutine_threadsafe(tell(), self._loop).result(5)

    def stall(self, seconds: float) -> None:
        """Let the engine's loop stand still, as a machine that is busy elsewhere; returns when it goes on."""

        async def stand() -> None:
            time.sleep(seconds)

        asyncio.run_coroutine_threadsafe(stand(), self._loop).result(seconds + 5)

    def set_block(self, frames: int) -> None:
        """As if the first client had asked for another block size."""
        assert self.wire is not None
        wire = self.wire

        async def ask() -> None:
            wire.on_block("/heart/block", (frames,), wire.clients[0].source)

        asyncio.run_coroutine_threadsafe(ask(), self._loop).result(5)

    def stop(self, politely: bool = True) -> None:
        """Close the socket; `politely`: with a bye to every client first."""
        if not self._thread.is_alive() or self.wire is None:
            return
        if not politely:
            self.wire.broadcast = lambda *args, **named: None  # type: ignore[method-assign]
        asyncio.run_coroutine_threadsafe(self.wire.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def __enter__(self) -> Engine:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
