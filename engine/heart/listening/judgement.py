"""What the classifiers make of a sound: scene, valve, condition, and whether it is a heart at all.

Each is a model of its own (`classifier`); one that is not there is left out, and the answer says null. What only
makes sense of a heart is not asked of anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from heart.errors import HeartError
from heart.listening.classifier import Classifier, Verdict, load_classifier

log = logging.getLogger(__name__)

JUDGES = {"scene": "ear-scene", "valve": "ear-valve", "condition": "ear-condition"}
"""Words of an answer, and the model behind each."""
GATE = "ear-gate"
HEART = "heart"
"""The gate's label for what it lets in."""
OF_HEARTS = ("valve", "condition")
"""Questions that only a heart can answer; a scene may also be an artifact."""
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


def load_bench() -> Bench:
    """All classifiers whose models are here and whole; the log names those that are not."""
    judges = {name: judge for name, model in JUDGES.items() if (judge := _load(model)) is not None}
    return Bench(judges, _load(GATE))


def _load(model: str) -> Classifier | None:
    try:
        judge = load_classifier(model)
        _ = judge.session  # a damaged graph shows now, not in the middle of a folder
        return judge
    except HeartError as error:
        log.warning("%s stays silent: %s", model, error)
        return None
