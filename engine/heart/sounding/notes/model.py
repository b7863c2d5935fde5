"""The notes' voice: latents or a sound in, a note out. Offline and in workers; it needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from heart.cards import Model, find_model
from heart.errors import FileError, UsageError
from heart.sounding.notes.kinds import FAMILIES, HIGHEST, LOWEST, SAMPLES, check_pitch, family_number
from heart.sounding.notes.net import VIBRATO_RATE_HZ, Autoencoder
from heart.sounding.notes.pitch import find_pitch
from heart.sounding.notes.spectra import knot_levels

REACH = 3.0
"""Latents have mean 0 and deviation 1 among the notes learned from; beyond this they are held back softly."""
LOUDEST = 0.89
"""-1 dBFS."""


@dataclass(frozen=True)
class Said:
    """What makes a note besides its latents. family: None where it is none; vibrato in cents."""

    pitch: float = 60.0
    family: str | None = None
    velocity: int = 100
    vibrato_cents: float = 0.0

    def check(self) -> None:
        """Raises UsageError for what no note can be."""
        check_pitch(self.pitch)
        if self.family is not None:
            family_number(self.family)
        if not 1 <= self.velocity <= 127:
            raise UsageError(f"velocity {self.velocity}: must lie between 1 and 127")

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """pitch [1], family [1, 6], vibrato [1, 2], as the net wants them."""
        family = torch.zeros(1, len(FAMILIES))
        if self.family is not None:
            family[0, family_number(self.family)] = 1
        return torch.tensor([self.pitch]), family, torch.tensor([[self.vibrato_cents, VIBRATO_RATE_HZ]])


class NoteVoice:
    """An autoencoder of notes with its weights.

    Attributes:
        latents: how many; faders: what each of the first does, as far as that was found.
    """

    def __init__(self, model: Model) -> None:
        self.name, self.card = model.name, model.card
        try:
            self.latents = int(model.card["latents"])
            told = [str(word) for word in model.card["told"]]
        except (KeyError, TypeError, ValueError):
            raise FileError(f"{model.path / 'card.toml'}: says no latents, or not what they tell") from None
        self.faders = [str(word) for word in model.card.get("faders", ())]
        self.net = Autoencoder(self.latents, told)
        load_weights(self.net, model.weights)

    def decode(self, z: Sequence[float] | np.ndarray, said: Said) -> np.ndarray:
        """A note [SAMPLES], float32, its peak by velocity. z: [L], held back by `soften`. Raises UsageError."""
        said.check()
        values = torch.as_tensor(soften(self.check(z))[0], dtype=torch.float32)[None]
        with torch.inference_mode():
            sound = self.net(values, *said.tensors())[0].numpy()
        return at_level(sound, said.velocity)

    def encode(self, sound: np.ndarray, pitch: float | None = None) -> tuple[np.ndarray, float]:
        """Latents [L] of a sound [n] at 16 kHz, and its pitch: as given, or as heard, 60 where none is."""
        if pitch is None:
            heard = find_pitch(sound)
            pitch = 60.0 if np.isnan(heard) else float(np.clip(heard, LOWEST, HIGHEST))
        levels = knot_levels(np.pad(sound[:SAMPLES], (0, max(0, SAMPLES - len(sound)))))
        with torch.inference_mode():
            z = self.net.encode(torch.tensor(levels[None], dtype=torch.float32), torch.tensor([pitch]))
        return z[0].numpy(), float(pitch)

    def check(self, z: Sequence[float] | np.ndarray) -> np.ndarray:
        """z as [L], what is not given 0. Raises UsageError for too many or what is no number."""
        values = np.asarray(z, np.float32).reshape(-1)
        if len(values) > self.latents:
            raise UsageError(f"{len(values)} latents: {self.name} has {self.latents}")
        if not np.isfinite(values).all():
            raise UsageError("latents must be finite numbers")
        return np.pad(values, (0, self.latents - len(values)))


def soften(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents as they are within +-REACH, beyond bent so that they never pass REACH + 1; and which were bent."""
    beyond = np.maximum(np.abs(z) - REACH, 0)
    return (np.sign(z) * (np.abs(z) - beyond + np.tanh(beyond))).astype(np.float32), beyond > 0


def at_level(sound: np.ndarray, velocity: int) -> np.ndarray:
    """A note with the peak of its velocity, LOUDEST at 127; silence stays silence."""
    sound = np.nan_to_num(sound)
    peak = float(np.abs(sound).max(initial=0))
    return (sound * (LOUDEST * (velocity / 127) ** 1.2 / max(peak, 1e-6))).astype(np.float32)


def open_notes(name: str) -> NoteVoice:
    """The autoencoder called `name`. Raises UsageError where it is none, FileError where it is damaged."""
    model = find_model(name)
    if model.card["kind"] != "notes":
        raise UsageError(f"{name} is no autoencoder of notes; `heart models` lists what is")
    return NoteVoice(model)


def save_weights(net: torch.nn.Module, path: Path) -> Path:
    """All weights as float16, which costs no figure (see the card)."""
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, path)
    return path


def load_weights(net: torch.nn.Module, path: Path) -> None:
    """Raises FileError where the file is not this net's."""
    try:
        net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (RuntimeError, KeyError) as error:
        raise FileError(f"{path}: not the weights of this net ({str(error).splitlines()[0]})") from None
    net.eval().requires_grad_(False)
