"""The period of a sound that repeats itself, however unsure the net is of each beat.

Two witnesses are asked, both by autocorrelation: what the net says (chances of the four states) and what the bands
do (sixteen log energies). On a sensor that the net never heard it may overhear every other beat, and then its
chances repeat at twice the period; the bands still repeat at the period itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.listening.features import STEPS_PER_S

RR_RANGE_S = (0.3, 1.9)
WINDOW_STEPS = 500
"""A period is that of 10 s; windows overlap by half."""
LEAST_STEPS = 100
LONGEST_SHARE = 0.6
"""Longest lag looked at, as a share of the sound: of longer ones too little is left to compare."""
BANDS_WEIGHT = 0.5
PART_WEIGHT = 1.0
"""How much a repetition at a half or a third of the lag speaks against a lag: it is then several beats long."""
LIVE_COST = 0.5
SMOOTH_COST = 3.0
"""Cost of a change of the period between windows, for each relative change of one."""


@dataclass(frozen=True)
class Rhythm:
    """rr_s, strength: [windows], period and how plainly the sound repeats after it (1: wholly); middle_s: their
    times."""

    middle_s: np.ndarray
    rr_s: np.ndarray
    strength: np.ndarray

    def at(self, steps: int) -> np.ndarray:
        """The period at each of `steps` steps, [steps]."""
        return np.interp(np.arange(steps) / STEPS_PER_S, self.middle_s, self.rr_s)

    @property
    def bpm(self) -> float:
        """Beats a minute over the whole sound."""
        return float((60 / self.rr_s).mean())

    @property
    def clearness(self) -> float:
        """The strength of its middle window, 0..1."""
        return float(np.clip(np.median(self.strength), 0, 1))


def similarity(x: np.ndarray, longest: int) -> np.ndarray:
    """Autocorrelation of x [..., steps, channels] at lags 0..longest, summed over channels, 1 at lag 0."""
    x = x - x.mean(-2, keepdims=True)
    steps = x.shape[-2]
    size = 1 << int(steps + longest).bit_length()
    spectrum = np.fft.rfft(x, size, axis=-2)
    power = (spectrum.real**2 + spectrum.imag**2).sum(-1)
    raw = np.fft.irfft(power, size)[..., : longest + 1]
    whole: np.ndarray = raw / (steps - np.arange(longest + 1)) * steps
    return np.asarray(whole / np.maximum(whole[..., :1], 1e-9))


def repetition(posteriors: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """How plainly a sound repeats after each lag, 1 at lag 0.

    posteriors: [steps, 4], bands: [steps, BANDS]; either may have leading axes. Returns [..., lags].
    """
    longest = min(int(RR_RANGE_S[1] * STEPS_PER_S), int(LONGEST_SHARE * posteriors.shape[-2]))
    both = similarity(posteriors, longest) + BANDS_WEIGHT * similarity(bands, longest)
    return both / (1 + BANDS_WEIGHT)


def fitness(both: np.ndarray) -> np.ndarray:
    """Of each lag: its repetition, less what repeats at a half or a third of it; -inf outside RR_RANGE_S."""
    lags = np.arange(both.shape[-1])
    half = (both[..., lags // 2] + both[..., (lags + 1) // 2]) / 2
    third = both[..., np.rint(lags / 3).astype(int)]
    shortest = int(RR_RANGE_S[0] * STEPS_PER_S)
    third[..., : 3 * shortest] = 0.0
    score = both - PART_WEIGHT * np.maximum(half, third).clip(0)
    score[..., :shortest] = -np.inf
    return np.asarray(score)


def peak_lag(both: np.ndarray, lag: int) -> float:
    """A lag finer than a step: the top of the parabola through three values of both [n]."""
    if not 0 < lag < len(both) - 1:
        return float(lag)
    before, here, after = both[lag - 1 : lag + 2]
    bend = before - 2 * here + after
    return float(lag + np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else float(lag)


def rhythm(posteriors: np.ndarray, bands: np.ndarray) -> Rhythm | None:
    """Period along a sound: the best way through its windows. None for less than 2 s of sound."""
    steps = len(posteriors)
    if steps < LEAST_STEPS:
        return None
    width = min(WINDOW_STEPS, steps)
    starts = np.arange(0, steps - width + 1, WINDOW_STEPS // 2)
    both = np.stack([repetition(posteriors[s : s + width], bands[s : s + width]) for s in starts])
    way = best_way(fitness(both))
    rr_s = np.array([peak_lag(row, lag) for row, lag in zip(both, way, strict=True)]) / STEPS_PER_S
    return Rhythm((starts + width / 2) / STEPS_PER_S, rr_s, both[np.arange(len(way)), way])


def best_way(score: np.ndarray) -> np.ndarray:
    """The lag of each window, [windows], of the way with the most score [windows, lags] and the fewest changes."""
    lags = np.arange(score.shape[1])
    low = int(np.isinf(score[0]).sum())
    log_lag = np.log(lags[low:])
    cost = SMOOTH_COST * np.abs(log_lag[:, None] - log_lag)
    total, back = score[0, low:], []
    for row in score[1:, low:]:
        ways = total[:, None] - cost
        back.append(ways.argmax(0))
        total = ways.max(0) + row
    way = [int(total.argmax())]
    for choice in back[::-1]:
        way.append(int(choice[way[-1]]))
    return np.array(way[::-1]) + low


def newest(posteriors: np.ndarray, bands: np.ndarray, before_s: float | None) -> Rhythm | None:
    """The period of what was just heard, as one window; before_s: the one believed so far, given a little credit.

    None for less than 2 s of sound.
    """
    if len(posteriors) < LEAST_STEPS:
        return None
    both = repetition(posteriors, bands)
    score = fitness(both)
    if before_s is not None:
        lags = np.maximum(np.arange(len(score)), 1)
        score = score - LIVE_COST * np.minimum(np.abs(np.log(lags / STEPS_PER_S / before_s)), 0.4)
    lag = int(score.argmax())
    return Rhythm(np.zeros(1), np.array([peak_lag(both, lag) / STEPS_PER_S]), both[lag : lag + 1])
