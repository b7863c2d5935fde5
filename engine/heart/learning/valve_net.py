"""The valve net for training, and the jury that is shipped: sound in, probabilities out, front end and all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from heart.learning.nets.logmel import Level
from heart.learning.nets.resnet import ResNet18
from heart.learning.valve_data import LABELS, front

RATE_HZ = 16_000
SECONDS = 2.0
FLOOR = 1e-5
"""Power, against the loudest of the window, under which everything is silence: 50 dB."""
NEPERS = 1.5
"""Usual spread of the logarithms, so that the net sees numbers near one."""


def image_of(powers: torch.Tensor) -> torch.Tensor:
    """What a ResNet sees: [B, MELS, frames] powers of any scale to [B, 1, MELS, frames], each band less its mean.

    The mean of a band is the sensor, the room and the noise; what moves within it is the heart.
    """
    loudest = powers.amax((1, 2), keepdim=True)
    image = (powers + loudest * FLOOR + 1e-9).log()
    return ((image - image.mean(2, keepdim=True)) / NEPERS)[:, None]


class ValveNet(nn.Module):
    """Band powers to logits, for training. width: channels of the ResNet's first stage."""

    def __init__(self, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.resnet = ResNet18(len(LABELS), width, dropout)

    def forward(self, powers: torch.Tensor) -> torch.Tensor:
        """powers: float32 [B, MELS, frames]. Returns logits [B, 5] in the order of LABELS."""
        image = image_of(powers).contiguous(memory_format=torch.channels_last)
        logits: torch.Tensor = self.resnet(image)
        return logits


class Jury(nn.Module):
    """Sound to probabilities: the mean of several nets' logits, divided by a temperature (Guo et al., On
    calibration of modern neural networks, ICML 2017). Nets that learnt from other seeds err differently.

    nets: all of one width; rate_hz: of the sound, in thousands.
    """

    temperature: torch.Tensor

    def __init__(self, nets: Sequence[ValveNet], temperature: float = 1.0, rate_hz: int = RATE_HZ) -> None:
        super().__init__()
        self.level, self.front = Level(), front(rate_hz)
        self.resnets = nn.ModuleList(net.resnet for net in nets)
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, 2 s * rate_hz], any level. Returns probabilities [B, 5] in the order of LABELS."""
        image = image_of(self.front.powers(self.level(audio)))
        logits = torch.stack([resnet(image) for resnet in self.resnets]).mean(0)
        return (logits / self.temperature).softmax(-1)
