#!/usr/bin/env python3
"""How long the voice takes: real-time ratio by steps and threads, load time, and the pulse.

    python benchmarks/bench_voice.py [--voice voice-heart] [--threads 1 2] [--wishes 40]

A wish is 16,384 frames (0.37 s) after 0.47 s of past, as the engine asks. Ratios below 1 are faster than
real time.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time

import numpy as np

from heart.records import OVERLAP, SAMPLE_RATE_HZ, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.registry import list_voices, open_voice

HOP, PAST = 16_384, 20_480


def ratios(voice, steps: int, wishes: int, guidance: float = 1.0) -> np.ndarray:
    """Work time over sound time of `wishes` wishes that continue each other."""
    clock, past, spent = BeatClock(72, 30, 0), np.zeros(PAST + OVERLAP, np.float32), []
    for number in range(wishes):
        start = PAST + number * HOP
        beats = tuple(b for b in clock.beats_until(start + HOP + SAMPLE_RATE_HZ) if b.s2 > start - PAST)
        wish = Wish(number, start, HOP, past, beats, "N", 0, steps, guidance)
        began_s = time.perf_counter()
        audio = voice.sing(wish).audio
        spent.append(time.perf_counter() - began_s)
        past = np.concatenate([past[:-OVERLAP], audio])[-(PAST + OVERLAP) :]
    return np.array(spent) * SAMPLE_RATE_HZ / HOP


def load_s(name: str, threads: int) -> float:
    """Seconds from a fresh interpreter to a warm voice."""
    code = f"from heart.sounding.registry import open_voice; open_voice({name!r}, {threads}).warm_up()"
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="voice-heart", choices=list_voices())
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--wishes", type=int, default=40)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{options.voice}: ready after {load_s(options.voice, options.threads[0]):.2f} s in a fresh process")
    print("threads  steps  guidance   p50    p95   of real time")
    for threads in options.threads:
        voice = open_voice(options.voice, threads)
        voice.warm_up()
        for steps, guidance in ((1, 1.0), (2, 1.0), (4, 1.0), (4, 2.0), (8, 1.0)):
            p50, p95 = np.percentile(ratios(voice, steps, options.wishes, guidance), [50, 95])
            print(f"{threads:7d}  {steps:5d}  {guidance:8.1f}  {p50:.3f}  {p95:.3f}")


if __name__ == "__main__":
    main()
