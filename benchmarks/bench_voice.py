#!/usr/bin/env python3
"""How long the voice takes: real-time ratio by steps, threads and voices at once, load time, and who does the sums.

    python benchmarks/bench_voice.py [--voice voice-heart] [--threads 1 2] [--wishes 40]

A wish is 16,384 frames (0.37 s) after 0.47 s of past, as the engine asks. Ratios are of real time: below 1 is
faster. `cpu` is CPU time (all threads) over sound time: what is left of it when other programs share the machine.
Four voices at once are four wishes in shared forward passes; their ratio is of the time in which all four play.
The last table sets onnxruntime against torch and torch's own ways to be fast, one forward pass each, interleaved.
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
CASES = ((1, 1.0, 1), (2, 1.0, 1), (4, 1.0, 1), (4, 2.0, 1), (8, 1.0, 1), (4, 1.0, 4))
"""(steps, guidance, voices at once)"""


def ratios(voice, steps: int, wishes: int, guidance: float = 1.0, voices: int = 1) -> tuple[np.ndarray, float]:
    """Work time over sound time of `wishes` wishes that continue each other; the same in CPU time, their median."""
    clock, pasts = BeatClock(72, 30, 0), [np.zeros(PAST + OVERLAP, np.float32)] * voices
    wall_s, cpu_s = [], []
    for number in range(wishes):
        start = PAST + number * HOP
        beats = tuple(b for b in clock.beats_until(start + HOP + SAMPLE_RATE_HZ) if b.s2 > start - PAST)
        asked = [
            Wish(number, start, HOP, past, beats, "N", seed, steps, guidance) for seed, past in enumerate(pasts)
        ]
        began_s, used_s = time.perf_counter(), time.process_time()
        chunks = voice.sing_many(asked) if voices > 1 else [voice.sing(asked[0])]
        wall_s.append(time.perf_counter() - began_s)
        cpu_s.append(time.process_time() - used_s)
        pasts = [
            np.concatenate([past[:-OVERLAP], chunk.audio])[-(PAST + OVERLAP) :]
            for past, chunk in zip(pasts, chunks)
        ]
    return np.array(wall_s) * SAMPLE_RATE_HZ / HOP, float(np.median(cpu_s)) * SAMPLE_RATE_HZ / HOP


def load_s(name: str, threads: int) -> float:
    """Seconds from a fresh interpreter to a warm voice."""
    code = f"from heart.sounding.registry import open_voice; open_voice({name!r}, {threads}).warm_up()"
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began_s


def candidates(net, graph) -> dict:
    """Ways to run the net, by name: each takes what `VoiceNet.forward` takes."""
    import torch

    def with_bfloat16(*given):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return net(*given).float()

    def without_denormals(*given):
        torch.set_flush_denormal(True)
        answer = net(*given)
        torch.set_flush_denormal(False)
        return answer

    return {
        "torch": net,
        "torch, denormals flushed": without_denormals,
        "torch, bfloat16 autocast": with_bfloat16,
        "torch.jit, frozen": torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, example(net)))),
        "onnxruntime": graph,
    }


def example(net) -> tuple:
    """Noise of a live window's size, 1,728 frames."""
    import torch

    random = torch.Generator().manual_seed(0)
    x, conditions = (torch.randn(1, n, 1_728, generator=random) for n in (net.shape.bands, net.shape.conditions))
    return (
        x,
        torch.full((1,), 0.7),
        conditions,
        torch.ones(1, dtype=torch.long),
        torch.zeros(1, net.shape.styles + 1),
    )


def compare(threads: int, rounds: int = 15) -> None:
    """One forward pass of the shipped net by each candidate in turn: CPU time, and how far it is from torch."""
    import torch

    from heart.config import models_dir
    from heart.sounding.graph import GraphNet, graph_name
    from heart.sounding.weights import load_net

    torch.set_num_threads(threads)
    folder = models_dir() / "voice-heart"
    net = load_net(folder / "voice.safetensors").net
    given, ways = example(net), candidates(net, GraphNet(net, folder / graph_name(net.shape)))
    spent_s, answers = {name: [] for name in ways}, {}
    with torch.no_grad():
        truth = net(*given)
        for _ in range(rounds + 3):  # the first three warm up
            for name, run in ways.items():
                began_s = time.process_time()
                answers[name] = run(*given)
                spent_s[name].append(time.process_time() - began_s)
    median_s = {name: float(np.median(times[3:])) for name, times in spent_s.items()}
    print(f"one forward pass, threads: {threads}     CPU ms  of torch's  SNR dB")
    for name, cpu_s in median_s.items():
        noise = float(((answers[name] - truth) ** 2).mean())
        snr_db = 10 * np.log10(float((truth**2).mean()) / max(noise, 1e-30))
        print(f"  {name:28s} {cpu_s * 1e3:8.1f}  {cpu_s / median_s['torch']:10.2f}  {snr_db:6.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="voice-heart", choices=list_voices())
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--wishes", type=int, default=40)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{options.voice}: ready after {load_s(options.voice, options.threads[0]):.2f} s in a fresh process")
    print("threads  voices  steps  guidance   p50    p95    cpu   of real time")
    for threads in options.threads:
        voice = open_voice(options.voice, threads)
        voice.warm_up()
        for steps, guidance, voices in CASES:
            wall, cpu = ratios(voice, steps, options.wishes, guidance, voices)
            p50, p95 = np.percentile(wall, [50, 95])
            print(f"{threads:7d}  {voices:6d}  {steps:5d}  {guidance:8.1f}  {p50:.3f}  {p95:.3f}  {cpu:.3f}")
    if options.voice == "voice-heart":
        for threads in options.threads:
            compare(threads)


if __name__ == "__main__":
    main()
