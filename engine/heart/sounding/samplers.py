"""Samplers over the v objective: from noise at t = 1 to sound at t = 0 in a few steps.

t as in net.py: alpha = cos(pi t / 2), sigma = sin(pi t / 2); clean = alpha x - sigma v and
noise = sigma x + alpha v. A `Denoiser` maps (x, t) to v and knows its own conditions.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from heart.sounding import along
from heart.sounding.along import Denoiser, split

__all__ = ["OWN", "Denoiser", "Sampler", "find_sampler", "split", "times"]


class Sampler(Protocol):
    """(denoiser, x [B, C, T] at time `start`, steps) -> clean [B, C, T]; from noise alone, start is 1."""

    def __call__(self, denoiser: Denoiser, x: Tensor, steps: int, start: float = 1.0) -> Tensor: ...


def times(steps: int, start: float = 1.0) -> list[float]:
    """steps + 1 times from `start` down to 0, a quarter of a sine: long strides near silence, short ones in noise.

    Tried beside it with four steps: powers of it from 0.5 to 2, a straight line, Dance Diffusion's crash
    schedule. The straight line and the crash lose S1 (level 0.1 to 0.2 instead of 0.5), higher powers lose
    some of it, lower powers lose murmurs.
    """
    return [start * math.sin(0.5 * math.pi * (1 - i / steps)) for i in range(steps + 1)]


def ddim(denoiser: Denoiser, x: Tensor, steps: int, start: float = 1.0) -> Tensor:
    """Deterministic DDIM (Song, Meng, Ermon 2021): Euler's method in sigma / alpha."""
    return along.ddim(denoiser, x, times(steps, start))


def ddpm(denoiser: Denoiser, x: Tensor, steps: int, start: float = 1.0) -> Tensor:
    """DDIM with fresh noise at every step (eta = 1), drawn from a generator seeded by the first noise."""
    seed = int(x.flatten()[:64].double().abs().sum() * 1e9) % 2**31
    random = torch.Generator().manual_seed(seed)
    return along.ddim(denoiser, x, times(steps, start), 1.0, lambda: torch.randn(x.shape, generator=random).to(x))


def iplms(denoiser: Denoiser, x: Tensor, steps: int, start: float = 1.0) -> Tensor:
    """Improved pseudo linear multistep: DDIM with noise extrapolated from the steps before. For many steps."""
    return along.iplms(denoiser, x, times(steps, start))


OWN: dict[str, Sampler] = {"ddim": ddim, "ddpm": ddpm, "iplms": iplms}


def find_sampler(name: str) -> Sampler:
    """A sampler by name: ours, else k-diffusion's (an optional extra).

    Raises:
        UsageError: no such sampler, or k-diffusion is not installed.
    """
    if name in OWN:
        return OWN[name]
    from heart.sounding.k_diffusion import k_sampler

    return k_sampler(name)
