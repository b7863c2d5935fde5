"""Sounds too long for the memory: the net sees them window by window, the samplers see them whole.

Neighbours share a part, and their answers are cross-faded there at every step of the sampler (as in Bar-Tal et al.,
"MultiDiffusion", ICML 2023). So each window knows what its neighbours sing while they sing it, there is no seam to
join afterwards, and every mode and sampler works on long sounds unchanged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from heart.sounding.along import Denoiser
from heart.sounding.dance.net import LEAST_DEEP

SHARED = 4
"""A window shares at least one in so many of its samples with the next."""


def begins(samples: int, window: int, multiple: int) -> list[int]:
    """Where the windows over a sound begin, evenly spread; all numbers are multiples of `multiple`.

    That is the stride of the net's deepest level: neighbours then put its samples at the same places. A window has
    LEAST_DEEP multiples or more.
    """
    if samples <= window:
        return [0]
    hop = (window - max(window // SHARED // multiple, 1) * multiple) // multiple
    way = (samples - window) // multiple
    count = -(-way // hop)
    return [number * way // count * multiple for number in range(count + 1)]


def even(samples: int, most: int, multiple: int) -> int:
    """The least window that takes no more of them than windows of `most` samples would."""
    count = len(begins(samples, most, multiple))
    shorter = range(most, (LEAST_DEEP - 1) * multiple, -multiple)
    return list(itertools.takewhile(lambda window: len(begins(samples, window, multiple)) == count, shorter))[-1]


@lru_cache(maxsize=4)
def shares(samples: int, window: int, multiple: int) -> tuple[tuple[int, Tensor], ...]:
    """(begin, weight [window] of its answer) of each window; over the sound the weights add up to 1.

    They add amplitudes rather than powers: both windows see the same sound where they overlap, so they agree there.
    """
    found, total = [], torch.zeros(samples)
    at = begins(samples, window, multiple)
    rising = [0, *(before + window - begin for before, begin in itertools.pairwise(at))]
    for begin, rise, fall in zip(at, rising, [*rising[1:], 0]):
        weight = torch.ones(window)
        weight[:rise] *= _ramp(rise)
        weight[window - fall :] *= _ramp(fall).flip(0)
        total[begin : begin + window] += weight
        found.append((begin, weight))
    return tuple((begin, weight / total[begin : begin + window]) for begin, weight in found)


def _ramp(count: int) -> Tensor:
    """From almost 0 to almost 1, without a bend at either end."""
    return torch.sin((torch.arange(count) + 0.5) / max(count, 1) * torch.pi / 2).square()


def by_windows(denoiser: Denoiser, window_for: Callable[[int], int], multiple: int) -> Denoiser:
    """The same net for sounds of any length n, asked for no more than `window_for(n)` samples at once."""

    def denoise(x: Tensor, t: float) -> Tensor:
        window = window_for(x.shape[-1])
        if x.shape[-1] <= window:
            return denoiser(x, t)
        v = torch.zeros_like(x)
        for begin, weight in shares(x.shape[-1], window, multiple):
            here = slice(begin, begin + window)
            v[..., here] += weight * denoiser(x[..., here].contiguous(), t)
        return v

    return denoise
