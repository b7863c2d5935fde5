"""What the live ear costs and how late it is: CPU over sound time in blocks of 256 frames at 44.1 kHz.

    PYTHONPATH=engine python benchmarks/bench_ear.py [--seconds 30] [--runs 3]

Prints the ratio of processor time to real time (median of the runs; 0.1 is the limit), how long a
block takes, how long
after the last sample a record speaks of that it comes, and the time the worker needs until it is ready.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time

import numpy as np

BLOCK = 256
RATE_HZ = 44_100


def clicks(seconds: float, bpm: float = 72.0) -> np.ndarray:
    """A crude heart: two bursts a beat, and hiss. float32 [n]."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = t % (60 / bpm)
    sound = sum(
        level * np.exp(-(phase - at) / 0.03) * (phase >= at) * np.sin(2 * np.pi * tone * (phase - at))
        for at, tone, level in ((0.05, 60, 0.3), (0.35, 90, 0.2))
    )
    return (sound + np.random.default_rng(0).normal(0, 1e-3, len(t))).astype(np.float32)


def measure(sound: np.ndarray) -> tuple[float, float, float, int]:
    """CPU ratio, slowest block in ms, latest record in ms, and how many records had a rate."""
    from heart.listening.stream import EarStream

    ear, late_s, rates, slowest_s = EarStream(RATE_HZ), [0.0], 0, 0.0
    began = time.process_time()
    for start in range(0, len(sound), BLOCK):
        at = time.perf_counter()
        for heard in ear.push(sound[start : start + BLOCK]):
            late_s.append((start + BLOCK) / RATE_HZ - heard.time_s)
            rates += heard.bpm is not None
        slowest_s = max(slowest_s, time.perf_counter() - at)
    ratio = (time.process_time() - began) / (len(sound) / RATE_HZ)
    return ratio, slowest_s * 1e3, max(late_s) * 1e3, rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    began = time.perf_counter()
    from heart.listening.stream import EarStream

    EarStream(RATE_HZ)
    start_s = time.perf_counter() - began
    runs = [measure(clicks(options.seconds)) for _ in range(options.runs)]
    ratio, slowest, late = (statistics.median(run[k] for run in runs) for k in range(3))
    print(f"machine: {platform.machine()}, Python {platform.python_version()}")
    print(f"processor time over sound: {ratio:.4f} (limit 0.1); slowest block {slowest:.1f} ms")
    print(f"records come {late:.0f} ms after their sound at the latest; {runs[0][3]} of them with a rate")
    print(f"import and load: {start_s:.2f} s")


if __name__ == "__main__":
    main()
