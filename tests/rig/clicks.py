"""What counts as a click: samples that bend more than four times as much as the clean signal ever does."""

from __future__ import annotations

import numpy as np

TIMES = 4.0
APART = 64
"""Frames; what lies nearer belongs to the same click."""


def clicks(sound: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Where `sound` [n] clicks, measured by `clean` [m] without clicks: the first frame of each, int [k]."""
    worst = float(np.abs(np.diff(clean.astype(np.float64), 2)).max())
    bends = np.flatnonzero(np.abs(np.diff(sound.astype(np.float64), 2)) > TIMES * worst)
    return bends[np.diff(bends, prepend=-APART - 1) > APART] if len(bends) else bends
