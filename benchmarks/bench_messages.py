"""How fast a whole engine answers: round trip of a ping, and parameter messages a second with none lost.

    PYTHONPATH=engine python benchmarks/bench_messages.py [--pings 2000] [--rates 2500,5000,10000] [--seconds 5]

`heart live` runs in a process of its own and streams to a client all the while. Pings go out one at a time. For
the rates one socket sets a parameter to a new value each time, and another one that listens to it must be told
every value, in order: what is handled is seen, not assumed. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from heart.plumbing.client import HeartClient
from heart.plumbing.osc import decode, encode
from heart.stage.rehearsal import running_engine

ROOM = 1 << 22
"""Bytes of the listening socket: it must not be the one that loses."""


class Peer:
    """A client without sound: a connected socket that has said hello and proven its address."""

    def __init__(self, port: int, name: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(2)
        self.send("/heart/hello", name, 0, 1, 44_100, 1)
        welcome = self.wait_for("/heart/welcome")
        self.send("/heart/ping", welcome[6])
        self.wait_for("/heart/pong")

    def send(self, address: str, *args: Any) -> None:
        self.socket.send(encode(address, *args))

    def wait_for(self, address: str) -> tuple[Any, ...]:
        while True:
            for found, args in decode(self.socket.recv(65_536)):
                if found == address:
                    return args


def round_trips_ms(peer: Peer, count: int) -> np.ndarray:
    """Milliseconds of `count` pings, one after the other, 5 ms apart."""
    took = np.zeros(count)
    for n in range(count):
        start = time.perf_counter()
        peer.send("/heart/ping", n)
        while peer.wait_for("/heart/pong") != (n,):
            pass
        took[n] = (time.perf_counter() - start) * 1000
        time.sleep(0.005)
    return took


def told(listener: Peer, values: list[float], stop: threading.Event) -> None:
    """Collect what the listener is told until `stop`; its pings keep it known."""
    listener.socket.settimeout(0.2)
    while not stop.is_set():
        try:
            for address, args in decode(listener.socket.recv(65_536)):
                if address == "/heart/value/rmssd":
                    values.append(args[0])
        except TimeoutError:
            continue


def lost_at(setter: Peer, listener: Peer, rate: int, seconds: float) -> dict[str, float]:
    """Set a parameter `rate` times a second; how many values the listener was told, and the rate that was."""
    count = round(rate * seconds)
    packets = [encode("/heart/set/rmssd", float(n % 200)) for n in range(200)]
    values: list[float] = []
    stop = threading.Event()
    reader = threading.Thread(target=told, args=(listener, values, stop), daemon=True)
    reader.start()
    start = time.perf_counter()
    for n in range(count):
        while time.perf_counter() - start < n / rate:
            time.sleep(0)
        setter.socket.send(packets[(n + 1) % 200])
    took = time.perf_counter() - start
    end = time.monotonic() + 3
    while len(values) < count and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    reader.join()
    in_order = values == [float((n + 1) % 200) for n in range(len(values))]
    return {"sent": count, "told": len(values), "in_order": in_order, "per_second": round(count / took)}


def measure(pings: int, rates: list[int], seconds: float, folder: Path) -> dict[str, Any]:
    with (
        running_engine(folder, "--voice", "pulse") as engine,
        HeartClient(port=engine.port, collect=False, name="sound") as sound,
    ):
        peer, listener = Peer(engine.port, "setter"), Peer(engine.port, "listener")
        trips = round_trips_ms(peer, pings)
        listener.send("/heart/listen/rmssd", 1)
        listener.send("/heart/ping", 1)
        listener.wait_for("/heart/pong")
        runs = [lost_at(peer, listener, rate, seconds) for rate in rates]
        return {
            "ping_ms": {f"p{p:g}": round(float(np.percentile(trips, p)), 3) for p in (50, 95, 99, 100)},
            "messages": runs,
            "underruns_of_the_stream": sound.underruns,
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "machine": f"{platform.machine()} {platform.system()} {platform.python_version()}",
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pings", type=int, default=2000)
    parser.add_argument("--rates", default="2500,5000,10000")
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    rates = [int(rate) for rate in args.rates.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(args.pings, rates, args.seconds, Path(folder)), indent=1))


if __name__ == "__main__":
    main()
