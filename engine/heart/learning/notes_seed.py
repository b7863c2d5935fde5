"""The plain nets that ours are measured against: an autoencoder by mean square error, a GAN by cross-entropy.

Both work on 128 x 128 x 2 spectrograms (log magnitude and phase of the first second, `spectra.small`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from heart.learning.notes_data import Note
from heart.learning.notes_pack import Pack
from heart.learning.notes_school import Lesson, school
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.net import pitch_features
from heart.sounding.notes.spectra import small, small_back

NOISE = 64
ROUNDS = 32
"""Of Griffin-Lim, where a magnitude's own phases sound worse."""
FEATURES = 8 + len(FAMILIES)


class PlainAutoencoder(nn.Module):
    """Grids [B, 2, 128, 128] through so many latents and back; no conditions."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*_down((2, 16, 32, 64, 64)), nn.Flatten(), nn.Linear(64 * 64, latents))
        self.decoder = nn.Sequential(
            nn.Linear(latents, 64 * 64), nn.Unflatten(1, (64, 8, 8)), *_up((64, 64, 32, 16))
        )

    def forward(self, grid: Tensor) -> Tensor:
        return self.decoder(self.encoder(grid))


class PlainGenerator(nn.Module):
    """Noise [B, 64], pitch [B] and family [B, 6] -> grids [B, 2, 128, 128]."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(NOISE + FEATURES, 64 * 64), nn.Unflatten(1, (64, 8, 8)), *_up((64, 64, 32, 16)), nn.Tanh()
        )

    def forward(self, noise: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
        return self.net(torch.cat([noise, pitch_features(pitch), family], 1))


class PlainCritic(nn.Module):
    """A grid, its pitch and its family -> logit [B] of being real."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(*_down((2, 16, 32, 64, 64), nn.LeakyReLU(0.2)), nn.Flatten())
        self.judge = nn.Linear(64 * 64 + FEATURES, 1)

    def forward(self, grid: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
        return self.judge(torch.cat([self.look(grid), pitch_features(pitch), family], 1))[:, 0]


def _down(widths: Sequence[int], bend: nn.Module | None = None) -> list[nn.Module]:
    steps: list[nn.Module] = []
    for before, after in pairwise(widths):
        steps += [nn.Conv2d(before, after, 4, 2, 1), bend or nn.ReLU()]
    return steps


def _up(widths: Sequence[int]) -> list[nn.Module]:
    steps: list[nn.Module] = []
    for before, after in pairwise(widths):
        steps += [nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
    return [*steps, nn.ReLU(), nn.ConvTranspose2d(widths[-1], 2, 4, 2, 1)]


def pack_grids(notes: Sequence[Note], folder: Path) -> np.ndarray:
    """Grids of notes: float16 [N, 2, 128, 128], kept in folder/grids.npy beside the pack they belong to."""
    file = folder / "grids.npy"
    if not (file.is_file() and len(np.load(file, mmap_mode="r")) == len(notes)):
        np.save(file, np.stack([small(note.sound()).astype(np.float16) for note in notes]))
    return np.load(file, mmap_mode="r")


def train_plain_ae(
    pack: Pack, grids: np.ndarray, out: Path, minutes: float, seed: int, resume: bool, latents: int = 16
) -> PlainAutoencoder:
    """By the mean square error of the grids, by the very school of `notes_ae`."""

    def objective(net: nn.Module, places: np.ndarray, learning: bool) -> Tensor:
        grid = torch.from_numpy(grids[places].astype(np.float32))
        return (net(grid) - grid).square().mean()

    torch.manual_seed(seed)
    lesson = Lesson(objective, pack.train, pack.val)
    net = school(PlainAutoencoder(latents), lesson, out, minutes, seed, resume)
    assert isinstance(net, PlainAutoencoder)
    return net


def plain_back(grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sound of a grid by the phases it has, and by those that Griffin-Lim finds: both [16384]."""
    return small_back(grid), small_back(grid, ROUNDS)
