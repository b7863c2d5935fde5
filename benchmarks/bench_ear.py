"""What the live ear costs and how late it is: CPU over sound time in blocks of 256 frames at 44.1 kHz.

    PYTHONPATH=engine python benchmarks/bench_ear.py [--seconds 30] [--runs 3] [--hour]

Prints the ratio of processor time to real time (median of the runs; 0.1 is the limit), how long a block takes, how
long after the last sample a record speaks of that it comes, and the time the worker needs until it is ready. With
--hour also what the file ear needs for a file of one hour at 2 kHz: time, and the most memory of the process.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path

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


def one_hour() -> tuple[float, float, float, float | None]:
    """Seconds of work, MB in use before, MB at the most, and the rate heard, for an hour of a crude heart."""
    import resource

    import soundfile

    from heart.listening.files import listen

    minute = clicks(60.0)[:: RATE_HZ // 2000][: 60 * 2000]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        soundfile.write(path, np.tile(minute, 60), 2000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.process_time()
        bpm = listen(path)["bpm"]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return time.process_time() - began, before, most, bpm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hour", action="store_true", help="also hear a file of one hour")
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
    if options.hour:
        spent_s, before, most, bpm = one_hour()
        print(
            f"one hour at 2 kHz: {spent_s:.0f} s of work, {before:.0f} MB before, {most:.0f} MB at most, {bpm} bpm"
        )


if __name__ == "__main__":
    main()
