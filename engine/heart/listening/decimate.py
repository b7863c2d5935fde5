"""Any rate down to the ear's 2 kHz, at once: 3 ms of delay, and the same samples, bit for bit, however
the input was cut.

A general resampler works in large blocks when the ratio is large (soxr: up to 0.7 s from 44.1 kHz), too late for a
performer. The ear only looks below 500 Hz, so a short filter does: flat up to there, and by 1500 Hz,
the first frequency
that would fold back below 500, 70 dB down.
"""

from __future__ import annotations

import math

import numpy as np

from heart.errors import UsageError
from heart.listening.features import HOP, RATE_HZ, STEP

CUTOFF_HZ = 1_000.0
HALF_WIDTH_S = 2.75e-3
BLOCK = HOP * STEP
"""Output frames made at a time: one step of the nets, 20 ms."""
LOWEST_HZ, HIGHEST_HZ = 500, 192_000


class Decimator:
    """Windowed-sinc resampler from rate_hz to the ear's rate; keeps what the next block needs."""

    def __init__(self, rate_hz: int) -> None:
        """Raises UsageError for a rate outside 500..192000 Hz."""
        if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
            raise UsageError(
                f"a rate of {rate_hz} Hz cannot be listened to (at least {LOWEST_HZ}, at most {HIGHEST_HZ})"
            )
        shared = math.gcd(rate_hz, RATE_HZ)
        self._up, self._down = RATE_HZ // shared, rate_hz // shared  # output n lies at input n * down / up
        cutoff_hz = min(CUTOFF_HZ, 0.45 * rate_hz)
        half_s = HALF_WIDTH_S * CUTOFF_HZ / cutoff_hz
        self._half = math.ceil(half_s * rate_hz)
        self._taps = self._table(rate_hz, cutoff_hz, half_s)
        self._input = np.zeros(self._half, np.float32)
        self._first = -self._half  # input frame of _input[0]
        self._next = 0  # output frame due

    def _table(self, rate_hz: int, cutoff_hz: float, half_s: float) -> np.ndarray:
        """Taps for each fraction of an input frame, float32 [up, 2 * half]."""
        fraction = np.arange(self._up)[:, None] / self._up
        away_s = (np.arange(-self._half + 1, self._half + 1) - fraction) / rate_hz
        window = np.blackman(2001)
        shape = np.interp(away_s / half_s, np.linspace(-1, 1, 2001), window, left=0, right=0)
        taps = np.sinc(2 * cutoff_hz * away_s) * shape
        return (taps / taps.sum(1, keepdims=True)).astype(np.float32)

    def push(self, samples: np.ndarray) -> list[np.ndarray]:
        """samples: float32 [n] at rate_hz. Returns the blocks that became possible, float32 [BLOCK] each.

        Work is always done on whole blocks: sums of another length round another way.
        """
        self._input = np.concatenate([self._input, samples])
        known = self._first + len(self._input)  # input frames up to here
        last = ((known - self._half) * self._up - 1) // self._down  # its taps end at known or before
        blocks = [self._block() for _ in range((last + 1 - self._next) // BLOCK)]
        keep = self._next * self._down // self._up - self._half + 1
        self._input = self._input[max(keep - self._first, 0) :].copy()
        self._first = max(keep, self._first)
        return blocks

    def _block(self) -> np.ndarray:
        """The next BLOCK output frames."""
        whole, phase = np.divmod((self._next + np.arange(BLOCK)) * self._down, self._up)
        rows = np.lib.stride_tricks.sliding_window_view(self._input, 2 * self._half)
        self._next += BLOCK
        return (rows[whole - self._half + 1 - self._first] * self._taps[phase]).sum(1, dtype=np.float32)
