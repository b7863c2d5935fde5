"""What the net sees beside the noisy frames, and the scale on which it sees them. numpy only.

Companding. S1 is 30 to 60 dB louder than a murmur or the silence of diastole. On a linear scale the net would
spend itself on S1, and its small errors would be heard as hiss. So each band goes through
asinh(c / knee) / spread: linear below the knee, logarithmic above. An error of 0.05 on that scale is
-60 dB where it is silent and a few percent where it is loud.

A heart's knees are the same for all hearts. Textures differ by 60 dB in their highest bands, so theirs are
multiples of the band levels of the recording they are to sound like, which its style names.

Letters: K frames of 2756.25 Hz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heart.records import SAMPLE_RATE_HZ, Beat
from heart.sounding.filterbank import HOP


@dataclass(frozen=True)
class Scale:
    """The companding of a model, lowest bands first."""

    knees: tuple[float, ...]
    """Where each band turns from linear to logarithmic; a sine of amplitude 1 has coefficients up to 4."""
    spreads: tuple[float, ...]
    """About the standard deviation after companding over the training set, so that noise of 1 covers it."""

    def at(self, levels_db: np.ndarray) -> Scale:
        """The same with each knee a multiple of its band's level [bands], RMS of the coefficients in dB."""
        knees = np.array(self.knees) * 10 ** (np.asarray(levels_db, float) / 20)
        return replace(self, knees=tuple(knees.tolist()))


HEART = Scale((0.02, 0.003, 0.0015), (2.4, 0.65, 0.5))
BANDS = len(HEART.knees)
"""Of a heart, up to 4.1 kHz: they hold heart sounds to -58 dB (the material ends at 4 kHz)."""
LEVEL_CENTRE_DB, LEVEL_WIDTH_DB = -45.0, 18.0
"""How a style writes the level of a band: (level - centre) / width, within -2.5..2.5."""
LARGEST = 6.0
"""No coefficient beyond this leaves: a runaway net stays within reach of a limiter."""
CHANNELS = 5
"""mask, S1, S2, systole, diastole."""
PULSE_MS = 10.0
"""Standard deviation of the pulse that marks an onset."""


def compand(frames: np.ndarray, scale: Scale = HEART) -> np.ndarray:
    """Coefficients [..., bands, K] to the net's scale; the inverse of `expand`."""
    return (np.arcsinh(frames / _column(scale.knees)) / _column(scale.spreads)).astype(np.float32)


def expand(values: np.ndarray, scale: Scale = HEART) -> np.ndarray:
    """The net's scale [..., bands, K] back to coefficients; held where a sound would be far above 1."""
    frames = np.sinh(np.clip(values * _column(scale.spreads), -10, 10)) * _column(scale.knees)
    return frames.clip(-LARGEST, LARGEST).astype(np.float32)


def _column(numbers: tuple[float, ...]) -> np.ndarray:
    return np.array(numbers, np.float32)[:, None]


def mix_styles(styles: Sequence[np.ndarray], shares: Sequence[float] | np.ndarray, levels: int) -> np.ndarray:
    """The style of a mixture: numbers are averaged, but of the first `levels`, which are band levels, the powers.

    styles: each float32 [S]. shares: adding up to 1. Returns float32 [S].
    """
    stack, weights = np.asarray(styles, np.float64), np.asarray(shares)[:, None]
    mixed = (weights * stack).sum(0)
    power = (weights * 10 ** ((stack[:, :levels] * LEVEL_WIDTH_DB + LEVEL_CENTRE_DB) / 10)).sum(0)
    mixed[:levels] = (10 * np.log10(power) - LEVEL_CENTRE_DB) / LEVEL_WIDTH_DB
    return mixed.astype(np.float32)


def beat_channels(beats: Sequence[Beat], first: int, count: int) -> np.ndarray:
    """The beat track of `count` frames from absolute frame `first` on: float32 [4, K].

    Rows: pulses at S1 onsets, pulses at S2 onsets, systole as a ramp 0..1 from S1 to S2 (0 elsewhere),
    diastole as a ramp 0..1 from S2 to the next S1 (0 elsewhere). All -1 when there are no beats: the null
    track. Before the first given beat stands one more, as long as that beat, so that a wish that leaves
    out the last beat before its window still has a diastole.
    """
    if not beats:
        return np.full((4, count), -1.0, np.float32)
    time = (first + np.arange(count)) * HOP + HOP // 2
    s1, s2, end = _marks(beats)
    track = np.zeros((4, count), np.float32)
    width = PULSE_MS * SAMPLE_RATE_HZ / 1_000
    for row, marks in enumerate((s1, s2)):
        for mark in marks[(marks > time[0] - 4 * width) & (marks < time[-1] + 4 * width)]:
            track[row] += np.exp(-0.5 * ((time - mark) / width) ** 2)
    current = np.searchsorted(s1, time, side="right") - 1
    known = current >= 0
    current = current.clip(0)
    systole = (time - s1[current]) / np.maximum(s2[current] - s1[current], 1)
    diastole = (time - s2[current]) / np.maximum(end[current] - s2[current], 1)
    track[2] = np.where(known & (systole < 1), systole.clip(0), 0)
    track[3] = np.where(known & (diastole > 0), diastole.clip(0, 1), 0)
    return track


def _marks(beats: Sequence[Beat]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames of S1, S2 and the next S1, one guessed beat in front."""
    s1 = np.array([beat.s1 for beat in beats], float)
    s2 = np.array([beat.s2 for beat in beats], float)
    rr = np.array([beat.rr_ms for beat in beats]) * SAMPLE_RATE_HZ / 1_000
    end = s1 + rr
    end[:-1] = s1[1:]
    before = s1[0] - rr[0]
    return np.append(before, s1), np.append(before + s2[0] - s1[0], s2), np.append(s1[0], end)
