"""Upstairs, away from the stage: data, training and evaluation of the models that are shipped."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from heart.config import data_dir
from heart.errors import UsageError

MODELS = {
    "voice-heart": ("heart.learning.voice_train:train_voice", "heart.learning.voice_evaluate:evaluate_voice"),
    "voice-heart-fast": ("heart.learning.voice_distil:distil_voice", "heart.learning.voice_steps:evaluate_steps"),
    "voice-texture": (
        "heart.learning.texture_train:train_texture",
        "heart.learning.texture_evaluate:evaluate_texture",
    ),
    "dance-heart": ("heart.learning.dance_train:train_dance", "heart.learning.dance_judge:evaluate_dance"),
    "notes-ae": ("heart.learning.notes_ae:train_16", "heart.learning.notes_evaluate:evaluate_ae"),
    "notes-ae-64": ("heart.learning.notes_ae:train_64", "heart.learning.notes_evaluate:evaluate_64"),
    "notes-gan": ("heart.learning.notes_gan_train:train_gan", "heart.learning.notes_evaluate:evaluate_gan"),
    "notes-table": ("heart.learning.notes_table:train_table", "heart.learning.notes_table:evaluate_table"),
    "ear-beats": ("heart.learning.ear_card:make_ear", "heart.learning.ear_evaluate:evaluate_ear"),
    "ear-onset": ("heart.learning.ear_onset:train_onset", "heart.learning.ear_onset:evaluate_onset"),
    "ear-rate": (
        "heart.learning.heart_rate:train_heart_rate",
        "heart.learning.heart_rate_evaluate:evaluate_heart_rate",
    ),
    "ear-scene": ("heart.learning.scene:train_scene", "heart.learning.scene:evaluate_scene"),
    "ear-condition": (
        "heart.learning.condition:train_condition",
        "heart.learning.condition:evaluate_condition",
    ),
    "ear-gate": ("heart.learning.gate:train_gate", "heart.learning.gate:evaluate_gate"),
    "ear-valve": ("heart.learning.valve:train_valve", "heart.learning.valve:evaluate_valve"),
}
"""name: what trains it, what measures it."""


def full_name(name: str) -> str:
    """A name of MODELS: `valve` is short for `ear-valve`, `voice` for `voice-heart`.

    Raises UsageError for an unknown name.
    """
    for full in (name, f"ear-{name}", f"{name}-heart"):
        if full in MODELS:
            return full
    raise UsageError(f"no model called {name!r} to train or evaluate; there are {', '.join(MODELS)}")


def data_of(name: str, data: Path | None) -> Path | None:
    """The folder to learn from or to be measured on: of recordings, see `config.data_dir`; of notes, whatever is
    given, as they can be made where there is none. Raises UsageError."""
    if full_name(name).startswith("notes"):
        return data.expanduser() if data else None
    return data_dir(data)


def train_model(
    name: str, data: Path | None, out: Path, own: str | None, resume: bool, given: Mapping[str, Any]
) -> None:
    """Train a model with the data folder, or a voice with a folder of somebody's own sounds.

    Args:
        data: see `config.data_dir`; for the voices also a folder of sound files without a manifest.
        out: gets a folder for the training.
        own: name of the voice that is made from own sounds; None takes the folder's.
        given: `minutes`, `seed` and `start` (a checkpoint), each only where it is given.

    Raises HeartError as the trainings do; UsageError for an unknown name.
    """
    full = full_name(name)
    if "start" in given and full != "dance-heart":
        raise UsageError(f"--from is for dance-heart; {full} begins by itself")
    if full.startswith("voice"):
        from heart.learning.own_voice import is_own, train_own

        if data is not None and is_own(full, data):
            train_own(full, data, out, own, resume=resume, **given)
            return
    if own is not None:
        raise UsageError(f"--name {own}: {full} has its own; a name is for voices of your own sounds")
    trainer(name)(data_of(name, data), out / full, resume=resume, **given)


def trainer(name: str) -> Callable[..., Any]:
    """`train(data_dir, out_dir, minutes=, seed=, resume=)` of a model. Raises UsageError for an unknown name."""
    return _load(name, 0)


def evaluator(name: str) -> Callable[..., dict[str, Any]]:
    """`evaluate(data_dir)` of a model, its figures by name. Raises UsageError for an unknown name."""
    return _load(name, 1)


def _load(name: str, which: int) -> Callable[..., Any]:
    module, _, function = MODELS[full_name(name)][which].partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded
