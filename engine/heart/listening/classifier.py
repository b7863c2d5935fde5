"""Classifiers of sound by onnxruntime: windows in, calibrated probabilities out, one verdict for the whole.

A classifier is a folder: model.onnx, labels.txt and card.toml. The front end and the calibration are inside the
graph, so a sound only has to come at the right rate. onnxruntime is loaded with the first window, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from heart.cards import Model, find_model
from heart.errors import FileError
from heart.listening.graph import open_graph

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH = 16
"""Windows judged at once: bounds the memory for a long sound."""
SHORTEST_S = 0.5
"""A sound shorter than this holds no whole beat: no label is put on it."""
POOLINGS = ("mean", "logmean")
PADS = ("zero", "repeat")
TINY = 1e-9


@dataclass(frozen=True)
class Verdict:
    """What a classifier makes of a sound. label: None where it is not sure enough; probabilities: 0..1 for each
    label, in the order of the model, 1 in all."""

    label: str | None
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """Of the most probable label, 0..1, told or not."""
        return max(self.probabilities.values(), default=0.0)


class Classifier:
    """One classifier. Not for two threads at once in its first call; after that it may be shared.

    Attributes: name; labels; rate_hz (of the sound it wants); seconds and hop_s (of its windows); abstain_below
    (probability under which no label is given); pad ("zero" or "repeat"); pooling ("mean" or "logmean").
    """

    def __init__(self, model: Model) -> None:
        """Raises FileError when card, labels or weights are missing, damaged or do not fit together."""
        window, judgement = _table(model, "window"), _table(model, "judgement")
        self.name = model.name
        self.labels = _labels(model)
        self.rate_hz = int(_number(model, model.card, "sample_rate", 500, 192_000))
        self.seconds = _number(model, window, "seconds", 0.05, 60)
        self.hop_s = _number(model, window, "hop_seconds", 0.01, 60)
        self.pad = _choice(model, window, "pad", PADS)
        self.pooling = _choice(model, judgement, "pooling", POOLINGS)
        self.abstain_below = _number(model, judgement, "abstain_below", 0, 1)
        self.frames = round(self.seconds * self.rate_hz)
        """Frames of one window."""
        self._weights = model.weights

    @cached_property
    def session(self) -> InferenceSession:
        """The graph, loaded and tried. Raises FileError when onnxruntime refuses it or it is another shape."""
        session, found = open_graph(self._weights, self.frames)
        shape = found["probabilities"].shape if "probabilities" in found else "no probabilities"
        if shape != (1, len(self.labels)):
            raise FileError(f"{self._weights}: gives {shape} for {len(self.labels)} labels; fetch it again")
        return session

    def windows(self, samples: np.ndarray) -> np.ndarray:
        """Probabilities of each window of one sound.

        samples: float32 [n] at rate_hz; what is not finite counts as silence. Windows begin every hop_s, the last
        one ends with the sound; a sound shorter than a window is filled up. Returns float32 [windows, labels],
        or [0, labels] for n = 0.
        """
        sound = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        if not len(sound):
            return np.zeros((0, len(self.labels)), np.float32)
        sound = self._filled(sound)
        starts = self._starts(len(sound))
        batches = [starts[at : at + BATCH] for at in range(0, len(starts), BATCH)]
        return np.concatenate([self.run(np.stack([sound[s : s + self.frames] for s in b])) for b in batches])

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Probabilities, float32 [B, labels], of whole windows, finite float32 [B, frames]."""
        return np.asarray(self.session.run(["probabilities"], {"audio": windows})[0], np.float32)

    def judge(self, samples: np.ndarray, rate_hz: int) -> Verdict:
        """One verdict for a whole sound: float32 [n] of one channel at rate_hz (any; resampled)."""
        sound = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        if rate_hz != self.rate_hz and len(sound):
            sound = soxr.resample(sound, rate_hz, self.rate_hz)
        verdict = self.pool(self.windows(sound))
        return verdict if len(sound) >= SHORTEST_S * self.rate_hz else Verdict(None, verdict.probabilities)

    def pool(self, windows: np.ndarray) -> Verdict:
        """One verdict from probabilities of windows, [windows, labels]; of none: no label, all alike."""
        if not len(windows):
            return Verdict(None, dict.fromkeys(self.labels, 1 / len(self.labels)))
        pooled = windows.mean(0) if self.pooling == "mean" else np.exp(np.log(windows + TINY).mean(0))
        pooled = pooled / max(float(pooled.sum()), TINY)
        best = int(pooled.argmax())
        label = self.labels[best] if pooled[best] >= self.abstain_below else None
        return Verdict(label, {name: float(p) for name, p in zip(self.labels, pooled, strict=True)})

    def _filled(self, sound: np.ndarray) -> np.ndarray:
        missing = self.frames - len(sound)
        if missing <= 0:
            return sound
        return np.pad(sound, (0, missing), mode="wrap" if self.pad == "repeat" else "constant")

    def _starts(self, frames: int) -> list[int]:
        last = frames - self.frames
        starts = list(range(0, last + 1, max(1, round(self.hop_s * self.rate_hz))))
        return starts if starts[-1] == last else [*starts, last]


def load_classifier(name: str) -> Classifier:
    """The classifier called `name`, checked but for its graph, which is loaded with the first window.

    Raises UsageError when there is none of that name, FileError when its folder is damaged.
    """
    return Classifier(find_model(name))


def _labels(model: Model) -> tuple[str, ...]:
    path = model.path / "labels.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: cannot be read ({error})") from None
    labels = tuple(line.strip() for line in lines if line.strip())
    if not labels or len(set(labels)) < len(labels):
        raise FileError(f"{path}: must hold one label a line, each once")
    return labels


def _table(model: Model, key: str) -> Mapping[str, Any]:
    table = model.card.get(key)
    if not isinstance(table, Mapping):
        raise FileError(f"{model.path / 'card.toml'}: lacks the table [{key}]")
    return table


def _number(model: Model, table: Mapping[str, Any], key: str, low: float, high: float) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise FileError(f"{model.path / 'card.toml'}: {key} must be a number {low:g}..{high:g}, not {value!r}")
    return float(value)


def _choice(model: Model, table: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = table.get(key)
    if value not in choices:
        raise FileError(f"{model.path / 'card.toml'}: {key} must be {' or '.join(choices)}, not {value!r}")
    return str(value)
