"""Training of the notes' autoencoder: log spectra at two resolutions, latents that tell how a note was played."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from heart.learning.notes_pack import PLAYED, Pack, open_pack
from heart.learning.notes_school import Lesson, school
from heart.sounding.notes.net import Autoencoder
from heart.sounding.notes.spectra import FLOOR_DB

SIZES = (16, 32, 64, 128)
MINUTES = 5.0
UNNAMED = 0.5
"""Share of notes whose family is not told: sounds that come in from outside have none."""
BLUR = 0.1
"""Noise on the latents, so that near latents sound alike."""
COARSE, TOLD, SMALL = 0.5, 0.02, 1e-3
"""Weights of the spectrum in wide bands, of how the note was played, and of the latents' own size."""
APART = 20.0
"""Weight of what latents and pitch have in common: conditioning makes it needless, this makes it rare."""
BANDS = 24


def train_ae(
    data: Path | None, out: Path, minutes: float = MINUTES, seed: int = 0, resume: bool = True, latents: int = 16
) -> Path:
    """Train an autoencoder of so many latents; returns its model folder, out/model.

    data: as of `gather_notes`. minutes: of CPU time.
    """
    from heart.learning.notes_card import publish_ae

    torch.set_num_threads(1)
    pack = open_pack(data, out.parent)
    net = train_on(pack, out, minutes, seed, resume, latents)
    return publish_ae(net, pack, out, seed, data)


def train_on(pack: Pack, out: Path, minutes: float, seed: int, resume: bool, latents: int) -> Autoencoder:
    """The net itself, its latents not yet turned."""
    torch.manual_seed(seed)
    net = Autoencoder(latents, PLAYED)
    lesson = Lesson(partial(objective, pack), pack.train, pack.val)
    trained = school(net, lesson, out, minutes, seed, resume)
    assert isinstance(trained, Autoencoder)
    return trained


train_16, train_32, train_64, train_128 = (partial(train_ae, latents=size) for size in SIZES)


def objective(pack: Pack, net: nn.Module, places: np.ndarray, learning: bool) -> Tensor:
    """Distance in dB of decoded from given log power, and of what the latents tell from how the note was played."""
    assert isinstance(net, Autoencoder)
    levels, pitch, family, played = pack.batch(places)
    if learning:
        family = family * (torch.rand(len(places), 1) > UNNAMED)
    z = net.encode(levels, pitch)
    blurred = z + BLUR * torch.randn_like(z) if learning else z
    power = net.sources.power(net.decoder(blurred, pitch, family), pitch)
    error = (in_db(power) - levels).abs()
    coarse = (in_db(_banded(power)) - in_db(_banded(torch.pow(10, levels / 10)))).abs()
    loss = error.mean() + 0.1 * error.square().mean(-1).add(1e-3).sqrt().mean() + COARSE * coarse.mean()
    if not learning:
        return loss
    known = played.isfinite()
    missed = torch.where(known, net.tell(z) - played.nan_to_num(), 0).square().sum() / known.sum().clamp(min=1)
    apart = APART * correlation(z, pitch).square().mean()
    return loss + TOLD * -FLOOR_DB * missed + SMALL * z.square().mean() + apart


def correlation(z: Tensor, with_: Tensor) -> Tensor:
    """Of each latent [B, L] with a number [B], within the batch: [L]."""
    moved, other = z - z.mean(0), with_ - with_.mean()
    return (moved * other[:, None]).mean(0) / (moved.square().mean(0) * other.square().mean() + 1e-6).sqrt()


def in_db(power: Tensor) -> Tensor:
    """Power in dB, softly held at the floor."""
    return torch.log(power + 10 ** (FLOOR_DB / 10)) * (10 / math.log(10))


def _banded(power: Tensor) -> Tensor:
    """Mean power in BANDS wide bands, wider upward: [B, K, F] -> [B, K, BANDS]."""
    edges = np.unique(np.geomspace(2, power.shape[-1], BANDS + 1).astype(int))
    return torch.stack([power[..., a:b].mean(-1) for a, b in pairwise(edges)], -1)
