"""An S1 told at once: with a rhythm known, an S1 is expected, and its first 20 to 60 ms confirm it.

The beat net needs 130 ms of sound behind a moment and the decoder some more before they are sure of it. A
performer cannot wait for that. So a small net looks at the newest 150 ms of band energies, at what the beat net
said last, and at how far the expected S1 is away, and says how likely it is that one began just now, and how long
ago.
Trained by `learning.ear_onset` on hand-annotated recordings, on what the live ear itself knew at each moment.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from heart.cards import find_model
from heart.errors import FileError, HeartError
from heart.listening import features

log = logging.getLogger(__name__)

MODEL = "ear-onset"
FRAMES = 14
"""Frames that are looked at: with half a window, 155 ms."""
ANSWERS = 4
"""Newest answers of the beat net that are looked at."""
CENTRES_S = np.array([-0.3, -0.2, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18, 0.25, 0.35], np.float32)
WIDTH_S = 0.05
"""Time to the expected S1 is shown as nearness to these moments."""
INPUTS = FRAMES * features.BANDS + 4 * ANSWERS + len(CENTRES_S) + 4
OUTPUTS = 2
AGE_SCALE_S = 0.1
"""The second output is the age of the onset in this unit."""
REST = 0.6
"""Share of the expected interval in which no second S1 is told."""


@dataclass(frozen=True)
class OnsetWeights:
    """first, second, last: (weight [out, in], bias [out]) of three dense layers; sure: chance from which an onset
    is told."""

    first: tuple[np.ndarray, np.ndarray]
    second: tuple[np.ndarray, np.ndarray]
    last: tuple[np.ndarray, np.ndarray]
    sure: float

    def run(self, row: np.ndarray) -> tuple[float, float]:
        """Chance, 0..1, that an S1 began just now, and its age in s, from float32 [INPUTS]."""
        x = np.maximum(self.first[0] @ row + self.first[1], 0)
        x = np.maximum(self.second[0] @ x + self.second[1], 0)
        logit, age = self.last[0] @ x + self.last[1]
        return float(0.5 + 0.5 * np.tanh(0.5 * logit)), float(age) * AGE_SCALE_S


@dataclass(frozen=True)
class Expected:
    """What the ear expects: an S1 at s1_s, others every period_s before and after; trust: 0..1, in that."""

    s1_s: float
    period_s: float
    trust: float

    def away_s(self, now_s: float) -> float:
        """Time since (or, negative, until) the expected S1 that is nearest to now_s."""
        phase = (now_s - self.s1_s) / self.period_s
        return (phase - round(phase)) * self.period_s


class OnsetWatch:
    """Watches for the next S1, step by step. Without weights it never sees one."""

    def __init__(self, weights: OnsetWeights | None) -> None:
        self._weights = weights
        self._frames: deque[np.ndarray] = deque(maxlen=FRAMES)
        self._answers: deque[np.ndarray] = deque(maxlen=ANSWERS)

    def push(self, frames: np.ndarray, answer: np.ndarray) -> None:
        """The newest step: frames float32 [STEP, BANDS], normalised, and the beat net's chances [4]."""
        self._frames.extend(frames)
        self._answers.append(answer)

    def row(self, now_s: float, expected: Expected) -> np.ndarray | None:
        """What the net is shown, float32 [INPUTS]; None in the first 150 ms."""
        if len(self._frames) < FRAMES or len(self._answers) < ANSWERS:
            return None
        away_s = expected.away_s(now_s)
        turn = 2 * np.pi * away_s / expected.period_s
        near = np.exp(-(((away_s - CENTRES_S) / WIDTH_S) ** 2))
        rest = (np.cos(turn), np.sin(turn), expected.period_s, expected.trust)
        return np.concatenate([*self._frames, *self._answers, near, rest]).astype(np.float32)

    def look(self, now_s: float, expected: Expected, told_s: float) -> float | None:
        """When an S1 began, if one just did; told_s: the last one told. None otherwise."""
        if self._weights is None or (row := self.row(now_s, expected)) is None:
            return None
        chance, age_s = self._weights.run(row)
        s1_s = now_s - age_s
        return s1_s if chance >= self._weights.sure and s1_s - told_s > REST * expected.period_s else None


def split(arrays: dict[str, np.ndarray]) -> OnsetWeights:
    """Sort the arrays of a weights file. Raises FileError where they are not those of this net."""
    try:
        layers = [(arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in ("first", "second", "last")]
        sure = float(arrays["sure"].reshape(-1)[0])
    except (KeyError, IndexError) as error:
        raise FileError(f"{MODEL}: its weights lack {error}; fetch the model again") from None
    if layers[0][0].shape[1] != INPUTS or layers[2][0].shape[0] != OUTPUTS:
        raise FileError(f"{MODEL}: its weights are of another shape; train it again")
    first, second, last = ((w.astype(np.float32), b.astype(np.float32)) for w, b in layers)
    return OnsetWeights(first, second, last, sure)


@lru_cache(maxsize=2)
def load_onset(name: str = MODEL) -> OnsetWeights:
    """Read the weights, once. Raises UsageError for an unknown name, FileError for damaged files."""
    from safetensors.numpy import load_file

    path = find_model(name).weights
    try:
        return split(load_file(path))
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"{path}: cannot be read as weights ({error}); fetch the model again") from None


def onset_or_none() -> OnsetWeights | None:
    """The shipped weights; None, with a line in the log, where they cannot be had: beats are then told later."""
    try:
        return load_onset()
    except HeartError as error:
        log.warning("beats are told late, when they are certain: %s", error)
        return None
