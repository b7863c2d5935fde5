"""Dance Diffusion's net: a 1-D U-Net on plain samples that predicts v.

Its 221,389,322 parameters and 932 tensors are named as in the published checkpoints, so that a state dict fits
without a change; widths, depth and attention are a `DanceShape`, which `shape_of` reads from the tensors.

    level 1    net.0 - net.2, [level 2], net.4 - net.6      at the full rate
    level i    down, 3 blocks, [level i + 1], 3 blocks, up  at 1 / 2^(i-1) of it, beside its own input
    deepest    down, 6 blocks, up

Time enters as Fourier features beside the samples, constant over the sound; there is no other conditioning.

Letters: B sounds, C channels, T samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD = 32
"""Channels of an attention head."""
TAPS = (-0.01171875, -0.03515625, 0.11328125, 0.43359375)
"""The first half of the symmetric cubic resampling kernel; its sum is 1."""
LEAST_DEEP = 3
"""Samples that the deepest level needs: what it mirrors at both ends is two of them."""


@dataclass(frozen=True)
class DanceShape:
    """Everything that decides the tensors of a net. The defaults are those of the published checkpoints."""

    channels: int = 2
    """Of sound, in and out."""
    widths: tuple[int, ...] = (128, 128, 256, 256, *[512] * 10)
    """Channels of each level; the level below runs at half the rate."""
    attention: int = 6
    """How many of the deepest levels attend to themselves."""
    fourier: int = 8
    """Frequencies of the time features, each a cosine and a sine."""

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or not 0 <= self.attention < len(self.widths):
            raise ValueError(f"a net of {len(self.widths)} levels cannot have {self.attention} with attention")
        for level, (above, wide) in enumerate(itertools.pairwise(self.widths), 1):
            if self.attends(level) and (above % HEAD or wide % HEAD):  # a level answers in the width above it
                raise ValueError(f"widths {above} and {wide} attend, so they must be multiples of {HEAD}")

    def attends(self, level: int) -> bool:
        """Whether a level, counted from 0, has attention."""
        return level >= len(self.widths) - self.attention

    @property
    def multiple(self) -> int:
        """T must be a multiple of this many samples, and at least LEAST_DEEP times it."""
        return int(2 ** (len(self.widths) - 1))

    def fitting(self, samples: int) -> int:
        """The least T that holds so many samples."""
        return max(-(-samples // self.multiple), LEAST_DEEP) * self.multiple


class Features(nn.Module):
    """Time to cosines and sines of random, fixed frequencies: [B] -> [B, 2 fourier]."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(count, 1))

    def forward(self, t: Tensor) -> Tensor:
        angles = 2 * math.pi * t[:, None] @ self.weight.T
        return torch.cat([angles.cos(), angles.sin()], -1)


class Residual(nn.Module):
    """Two convolutions, each with norm and GELU (the last of the net: only the first), added to the input."""

    def __init__(self, c_in: int, c_mid: int, c_out: int, last: bool = False) -> None:
        super().__init__()
        tail = () if last else (nn.GroupNorm(1, c_out), nn.GELU())
        self.main = nn.Sequential(
            nn.Conv1d(c_in, c_mid, 5, padding=2),
            nn.GroupNorm(1, c_mid),
            nn.GELU(),
            nn.Conv1d(c_mid, c_out, 5, padding=2),
            *tail,
        )
        self.skip = nn.Identity() if c_in == c_out else nn.Conv1d(c_in, c_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x) + self.skip(x)


class Attention(nn.Module):
    """Self-attention over samples, added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.qkv_proj = nn.Conv1d(channels, 3 * channels, 1)
        self.out_proj = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, t = x.shape
        qkv = self.qkv_proj(self.norm(x)).view(b, 3, c // HEAD, HEAD, t).transpose(-1, -2)
        y = F.scaled_dot_product_attention(*qkv.unbind(1))
        return x + self.out_proj(y.transpose(-1, -2).reshape(b, c, t))


class Resample(nn.Module):
    """The fixed cubic kernel, the same for every channel, mirrored at the ends. Its taps are a buffer."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.register_buffer("kernel", gain * torch.tensor([*TAPS, *reversed(TAPS)]))

    def taps(self, x: Tensor) -> Tensor:
        """[C, 1, 8] for the channels of x, in its precision."""
        return self.kernel.to(x.dtype).expand(x.shape[1], 1, -1)  # type: ignore[operator]


