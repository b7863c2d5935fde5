"""Clicks where chunks meet: energy in a splice that stands out of the spectrum around it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from heart.records import OVERLAP

FRAME, HOP = 256, 32
"""Of the short spectra: 5.8 ms every 0.7 ms."""
AROUND = 2_048
"""Samples looked at on either side of a splice: 46 ms, so that a heart sound that begins in it goes on in them."""
BANDS = 6
"""Bands of equal width above the lowest: a heart is below 2 kHz, a click is everywhere."""
STANDS_OUT_DB = 12.0
FLOOR_DBFS = -90.0
"""Quieter than this in a band nothing clicks: -90 dB of a sine at full scale."""


def clicks(sound: np.ndarray, borders: Iterable[int]) -> list[int]:
    """The borders at which a click is heard.

    Args:
        sound: float32 [n] at 44.1 kHz.
        borders: frames at which chunks begin; the splice is the OVERLAP frames from there on. Those too near to an
            end of the sound are left out.
    """
    whole = [border for border in borders if AROUND <= border < len(sound) - AROUND - OVERLAP]
    return [border for border in whole if excess_db(sound, border) > STANDS_OUT_DB]


def excess_db(sound: np.ndarray, border: int) -> float:
    """How far the loudest short spectrum of a splice stands above the loudest beside it: dB in its worst band."""
    begin = border - AROUND
    levels = _levels(sound[begin : border + OVERLAP + AROUND].astype(np.float64))
    centre = begin + HOP * np.arange(len(levels)) + FRAME // 2
    inside = (centre > border - FRAME // 2) & (centre < border + OVERLAP + FRAME // 2)
    # Spectra that overlap the splice but are not centred in it belong to neither.
    beside = (centre < border - FRAME) | (centre > border + OVERLAP + FRAME)
    floor = 10 ** (FLOOR_DBFS / 10)
    quiet = np.maximum(levels[beside].max(0), floor)
    return float(10 * np.log10((np.maximum(levels[inside].max(0), floor) / quiet).max()))


def _levels(sound: np.ndarray) -> np.ndarray:
    """Power of each band in each short spectrum, float64 [frames, BANDS]; a full-scale sine has 1 in its band."""
    window = np.blackman(FRAME)  # its side lobes are 58 dB down: S1 must not leak into the bands of clicks
    pieces = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    spectrum = np.abs(np.fft.rfft(pieces * window)) * 2 / window.sum()
    edges = np.linspace(0, FRAME // 2 + 1, BANDS + 2).astype(int)[1:]
    return np.stack([(spectrum[:, a:b] ** 2).sum(1) for a, b in itertools.pairwise(edges)], 1)


def with_jumps(sound: np.ndarray, borders: Iterable[int], level: float) -> np.ndarray:
    """The sound with a jump of `level` at each border that dies away in 20 ms: what a bad splice would be."""
    spoilt = sound.astype(np.float64)
    tail = level * np.exp(-np.arange(AROUND) / 882)
    for border in borders:
        piece = spoilt[border + OVERLAP // 2 :][:AROUND]
        piece += tail[: len(piece)]
    return spoilt.astype(np.float32)
