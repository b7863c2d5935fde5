"""The beat net in torch, for training; `heart.listening.net` runs the same weights in numpy.

Eight frames (80 ms) of sixteen bands go through two dense layers into a recurrent net at 50 steps a second, in the
manner of the envelope-to-state nets that followed the hidden semi-Markov models (Messner, Zöhrer, Pernkopf, IEEE
TBME 2018; Renna, Oliveira, Coimbra, IEEE JBHI 2019). Both ways in time for files, forward only for the live ear.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from heart.listening import features
from heart.listening.net import CONTEXT, OUTPUTS, PAST_FRAMES

WIDTH = {True: 64, False: 96}
"""GRU units a direction, by `both_ways`."""


class BeatNet(nn.Module):
    """[B, frames, BANDS] normalised bels to [B, steps, OUTPUTS]: four state logits and one "this is a heart".

    With both_ways False, step j of the output speaks of step j - LOOK_AHEAD_STEPS of the sound.
    """

    def __init__(self, both_ways: bool) -> None:
        super().__init__()
        self.both_ways = both_ways
        width = WIDTH[both_ways]
        self.dense1 = nn.Linear(CONTEXT * features.BANDS, 96)
        self.dense2 = nn.Linear(96, 96)
        self.gru = nn.GRU(96, width, num_layers=2, batch_first=True, bidirectional=both_ways, dropout=0.25)
        self.drop = nn.Dropout(0.15)
        self.head = nn.Linear(width * (2 if both_ways else 1), OUTPUTS)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """frames: [B, frames, BANDS], an even number of frames. Returns [B, frames // 2, OUTPUTS]."""
        past = PAST_FRAMES[self.both_ways]
        padded = nn.functional.pad(frames, (0, 0, past, CONTEXT - features.STEP - past))
        stacked = padded.unfold(1, CONTEXT, features.STEP).flatten(2)  # [B, steps, BANDS * CONTEXT]
        hidden = torch.relu(self.dense2(torch.relu(self.dense1(stacked))))
        out: torch.Tensor = self.head(self.gru(self.drop(hidden))[0])
        return out


def export(net: BeatNet) -> dict[str, np.ndarray]:
    """Weights by name, float32, as `heart.listening.net` wants them."""
    return {name: value.detach().float().contiguous().numpy() for name, value in net.state_dict().items()}
