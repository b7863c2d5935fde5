#!/usr/bin/env python3
"""Clicks where chunks meet, in ten minutes of stream; the aim is 0.

    python benchmarks/bench_splices.py [--minutes 10] [--voice-minutes 2] [--steps 4]

A performance in simulated time (stage/simulation.py): chunks, priority chunks after knobs, a voice that dies and a
bed that takes over every minute, a slow voice whose chunks come late in part. Beside the count: the same measure at
random places that are no borders (false alarms), and how many of the borders it names when each gets a jump
(-50, -60 and -70 dB of full scale): what the measure can see. Exits 1 when a click was found.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from heart.learning.voice_splices import clicks, with_jumps
from heart.records import LABELS
from heart.sounding.registry import open_voice
from heart.stage.simulation import Simulation


def perform(voice: str, minutes: float, steps: int) -> tuple[np.ndarray, list[int], dict[str, int]]:
    """A performance that does all that makes splices; its sound and the first frames of its chunks."""
    random, stage = np.random.default_rng(0), Simulation(voice=open_voice(voice, threads=1))
    stage.turn("steps", steps)
    stage.run(2.0, listening=False)
    for number in range(round(minutes * 20)):  # three seconds each
        name = ("bpm", "label", "rmssd", "seed")[number % 4]
        value = {
            "bpm": float(random.uniform(45, 180)),
            "label": str(random.choice(LABELS)),
            "rmssd": float(random.uniform(0, 80)),
            "seed": int(random.integers(1000)),
        }[name]
        stage.run(float(random.uniform(0.5, 1.5)))
        stage.turn(name, value)
        if number % 20 == 10:
            stage.kill()
        stage.work_s = 0.5 if number % 20 in (14, 15) else 0.1
        stage.run(1.5)
        if number % 20 == 12:
            stage.alive = True
        stage.run(0.5)
    kinds = {by: sum(laid.by == by for laid in stage.laid) for by in ("voice", "bed")}
    kinds["late in part"] = sum(laid.first > laid.wish.start for laid in stage.laid)
    return stage.sound, sorted({laid.first for laid in stage.laid}), kinds


def report(voice: str, minutes: float, steps: int) -> int:
    """Print one voice's figures; the number of clicks."""
    began_s = time.perf_counter()
    sound, borders, kinds = perform(voice, minutes, steps)
    found = clicks(sound, borders)
    anywhere = np.random.default_rng(1).integers(0, len(sound), 20 * len(borders))
    away = [int(at) for at in anywhere if np.abs(np.array(borders) - at).min() > 4_096][: len(borders)]
    print(f"{voice}: {len(sound) / 44_100:.0f} s in {time.perf_counter() - began_s:.0f} s, {kinds}")
    print(f"  clicks at {len(borders)} borders: {len(found)}", end="   ")
    print(f"at {len(away)} other places: {len(clicks(sound, away))}")
    apart = borders[:: max(1, len(borders) // 200)]
    for level_db in (-50, -60, -70):
        seen = clicks(with_jumps(sound, apart, 10 ** (level_db / 20)), apart)
        print(f"  jumps of {level_db} dB put at {len(apart)} of them: {len(seen)} seen")
    return len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of the pulse")
    parser.add_argument("--voice-minutes", type=float, default=2.0, help="of voice-heart")
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    found = report("pulse", options.minutes, options.steps)
    found += report("voice-heart", options.voice_minutes, options.steps)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
