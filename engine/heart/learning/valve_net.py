"""The valve net: two seconds of sound in, probabilities of five labels out, front end and all."""

from __future__ import annotations

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


class ValveNet(nn.Module):
    """Logits from band powers, and in `forward` probabilities from sound.

    width: channels of the ResNet's first stage; rate_hz: of the sound, in thousands. `temperature` (Guo et al., On
    calibration of modern neural networks, ICML 2017) divides the logits.
    """

    temperature: torch.Tensor

    def __init__(self, width: int = 64, rate_hz: int = RATE_HZ, dropout: float = 0.2) -> None:
        super().__init__()
        self.level, self.front = Level(), front(rate_hz)
        self.resnet = ResNet18(len(LABELS), width, dropout)
        self.register_buffer("temperature", torch.ones(()))

    def image(self, powers: torch.Tensor) -> torch.Tensor:
        """What the ResNet sees: [B, MELS, frames] powers to [B, 1, MELS, frames], each band less its own mean.

        The mean of a band is the sensor, the room and the noise; what moves within it is the heart.
        """
        loudest = powers.amax((1, 2), keepdim=True)
        image = (powers + loudest * FLOOR + 1e-9).log()
        return ((image - image.mean(2, keepdim=True)) / NEPERS)[:, None]

    def logits(self, powers: torch.Tensor) -> torch.Tensor:
        """powers: float32 [B, MELS, frames] of any scale. Returns [B, 5], temperature aside."""
        out: torch.Tensor = self.resnet(self.image(powers))
        return out

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, 2 s * rate_hz], any level. Returns probabilities [B, 5] in the order of LABELS."""
        powers = self.front.powers(self.level(audio))
        return (self.logits(powers) / self.temperature).softmax(-1)
