"""The filter bank and the companding of a voice in TorchScript: `sounding.filterbank` and `sounding.conditions` on
tensors. Letters: B items, T samples, K frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heart.sounding.conditions import LARGEST
from heart.sounding.filterbank import BEFORE, HOP, KERNEL, TAPS


class Bank(nn.Module):
    """Sound to coefficients and back, and coefficients to the net's scale and back.

    gain: from the level of the training clips to what is heard. spreads: of the companding, a number for each band.
    """

    def __init__(self, gain: float, spreads: tuple[float, ...]) -> None:
        super().__init__()
        self.hop, self.taps, self.before, self.overlaps = HOP, TAPS, BEFORE, TAPS // HOP
        self.gain, self.bands, self.largest = gain, len(spreads), LARGEST
        self.kernel: Tensor = torch.from_numpy(KERNEL).float()
        self.spreads: Tensor = torch.tensor(spreads)[:, None]

    def certain(self, sample: int) -> int:
        """First frame that is not yet certain when the sound before `sample` is known."""
        return (sample - self.taps + self.before) // self.hop + 1

    def whole(self, sample: int) -> int:
        """First frame that reaches over nothing before `sample`."""
        return -(-(sample + self.before) // self.hop)

    def analysed(self, sound: Tensor) -> Tensor:
        """The frames that lie wholly inside a sound: [B, T] to [B, 16, K]."""
        return torch.matmul(sound.unfold(1, self.taps, self.hop), self.kernel.t()).transpose(1, 2)

    def synthesised(self, frames: Tensor) -> Tensor:
        """Overlap-add of frames [B, bands, K]: [B, 16 (K - 1) + 128], `before` samples early."""
        parts = torch.matmul(frames.transpose(1, 2), self.kernel[: frames.shape[1]])
        blocks = parts.view(frames.shape[0], frames.shape[2], self.overlaps, self.hop)
        length = frames.shape[2] + self.overlaps - 1
        sound = torch.zeros(frames.shape[0], length, self.hop)
        for i in range(self.overlaps):
            sound[:, i : i + frames.shape[2]] += blocks[:, :, i]
        return sound.flatten(1)

    def to_net(self, frames: Tensor, knees: Tensor, loud: Tensor) -> Tensor:
        """Coefficients [B, 16, K] on the net's scale, [B, bands, K].

        knees: [B, bands, 1]; loud: [B, bands or 1, K or 1].
        """
        return torch.asinh(frames[:, : self.bands] / self.gain / loud / knees) / self.spreads

    def to_sound(self, values: Tensor, knees: Tensor, loud: Tensor) -> Tensor:
        """The inverse of `to_net`."""
        frames = torch.sinh((values * self.spreads).clamp(-10, 10)) * knees
        return frames.clamp(-self.largest, self.largest) * loud * self.gain


def fitted(sound: Tensor, length: int) -> Tensor:
    """The last `length` samples of [B, T], silence before where there are fewer."""
    return F.pad(sound, (max(0, length - sound.shape[1]), 0))[:, max(0, sound.shape[1] - length) :]
