#!/usr/bin/env python3
"""CPU time for a second of sound: Dance Diffusion's own net beside the live voice, in one run.

    python benchmarks/bench_dance.py [--voice voice-heart] [--rounds 5] [--threads 1]

Dance Diffusion makes 65,536 stereo samples in 50 to 100 steps. All steps cost the same, so only `--rounds` of them
are timed, and the median is multiplied by the number of steps: no sound is sampled to its end. Its weights here are
random, of the exact layout (221,389,322 parameters); arithmetic takes as long with any. The resampling between its
levels is run channel by channel, which is cheaper than the dense kernels of its authors' code.

The voice sings wishes as on stage (16,384 new frames after 0.47 s of past), one channel, whole: net, filter bank,
splice. Between two steps of the one the other sings, so both meet the same machine. CPU time is that of all
threads; it hardly changes when other programs share the processor.
"""

from __future__ import annotations

import argparse
import os
import platform

import numpy as np
import torch
from bench_voice import ratios

from heart.sounding.dance.speed import SAMPLES, Stepper
from heart.sounding.registry import list_voices, open_voice

RATES_HZ = (48_000, 44_100, 16_000)
DANCE_STEPS = (50, 100)
VOICE_STEPS = 4
WISHES = 12
"""Sung between two steps of the other: 4.5 s of sound."""


def measure(name: str, rounds: int, threads: int) -> tuple[float, float, float]:
    """(CPU and wall seconds of one Dance Diffusion step, CPU seconds of the voice for a second of sound)."""
    voice, stepper = open_voice(name, threads), Stepper()
    voice.warm_up()
    stepper.step()
    steps, sung = [], []
    for _ in range(rounds):
        steps.append(stepper.step())
        sung.append(ratios(voice, VOICE_STEPS, WISHES)[1])
    return (
        float(np.median([step.cpu_s for step in steps])),
        float(np.median([step.wall_s for step in steps])),
        float(np.median(sung)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="voice-heart", choices=list_voices())
    parser.add_argument("--rounds", type=int, default=5, help="steps of Dance Diffusion that are timed")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    step_s, wall_s, voice_s = measure(options.voice, options.rounds, options.threads)
    print(f"Dance Diffusion's net, {SAMPLES:,} samples: a step {step_s:.2f} s of CPU, {wall_s:.2f} s by the clock")
    print(
        f"{options.voice}, {VOICE_STEPS} steps: {voice_s:.4f} s of CPU for a second of sound (threads: "
        f"{torch.get_num_threads()})"
    )
    print("rate Hz  steps  CPU s for a second of its sound (steps x one step)  times the voice's")
    for rate_hz in RATES_HZ:
        for steps in DANCE_STEPS:
            dance_s = steps * step_s * rate_hz / SAMPLES
            print(f"{rate_hz:7d}  {steps:5d}  {dance_s:50.1f}  {dance_s / voice_s:17,.0f}")


if __name__ == "__main__":
    main()
