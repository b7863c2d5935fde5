"""Training of the shipped generator: latents of all notes, the duel over them, the ear that judges it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from heart.cards import find_model
from heart.learning.ear_progress import Telling
from heart.learning.notes_card import publish_gan
from heart.learning.notes_ear import train_ear
from heart.learning.notes_faders import encode_all
from heart.learning.notes_gan import fight, latent_duel
from heart.learning.notes_pack import gather_notes, pack_notes
from heart.sounding.notes.generator import Generator
from heart.sounding.notes.model import open_notes

DECODER = "notes-ae"
MINUTES = 2.0
EAR_MINUTES = 0.5


def train_gan(data: Path | None, out: Path, minutes: float = MINUTES, seed: int = 0, resume: bool = True) -> Path:
    """Train a generator of the latents of DECODER as it lies among the models; returns out/model.

    data: as of `gather_notes`. minutes: of CPU time; the ear takes half a minute more.
    """
    torch.set_num_threads(1)
    with Telling() as tell:
        pack = pack_notes(gather_notes(data, out.parent, tell), out.parent / "pack", tell)
    torch.manual_seed(seed)
    duel = latent_duel(encode_all(open_notes(DECODER).net, pack, np.arange(len(pack.notes))))
    net = fight(duel, pack, out, minutes, seed, resume)
    ear = train_ear(pack, out.parent / "notes-ear", EAR_MINUTES, seed, resume)
    assert isinstance(net, Generator)
    return publish_gan(net, ear, find_model(DECODER), pack, out, seed, data)
