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


def compare(threads: int, rounds: int = 15) -> None:
    """One forward pass of the shipped net over 1,728 frames, done by each candidate in turn."""
    import torch

    from heart.config import models_dir
    from heart.sounding.graph import GraphNet, graph_name
    from heart.sounding.weights import load_net

    torch.set_num_threads(threads)
    folder = models_dir() / "voice-heart"
    net = load_net(folder / "voice.safetensors").net
    random = torch.Generator().manual_seed(0)
    given = (
        torch.randn(1, net.shape.bands, 1_728, generator=random),
        torch.full((1,), 0.7),
        torch.rand(1, net.shape.conditions, 1_728, generator=random),
        torch.ones(1, dtype=torch.long),
        torch.zeros(1, net.shape.styles + 1),
    )

    def bfloat16():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return net(*given).float()

    candidates = {"torch": lambda: net(*given), "torch, bfloat16 autocast": bfloat16}
    with torch.no_grad():
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, given)))
    candidates["torch.jit, frozen"] = lambda: frozen(*given)
    graph = GraphNet(net, folder / graph_name(net.shape))
    candidates["onnxruntime"] = lambda: graph(*given)
    with torch.no_grad():
        truth = net(*given)
        spent = {name: [] for name in candidates}
        for _ in range(rounds + 3):
            for name, run in candidates.items():
                began_s = time.process_time()
                answer = run()
                spent[name].append((time.process_time() - began_s, answer))
        flushed = torch.set_flush_denormal(True)
        candidates["torch, denormals flushed"] = candidates["torch"]
        spent["torch, denormals flushed"] = []
        for _ in range(rounds + 3 if flushed else 0):
            began_s = time.process_time()
            answer = net(*given)
            spent["torch, denormals flushed"].append((time.process_time() - began_s, answer))
        torch.set_flush_denormal(False)
    base = np.median([seconds for seconds, _ in spent["torch"][3:]])
    print(f"{threads} threads, one forward pass         CPU ms  of torch's   SNR dB")
    for name, runs in spent.items():
        cpu_s = np.median([seconds for seconds, _ in runs[3:]])
        noise = float(((runs[-1][1] - truth) ** 2).mean())
        snr_db = 10 * np.log10(float((truth**2).mean()) / max(noise, 1e-30))
        print(f"  {name:34s} {cpu_s * 1e3:6.1f}  {cpu_s / base:10.2f}   {snr_db:6.1f}")


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
