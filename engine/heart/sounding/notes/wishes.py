"""What goes to the worker that decodes notes, and what comes back. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NoteWish:
    """A note to be made. z: latents, held back softly beyond 3; pitch: MIDI; velocity: 1..127."""

    number: int
    z: tuple[float, ...]
    pitch: float
    velocity: int


@dataclass(frozen=True)
class NoteSound:
    """The note of wish `number`: float32 [n] at SAMPLE_RATE_HZ."""

    number: int
    sound: np.ndarray
