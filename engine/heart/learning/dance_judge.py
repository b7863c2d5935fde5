"""How well a Dance Diffusion net trained here does: its loss, the way to noise and back, the spectrum it sings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.signal import welch

from heart.cards import find_model
from heart.learning.dance_data import Crops, Lesson, gather
from heart.learning.dance_train import Judge
from heart.sounding.dance.model import Dance
from heart.sounding.dance.modes import generate
from heart.sounding.dance.recipe import Recipe

SUNG = 16
STEPS = 50
FLOOR_DB = -70.0
"""Below the strongest band nothing counts."""


def evaluate_dance(data_dir: Path, name: str = "dance-heart") -> dict[str, Any]:
    """Figures of the model `name` against the validation recordings. Raises FileError or UsageError without them.

    loss: mean square of v missed, over all times; round_trip_db: sound to noise and back in 50 steps; spectrum_db:
    mean distance of log spectra to validation crops, of what is sung and of training crops.
    """
    dance = Dance(find_model(name).path, device="cpu", threads=1)
    lesson = Lesson(dance.shape, dance.rate_hz, dance.samples)
    train, val = gather(data_dir, lesson), gather(data_dir, lesson, "val")
    ask, recipe = dance.denoiser(), Recipe(steps=STEPS)
    given = Crops(val, lesson, 2).batch(SUNG)
    back = recipe.sing(ask, recipe.invert(ask, given))
    sung = generate(dance, recipe, range(SUNG), dance.samples, lambda: None)
    truth = spectrum(Crops(val, lesson, 3).batch(128).numpy(), dance.rate_hz)
    learnt = spectrum(Crops(train, lesson, 4).batch(128).numpy(), dance.rate_hz)
    figures = {
        "loss": round(Judge(val, lesson, 64)(dance.net), 4),
        "round_trip_db": round(snr_db(given, back), 1),
        "spectrum_db": round(apart(spectrum(sung.numpy(), dance.rate_hz), truth), 1),
        "spectrum_training_db": round(apart(learnt, truth), 1),
    }
    lines = (
        f"loss {figures['loss']}",
        f"sound to noise and back, {STEPS} steps: {figures['round_trip_db']} dB",
        f"spectrum, sung to validation: {figures['spectrum_db']} dB; training to validation: "
        f"{figures['spectrum_training_db']} dB",
    )
    return {**figures, "text": "\n".join(lines)}


def snr_db(sound: torch.Tensor, near: torch.Tensor) -> float:
    """Energy of a sound over that of what another misses."""
    return 10 * math.log10(float(sound.square().sum() / (near - sound).square().sum()))


def spectrum(sounds: np.ndarray, rate_hz: int) -> np.ndarray:
    """The mean spectrum of sounds [B, C, n], in dB of its strongest band: [bands]."""
    _, power = welch(sounds, rate_hz, nperseg=256)
    mean = power.mean((0, 1))
    return np.maximum(10 * np.log10(mean / mean.max() + 1e-12), FLOOR_DB)


def apart(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """Mean distance of two spectra in dB."""
    return float(np.abs(np.subtract(one, other)).mean())
