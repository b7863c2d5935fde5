"""The beat nets in torch, for training; `heart.listening.net` runs the same weights in numpy.

Both see eight frames (80 ms) of sixteen bands at every step of 20 ms and answer with the four states of the heart
and "this is a heart", in the manner of the envelope-to-state nets that followed the hidden semi-Markov models
(Messner, Zöhrer, Pernkopf, IEEE TBME 2018; Renna, Oliveira, Coimbra, IEEE JBHI 2019). For files a residual net of
dilated convolutions (Bai, Kolter, Koltun, arXiv 1803.01271, here looking both ways) that sees five seconds on
either side: enough to bridge noisy beats by the rhythm around them; and beside it a recurrent net that reads both
ways, which errs in other places. For the live ear a recurrent net that reads forward.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from heart.listening import features
from heart.listening.net import CONTEXT, DILATIONS, OUTPUTS, PAST_FRAMES, TAPS

CHANNELS = 96
"""Of the file net."""
UNITS = {True: 64, False: 96}
"""Of a GRU layer in each direction, by `both_ways`."""
Arrays = dict[str, np.ndarray]


class Block(nn.Module):
    """[B, CHANNELS, steps] to the same: normalise, look `dilation` steps apart, mix, add."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.wide = nn.Conv1d(CHANNELS, CHANNELS, TAPS, dilation=dilation, padding=dilation * (TAPS // 2))
        self.drop = nn.Dropout(0.1)
        self.mix = nn.Conv1d(CHANNELS, CHANNELS, 1)
        nn.init.zeros_(self.mix.weight)  # a fresh block changes nothing, so that a deep net learns at once

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = torch.relu(self.wide(torch.relu(self.norm(x))))
        out: torch.Tensor = x + self.mix(self.drop(seen))
        return out


class FileNet(nn.Module):
    """[B, frames, BANDS] normalised bels to [B, frames // 2, OUTPUTS]: four state logits and one "a heart"."""

    both_ways = True
    learning_rate = 4e-3
    half_precision = True
    """bfloat16 halves the time of its convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(features.BANDS, CHANNELS, CONTEXT, stride=features.STEP)
        self.blocks = nn.Sequential(*[Block(dilation) for dilation in DILATIONS])
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.head = nn.Conv1d(CHANNELS, OUTPUTS, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """frames: [B, frames, BANDS], an even number of frames."""
        past = PAST_FRAMES[True]
        padded = nn.functional.pad(frames.transpose(1, 2), (past, CONTEXT - features.STEP - past))
        out: torch.Tensor = self.head(torch.relu(self.norm(self.blocks(self.stem(padded)))))
        return out.transpose(1, 2)

    def arrays(self) -> Arrays:
        """Weights as `heart.listening.net` wants them: float32, each normalisation as a scale and a shift."""
        kept = self.state_dict()
        plain = {name: value for name, value in kept.items() if "norm." not in name}
        for name in [f"blocks.{k}." for k in range(len(DILATIONS))] + [""]:
            mean, spread = kept[f"{name}norm.running_mean"], kept[f"{name}norm.running_var"]
            scale = kept[f"{name}norm.weight"] / torch.sqrt(spread + self.norm.eps)
            plain |= {f"{name}scale": scale, f"{name}shift": kept[f"{name}norm.bias"] - mean * scale}
        return _numpy(plain)


class RecurrentNet(nn.Module):
    """The same by two dense layers and two of a GRU that reads both ways."""

    both_ways = True
    learning_rate = 3e-3
    half_precision = False

    def __init__(self) -> None:
        super().__init__()
        units = UNITS[self.both_ways]
        self.dense1 = nn.Linear(CONTEXT * features.BANDS, 96)
        self.dense2 = nn.Linear(96, 96)
        self.gru = nn.GRU(96, units, num_layers=2, batch_first=True, bidirectional=self.both_ways, dropout=0.25)
        self.drop = nn.Dropout(0.15)
        self.head = nn.Linear(units * (2 if self.both_ways else 1), OUTPUTS)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """frames: [B, frames, BANDS], an even number of frames."""
        past = PAST_FRAMES[self.both_ways]
        padded = nn.functional.pad(frames, (0, 0, past, CONTEXT - features.STEP - past))
        stacked = padded.unfold(1, CONTEXT, features.STEP).flatten(2)  # [B, steps, BANDS * CONTEXT]
        hidden = torch.relu(self.dense2(torch.relu(self.dense1(stacked))))
        out: torch.Tensor = self.head(self.gru(self.drop(hidden))[0])
        return out

    def arrays(self) -> Arrays:
        """Weights by name, float32."""
        return _numpy(self.state_dict())


class LiveNet(RecurrentNet):
    """Reads forward: step j of the output speaks of step j - LOOK_AHEAD_STEPS of the sound, which is all past."""

    both_ways = False


BeatNet = FileNet | RecurrentNet
NETS: dict[str, type[FileNet] | type[RecurrentNet]] = {
    "file": FileNet,
    "recurrent": RecurrentNet,
    "live": LiveNet,
}


def _numpy(tensors: dict[str, torch.Tensor]) -> Arrays:
    return {name: value.detach().float().contiguous().numpy() for name, value in tensors.items()}
