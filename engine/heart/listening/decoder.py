"""From state probabilities to a sequence of heart states that a heart could make.

A hidden semi-Markov model with explicit durations, S1 - systole - S2 - diastole and round again (Schmidt et al.,
Physiol. Meas. 2010; Springer, Tarassenko, Clifford, IEEE TBME 2016), whose emissions are a net's posteriors over
the priors of the states (Renna, Oliveira, Coimbra, IEEE JBHI 2019). The first and the last state may be cut off
by the ends of the sound. Written to be fed step by step: a file is decoded with the code of the live ear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.listening.features import CENTRE_S, STEPS_PER_S

S1, SYSTOLE, S2, DIASTOLE = range(4)
PRIORS = np.array([0.157, 0.221, 0.126, 0.496])
"""Share of time in each state, over the hand-annotated training recordings."""
LONGEST_S = 1.6
"""No state lasts longer: with the other three, 29 beats a minute."""
TRUST_IN_NET = 0.6
"""Exponent of the emissions. Neighbouring steps share their window, so they are not independent witnesses."""
MEDIAN_S = np.array([0.128, 0.177, 0.103, 0.40])
SPREAD = np.array([0.22, 0.36, 0.25, 0.55])
"""Log-normal durations of the states at unknown rate: medians and standard deviations of the logarithm."""
SPREAD_AT_RATE = np.array([0.20, 0.22, 0.22, 0.30])
FIRM = 0.5
"""Where the net is unsure and the rate is known from elsewhere, the spread is this part of it: noise must not bend
the rhythm (S2 of noisy recordings of a site left out of training: F1 0.94 instead of 0.935)."""


@dataclass(frozen=True)
class Durations:
    """log_p, log_longer: float64 [4, D]; chance that a state lasts d = 1..D steps, or d and more."""

    log_p: np.ndarray
    log_longer: np.ndarray

    @classmethod
    def at(cls, rr_s: float | None = None, firm: bool = False) -> Durations:
        """Durations for beats every rr_s seconds, closely if firm, or for any rate.

        The line for S1 plus systole over RR (151 ms + 0.196 RR) was fitted to 19,680 hand-annotated training beats.
        """
        if rr_s is None:
            return cls.around(MEDIAN_S, SPREAD)
        spread = SPREAD_AT_RATE * (FIRM if firm else 1.0)
        sounds_s = MEDIAN_S[[S1, S2]] * min(1.0, 0.75 + 0.4 * rr_s)
        to_s2_s = 0.151 + 0.196 * rr_s
        systole_s = max(to_s2_s - sounds_s[0], 0.06)
        diastole_s = max(rr_s - to_s2_s - sounds_s[1], 0.08)
        return cls.around(np.array([sounds_s[0], systole_s, sounds_s[1], diastole_s]), spread)

    @classmethod
    def around(cls, median_s: np.ndarray, spread: np.ndarray) -> Durations:
        """Log-normal durations: medians in s and spreads of the logarithm, [4] each."""
        length_s = np.arange(1, int(LONGEST_S * STEPS_PER_S) + 1) / STEPS_PER_S
        z = (np.log(length_s) - np.log(median_s)[:, None]) / spread[:, None]
        p = np.exp(-0.5 * z**2) / length_s / spread[:, None] + 1e-12
        p /= p.sum(1, keepdims=True)
        longer = p[:, ::-1].cumsum(1)[:, ::-1]
        return cls(np.log(p), np.log(longer))


@dataclass(frozen=True)
class Segment:
    """One state from step `start` up to, not including, step `end`."""

    state: int
    start: int
    end: int


def emissions(log_posteriors: np.ndarray) -> np.ndarray:
    """Scaled log likelihoods of the states, [..., 4], from log posteriors of a net (Bayes, tempered)."""
    return TRUST_IN_NET * (log_posteriors - np.log(PRIORS))


class Decoder:
    """Viterbi through the semi-Markov model, one step at a time.

    `push` takes time and memory that do not depend on how long it has run, as long as `forget` is
    called now and then.
    """

    def __init__(self, durations: Durations | None = None) -> None:
        self.durations = durations or Durations.at()
        self._longest = self.durations.log_p.shape[1]
        self._ring = self._longest + 1
        self._enter = np.full((self._ring, 4), -np.inf)  # best score of entering each state at a step
        self._sum = np.zeros((self._ring, 4))  # emissions summed up to a step
        self._total = np.zeros(4)
        self.steps = 0
        self._first = 0
        self._back: list[np.ndarray] = []  # for each step, how long each state had lasted if it ended there
        self._enter[0] = 0.0

    def push(self, emission: np.ndarray) -> None:
        """The next step's scaled log likelihoods, [4]."""
        self._total = self._total + emission
        self.steps += 1
        reach = min(self.steps, self._longest)
        past = (self.steps - 1 - np.arange(reach)) % self._ring  # segment of d = 1.. began at steps - d
        score = (self._enter[past] - self._sum[past]).T + self._lengths(reach)
        best = score.argmax(1)
        ended = score[np.arange(4), best] + self._total
        here = self.steps % self._ring
        self._enter[here] = np.roll(ended, 1)  # after S1 comes systole, ...
        self._sum[here] = self._total
        self._back.append((best + 1).astype(np.uint8))

    def _lengths(self, reach: int) -> np.ndarray:
        """log chance of each length; a segment that began with the sound may have begun before it."""
        if self.steps > self._longest:
            return self.durations.log_p[:, :reach]
        table = self.durations.log_p[:, :reach].copy()
        table[:, -1] = self.durations.log_longer[:, reach - 1]
        return table

    def path(self, steps_back: int | None = None) -> list[Segment]:
        """The best sequence of states up to now, the last of them still open; only those that reach into the
        last steps_back steps."""
        if self.steps == 0:
            return []
        scores = self._open_scores()
        best, state = divmod(int(scores.argmax()), 4)
        end = self.steps
        segments = [Segment(state, end - best - 1, end)]
        stop = max(self._first, 0 if steps_back is None else self.steps - steps_back)
        while segments[-1].start > stop:
            end, state = segments[-1].start, (segments[-1].state - 1) % 4
            segments.append(Segment(state, end - int(self._back[end - 1 - self._first][state]), end))
        return segments[::-1]

    def _open_scores(self) -> np.ndarray:
        """Score of each way to be in a state now, [lengths, 4]: the last state is not over yet."""
        reach = min(self.steps, self._longest)
        past = (self.steps - 1 - np.arange(reach)) % self._ring
        return np.asarray(
            self._enter[past] - self._sum[past] + self.durations.log_longer[:, :reach].T + self._total
        )

    def score(self) -> float:
        """Log probability of the best path, up to a constant of the sound (and of `forget`)."""
        return float(self._open_scores().max())

    def forget(self, keep_steps: int) -> None:
        """Drop the way back beyond the last keep_steps steps, and keep the sums small."""
        drop = len(self._back) - keep_steps
        if drop > 0:
            del self._back[:drop]
            self._first += drop
        self._enter -= self._enter[self.steps % self._ring].max()
        self._sum -= self._total
        self._total = np.zeros(4)


def boundary_s(posteriors: np.ndarray, step: int, before: int, first_step: int = 0) -> float:
    """When, in seconds, state `before` gave way to the next one, finer than the grid of steps.

    posteriors: [steps, 4], whose first row is step first_step; step: the decoder's boundary. In the three steps on
    either side the share of the old state against the new is counted, as the soft targets of training count it.
    """
    low = max(step - 3, first_step)
    near = posteriors[low - first_step : step + 3 - first_step]
    old, new = near[:, before], near[:, (before + 1) % 4]
    share = (old + 1e-6) / (old + new + 2e-6)
    return (low + float(share.sum())) / STEPS_PER_S + CENTRE_S - 0.5 / STEPS_PER_S
