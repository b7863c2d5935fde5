#!/usr/bin/env python3
"""How long vary and morph take: real-time ratio at p50 and p95, medians of several runs.

    python benchmarks/bench_modes.py [--voice voice-heart] [--steps 4] [--wishes 24] [--runs 3]

One thread; a wish is 16,384 frames (0.37 s), as the engine asks. Beside the time that went by stands the processor
time of the same work, which other programs on the machine hardly change. "First turn": every wish meets blocks of
its sounds that were never inverted; "later": their loops have come round, and all is remembered.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from dataclasses import dataclass

import numpy as np

from heart.records import OVERLAP, SAMPLE_RATE_HZ, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.registry import list_voices, open_voice
from heart.sounding.sources import looped, source_of

HOP, PAST = 16_384, 20_480


@dataclass(frozen=True)
class Case:
    """What is measured: a mode, with so many sounds of so many seconds."""

    name: str
    mode: str
    sounds: int = 0
    seconds: float = 30.0
    method: str = "slerp"
    strength: float = 0.5
    warm: bool = False


CASES = (
    Case("generate", "generate"),
    Case("vary, strength 0.5", "vary", 1),
    Case("morph of 2, first turn", "morph", 2),
    Case("morph of 2, later", "morph", 2, 2.0, warm=True),
    Case("morph of 4, first turn", "morph", 4),
    Case("morph of 4, later", "morph", 4, 2.0, warm=True),
    Case("morph of 8, first turn", "morph", 8),
    Case("morph of 8, later", "morph", 8, 2.0, warm=True),
    Case("morph of 4, fade", "morph", 4, method="fade"),
)


def ratios(voice, case: Case, steps: int, wishes: int, seed: int) -> np.ndarray:
    """Time that went by and processor time of each wish over its sound's time: [wishes, 2]."""
    random = np.random.default_rng(
        [seed, case.sounds]
    )  # sounds of their own: nothing is remembered from another case
    sounds = [
        looped(0.1 * random.standard_normal(int(case.seconds * SAMPLE_RATE_HZ)).astype(np.float32))
        for _ in range(case.sounds)
    ]
    clock, past, spent = BeatClock(72, 30, 0), np.zeros(PAST + OVERLAP, np.float32), []
    before = int(case.seconds * SAMPLE_RATE_HZ / HOP) + 2 if case.warm else 2
    for number in range(wishes + before):
        start = PAST + number * HOP
        sources = tuple(source_of(sound, start, HOP, 1 / len(sounds), True) for sound in sounds)
        beats = tuple(b for b in clock.beats_until(start + HOP + SAMPLE_RATE_HZ) if b.s2 > start - PAST)
        how = {"mode": case.mode, "strength": case.strength, "method": case.method, "sources": sources}
        began = np.array([time.perf_counter(), time.process_time()])
        audio = voice.sing(Wish(number, start, HOP, past, beats, "N", seed, steps, **how)).audio
        spent.append(np.array([time.perf_counter(), time.process_time()]) - began)
        past = np.concatenate([past[:-OVERLAP], audio])[-(PAST + OVERLAP) :]
    return np.array(spent[before:]) * SAMPLE_RATE_HZ / HOP


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="voice-heart", choices=list_voices())
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--wishes", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}")
    print(f"{options.voice}, {options.steps} steps, one thread, medians of {options.runs} runs; of real time:")
    print(f"{'':24}  p50    p95    processor p50    p95")
    voice = open_voice(options.voice, 1)
    voice.warm_up()
    for case in CASES:
        runs = [ratios(voice, case, options.steps, options.wishes, seed) for seed in range(options.runs)]
        (p50, cpu50), (p95, cpu95) = np.median([np.percentile(run, [50, 95], axis=0) for run in runs], axis=0)
        print(f"{case.name:24}  {p50:.3f}  {p95:.3f}      {cpu50:.3f}      {cpu95:.3f}")


if __name__ == "__main__":
    main()
