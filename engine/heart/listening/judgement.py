"""What the classifiers make of a sound: scene, valve, condition, and whether it is a heart at all.

Each is a model of its own (`classifier`); one that is not there is left out, and the answer says null. What only
makes sense of a heart is not asked of anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from heart.errors import FileError, HeartError
from heart.listening.classifier import Classifier, Verdict, load_classifier

log = logging.getLogger(__name__)

JUDGES = {"scene": "ear-scene", "valve": "ear-valve", "condition": "ear-condition"}
"""Words of an answer, and the model behind each."""
GATE = "ear-gate"
HEART = "heart"
"""The gate's label for what it lets in."""
OF_HEARTS = ("valve", "condition")
"""Questions that only a heart can answer; a scene may also be an artifact."""
MODELS = {"gate": GATE, **JUDGES}
"""What is judged, and the model behind each. The gate comes first: it decides whether the others are asked."""
RATE_HZ = 16_000
"""Sound is kept at this rate for the classifiers: the highest of theirs."""
MAX_SECONDS = 600.0
"""Of a longer sound they hear the beginning."""


@dataclass(frozen=True)
class Bench:
    """The classifiers that are here: load with `load_bench`."""

    judges: Mapping[str, Classifier] = field(default_factory=dict)
    gate: Classifier | None = None

    def heart(self, samples: np.ndarray, rate_hz: int) -> float | None:
        """0..1: how sure the gate is that float32 [n] is a heart; None without a gate."""
        return self.gate.judge(samples, rate_hz).probabilities[HEART] if self.gate else None

    def verdicts(self, samples: np.ndarray, rate_hz: int, is_heart: bool) -> dict[str, Verdict | None]:
        """A verdict for each word of JUDGES; None where its model is missing or the question makes no sense."""
        asked = {name: judge for name, judge in self.judges.items() if is_heart or name not in OF_HEARTS}
        return {name: asked[name].judge(samples, rate_hz) if name in asked else None for name in JUDGES}


NOBODY = Bench()
"""Says nothing about anything."""


def both(net: float, gate: float | None) -> float:
    """0..1: how sure two witnesses are of a heart, the beats' net and the gate; the net alone without a gate.

    Their mean: each overlooks hearts that the other knows (faint ones, strange sensors), and is fooled by other
    things (drum loops, water drops).
    """
    return net if gate is None else (net + gate) / 2


def load_bench() -> Bench:
    """All classifiers whose models are here and whole; the log names those that are not."""
    there, off = load_classifiers()
    for what, why in off.items():
        log.warning("%s stays silent: %s", MODELS[what], why)
    return Bench({what: judge for what, judge in there.items() if what in JUDGES}, there.get("gate"))


def load_classifiers() -> tuple[dict[str, Classifier], dict[str, str]]:
    """All classifiers that can run, by what they judge; and why the others cannot."""
    there: dict[str, Classifier] = {}
    off: dict[str, str] = {}
    for what, model in MODELS.items():
        try:
            classifier = load_classifier(model)
            _ = classifier.session
            if what == "gate" and HEART not in classifier.labels:
                raise FileError(f"{model}: has no label {HEART!r}")
            there[what] = classifier
        except HeartError as error:
            off[what] = str(error)
    return there, off
