"""Training of the textures' voice, by the training of every voice (`voice_train`)."""

from __future__ import annotations

from pathlib import Path

from heart.learning.crew import crew
from heart.learning.texture_card import publish_texture
from heart.learning.texture_data import gather_pieces
from heart.learning.texture_loom import SHAPE, Habits, TextureLoom
from heart.learning.voice_train import Material, train_voice

MATERIAL = Material(
    shape=SHAPE,
    band_weights=(1.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.6, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.3, 0.3, 0.3),
    gather=gather_pieces,
    weave=TextureLoom,
    judge=lambda pieces: TextureLoom(pieces, 1, Habits(two_labels=0, drop_label=0, drop_style=0)),
    sizes=((8, 2048), (6, 3072)),
    bank=lambda pieces: [piece for piece in pieces if piece.speed == 1],
)
"""Every band's frames have deviation 1; the weights follow the ear, which hears tones up to 5 kHz best."""


def train_texture(
    data_dir: Path, out_dir: Path, minutes: float = 65.0, seed: int = 0, resume: bool = True, threads: int = 0
) -> Path:
    """Train the textures' voice; arguments and files as of `train_voice`.

    Returns the weights of out_dir/model, which has a card as well and may become models/voice-texture.
    """
    weights = train_voice(data_dir, out_dir, minutes, seed, resume, threads, material=MATERIAL)
    command = f"heart train voice-texture --data DATA --minutes {minutes:g} --seed {seed}"
    if crew().first:
        publish_texture(weights, out_dir / "model", data_dir, training={"command": command, "seed": seed})
    return out_dir / "model" / weights.name
