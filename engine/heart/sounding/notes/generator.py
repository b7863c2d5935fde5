"""The conditional generator of notes: noise, pitch and family to latents of the autoencoder, which makes the sound.

A GAN in the decoder's latent space: it need not learn what the decoder knows, is in tune by construction, and its
notes can be turned by the same faders.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from heart.cards import Model, find_model
from heart.errors import FileError, UsageError
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.model import NoteVoice, Said, load_weights
from heart.sounding.notes.net import PITCH_FEATURES, pitch_features

NOISE = 16
WIDTH = 128


class Generator(nn.Module):
    """Noise [B, 16], pitch [B], family [B, 6] -> latents [B, L]."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            *(nn.Linear(NOISE + PITCH_FEATURES + len(FAMILIES), WIDTH), nn.LeakyReLU(0.2)),
            *(nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2)),
            nn.Linear(WIDTH, latents),
        )

    def forward(self, noise: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
        return self.net(torch.cat([noise, pitch_features(pitch), family], 1))


class NoteMaker:
    """A generator with its weights, and the autoencoder whose decoder it plays."""

    def __init__(self, model: Model) -> None:
        self.name, self.card = model.name, model.card
        decoder = find_model(str(model.card.get("decoder", "")))
        if decoder.card["sha256"] != model.card.get("decoder_sha256"):
            raise FileError(
                f"{model.path / 'card.toml'}: made for another {decoder.name}; train it again with "
                f"`heart train {model.name}`"
            )
        self.voice = NoteVoice(decoder)
        self.net = Generator(self.voice.latents)
        load_weights(self.net, model.weights)

    def latents(self, said: Said, seed: int = 0) -> np.ndarray:
        """Latents [L] of note `seed` of this pitch and family. Raises UsageError without a family."""
        said.check()
        if said.family is None:
            raise UsageError(f"{self.name} needs a family: --family with one of {', '.join(FAMILIES)}")
        pitch, family, _ = said.tensors()
        noise = torch.randn(1, NOISE, generator=torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            return self.net(noise, pitch, family)[0].numpy()

    def make(self, said: Said, seed: int = 0) -> np.ndarray:
        """A note as sound: float32 [SAMPLES]; arguments as of `latents`."""
        return self.voice.decode(self.latents(said, seed), said)


def open_maker(name: str) -> NoteMaker:
    """The generator called `name`. Raises UsageError where it is none, FileError where it is damaged."""
    model = find_model(name)
    if model.card["kind"] != "notes-gan":
        raise UsageError(f"{name} is no generator of notes; `heart models` lists what is")
    return NoteMaker(model)
