"""A small classifier that hears families, by which generated notes are judged; it has no part in making them.

It hears the first second, which the plain nets have too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from heart.learning.notes_data import fitted
from heart.learning.notes_pack import Pack
from heart.learning.notes_school import Lesson, school
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.net import seen
from heart.sounding.notes.source import POINTS, SOURCES, Sources
from heart.sounding.notes.spectra import FLOOR_DB, HOP, SMALL, SMALL_HOP, knot_levels, knots

HEARD = SMALL * SMALL_HOP
"""Samples."""
SEEN = int((knots() * HOP < HEARD - 2 * HOP).sum())
"""Knots in them."""
EMBEDDED = 24
MINUTES = 0.5
"""Longer, it learns its own notes by heart."""


class NoteEar(nn.Module):
    """Levels [B, SEEN, F] in dB under the maximum, and pitch -> logits [B, 6]; `embed`: what they are told from."""

    def __init__(self) -> None:
        super().__init__()
        self.sources = Sources()
        steps: list[nn.Module] = []
        for before, after in ((SOURCES, 16), (16, 32), (32, 48)):
            steps += [nn.Conv2d(before, after, 3, (2, 1 if before == SOURCES else 2), 1)]
            steps += [nn.GroupNorm(8, after), nn.SiLU(), nn.Dropout(0.15)]
        self.convs = nn.Sequential(*steps, nn.Flatten())
        self.squeeze = nn.Linear(48 * -(-SEEN // 8) * POINTS // 4, EMBEDDED)
        self.out = nn.Linear(EMBEDDED, len(FAMILIES))

    def embed(self, levels: Tensor, pitch: Tensor) -> Tensor:
        """[B, EMBEDDED]."""
        return torch.tanh(self.squeeze(self.convs(seen(self.sources, levels, pitch))))

    def forward(self, levels: Tensor, pitch: Tensor) -> Tensor:
        return self.out(self.embed(levels, pitch))


def first_second(levels: Tensor) -> Tensor:
    """What `NoteEar` hears of levels [B, K, F]."""
    part = levels[:, :SEEN]
    return (part - part.amax((1, 2), keepdim=True)).clamp(min=FLOOR_DB)


def heard_levels(sounds: Sequence[np.ndarray]) -> Tensor:
    """Of sounds, each [n] with n at least HEARD: [B, SEEN, BINS]."""
    return first_second(
        torch.tensor(np.stack([knot_levels(fitted(s[:HEARD])) for s in sounds]), dtype=torch.float32)
    )


def train_ear(pack: Pack, out: Path, minutes: float = MINUTES, seed: int = 0, resume: bool = True) -> NoteEar:
    """Teach an ear the families of the training notes."""

    def objective(net: nn.Module, places: np.ndarray, learning: bool) -> Tensor:
        levels, pitch, family, _ = pack.batch(places)
        logits = net.train(learning)(first_second(levels), pitch)
        return nn.functional.cross_entropy(logits, family.argmax(1))

    torch.manual_seed(seed)
    net = school(NoteEar(), Lesson(objective, pack.train, pack.val), out, minutes, seed, resume).eval()
    assert isinstance(net, NoteEar)
    return net
