"""The ear's weights: one safetensors file with both nets and the trust of each, proven by its card."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from heart.cards import find_model
from heart.errors import FileError
from heart.listening import variability

MODEL = "ear-beats"
FILE_NETS = ("file", "recurrent")
"""Nets that read both ways: one of convolutions and a recurrent one, which err in different places."""


@dataclass(frozen=True)
class EarWeights:
    """file: the nets that read both ways and are heard together, at least one; live: the forward net; each by
    torch's names, float32.

    file_trust, live_trust: float32 [features + 1], logistic weights with the bias last (`rate.Evidence.row`);
    hrv_trust: the same for `variability.Evidence.row`.
    """

    file: tuple[dict[str, np.ndarray], ...]
    live: dict[str, np.ndarray]
    file_trust: np.ndarray
    live_trust: np.ndarray
    hrv_trust: np.ndarray = field(default_factory=variability.WEIGHTS.copy)


def split(arrays: dict[str, np.ndarray]) -> EarWeights:
    """Sort the arrays of a weights file ("file.stem.weight", ..., "trust.live") into their nets."""

    def part(prefix: str) -> dict[str, np.ndarray]:
        return {
            name[len(prefix) :]: np.asarray(value, np.float32)
            for name, value in arrays.items()
            if name.startswith(prefix)
        }

    try:
        hrv_trust = np.asarray(arrays.get("trust.hrv", variability.WEIGHTS), np.float32)
        both_ways = tuple(net for name in FILE_NETS if (net := part(f"{name}.")))
        return EarWeights(both_ways, part("live."), arrays["trust.file"], arrays["trust.live"], hrv_trust)
    except KeyError as error:
        raise FileError(f"{MODEL}: its weights lack {error}; fetch the model again") from None


@lru_cache(maxsize=2)
def load_weights(name: str = MODEL) -> EarWeights:
    """Read a model's weights, once. Raises UsageError for an unknown name, FileError for damaged files."""
    from safetensors.numpy import load_file

    path = find_model(name).weights
    try:
        return split(load_file(path))
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"{path}: cannot be read as weights ({error}); fetch the model again") from None
