"""What a score plays with: its sounds and beats, read before the first one sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import shown
from heart.errors import FileError, HeartError
from heart.namespace import check
from heart.sounding.registry import labels_of
from heart.sounding.track import Track
from heart.stage.loading import read_beats, read_loop
from heart.stage.performance import Performance
from heart.stage.score import Event, Score


@dataclass
class Material:
    """By name: loops for vary and morph (float32 [n], see `sounding.sources.looped`), and beats."""

    loops: dict[str, np.ndarray] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)


def gather(score: Score, folder: Path | None) -> Material:
    """Read what a score names from the one folder. Raises FileError with the line of what cannot be read."""
    loops = {name: _read(score, line, read_loop, folder, name) for name, line in score.sounds().items()}
    tracks = {name: _read(score, line, read_beats, folder, name) for name, line in score.tracks().items()}
    return Material(loops, tracks)


def _read(score: Score, line: int, read: Callable[..., Any], folder: Path | None, name: str) -> Any:
    try:
        return read(folder, name)
    except HeartError as error:
        where = f" (looked in {shown(folder)})" if folder else ""
        raise FileError(f"{shown(score.path)}: line {line}: {error}{where}") from None


def rehearse(score: Score, voice: str, track: Track | None = None) -> None:
    """Find what this voice, and so many of it, cannot perform: all messages, in order, before anything sounds.

    Raises FileError with the line.
    """
    dry = Performance(labels=labels_of(voice), voices=score.voices, track=track)
    for event in score.events():
        try:
            perform_dry(dry, event)
        except HeartError as error:
            raise FileError(f"{shown(score.path)}: line {event.line}: {error}") from None


def perform_dry(dry: Performance, event: Event) -> None:
    """One event, without its sound. Raises HeartError."""
    if event.address == "/heart/beats/load":
        dry.track = Track((800.0, 800.0), loop=True)
    elif event.address != "/heart/sound/load":
        dry.message(event.address, check(event.address, event.args), None)
