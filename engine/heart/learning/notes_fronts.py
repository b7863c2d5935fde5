"""Front ends compared: a note there and back, by log-spectral distance and by what its pitch lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heart.learning.notes_data import Note
from heart.learning.notes_judge import cents, log_spectral_distance
from heart.sounding.notes.kinds import SAMPLES
from heart.sounding.notes.spectra import (
    SMALL,
    SMALL_HOP,
    frequencies,
    frequencies_back,
    griffin_lim,
    mel_frequencies,
    mel_frequencies_back,
    small,
    small_back,
    stft,
)

FIRST = SMALL * SMALL_HOP
ROUNDS = 32

FRONTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "128 x 128 x 2": (lambda sound: small_back(small(sound)), FIRST),
    "the same by Griffin-Lim": (lambda sound: small_back(small(sound), ROUNDS), FIRST),
    "magnitude, frequency": (lambda sound: frequencies_back(*frequencies(sound), SAMPLES), SAMPLES),
    "the same on mel": (lambda sound: mel_frequencies_back(*mel_frequencies(sound), SAMPLES), SAMPLES),
    "magnitude, Griffin-Lim": (lambda sound: griffin_lim(np.abs(stft(sound)), SAMPLES, ROUNDS), SAMPLES),
}
"""There and back, and how many samples come back."""


def front_figures(notes: Sequence[Note]) -> dict[str, dict[str, Any]]:
    """For each front end: log-spectral distance and signal to noise in dB, median and 95th percentile of cents."""
    rows = {}
    for name, (there_and_back, samples) in FRONTS.items():
        near, clean, off = [], [], []
        for note in notes:
            sound = note.sound().astype(np.float64)
            back, sound = there_and_back(sound), sound[:samples]
            near.append(log_spectral_distance(back, sound))
            lost = np.square(_like(back, sound) - sound).sum() / np.square(sound).sum()
            clean.append(-10 * np.log10(max(lost, 1e-20)))
            off.append(cents(back, sound))
        rows[name] = {
            "distance_db": round(float(np.mean(near)), 3),
            "snr_db": round(float(np.median(clean)), 1),
            "cents_median": round(float(np.nanmedian(off)), 3),
            "cents_p95": round(float(np.nanpercentile(off, 95)), 2),
        }
    return rows


def _like(back: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """At the level that is nearest: the plain front end forgets it."""
    return back * (back @ sound / max(back @ back, 1e-12))
