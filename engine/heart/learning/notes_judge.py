"""How near notes are: log-spectral distance, cents, and the distance of two heaps of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heart.sounding.notes.pitch import find_pitch
from heart.sounding.notes.spectra import FLOOR_DB, stft

AUDIBLE_DB = -60.0
"""Frames whose loudest bin lies lower under the note's are silence."""


def log_spectral_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Between two sounds [n] in dB, at equal energy: root mean square over bins, mean over audible frames.

    What lies 80 dB under the loudest point of `theirs` counts as nothing.
    """
    samples = min(len(ours), len(theirs))
    a, b = (np.abs(stft(_even(sound[:samples]))) ** 2 for sound in (ours, theirs))
    top = b.max()
    mine, other = (np.maximum(10 * np.log10(power / top + 1e-12), FLOOR_DB) for power in (a, b))
    heard = other.max(1) > AUDIBLE_DB
    return float(np.sqrt(np.square(mine - other)[heard].mean(1)).mean())


def _even(sound: np.ndarray) -> np.ndarray:
    return sound / max(float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))), 1e-9)


def cents(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How far apart two notes are in pitch, as both are heard; nan where one has none."""
    return abs(find_pitch(ours) - find_pitch(theirs)) * 100


def share_within(distances: Sequence[float] | np.ndarray, limit: float) -> float:
    """Share of distances at most `limit`; what is no number counts as missed."""
    return float((np.nan_to_num(np.asarray(distances), nan=np.inf) <= limit).mean())
