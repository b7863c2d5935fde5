"""The cycle of a clip of a few beats: the S1-systole-S2-diastole cycle that explains the net's output best when it
is folded at the clip's period, and the states of the whole clip with lengths near that cycle's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.listening import features
from heart.listening.decoder import Decoder, Durations, Segment

NARROW = np.array([0.15, 0.10, 0.15, 0.10])
"""Spread of the logarithm of each state's length among the beats of one clip."""
NEAR_STEPS = 3
DRIFT_STEPS = 4
FIRMNESS = 3.0
"""A beat may lie 80 ms from where the cycle puts it; beyond that, every step costs this much log likelihood."""


@dataclass(frozen=True)
class Cycle:
    """A heart cycle found on a fold: lengths of S1, systole, S2, diastole in steps, the phase (in steps after the
    clip's start) at which S1 begins, and how well it explains the net's output."""

    lengths: tuple[int, int, int, int]
    phase: int
    score: float

    def starts_with_s1(self, first_step: int) -> bool | None:
        """Is the sound at first_step a first sound (True), a second one (False), or neither (None)?"""
        period = sum(self.lengths)
        for answer, begins in ((True, self.phase), (False, self.phase + self.lengths[0] + self.lengths[1])):
            if (begins - first_step + NEAR_STEPS) % period <= 2 * NEAR_STEPS:
                return answer
        return None


def period_steps(bels: np.ndarray, beats: int) -> int:
    """Period of a clip of about `beats` beats, in steps: the lag at which its bands agree best with themselves."""
    steps = len(bels) // features.STEP
    x = features.normalise(10**bels)[: steps * features.STEP].reshape(steps, -1)
    lags = range(max(int(steps / (beats + 0.7)), 12), min(int(steps / (beats - 0.75)), steps - 10))

    def agreement(lag: int) -> float:
        a, b = x[lag:].ravel(), x[:-lag].ravel()
        return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-9))

    return max(lags, key=agreement)


def fold(emission: np.ndarray, period: int) -> np.ndarray:
    """Sum of the cycles of an emission [steps, 4], scaled to as many cycles as there are: [period, 4]."""
    total, count = np.zeros((period, 4)), np.zeros((period, 1))
    for start in range(0, len(emission), period):
        piece = emission[start : start + period]
        total[: len(piece)] += piece
        count[: len(piece)] += 1
    return total / np.maximum(count, 1) * (len(emission) / period)


def first_sound(level: np.ndarray) -> int:
    """Step of the first loud moment in the first 0.3 s of a clip's level [steps]; 0 where all is quiet."""
    loud = np.nonzero(level[:15] > -0.7)[0]
    return int(loud[0]) if len(loud) else 0


def best_cycles(folded: np.ndarray, first_step: int) -> dict[bool, Cycle]:
    """The best cycle for each answer to "is the clip's first sound, at first_step, an S1?"."""
    period = len(folded)
    log_p = Durations.at(period / features.STEPS_PER_S).log_p
    sums = np.concatenate([np.zeros((1, 4)), np.cumsum(np.concatenate([folded, folded]), 0)])
    found: dict[bool, Cycle] = {}
    phases = np.arange(period)
    near = np.arange(first_step - NEAR_STEPS, first_step + NEAR_STEPS + 1)
    for a in range(3, 10):
        for b in range(3, 24):
            for c in range(2, 9):
                d = period - a - b - c
                if d < 3 or d >= log_p.shape[1]:
                    continue
                prior = 3 * (log_p[0, a - 1] + log_p[1, b - 1] + log_p[2, c - 1] + log_p[3, d - 1])
                edges = np.cumsum([0, a, b, c, d])
                score = np.full(period, prior)
                for state in range(4):
                    score += sums[phases + edges[state + 1], state] - sums[phases + edges[state], state]
                ways = (near % period, (near - a - b) % period)
                for phase in [way[score[way].argmax()] for way in ways]:
                    cycle = Cycle((a, b, c, d), int(phase), float(score[phase]))
                    answer = cycle.starts_with_s1(first_step)
                    if answer is not None and (answer not in found or found[answer].score < cycle.score):
                        found[answer] = cycle
    return found


def place(emission: np.ndarray, cycle: Cycle) -> list[Segment]:
    """States of the whole clip, with lengths near the cycle's and the cycle's first state."""
    decoder = Decoder(Durations.around(np.array(cycle.lengths) / features.STEPS_PER_S, NARROW))
    states = np.repeat(np.arange(4), cycle.lengths)
    here = np.arange(len(emission))[:, None] + np.arange(-DRIFT_STEPS, DRIFT_STEPS + 1)
    hint = np.full((len(emission), 4), -FIRMNESS)
    np.put_along_axis(hint, states[(here - cycle.phase) % len(states)], 0.0, axis=1)
    for row in emission + hint:
        decoder.push(row)
    return decoder.path()
