"""`heart bench dance-diffusion`: what a step of the full net takes on this machine's CPU, each precision in a
process of its own, so that its peak memory is its own as well.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from heart.errors import HeartError

if TYPE_CHECKING:
    from heart.sounding.dance.net import DanceShape

PRECISIONS = ("float32", "bfloat16")
STEPS = 3
TIMEOUT_S = 600
REFERENCE = "reference: 5.7 s a step in float32 on two x86-64 cores, 221 M parameters"


def bench_dance(threads: int = 0) -> Iterator[str]:
    """Time and memory of a step, a line for each precision. Raises HeartError when one cannot be measured."""
    yield f"{platform.processor() or platform.machine()}, Dance Diffusion's net with random weights; {REFERENCE}"
    for precision in PRECISIONS:
        found = _measured(precision, threads)
        memory = f"{found['peak'] / 1e9:.2f} GB at most" if found["peak"] else "memory not told by this system"
        yield (
            f"{precision:8}  a step {found['wall_s']:.2f} s by the clock, {found['cpu_s']:.2f} s of CPU "
            f"({found['threads']} threads), {memory}; 100 steps make {found['samples']} samples in "
            f"{found['wall_s'] * 100 / 60:.1f} min"
        )


def _measured(precision: str, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", "heart.stage.dance_bench", precision, str(threads)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        answer: dict[str, float] = json.loads(done.stdout)
        return answer
    except (subprocess.SubprocessError, ValueError) as error:
        raise HeartError(f"{precision}: could not be measured ({error})") from None


def measure(
    precision: str, threads: int, shape: DanceShape | None = None, samples: int | None = None
) -> dict[str, float | int | None]:
    """In a process of its own: the median of STEPS steps, and the most memory it took; None is the full net."""
    import torch

    from heart.sounding.dance.speed import SAMPLES, Stepper, peak_bytes

    if threads:
        torch.set_num_threads(threads)
    stepper = Stepper(shape, samples or SAMPLES, precision)
    stepper.step()
    steps = [stepper.step() for _ in range(STEPS)]
    return {
        "wall_s": float(np.median([step.wall_s for step in steps])),
        "cpu_s": float(np.median([step.cpu_s for step in steps])),
        "threads": torch.get_num_threads(),
        "samples": stepper.x.shape[-1],
        "peak": peak_bytes(),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
