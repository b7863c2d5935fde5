"""The sound process: owns the local device, may hang in it, may be killed for it.

    engine ── blocks ──▶ queue ─▶ rate ─▶ mute ─▶ guard ─▶ device        (output)
    engine ◀── ("played", frames, fill_ms, underruns), 50 times a second
    engine ◀── ("heard", rate_hz, samples)            ◀── device         (input)

`played` is to the engine what a client's credit is: how far the device has got in the engine's own
stream. When the queue runs dry the last value fades away, and what comes then fades in; no click either way.
A device that is lost ends this process, and the worker's next life opens it again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from heart.errors import DeviceError
from heart.plumbing.child import Pipe
from heart.plumbing.device import Format, Input, Output, open_input, open_output, refresh
from heart.plumbing.player import Player
from heart.plumbing.worker import Worker

log = logging.getLogger("heart.sound")

REPORT_S = 0.02
LOST_S = 1.0
"""An input that gave nothing for so long is gone."""

USUAL_RATES_HZ = (48_000, 44_100, 96_000, 16_000)

RETURN_S = 45.0
"""How long a lost device may take to come back; less than the worker's time to get ready."""

MAX_LOSSES = 20
"""Within a minute, of a device that has worked before."""

STALL_S = 1.0
"""A write that takes longer hangs in a dead server: the process is replaced. PulseAudio has taken 0.8 s."""


STEREO = Format(channels=2)


class Sound:
    """The engine's handle on the local device.

    `on_played(frames, fill_ms, underruns)`, `on_heard(samples [n, channels], rate_hz)` and
    `on_event(event, text)` (as in `Worker`) are called in the loop. After every "ready" a new count of frames
    begins at 0 and the queue is empty, as with a client that has just said hello.
    """

    def __init__(
        self,
        output: str | None = None,
        input: str | None = None,
        format: Format = STEREO,
        backend: str = "auto",
        on_played: Callable[[int, float, int], None] | None = None,
        on_heard: Callable[[np.ndarray, int], None] | None = None,
        on_event: Callable[[str, str], None] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`output` and `input` name devices as `open_output` takes them; None means that way is not used."""
        options = {"output": output, "input": input, "format": format, "backend": backend, "return_s": 0.0}
        self._on_played, self._on_heard, self._on_event = on_played, on_heard, on_event
        self.worker = Worker(
            "sound",
            "heart.plumbing.sound:serve",
            options,
            self._take,
            self._note,
            loop,
            stall_s=STALL_S,
            silence_s=2.0,
        )

    def start(self) -> None:
        """Spawn the process. A device that cannot be opened is told as "died" with the reason."""
        self.worker.start()

    async def stop(self, timeout_s: float = 2.0) -> None:
        """Close the device and end the process; a device that hangs is left to its fate."""
        await self.worker.stop(timeout_s)

    def play(self, samples: np.ndarray) -> None:
        """Queue the stream's next frames: float32 [n] (to all channels) or [n, channels]. Never waits."""
        self.worker.send(np.asarray(samples, dtype=np.float32))

    def mute(self, silent: bool) -> None:
        """Silence within 10 ms (behind it the device's own buffer plays out), or back again."""
        self.worker.send(("mute", silent))

    def _take(self, record: Any) -> None:
        kind, *values = record
        if kind == "played" and self._on_played:
            self._on_played(*values)
        elif kind == "heard" and self._on_heard:
            self._on_heard(values[1], values[0])

    def _note(self, event: str, text: str) -> None:
        if event == "ready":  # it was there once, so it may come back, again and again
            self.worker.options["return_s"] = RETURN_S
            self.worker.max_deaths = MAX_LOSSES
        if self._on_event:
            self._on_event(event, text)


def serve(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """The worker's target. Options: output, input, format, backend, return_s; see `Sound`."""
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection beside a device is a gap
    output: Output | None = None
    source: Input | None = None
    try:
        if options["output"] is not None:
            output = _opened(pipe, open_output, options["output"], options)
        if options["input"] is not None:
            source = _opened(pipe, open_input, options["input"], options)
        player = Player(output, options["format"].rate_hz, pipe) if output else None
        if player:
            player.prefill()
        pipe.ready()
        _run(pipe, player, source)
    except DeviceError as error:
        log.error("%s", error)  # said before the closing, which may hang
        raise
    finally:
        for device in (output, source):
            if device is not None:
                device.stop()


def _opened(pipe: Pipe, opener: Callable[..., Any], name: str, options: Mapping[str, Any]) -> Any:
    """A started device; one that was there before is waited for."""
    deadline_s = time.monotonic() + options["return_s"]
    while True:
        try:
            return _started(opener, name, options["format"], options["backend"])
        except DeviceError:
            if time.monotonic() > deadline_s:
                raise
        pipe.receive(timeout_s=0.25)
        if name != "null":
            refresh(options["backend"])


def _started(opener: Callable[..., Any], name: str, format: Format, backend: str) -> Any:
    """Started at our rate, or at a usual one where the device knows only that."""
    for rate_hz in (format.rate_hz, *(rate for rate in USUAL_RATES_HZ if rate != format.rate_hz)):
        device = opener(name, replace(format, rate_hz=rate_hz), backend)
        try:
            device.start()
        except DeviceError as error:
            failure = error
            continue
        if rate_hz != format.rate_hz:
            log.info("%s runs at %d Hz, the stream is converted", name or "the device", rate_hz)
        return device
    raise failure


def _run(pipe: Pipe, player: Player | None, source: Input | None) -> None:
    listener = Listener(source, pipe) if source else None
    if listener:
        listener.start()
    while True:
        if player is None:
            pipe.receive(timeout_s=REPORT_S)
        else:
            while (record := pipe.receive(timeout_s=0.0)) is not None:
                player.take(record)
            player.step()
        if listener:
            listener.check()


class Listener(threading.Thread):
    """Reads the input in its own thread, because a blocking read would hold up the output."""

    def __init__(self, source: Input, pipe: Pipe) -> None:
        super().__init__(name="listener", daemon=True)
        self._source, self._pipe = source, pipe
        self._heard_s = time.monotonic()
        self._failure: Exception | None = None

    def run(self) -> None:
        try:
            while True:
                block = self._source.read(self._source.format.block)
                self._heard_s = time.monotonic()
                self._pipe.send(("heard", self._source.format.rate_hz, block))
        except Exception as error:
            self._failure = error

    def check(self) -> None:
        """Raises DeviceError when the input failed or fell silent."""
        if self._failure is not None:
            raise DeviceError(f"the input is lost: {self._failure}") from self._failure
        if time.monotonic() - self._heard_s > LOST_S:
            raise DeviceError(f"the input gave nothing for {LOST_S:g} s; is it still connected?")
