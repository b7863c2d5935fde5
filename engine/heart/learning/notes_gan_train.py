"""Training of the shipped generator: latents of all notes, the duel over them, the ear that judges it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from heart.cards import find_model
from heart.learning.notes_ae import in_db
from heart.learning.notes_card import publish_gan
from heart.learning.notes_ear import SEEN, NoteEar, first_second, train_ear
from heart.learning.notes_faders import encode_all
from heart.learning.notes_gan import fight, latent_duel
from heart.learning.notes_pack import open_pack
from heart.sounding.notes.generator import Generator
from heart.sounding.notes.model import open_notes
from heart.sounding.notes.net import Autoencoder

DECODER = "notes-ae"
MINUTES = 3.0
EAR_MINUTES = 0.5
TOLD = 0.1
"""What it costs the generator that its family is not heard, against the critic's word."""


def train_gan(data: Path | None, out: Path, minutes: float = MINUTES, seed: int = 0, resume: bool = True) -> Path:
    """Train a generator of the latents of DECODER as it lies among the models; returns out/model.

    data: as of `gather_notes`. minutes: of CPU time; the two ears, one that teaches it and one that judges it, take
    half a minute each.
    """
    torch.set_num_threads(1)
    pack = open_pack(data, out.parent)
    voice = open_notes(DECODER)
    teacher = train_ear(pack, out.parent / "notes-teacher", EAR_MINUTES, seed + 1, resume)
    torch.manual_seed(seed)
    latents = encode_all(voice.net, pack, np.arange(len(pack.notes)))
    net = fight(latent_duel(latents, partial(tutor, voice.net, teacher)), pack, out, minutes, seed, resume)
    ear = train_ear(pack, out.parent / "notes-ear", EAR_MINUTES, seed, resume)
    assert isinstance(net, Generator)
    return publish_gan(net, ear, find_model(DECODER), pack, out, seed, data)


def tutor(net: Autoencoder, ear: NoteEar, made: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
    """How badly an ear hears the family of decoded latents, through the power that the decoder means."""
    power = net.sources.power(net.decoder(made, pitch, family)[:, :, :SEEN], pitch)
    return TOLD * cross_entropy(ear(first_second(in_db(power)), pitch), family.argmax(1))
