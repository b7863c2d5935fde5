"""The ear's own process: takes blocks of sound from a pipe, sends back what it heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from heart.listening.stream import EarStream
from heart.records import SAMPLE_RATE_HZ, Heard


class Pipe(Protocol):
    """The worker's end of the pipe."""

    def receive(self, timeout_s: float) -> Any | None:
        """The next record, or None after timeout_s seconds."""

    def ready(self) -> None:
        """Say that the worker is loaded."""

    def send(self, record: Any) -> None:
        """Send a record to the engine."""


WAIT_S = 0.5


def serve(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Listen until the process is ended.

    Receives ("audio", float32 [n]) and ("reset",); sends Heard, ten for every second of sound. options:
    "rate_hz", the rate of the blocks (default SAMPLE_RATE_HZ).
    """
    rate_hz = int(options.get("rate_hz", SAMPLE_RATE_HZ))
    ear = EarStream(rate_hz)
    pipe.ready()
    while True:
        record = pipe.receive(WAIT_S)
        if record is None:
            continue
        if record[0] == "reset":
            ear = EarStream(rate_hz)
            pipe.send(Heard(0.0))
        elif record[0] == "audio":
            for heard in ear.push(record[1]):
                pipe.send(heard)
