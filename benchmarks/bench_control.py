"""How fast the engine answers and is steered: round trips, OSCQuery, a control of another program and its echo.

    python benchmarks/bench_control.py

A whole `heart live --voice pulse` in a process of its own, over real sockets on the loopback; percentiles in ms.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from heart.plumbing.osc import decode, encode
from heart.stage.rehearsal import RunningEngine, running_engine

ROUNDS = 500
FLOOD_PER_S = 5_000
FLOOD_S = 4


class Program:
    """A bare socket that sends OSC and waits for an address."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2)
        self.engine = ("127.0.0.1", port)

    def say(self, address: str, *args: object) -> None:
        self.socket.sendto(encode(address, *args), self.engine)

    def hear(self, address: str) -> tuple[object, ...]:
        while True:
            for found, args in decode(self.socket.recv(65_536)):
                if found == address:
                    return args


def timed(what: Callable[[int], None], rounds: int = ROUNDS) -> str:
    """Percentiles of how long `what` takes."""
    times = []
    for n in range(rounds):
        began = time.perf_counter()
        what(n)
        times.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.002)
    p50, p99 = np.percentile(times, [50, 99])
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms ({rounds})"


def http_port(engine: RunningEngine) -> int:
    line = next(line for line in engine.lines if "OSCQuery on" in line)
    return int(re.findall(r":(\d+)$", line.strip())[0])


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_engine(Path(folder), "--voice", "pulse", "--aliases", "surface", "--http-port", "0") as engine,
    ):
        client, fader = Program(engine.port), Program(engine.port)
        web = http.client.HTTPConnection("127.0.0.1", http_port(engine))

        def ping(n: int) -> None:
            client.say("/heart/ping", n)
            client.hear("/heart/pong")

        def get(n: int) -> None:
            web.request("GET", "/heart/set/bpm?VALUE")
            web.getresponse().read()

        def tree(n: int) -> None:
            web.request("GET", "/")
            web.getresponse().read()

        def steer(n: int) -> None:
            fader.say("/fader/bpm", (n % 100) / 100)
            client.hear("/heart/value/bpm")

        print(f"ping to pong:                      {timed(ping)}")
        print(f"OSCQuery, one value:               {timed(get, 100)}")
        print(f"OSCQuery, the whole tree:          {timed(tree, 50)}")
        client.say("/heart/listen/bpm", 1)
        client.hear("/heart/value/bpm")
        print(f"foreign fader to listener's value: {timed(steer)}")
        flood(client, fader)


def flood(client: Program, fader: Program) -> None:
    """Each message changes the value, so each one that was handled is told to the listener."""
    client.say("/heart/listen/gain", 1)
    client.hear("/heart/value/gain")
    told = [0]

    def count() -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                client.hear("/heart/value/gain")
                told[0] += 1

    counter = threading.Thread(target=count)
    counter.start()
    began, wanted = time.perf_counter(), FLOOD_PER_S * FLOOD_S
    for n in range(wanted):
        fader.say("/fader/gain", n % 1000 / 1000)
        ahead = began + n / FLOOD_PER_S - time.perf_counter()
        if ahead > 0.001:
            time.sleep(ahead)
    rate = wanted / (time.perf_counter() - began)
    counter.join()
    print(f"foreign fader at {rate:.0f} a second:    {told[0]} of {wanted} handled and told to a listener")


if __name__ == "__main__":
    main()
