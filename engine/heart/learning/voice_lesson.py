"""What a net of the voice is taught, and how far it is: lessons, the error of v, the validation loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from heart.learning.voice_loom import Batch
from heart.sounding.net import VoiceNet

BAND_WEIGHTS = (1.0, 0.4, 0.3)
"""What an error in each band costs: the upper two are 45 dB below the first in a heart."""
BATCHES, ITEMS, FRAMES = 3, 10, 2048
"""Of the windows for the validation loss."""

Lesson = Callable[[VoiceNet, Batch, Tensor, Tensor | None], Tensor]
"""What a step makes smaller: (net, batch, places [B] spread over 0..1, noise or None for fresh) -> a scalar."""


class Weaver(Protocol):
    """Gives training windows without end."""

    def batch(self, size: int, frames: int) -> Batch: ...


@dataclass(frozen=True)
class Seen:
    """A batch as tensors on the net's device; see `voice_loom.Batch`."""

    clean: Tensor
    past: Tensor
    conditions: Tensor
    label: Tensor
    style: Tensor

    @property
    def given(self) -> Tensor:
        """1 where a frame is known, 0 where it is to be sung: [B, 1, K]."""
        return self.conditions[:, :1]

    def v(self, net: VoiceNet, x: Tensor, t: Tensor) -> Tensor:
        """What the net answers to x [B, BANDS, K] at t [B], the past clamped as on stage: float32."""
        x = torch.where(self.given > 0, self.past, x)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type != "mps"):
            return net(x, t, self.conditions, self.label, self.style).float()

    def error(
        self, missed: Tensor, weights: Tensor | float = 1.0, band_weights: Sequence[float] = BAND_WEIGHTS
    ) -> Tensor:
        """Mean square of what was missed, over the frames that are not given, bands weighted; a scalar."""
        weights = (1 - self.given) * torch.tensor(band_weights, device=missed.device)[:, None] * weights
        return (missed**2 * weights).sum() / weights.sum()


def seen_by(batch: Batch, where: torch.device) -> Seen:
    arrays = (batch.clean, batch.past, batch.conditions, batch.label, batch.style)
    return Seen(*(torch.from_numpy(array).to(where) for array in arrays))


def turned(x: Tensor, y: Tensor, angle: Tensor) -> Tensor:
    """cos(angle) x + sin(angle) y, an angle [B] for each item of x and y [B, BANDS, K]."""
    return torch.cos(angle)[:, None, None] * x + torch.sin(angle)[:, None, None] * y


def objective(
    net: VoiceNet,
    batch: Batch,
    t: Tensor,
    noise: Tensor | None = None,
    band_weights: Sequence[float] = BAND_WEIGHTS,
) -> Tensor:
    """Mean squared error of v at times t [B]; see `Seen.error`."""
    seen = seen_by(batch, next(net.parameters()).device)
    t = t.to(seen.clean.device)
    angle = t * math.pi / 2
    noise = torch.randn_like(seen.clean) if noise is None else noise
    v = seen.v(net, turned(seen.clean, noise, angle), t)
    return seen.error(v - turned(noise, -seen.clean, angle), 1.0, band_weights)


class Judge:
    """Validation loss on always the same windows, times and noise."""

    def __init__(self, loom: Weaver, lesson: Lesson) -> None:
        self.lesson = lesson
        random = torch.Generator().manual_seed(1)
        self.cases = []
        for _ in range(BATCHES):
            batch = loom.batch(ITEMS, FRAMES)
            noise = torch.randn(batch.clean.shape, generator=random)
            self.cases.append((batch, (torch.arange(ITEMS) + 0.5) / ITEMS, noise))

    @torch.inference_mode()
    def __call__(self, net: VoiceNet) -> float:
        where = next(net.parameters()).device
        losses = [self.lesson(net, batch, t, noise.to(where)) for batch, t, noise in self.cases]
        return float(torch.stack(losses).mean())
