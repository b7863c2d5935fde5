"""The way of sound to the ear, and of what it heard back onto the engine's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr

from heart.audio import read_audio
from heart.clock import Clock
from heart.errors import FileError
from heart.records import SAMPLE_RATE_HZ

log = logging.getLogger(__name__)

SILENT = 1e-4
"""-80 dBFS: below the noise of any microphone."""

FILE_BLOCK = 1_024
"""Frames a file is played to the ear at a time: 23 ms."""
LATE_S = 1.0
"""So far behind the clock, what was missed is not made up for."""


class Hearing:
    """Collects sound for the ear, whatever its rate, and knows when each moment of it was heard.

    Args:
        send: hands a record to the ear's worker.
        clock: seconds; the ear's own timeline is pinned to it at every block.
        on_sound: gets the same sound as the ear, float32 [n] at the engine's rate.
    """

    def __init__(
        self,
        send: Callable[[tuple], object],
        clock: Clock,
        on_sound: Callable[[np.ndarray], object] = lambda sound: None,
    ) -> None:
        self.send, self.on_sound = send, on_sound
        self.clock = clock
        self._rate_hz = 0
        self._resampler: soxr.ResampleStream | None = None
        self._pushed = 0
        self._offset_s = 0.0

    def push(self, samples: np.ndarray, rate_hz: int) -> None:
        """Sound for the ear: float32 [n] at `rate_hz`, in -1..1; other values are clipped to that."""
        sound = np.clip(np.nan_to_num(np.asarray(samples, np.float32)), -1.0, 1.0)
        sound = self._to_engine_rate(sound, rate_hz)
        if not len(sound):
            return
        self._pushed += len(sound)
        self._offset_s = self.clock() - self._pushed / SAMPLE_RATE_HZ
        self.send(("audio", sound))
        self.on_sound(sound)

    def set_judging(self, hop_s: float, window_s: float) -> None:
        """How often the ear's classifiers judge, and over how many of the last seconds."""
        self.send(("judging", float(hop_s), float(window_s)))

    def reset(self) -> None:
        """The ear starts anew (another source, or a new worker): its timeline begins at 0 again."""
        self._pushed = 0
        self._rate_hz, self._resampler = 0, None
        self.send(("reset",))

    def moment(self, ear_s: float) -> float:
        """When, on the engine's clock, the ear's second `ear_s` was heard."""
        return self._offset_s + ear_s

    def _to_engine_rate(self, sound: np.ndarray, rate_hz: int) -> np.ndarray:
        if rate_hz == SAMPLE_RATE_HZ:
            return sound
        if rate_hz != self._rate_hz or self._resampler is None:
            self._rate_hz = rate_hz
            self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        return self._resampler.resample_chunk(sound)


def load_heart(path: Path) -> np.ndarray:
    """A heart sound file, at the engine's rate: float32 [n].

    Raises:
        FileError: see `heart.audio.read_audio`; or the file is silent.
    """
    sound, _ = read_audio(path, rate_hz=SAMPLE_RATE_HZ)
    if np.abs(sound).max() < SILENT:
        raise FileError(f"{path}: is silent; there is no heart to hear in it")
    return sound


async def play_to_ear(sound: np.ndarray, hearing: Hearing, loop: bool = False) -> None:
    """Play a file to the ear as if it were live, in real time; again and again if `loop`."""
    begin_s, played = hearing.clock(), 0
    while True:
        for at in range(0, len(sound), FILE_BLOCK):
            block = sound[at : at + FILE_BLOCK]
            played += len(block)
            ahead_s = begin_s + played / SAMPLE_RATE_HZ - hearing.clock()
            if ahead_s < -LATE_S:  # the engine stood still: go on, without catching up
                begin_s -= ahead_s
            await asyncio.sleep(max(0.0, ahead_s))
            hearing.push(block, SAMPLE_RATE_HZ)
        if not loop:
            log.info("the heart file has been played to its end")
            return
