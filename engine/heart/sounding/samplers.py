"""Samplers over the v objective: from noise at t = 1 to sound at t = 0 in a few steps.

t as in net.py: alpha = cos(pi t / 2), sigma = sin(pi t / 2); clean = alpha x - sigma v and
noise = sigma x + alpha v. A `Denoiser` maps (x, t) to v and knows its own conditions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, float], Tensor]
"""(x [B, C, T], t in 0..1) -> v [B, C, T]."""


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
    clean = x
    for t, t_next in itertools.pairwise(times(steps, start)):
        clean, eps = split(x, denoiser(x, t), t)
        x = math.cos(t_next * math.pi / 2) * clean + math.sin(t_next * math.pi / 2) * eps
    return clean


def ddpm(denoiser: Denoiser, x: Tensor, steps: int, start: float = 1.0) -> Tensor:
    """DDIM with fresh noise at every step (eta = 1), drawn from a generator seeded by the first noise."""
    seed = int(x.flatten()[:64].double().abs().sum() * 1e9) % 2**31
    random = torch.Generator().manual_seed(seed)
    clean = x
    for t, t_next in itertools.pairwise(times(steps, start)):
        clean, eps = split(x, denoiser(x, t), t)
        a, s = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
        a2, s2 = math.cos(t_next * math.pi / 2), math.sin(t_next * math.pi / 2)
        fresh = s2 / s * math.sqrt(max(0.0, 1 - (a / max(a2, 1e-9)) ** 2)) if s2 > 0 else 0.0
        x = a2 * clean + math.sqrt(max(s2**2 - fresh**2, 0)) * eps
        x = x + fresh * torch.randn(x.shape, generator=random).to(x)
    return clean


def split(x: Tensor, v: Tensor, t: float) -> tuple[Tensor, Tensor]:
    """What x holds according to v: (clean, noise)."""
    a, s = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
    return a * x - s * v, s * x + a * v


OWN: dict[str, Sampler] = {"ddim": ddim, "ddpm": ddpm}


def find_sampler(name: str) -> Sampler:
    """A sampler by name: ours, else k-diffusion's (an optional extra).

    Raises:
        UsageError: no such sampler, or k-diffusion is not installed.
    """
    if name in OWN:
        return OWN[name]
    from heart.sounding.k_diffusion import k_sampler

    return k_sampler(name)
