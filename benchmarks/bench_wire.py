"""What sending one channel at 44.1 kHz costs: CPU of a process that only runs the wire over a looping tape.

    PYTHONPATH=engine python benchmarks/bench_wire.py [--seconds 20] [--runs 3] [--rate 44100] [--clients 1]

The client runs in this process, so that only the sender is measured. Prints % of one core, the median of
the runs, and what the client heard. The aim is 3 % at most.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

from heart.plumbing.client import HeartClient
from heart.plumbing.tape import Tape
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ

RESERVE_S = 2.0


async def send_for_ever() -> None:
    """The child: a wire whose tape is kept two seconds ahead with a second of noise, over and over."""
    tape = Tape(30)
    second = np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ).astype(np.float32) * np.float32(0.1)
    wire = Wire(tape, port=0, version="bench", voice_name="noise")
    await wire.start()
    print(wire.port, flush=True)
    while True:
        while tape.head - wire.committed < RESERVE_S * SAMPLE_RATE_HZ:
            tape.lay(tape.head, second)
        await asyncio.sleep(0.2)


def measure(seconds: float, rate: int, count: int) -> tuple[float, int]:
    """CPU of the sender in % of a core over `seconds`, and the holes that clients heard."""
    import psutil

    child = subprocess.Popen([sys.executable, __file__, "--child"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    port = int(child.stdout.readline())
    clients = [HeartClient(port=port, rate=rate, collect=False, name=f"c{n}").start() for n in range(count)]
    try:
        time.sleep(1.0)
        sender = psutil.Process(child.pid)
        before, began = sender.cpu_times(), time.monotonic()
        time.sleep(seconds)
        after, wall = sender.cpu_times(), time.monotonic() - began
        busy = after.user + after.system - before.user - before.system
        return 100 * busy / wall, sum(client.underruns for client in clients)
    finally:
        for client in clients:
            client.stop()
        child.kill()
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=int, default=SAMPLE_RATE_HZ)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        asyncio.run(send_for_ever())
        return
    runs = [measure(options.seconds, options.rate, options.clients) for _ in range(options.runs)]
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(
        f"{options.clients} client(s), 1 channel, {options.rate} Hz, "
        f"{options.runs} x {options.seconds:g} s, {machine}"
    )
    print(
        "sender CPU, % of a core: "
        + ", ".join(f"{cpu:.2f}" for cpu, _ in runs)
        + f"; median {statistics.median(cpu for cpu, _ in runs):.2f}"
    )
    print(f"holes heard: {sum(holes for _, holes in runs)}")


if __name__ == "__main__":
    main()
