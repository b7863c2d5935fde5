"""The voice's net: a 1-D U-Net that predicts v from noisy coefficient frames.

Objective and time as in Dance Diffusion: x_t = cos(pi t / 2) x_0 + sin(pi t / 2) eps, the net answers
v = cos(pi t / 2) eps - sin(pi t / 2) x_0 (Salimans and Ho, "Progressive Distillation", 2022). Scale and
shift of every block come from time, class and style together (FiLM; Perez et al. 2018).

Letters: B batch, C channels, T coefficient frames.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heart.records import LABELS
from heart.sounding.conditions import HEART, LEVEL_CENTRE_DB, LEVEL_WIDTH_DB, Scale


@dataclass(frozen=True)
class NetShape:
    """Everything that decides the tensors of a net and what they mean; stored beside the weights.

    What is not given is as in the first voice, whose file names only half of this.
    """

    bands: int = 3
    """Coefficient channels in and out, the lowest ones of the filter bank."""
    conditions: int = 5
    """Condition channels at frame rate: see `conditions.py`."""
    labels: tuple[str, ...] = LABELS
    """What it can sing; one more row is the null class, row 0."""
    styles: int = 6
    """Numbers of a style; one more says whether a style is given."""
    widths: tuple[int, ...] = (64, 96, 128, 192)
    stride: int = 4
    blocks: int = 2
    """Residual blocks at each level, down and again up."""
    attention_from: int = 2
    """First level with attention."""
    embedding: int = 256
    knees: tuple[float, ...] = HEART.knees
    spreads: tuple[float, ...] = HEART.spreads
    """See `conditions.Scale`."""
    levelled: bool = False
    """Whether the first `bands` numbers of a style are the levels that the knees are multiples of."""
    gain: float = 1.25
    """From the level of the training clips to what is heard: few steps sing S1 a little too softly."""

    def scale(self, style: np.ndarray) -> Scale:
        """The companding of a sound of this style [styles]."""
        fixed = Scale(self.knees, self.spreads)
        return fixed.at(style[: self.bands] * LEVEL_WIDTH_DB + LEVEL_CENTRE_DB) if self.levelled else fixed

    @property
    def multiple(self) -> int:
        """T must be a multiple of this many frames."""
        return int(self.stride ** (len(self.widths) - 1))

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class Residual(nn.Module):
    """Two convolutions with a skip; the second sees its input scaled and shifted by the embedding."""

    def __init__(self, c_in: int, c_out: int, embedding: int, kernel: int = 5) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, c_in)
        self.conv1 = nn.Conv1d(c_in, c_out, kernel, padding=kernel // 2)
        self.film = nn.Linear(embedding, 2 * c_out)
        self.norm2 = nn.GroupNorm(8, c_out)
        self.conv2 = nn.Conv1d(c_out, c_out, kernel, padding=kernel // 2)
        self.skip = nn.Conv1d(c_in, c_out, 1) if c_in != c_out else nn.Identity()
        # The block begins as its skip: deep nets then train from the first step.
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.film(embedding)[..., None].chunk(2, 1)
        h = self.norm2(h) * (1 + scale) + shift
        return self.skip(x) + self.conv2(F.silu(h))


class Attention(nn.Module):
    """Self-attention over frames, heads of width 32, added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // 32
        self.norm = nn.GroupNorm(1, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.out = nn.Conv1d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        b, c, t = x.shape
        qkv = self.qkv(self.norm(x)).view(b, 3, self.heads, 32, t).transpose(-1, -2)
        y = F.scaled_dot_product_attention(*qkv.unbind(1))
        return x + self.out(y.transpose(-1, -2).reshape(b, c, t))


class Level(nn.Module):
    """Residual blocks of one width, each followed by attention where asked."""

    def __init__(self, c_in: int, c_out: int, attention: bool, shape: NetShape) -> None:
        super().__init__()
        inputs = [c_in] + [c_out] * (shape.blocks - 1)
        self.blocks = nn.ModuleList(Residual(c, c_out, shape.embedding) for c in inputs)
        self.attentions = nn.ModuleList(
            Attention(c_out) if attention else nn.Identity() for _ in range(shape.blocks)
        )

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        for block, attention in zip(self.blocks, self.attentions):
            x = attention(block(x, embedding))
        return x


class VoiceNet(nn.Module):
    """v-prediction on [B, bands, T], given conditions [B, conditions, T], a class and a style."""

    def __init__(self, shape: NetShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or NetShape()
        w, s, e = shape.widths, shape.stride, shape.embedding
        self.register_buffer("frequencies", torch.logspace(-1, 1, 64))
        self.time = nn.Sequential(nn.Linear(128, e), nn.SiLU(), nn.Linear(e, e))
        self.label = nn.Embedding(len(shape.labels) + 1, e)
        self.style = nn.Sequential(nn.Linear(shape.styles + 1, e), nn.SiLU(), nn.Linear(e, e))
        self.inlet = nn.Conv1d(shape.bands + shape.conditions, w[0], 5, padding=2)
        deep = [i >= shape.attention_from for i in range(len(w))]
        self.down = nn.ModuleList(Level(c, c, deep[i], shape) for i, c in enumerate(w))
        self.up = nn.ModuleList(Level(2 * c, c, deep[i], shape) for i, c in enumerate(w))
        pairs = list(itertools.pairwise(w))
        self.shrink = nn.ModuleList(nn.Conv1d(a, b, 2 * s, s, padding=s // 2) for a, b in pairs)
        self.grow = nn.ModuleList(nn.ConvTranspose1d(b, a, 2 * s, s, padding=s // 2) for a, b in pairs)
        self.norm = nn.GroupNorm(8, w[0])
        self.outlet = nn.Conv1d(w[0], shape.bands, 5, padding=2)
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)  # type: ignore[arg-type]

    def embed(self, t: Tensor, label: Tensor, style: Tensor) -> Tensor:
        """One vector per item: t [B] in 0..1, style [B, styles + 1]; label int64 [B] (0 = null), or weights
        [B, labels + 1] of a mixture of labels."""
        angles = 2 * math.pi * t[:, None] * self.frequencies[None]  # type: ignore[index]
        time = self.time(torch.cat([angles.cos(), angles.sin()], 1))
        named = label @ self.label.weight if label.is_floating_point() else self.label(label)
        return F.silu(time + named + self.style(style))

    def forward(self, x: Tensor, t: Tensor, conditions: Tensor, label: Tensor, style: Tensor) -> Tensor:
        """x float [B, bands, T], conditions [B, conditions, T] -> v [B, bands, T]."""
        return self.body(x, conditions, self.embed(t, label, style))

    def body(self, x: Tensor, conditions: Tensor, e: Tensor) -> Tensor:
        """All but the embedding e [B, embedding]; the part that has a graph of its own (`graph.py`)."""
        x = self.inlet(torch.cat([x, conditions], 1))
        skips = []
        for i, level in enumerate(self.down):
            x = level(x, e)
            skips.append(x)
            if i < len(self.shrink):
                x = self.shrink[i](x)
        for i in reversed(range(len(self.up))):
            x = self.up[i](torch.cat([x, skips[i]], 1), e)
            if i:
                x = self.grow[i - 1](x)
        return self.outlet(F.silu(self.norm(x)))
