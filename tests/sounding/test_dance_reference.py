"""The real maestro-150k against figures that were published for it, where its weights are among the models."""

from __future__ import annotations

import warnings

import torch

from heart.config import models_dir
from heart.sounding.dance.model import Dance


def test_maestro_answers_a_sine_as_published():
    folder = models_dir() / "maestro-150k"
    if not (folder / "card.toml").is_file():
        warnings.warn(f"the reference of maestro-150k was not measured: {folder} is not here", stacklevel=1)
        return
    sine = torch.sin(torch.arange(65_536.0))[None, None].repeat(1, 2, 1)
    answer = Dance(folder, device="cpu").denoiser()(sine, 1.0).abs()
    assert abs(float(answer.sum()) - 224.0896) < 0.5
    assert abs(float(answer.max()) - 0.0607) < 4e-4
