"""The nets of scene and gate: MFCCs, convolutions and an LSTM over time, beside how loudness is spread over time.

`Front` is fixed and shared; several small nets of `SceneNet` read it and `Ensemble` averages their probabilities,
so that one graph holds everything from sound to calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from heart.learning.nets.logmel import DB_PER_NEPER, Level, LogMel, Mfcc
from heart.learning.nets.resnet import ResNet18
from heart.learning.valve_data import front as valve_bands
from heart.learning.valve_net import image_of

RATE_HZ = 4000
COEFFICIENTS = 52
HOP, WINDOW, N_FFT = 80, 200, 256
LOW_HZ, HIGH_HZ = 25.0, 1900.0
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""At which shares of the time the level of a band is read off."""
PAIR = 2
"""Bands joined before their spread is measured."""
TOP_DB = 80.0


class Trunk(nn.Module):
    """What a ResNet that read of murmurs by the book notices in a sound; fixed, it learns nothing more here.

    resnet: of the valve net's kind; outputs: how many numbers it gives, its last maps averaged over the window.
    """

    def __init__(self, resnet: ResNet18) -> None:
        super().__init__()
        self.bands, self.resnet = valve_bands(RATE_HZ), resnet
        self.outputs = resnet.fc.in_features
        self.requires_grad_(False)

    def forward(self, levelled: torch.Tensor) -> torch.Tensor:
        """levelled: float32 [B, n] at RATE_HZ, RMS 1. Returns [B, outputs]."""
        maps: torch.Tensor = self.resnet.features(image_of(self.bands.powers(levelled)))
        return maps.mean((2, 3))


class Front(nn.Module):
    """Sound to MFCCs [B, 52, frames] and to statistics [B, `told`]: the spread of its band levels over time, and
    what the trunk notices where there is one.

    The spread: at which level each of 26 bands is for 5, 25, ... 95 % of the time, against the loudest band, and
    by how much it changes from frame to frame. A murmur lifts what is silence between normal heart sounds.
    """

    statistics = COEFFICIENTS // PAIR * (len(SHARES) + 1)

    def __init__(self, trunk: Trunk | None = None) -> None:
        super().__init__()
        self.level, self.trunk = Level(), trunk
        self.told = self.statistics + (trunk.outputs if trunk else 0)
        bands = LogMel(RATE_HZ, N_FFT, HOP, COEFFICIENTS, LOW_HZ, HIGH_HZ, window=WINDOW)
        self.mfcc = Mfcc(bands, COEFFICIENTS, top_db=TOP_DB)

    def forward(self, audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """audio: float32 [B, n] at RATE_HZ, any level."""
        levelled = self.level(audio)
        decibels = self.mfcc.logmel(levelled) * DB_PER_NEPER
        decibels = torch.maximum(decibels, decibels.amax((1, 2), keepdim=True) - TOP_DB)
        statistics = spread(decibels)
        if self.trunk is not None:
            statistics = torch.cat([statistics, self.trunk(levelled)], 1)
        return torch.matmul(self.mfcc.dct, decibels), statistics


def spread(decibels: torch.Tensor) -> torch.Tensor:
    """[B, bands, frames] in dB to [B, bands / PAIR * 6], in 10 dB: levels at SHARES of the time, mean change."""
    pairs = 0.5 * (decibels[:, 0::PAIR] + decibels[:, 1::PAIR])
    rising = torch.sort(pairs, dim=-1).values
    frames = pairs.shape[-1]
    levels = torch.cat([rising[..., round(share * (frames - 1))] for share in SHARES], 1)
    change = (pairs[..., 1:] - pairs[..., :-1]).abs().mean(-1)
    return torch.cat([levels - levels.amax(1, keepdim=True), change], 1) / 10


class SceneNet(nn.Module):
    """MFCCs and statistics to logits [B, outputs].

    outputs: how many; width: of the LSTM's state in each direction; statistics: how many the front tells. The LSTM
    (Hochreiter and Schmidhuber 1997) runs over time: its steps are frames of 80 ms, its features what the
    convolutions made of the coefficients.
    """

    def __init__(
        self, outputs: int, width: int = 32, drop: float = 0.3, statistics: int = Front.statistics
    ) -> None:
        super().__init__()
        self.scale = nn.BatchNorm1d(COEFFICIENTS, affine=False)
        self.convolutions = nn.Sequential(
            nn.Conv1d(COEFFICIENTS, 48, 5, padding=2), nn.BatchNorm1d(48), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(48, 48, 5, padding=2), nn.BatchNorm1d(48), nn.ReLU(), nn.MaxPool1d(2),
        )  # fmt: skip
        self.lstm = nn.LSTM(48, width, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(4 * width, outputs)
        self.spread_scale = nn.BatchNorm1d(statistics, affine=False)
        self.spread_head = nn.Linear(statistics, outputs)
        self.settled = False

    def settle(self, mean: torch.Tensor, deviation: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Fix what is said of the statistics alone (weight [outputs, statistics] of standardised statistics, bias
        [outputs]); only the part that listens over time learns from then on, beside it."""
        assert self.spread_scale.running_mean is not None
        assert self.spread_scale.running_var is not None
        with torch.no_grad():
            self.spread_scale.running_mean.copy_(mean)
            self.spread_scale.running_var.copy_(deviation.square())
            self.spread_head.weight.copy_(weight)
            self.spread_head.bias.copy_(bias)
            self.head.weight.zero_()
            self.head.bias.zero_()
        self.spread_head.requires_grad_(False)
        self.settled = True

    def weigh(self, share: float) -> None:
        """Let the part that listens over time count `share` times as much."""
        with torch.no_grad():
            self.head.weight.mul_(share)
            self.head.bias.mul_(share)

    def train(self, mode: bool = True) -> SceneNet:
        """As any module; what is settled stays as it is."""
        super().train(mode)
        if self.settled:
            self.spread_scale.eval()
        return self

    def forward(self, mfcc: torch.Tensor, statistics: torch.Tensor) -> torch.Tensor:
        """mfcc: float32 [B, 52, frames]; statistics: float32 [B, statistics]."""
        steps = self.convolutions(self.scale(mfcc)).transpose(1, 2)
        told, _ = self.lstm(self.drop(steps))
        over_time = self.head(self.drop(torch.cat([told.mean(1), told.amax(1)], 1)))
        scaled = self.spread_scale(statistics)
        flat: torch.Tensor = over_time + self.spread_head(scaled if self.settled else self.drop(scaled))
        return flat


class Ensemble(nn.Module):
    """Sound to probabilities [B, outputs]: the mean of several nets, calibrated.

    temperature: the logarithm of the mean is divided by it (Guo et al. 2017); bias: then added, one number an
    output, so that the threshold chosen in training is where the most probable label changes.
    """

    def __init__(
        self,
        nets: Sequence[nn.Module],
        temperature: float = 1.0,
        bias: Sequence[float] = (),
        trunk: Trunk | None = None,
    ) -> None:
        super().__init__()
        self.front, self.nets, self.temperature = Front(trunk), nn.ModuleList(nets), temperature
        self.bias: torch.Tensor
        self.register_buffer("bias", torch.tensor(list(bias) or [0.0]), persistent=False)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, n] at RATE_HZ, any level."""
        heard = self.front(audio)
        mean = torch.stack([net(*heard).softmax(-1) for net in self.nets]).mean(0)
        return (mean.clamp(min=1e-7).log() / self.temperature + self.bias).softmax(-1)
