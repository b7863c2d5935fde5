"""A sound device made of arithmetic: it plays into nothing and hears silence, by a real clock."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from heart.clock import Clock, monotonic
from heart.errors import DeviceError
from heart.plumbing.device import Device, Format


def list_devices() -> list[Device]:
    """The one device, with as many channels as anybody wants."""
    return [Device(0, "null", 64, 64, 44_100, "null")]


def refresh() -> None:
    """Nothing to look for."""


class _Clocked:
    """What both ways share: a start moment, and waiting until the clock has passed a frame."""

    def __init__(
        self,
        index: int | None,
        format: Format,
        clock: Clock = monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.format = format
        self._clock, self._sleep = clock, sleep
        self._begin_s: float | None = None

    @property
    def latency_s(self) -> float:
        """Exactly what was asked for."""
        return self.format.latency_s

    def start(self) -> None:
        """Begin now."""
        self._begin_s = self._clock()

    def stop(self) -> None:
        """End; may be called twice."""
        self._begin_s = None

    def _passed(self) -> float:
        """Frames the clock has passed since the start."""
        if self._begin_s is None:
            raise DeviceError("the null device is not started")
        return (self._clock() - self._begin_s) * self.format.rate_hz

    def _wait_until(self, frame: float) -> None:
        while (missing := frame - self._passed()) > 0:
            self._sleep(missing / self.format.rate_hz)


class Output(_Clocked):
    """Takes frames as fast as a converter with `latency_s` of buffer would, and drops them."""

    def start(self) -> None:
        super().start()
        self.played = self.underruns = 0

    def write(self, samples: np.ndarray) -> None:
        """Wait until the buffer has room; if it ran dry before, count that and begin anew from now."""
        if self._passed() > self.played > 0:
            self.underruns += 1
            self._begin_s = self._clock() - self.played / self.format.rate_hz
        self.played += len(samples)
        self._wait_until(self.played - self.latency_s * self.format.rate_hz)

    played = 0
    underruns = 0


class Input(_Clocked):
    """Gives silence, in time. Who comes too late (beyond `latency_s`) loses frames, and that is counted."""

    def start(self) -> None:
        super().start()
        self.captured = self.overruns = 0

    def read(self, frames: int) -> np.ndarray:
        """float32 [frames, channels] of zeros, when their time has come."""
        late = self._passed() - self.captured - frames - self.latency_s * self.format.rate_hz
        if late > 0:
            self.overruns += 1
            assert self._begin_s is not None
            self._begin_s += late / self.format.rate_hz
        self.captured += frames
        self._wait_until(self.captured)
        return np.zeros((frames, self.format.channels), dtype=np.float32)

    captured = 0
    overruns = 0
