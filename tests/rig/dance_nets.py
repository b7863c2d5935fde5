"""Dance Diffusion nets of full depth and little width, so that a test has all fourteen levels in half a second."""

from __future__ import annotations

import torch

from heart.sounding.dance.net import DanceNet, DanceShape

NARROW = DanceShape(widths=(4, 4, 8, 8, *[32] * 10))
"""The published layout with fewer channels; two of its widths change where theirs do."""
SHALLOW = DanceShape(widths=(8, 8, 32, 32, 32), attention=2)
"""Five levels: 16 samples are a multiple."""


def small_net(shape: DanceShape = NARROW, seed: int = 0) -> DanceNet:
    """A net with random weights; norms and biases are random too, or nothing would show that they are mixed up."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = DanceNet(shape).eval().requires_grad_(False)
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return net


def noise(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))
