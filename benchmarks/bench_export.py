#!/usr/bin/env python3
"""Exported files: how large, how fast, how near the engine; and what fp16 or int8 arithmetic would do to the nets.

    python benchmarks/bench_export.py [--voice voice-heart] [--threads 1] [--seconds 6] [--nets]

The file for nn~ is played in a process that has torch and nothing of ours, at the pace of a host. Ratios are of
real time: work over the length of the buffer, median and 95th percentile; `cpu` is CPU time, which other
programs on the machine touch less. `first` is how long the first two buffers take together: TorchScript then
optimises what it runs. With --nets, the ONNX graphs: sizes, CPU time of a window, and the noise that smaller
arithmetic adds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PLAYER = """
import sys, time, statistics
sys.path.append(sys.argv[1])
import torch
torch.set_num_threads(int(sys.argv[3]))
began = time.perf_counter()
model = torch.jit.load(sys.argv[2])
print(f"torch {torch.__version__}, read in {time.perf_counter() - began:.2f} s", flush=True)
def times(method, given, frames, count):
    wall, cpu = [], []
    with torch.inference_mode():
        for _ in range(count):
            a, b = time.perf_counter(), time.process_time()
            out = getattr(model, method)(given)
            wall.append(time.perf_counter() - a), cpu.append(time.process_time() - b)
            time.sleep(max(0.0, frames / 44_100 - wall[-1]))  # a host has nothing more to ask before
            assert out.shape[2] == frames and torch.isfinite(out).all()
    return wall, cpu
seconds = float(sys.argv[4])
first = times("forward", torch.zeros(1, 2, 2), 4096, 2)[0]
print(f"first: {sum(first):.2f} s for two buffers of 4096")
print("method   buffer  steps  batch    p50    p95    cpu   of real time")
for method, buffer, steps, batch in (
    ("forward", 2048, 2, 1), ("forward", 2048, 4, 1), ("forward", 4096, 2, 1), ("forward", 4096, 4, 1),
    ("forward", 8192, 4, 1), ("forward", 16384, 4, 1), ("forward", 4096, 2, 4), ("forward", 16384, 4, 4),
    ("vary", 4096, 4, 1),
):
    model.set_steps(steps)
    given = torch.zeros(batch, 2, buffer // 2048) if method == "forward" else 0.1 * torch.randn(batch, 1, buffer)
    times(method, given, buffer, 4)
    wall, cpu = times(method, given, buffer, int(seconds * 44_100 / buffer) + 1)
    wall, cpu = ([44_100 * s / buffer for s in found] for found in (wall, cpu))
    p95 = sorted(wall)[int(0.95 * len(wall))]
    row = (statistics.median(wall), p95, statistics.median(cpu))
    print(f"{method:8s} {buffer:6d} {steps:6d} {batch:6d}  " + "  ".join(f"{x:.3f}" for x in row), flush=True)
"""


def play(file: Path, threads: int, seconds: float) -> None:
    """The file in a fresh process."""
    import sysconfig

    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", PLAYER, sysconfig.get_path("purelib"), str(file)]
    subprocess.run([*command, str(threads), str(seconds)], check=True, timeout=1_200)


def compare_nets(folder: Path) -> None:
    """The graphs that ship or leave, as they are, in fp16 arithmetic, and with int8 weights."""
    import numpy as np
    import onnx
    import onnxruntime
    from onnxruntime.quantization import quant_pre_process, quantize_dynamic
    from onnxruntime.transformers.float16 import convert_float_to_float16

    from heart.cards import find_model
    from heart.learning.export import nets
    from heart.learning.export.files import export_model

    print("graph            form     kB      CPU ms  largest difference, SNR dB")
    for name in ("voice-heart", "ear-beats", "ear-valve", "ear-gate", "ear-scene"):
        plain = export_model(name, "onnx", folder / f"{name}.onnx").path
        full = folder / "full.onnx"
        quant_pre_process(str(plain), str(full), skip_symbolic_shape=True)
        forms = {"float32": full, "fp16": folder / "fp16.onnx", "int8": folder / "int8.onnx"}
        try:
            half = convert_float_to_float16(onnx.load(str(full)), keep_io_types=True)
            onnx.save(half, str(forms["fp16"]))
            quantize_dynamic(str(full), str(forms["int8"]))
        except Exception as error:
            print(f"{name}: {str(error).splitlines()[0][:90]}")
        if name in ("voice-heart", "ear-beats"):
            leaving = (nets.voice if name == "voice-heart" else nets.beats)(find_model(name))
            blocks = 27 if name == "voice-heart" else 400
            given = {n: g.numpy() for n, g in zip(leaving.inputs, leaving.example(1, blocks))}
        else:
            model = find_model(name)
            frames = round(model.card["window"]["seconds"] * model.card["sample_rate"])
            given = {"audio": np.random.default_rng(0).normal(0, 0.1, (4, frames)).astype(np.float32)}
        truth = None
        for form, path in forms.items():
            try:
                truth = _row(onnxruntime, name, form, path, given, truth)
            except Exception as error:
                print(f"{name:16s} {form:8s} cannot be run: {str(error).splitlines()[0][:80]}")


def _row(onnxruntime, name: str, form: str, path: Path, given: dict, truth):
    import time

    import numpy as np

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    spent = []
    for _ in range(12):
        began = time.process_time()
        found = session.run(None, given)
        spent.append(time.process_time() - began)
    truth = truth or found
    apart = max(float(np.abs(a - b).max()) for a, b in zip(found, truth))
    snr_db = min(
        10 * np.log10(np.square(b).mean() / max(np.square(a - b).mean(), 1e-20)) for a, b in zip(found, truth)
    )
    size, ms = path.stat().st_size / 1e3, 1e3 * float(np.median(spent[2:]))
    print(f"{name:16s} {form:8s} {size:7,.0f} {ms:9.1f}  {apart:.2g}, {snr_db:.0f}", flush=True)
    return truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="voice-heart")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--seconds", type=float, default=6.0, help="Of each row.")
    parser.add_argument("--nets", action="store_true")
    options = parser.parse_args()
    from heart.learning.export.files import export_model

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        written = export_model(options.voice, "nn~", Path(folder) / f"{options.voice}.ts")
        print(written)
        for threads in options.threads:
            print(f"threads: {threads}")
            play(written.path, threads, options.seconds)
        if options.nets:
            compare_nets(Path(folder))


if __name__ == "__main__":
    main()
