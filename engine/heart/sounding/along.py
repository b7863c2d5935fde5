"""Samplers along given times, either way: falling they lead from noise to sound, rising from sound to noise.

t, clean and noise as in `samplers.py`. Both are exact where a time is 1 (no sound in x) or 0 (no noise).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, float], Tensor]
"""(x [B, C, T], t in 0..1) -> v [B, C, T]."""
Draw = Callable[[], Tensor]
"""Fresh noise [B, C, T]."""

ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""Weights of the newest noise and those before it, by how many there are."""


def ddim(denoiser: Denoiser, x: Tensor, way: Sequence[float], eta: float = 0.0, draw: Draw | None = None) -> Tensor:
    """DDIM (Song, Meng, Ermon 2021). With eta above 0, at most 1, some noise is fresh at every step: DDPM at 1."""
    for t, t_next in itertools.pairwise(way):
        clean, noise = split(x, denoiser(x, t), t)
        a, s, a2, s2 = cos(t), sin(t), cos(t_next), sin(t_next)
        fresh = eta * s2 / s * math.sqrt(max(0.0, 1 - (a / a2) ** 2)) if eta and 0 < s2 < s else 0.0
        fresh = eta * s2 / s * math.sqrt(max(0.0, 1 - (a / max(a2, 1e-9)) ** 2)) if eta and s2 > 0 else 0.0
        kept = math.sqrt(max(0.0, s2**2 - fresh**2)) if fresh else s2
        x = a2 * clean + kept * noise
        if fresh and draw:
            x = x + fresh * draw()
    return x


def iplms(denoiser: Denoiser, x: Tensor, way: Sequence[float]) -> Tensor:
    """Improved pseudo linear multistep (Liu et al., ICLR 2022): the noise is extrapolated from up to four steps."""
    noises: list[Tensor] = []
    for t, t_next in itertools.pairwise(way):
        clean, noise = split(x, denoiser(x, t), t)
        noises = [noise, *noises[:3]]
        likely = torch.stack([w * n for w, n in zip(ADAMS_BASHFORTH[len(noises) - 1], noises)]).sum(0)
        if len(noises) > 1:  # the first step may begin at t = 1, where this would divide by 0
            clean = clean + sin(t) / cos(t) * (noise - likely)
        x = cos(t_next) * clean + sin(t_next) * likely
    return x


def split(x: Tensor, v: Tensor, t: float) -> tuple[Tensor, Tensor]:
    """What x holds according to v: (clean, noise)."""
    return cos(t) * x - sin(t) * v, sin(t) * x + cos(t) * v


def cos(t: float) -> float:
    """alpha: how much sound there is at time t."""
    return math.cos(t * math.pi / 2)


def sin(t: float) -> float:
    """sigma: how much noise."""
    return math.sin(t * math.pi / 2)
