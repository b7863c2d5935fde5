"""The ear's own process: takes blocks of sound from a pipe, sends back what it heard and what it thinks of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from heart.listening.opinions import HOP_S, WINDOW_S, Clerk
from heart.listening.stream import EarStream
from heart.records import SAMPLE_RATE_HZ, Heard


class Pipe(Protocol):
    """The worker's end of the pipe. `send` may be called from any thread."""

    def receive(self, timeout_s: float) -> Any | None:
        """The next record, or None after timeout_s seconds."""

    def ready(self) -> None:
        """Say that the worker is loaded."""

    def send(self, record: Any) -> None:
        """Send a record to the engine."""


WAIT_S = 0.5


def serve(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Listen until the process is ended.

    Receives ("audio", float32 [n]), ("judging", hop_s, window_s) and ("reset",); sends Heard, ten for every second
    of sound and one more for each beat, and Judged, from a thread of its own. options: "rate_hz", the rate of the
    blocks (default SAMPLE_RATE_HZ); "ear_hop" and "ear_window", as in `LiveConfig`.
    """
    rate_hz = int(options.get("rate_hz", SAMPLE_RATE_HZ))
    ear = EarStream(rate_hz)
    pipe.ready()
    judging = float(options.get("ear_hop", HOP_S)), float(options.get("ear_window", WINDOW_S))
    clerk = Clerk(pipe.send, rate_hz, *judging)  # loads its models while the ear already hears beats
    try:
        while True:
            record = pipe.receive(WAIT_S)
            if record is None:
                continue
            if record[0] == "reset":
                ear = EarStream(rate_hz)
                clerk.reset()
                pipe.send(Heard(0.0))
            elif record[0] == "judging":
                clerk.set(*record[1:])
            elif record[0] == "audio":
                ear.gate = clerk.gate
                for heard in ear.push(record[1]):
                    pipe.send(heard)
                clerk.push(record[1], ear.net_heart)
    finally:
        clerk.close()
