"""The voices by name. Listing them loads nothing; opening one loads what it needs and no more."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from heart.cards import list_models
from heart.config import models_dir
from heart.errors import UsageError
from heart.records import LABELS, MIXTURES, SUNG, UNNAMED, Chunk, Wish

VOICES = {
    "voice": "heart.sounding.duet:Duet",
    "voice-heart": "heart.sounding.voice:Voice",
    "pulse": "heart.sounding.pulse:Pulse",
}
"""name -> "module:Class". A class is called with (folder, threads, sampler, device) and has `sing`, `warm_up`."""

OWN = "heart.sounding.voice:Voice"
"""What sings every voice of own sounds, whatever its card may say."""

MODELS = {"voice": ("voice-heart", "voice-texture"), "voice-heart": ("voice-heart",), "pulse": ()}
"""The model folders of each voice."""
OPTIONAL = "voice-texture"
"""Hearts are sung without it."""


class Singer(Protocol):
    """What every voice can do."""

    name: str

    def sing(self, wish: Wish) -> Chunk:
        """The wished-for frames and OVERLAP more, a function of the wish alone."""
        ...

    def sing_many(self, wishes: Sequence[Wish]) -> list[Chunk]:
        """A chunk for each wish, at once; within 1e-4 of what `sing` gives."""
        ...

    def warm_up(self) -> None:
        """Do once what makes the first wish slow."""
        ...


def list_voices() -> tuple[str, ...]:
    """Names of the voices that are shipped."""
    return tuple(VOICES)


def own_voices() -> tuple[str, ...]:
    """Names of the voices that `heart train` made of somebody's own sounds."""
    return tuple(model.name for model in list_models() if model.card.get("own") and model.name not in VOICES)


def models_of(name: str) -> tuple[str, ...]:
    """The models a voice will read. Raises UsageError when there is no such voice."""
    wanted = MODELS.get(_known(name), (name,))
    return tuple(model for model in wanted if model != OPTIONAL or (models_dir() / model).is_dir())


def labels_of(name: str) -> tuple[str, ...]:
    """The labels a voice can sing with the models that are here: one of own sounds sings them under any label.

    Raises UsageError when there is no such voice.
    """
    models = models_of(name)
    return SUNG if OPTIONAL in models or name not in VOICES else (*LABELS, *MIXTURES, UNNAMED[0])


def _known(name: str) -> str:
    if name not in VOICES and name not in own_voices():
        offline = Path(name).name == name and (models_dir() / name / "card.toml").is_file()
        hint = f" ({name} is a model, but none that sings this)" if offline else ""
        raise UsageError(f"no voice called {name!r}; there are {', '.join((*VOICES, *own_voices()))}{hint}")
    return name


def open_voice(name: str, threads: int = 0, sampler: str = "ddim", device: str = "cpu") -> Singer:
    """Load a voice, its nets on `device` (cpu, cuda, mps, auto).

    Raises:
        UsageError: there is no such voice, sampler or device.
        FileError: its weights are missing or damaged.
    """
    _known(name)
    # Before torch is loaded: threads that spin while they wait steal the cores of sound and sockets.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    module, _, kind = VOICES.get(name, OWN).partition(":")
    singer: Singer = getattr(importlib.import_module(module), kind)(models_dir() / name, threads, sampler, device)
    return singer