class Down(Resample):
    """[B, C, T] -> [B, C, T / 2]"""

    def __init__(self) -> None:
        super().__init__(1.0)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(F.pad(x, (3, 3), "reflect"), self.taps(x), stride=2, groups=x.shape[1])


class Up(Resample):
    """[B, C, T] -> [B, C, 2 T]"""

    def __init__(self) -> None:
        super().__init__(2.0)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (2, 2), "reflect")
        return F.conv_transpose1d(padded, self.taps(x), stride=2, padding=7, groups=x.shape[1])


class Beside(nn.Module):
    """A level, its output beside its input: [B, C, T] -> [B, 2 C, T]."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.main(x), x], 1)


class DanceNet(nn.Module):
    """v-prediction on [B, channels, T] at times [B] in 0..1; T as `DanceShape.multiple` says."""

    def __init__(self, shape: DanceShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or DanceShape()
        c, wide = shape.channels, shape.widths[0]
        self.timestep_embed = Features(shape.fourier)
        self.net = nn.Sequential(
            Residual(c + 2 * shape.fourier, wide, wide),
            Residual(wide, wide, wide),
            Residual(wide, wide, wide),
            Beside(_level(shape, 1)),
            Residual(2 * wide, wide, wide),
            Residual(wide, wide, wide),
            Residual(wide, wide, c, last=True),
        )
        with torch.no_grad():  # as its authors begin: small answers, so that training is calm
            for parameter in self.parameters():
                parameter.mul_(0.5)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        features = self.timestep_embed(t)[..., None].expand(-1, -1, x.shape[-1])
        v: Tensor = self.net(torch.cat([x, features.to(x.dtype)], 1))
        return v


def _level(shape: DanceShape, level: int) -> list[nn.Module]:
    """The layers of a level, counted from 0, with those below it inside."""
    above, wide, deepest = shape.widths[level - 1], shape.widths[level], level == len(shape.widths) - 1

    def attention(channels: int) -> nn.Module:
        return Attention(channels) if shape.attends(level) else nn.Identity()

    def block(c_in: int, c_out: int) -> list[nn.Module]:
        return [Residual(c_in, wide, c_out), attention(c_out)]

    inner = nn.Identity() if deepest else Beside(_level(shape, level + 1))
    before = block(above, wide) + block(wide, wide) + block(wide, wide)
    after = block(wide if deepest else 2 * wide, wide) + block(wide, wide) + block(wide, above)
    return [Down(), *before, inner, *after, Up()]


def shape_of(tensors: Mapping[str, Tensor]) -> DanceShape:
    """The shape of the net that a state dict belongs to, by its names and sizes alone.

    Raises:
        KeyError: a tensor that every such net has is not there.
        ValueError: its sizes are not those of such a net.
    """
    first, last = tensors["net.0.main.0.weight"], tensors["net.6.main.3.weight"]
    fourier, channels = len(tensors["timestep_embed.weight"]), last.shape[0]
    if first.shape[1] != channels + 2 * fourier:
        extra = first.shape[1] - channels - 2 * fourier
        raise ValueError(f"it takes {extra} channels more than sound and time: a conditioned net")
    widths, attends, level = [first.shape[0]], [], "net.3."
    while f"{level}main.1.main.0.weight" in tensors:
        widths.append(tensors[f"{level}main.1.main.0.weight"].shape[0])
        attends.append(f"{level}main.2.qkv_proj.weight" in tensors)
        level += "main.7."
    if attends != sorted(attends):
        raise ValueError("it attends at levels above ones that do not")
    return DanceShape(channels, tuple(widths), sum(attends), fourier)
