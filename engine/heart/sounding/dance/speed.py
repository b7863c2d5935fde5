"""What a step of Dance Diffusion's net costs here: time and memory of the full net, whatever its weights are."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import torch

from heart.sounding.dance.net import DanceNet, DanceShape

SAMPLES = 65_536
"""Native length of all published checkpoints but one."""


@dataclass(frozen=True)
class Step:
    """The cost of one forward pass."""

    wall_s: float
    cpu_s: float
    """Of all threads together."""


class Stepper:
    """A net with random weights, and noise to give it: arithmetic takes as long as with real ones."""

    def __init__(self, shape: DanceShape | None = None, samples: int = SAMPLES, precision: str = "float32") -> None:
        self.net = DanceNet(shape).eval().requires_grad_(False)
        self.kind = getattr(torch, precision)
        self.x, self.t = torch.randn(1, self.net.shape.channels, samples), torch.full((1,), 0.5)

    @torch.inference_mode()
    def step(self) -> Step:
        """Take one."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", self.kind, enabled=self.kind != torch.float32):
            self.net(self.x, self.t)
        return Step(time.perf_counter() - wall_s, time.process_time() - cpu_s)


def peak_bytes() -> int | None:
    """Most memory this process has held; None where the system does not say (Windows)."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
