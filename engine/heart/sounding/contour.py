"""How the loudness of a texture moves: breath goes in and out, thunder rolls, a bird sings and rests. numpy only.

A window of the net is too short to know such things. So each recording's loudness is kept as a contour in three
registers, the net's frames are relative to it, and it is told. A stream goes through the contours of its
texture's recordings, phrase by phrase in an order that the seed draws; where in them it is follows from the
absolute frame, so nothing has to be remembered.

Letters: R registers, P points of 46 ms, K frames.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from heart.sounding.filterbank import BANDS

REGISTERS = (0, 1, 5, BANDS)
"""Bands at which a register begins, and the end: below 1.4 kHz, to 6.9 kHz, above."""
ROWS = len(REGISTERS) - 1
POINT = 128
"""Frames of a point."""
PHRASE = 128
"""Points of a phrase: 5.9 s."""
LOWEST_DB, HIGHEST_DB = -30.0, 20.0
TOLD_DB = 20.0
"""What the net is told as 1."""


def measure_contour(frames: np.ndarray, levels_db: np.ndarray) -> np.ndarray:
    """Loudness of coefficients [BANDS, K] against their band levels [BANDS]: float32 [ROWS, K // POINT] in dB."""
    count = frames.shape[1] // POINT
    relative = frames[:, : count * POINT] / 10 ** (levels_db[:, None] / 20)
    power = (relative.reshape(BANDS, count, POINT).astype(np.float64) ** 2).mean(-1)
    rows = [power[a:b].mean(0) for a, b in itertools.pairwise(REGISTERS)]
    return (10 * np.log10(np.array(rows) + 1e-9)).clip(LOWEST_DB, HIGHEST_DB).astype(np.float32)


def at_frames(points: np.ndarray, first: float, count: int) -> np.ndarray:
    """Contour [ROWS, P] at `count` frames from `first` on, counted from its own beginning: float32 [ROWS, K] in dB.

    Straight between the middles of points, lowest beyond both ends.
    """
    place = (first + np.arange(count) + 0.5) / POINT - 0.5
    middle = np.arange(points.shape[1])
    rows = [np.interp(place, middle, row, left=LOWEST_DB, right=LOWEST_DB) for row in points]
    return np.array(rows, np.float32)


def sung(bank: np.ndarray, key: Sequence[int], first: int, count: int) -> np.ndarray:
    """Contour of a stream at absolute frames [first, first + count): float32 [ROWS, K] in dB.

    bank: [clips, ROWS, PHRASE]. key: whole numbers, 0 or more, that decide the order of the phrases.
    """
    length = POINT * PHRASE
    begin, end = (first - POINT) // length, (first + count + POINT) // length
    chosen = [np.random.default_rng([*key, phrase % 2**31]).integers(len(bank)) for phrase in range(begin, end + 1)]
    return at_frames(np.concatenate([bank[clip] for clip in chosen], -1), first - begin * length, count)


def mixed(contours: Sequence[np.ndarray], shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """Contour of a mixture, each [ROWS, K] in dB: their powers, by their shares of the sum."""
    power = sum(share * 10 ** (contour / 10) for contour, share in zip(contours, shares))
    return (10 * np.log10(power)).astype(np.float32)


def amplitude(contour: np.ndarray) -> np.ndarray:
    """What a contour [ROWS, K] in dB makes of each band: float32 [BANDS, K]."""
    return np.repeat(10 ** (contour / 20), np.diff(REGISTERS), axis=0).astype(np.float32)


def told(contour: np.ndarray) -> np.ndarray:
    """A contour as the net sees it, in the channels that are a heart's beat track: float32 [4, K]."""
    return np.concatenate([contour / TOLD_DB, np.full((1, contour.shape[1]), -1.0, np.float32)])
