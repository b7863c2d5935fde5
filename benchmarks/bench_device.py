"""What workers and devices cost and how fast they recover, on this machine, without a sound card.

    python benchmarks/bench_device.py [--runs 10] [--json]

Measured: a record's way to a worker and back; how soon a kill -9 is seen and a new worker ready; the
sound process's processor share, its pace against the clock, and underruns while it plays for some seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from heart.plumbing import worker as plumbing
from heart.plumbing.child import Pipe
from heart.plumbing.device import Format
from heart.plumbing.sound import Sound
from heart.plumbing.worker import Worker

RATE_HZ = 44_100
BLOCK = 256


def echo(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Worker target: everything back."""
    pipe.ready()
    while True:
        record = pipe.receive()
        if record is not None:
            pipe.send(record)


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.0005)


def percentiles(values: list[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(values), 3), "p95": round(float(np.percentile(values, 95)), 3)}


async def bench_worker(runs: int) -> dict[str, Any]:
    """Milliseconds: round trip of a block, death seen, reborn (without the wait that repeated deaths get)."""
    plumbing.BACK_OFF_S = (0.0,)
    moments: dict[str, float] = {}
    answers: list[float] = []
    worker = Worker(
        "echo",
        "bench_device:echo",
        on_record=lambda _: answers.append(time.perf_counter()),
        on_event=lambda event, _: moments.__setitem__(event, time.perf_counter()),
        max_deaths=1000,
    )
    worker.start()
    await until(lambda: worker.ready)
    trips_ms = [await round_trip_ms(worker, answers) for _ in range(500)]
    seen_ms, reborn_ms = [], []
    for _ in range(runs):
        await until(lambda: worker.ready)
        moments.clear()
        killed_s = time.perf_counter()
        worker.kill()
        await until(lambda: "died" in moments and "ready" in moments)
        seen_ms.append(1000 * (moments["died"] - killed_s))
        reborn_ms.append(1000 * (moments["ready"] - killed_s))
    await worker.stop()
    return {
        "round_trip_ms": percentiles(trips_ms),
        "death_seen_ms": percentiles(seen_ms),
        "reborn_ms": percentiles(reborn_ms),
    }


async def round_trip_ms(worker: Worker, answers: list[float]) -> float:
    block = np.zeros(BLOCK, dtype=np.float32)
    answers.clear()
    begin_s = time.perf_counter()
    worker.send(block)
    while not answers:
        await asyncio.sleep(0)
    return 1000 * (answers[0] - begin_s)


async def bench_sound(seconds: float, name: str, backend: str) -> dict[str, Any]:
    """The sound process at work: processor share in percent of a core, pace against the clock, underruns."""
    played: list[tuple[float, int, float, int]] = []
    sound = Sound(
        name,
        None,
        Format(RATE_HZ, 2, BLOCK),
        backend,
        on_played=lambda *credit: played.append((time.monotonic(), *credit)),
    )
    sound.start()
    await until(lambda: sound.worker.ready)
    cpu_s, begin_s = sound.worker.cpu_s, time.monotonic()
    sent, block = 0, np.random.default_rng(0).uniform(-0.3, 0.3, BLOCK).astype(np.float32)
    while time.monotonic() - begin_s < seconds:
        goal = (played[-1][1] if played else 0) + RATE_HZ // 5
        while sent < goal:
            sound.play(block)
            sent += BLOCK
        await asyncio.sleep(0.005)
    share = (sound.worker.cpu_s - cpu_s) / (time.monotonic() - begin_s)
    await sound.stop()
    first, last = played[10], played[-1]
    return {
        "cpu_percent": round(100 * share, 2),
        "pace_ppm": round(1e6 * ((last[1] - first[1]) / (last[0] - first[0]) / RATE_HZ - 1)),
        "underruns": last[3],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="kills of the worker")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to play")
    parser.add_argument("--device", default="null", help="where to play")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    asked = parser.parse_args()
    found = asyncio.run(bench_worker(asked.runs))
    found |= {f"sound on {asked.device}": asyncio.run(bench_sound(asked.seconds, asked.device, asked.backend))}
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:>16}  {value}")


if __name__ == "__main__":
    main()
