"""What stands between the engine's blocks and a local output: queue, rate, mute, guard, fades."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from heart.guard import Gain, Guard
from heart.plumbing.child import Pipe
from heart.plumbing.device import Format, Output

REPORT_S = 0.02
FADE_MS = 5.0
PRIME_MS = 20.0
"""So much must be queued before sound begins, at first and after it ran dry."""

SLACK_S = 0.02
DRIFT = 0.001
"""No two clocks differ by more; what a device loses beyond that is lost sound."""


class ClockWatch:
    """Counts lost time by the clock, because PortAudio's own flags miss most of it.

    A device whose buffer holds `latency_s` cannot fall further behind the clock than that without a gap.
    The least lag so far is what it is compared with, and that leaks by DRIFT.
    """

    def __init__(self, rate_hz: int, latency_s: float) -> None:
        self.losses = 0
        self._rate_hz, self._allowed_s = rate_hz, latency_s + SLACK_S
        self._played_s = 0.0
        self._least_s = math.inf

    def played(self, frames: int, now_s: float) -> None:
        """`frames` more have been handed over by `now_s`."""
        passed_s = frames / self._rate_hz
        self._played_s += passed_s
        lag_s = now_s - self._played_s
        if lag_s - self._least_s > self._allowed_s:
            self.losses += 1
            self._least_s = lag_s
        self._least_s = min(self._least_s + DRIFT * passed_s, lag_s)


class Player:
    """Feeds the output, one block a step, from the queue of what the engine sent."""

    def __init__(self, output: Output, rate_hz: int, pipe: Pipe) -> None:
        self._output, self._pipe = output, pipe
        self._format = output.format
        self._ratio = self._format.rate_hz / rate_hz
        self._convert = _converter(rate_hz, self._format)
        self._gain = Gain(self._format.rate_hz)
        self._guard = Guard(self._format.rate_hz, self._format.channels)
        self._queue: deque[np.ndarray] = deque()
        self._queued = self._taken = self._dry = 0
        self._hungry = True
        self._last = np.zeros(self._format.channels, dtype=np.float32)
        frames = round(FADE_MS * self._format.rate_hz / 1000)
        self._rise = (np.arange(1, frames + 1, dtype=np.float32) / frames)[:, np.newaxis]
        self._rising = 0
        self._prime = max(2 * self._format.block, round(PRIME_MS * self._format.rate_hz / 1000))
        self._watch = ClockWatch(self._format.rate_hz, self._format.latency_s)
        self._reported_s = 0.0

    def take(self, record: Any) -> None:
        """A block of sound, or ("mute", silent)."""
        if isinstance(record, np.ndarray):
            sound = record if record.ndim == 2 else record[:, np.newaxis]
            sound = np.broadcast_to(sound, (len(sound), self._format.channels))
            sound = self._convert(sound)
            self._queue.append(sound)
            self._queued += len(sound)
        elif record[1]:
            self._gain.mute()
        else:
            self._gain.unmute()

    def prefill(self) -> None:
        """Fill the device's buffer with silence, so that the first blocks do not have to hurry."""
        frames = round(self._format.latency_s * self._format.rate_hz)
        self._output.write(np.zeros((frames, self._format.channels), dtype=np.float32))

    def step(self) -> None:
        """Play one block, which waits until the device has room, and report now and then."""
        block = self._next_block()
        self._output.write(self._guard.process(self._gain.process(block)))
        now_s = time.monotonic()
        self._watch.played(len(block), now_s)
        if now_s - self._reported_s >= REPORT_S:
            self._reported_s = now_s
            fill_ms = 1000 * self._queued / self._format.rate_hz
            underruns = self._dry + max(self._output.underruns, self._watch.losses)
            self._pipe.send(("played", int(self._taken / self._ratio), fill_ms, underruns))

    def _next_block(self) -> np.ndarray:
        block = np.zeros((self._format.block, self._format.channels), dtype=np.float32)
        filled = self._fill(block)
        if filled:
            self._lead_in(block[:filled])
            self._last = block[filled - 1].copy()
        if filled < len(block):
            self._lead_out(block[filled:])
        return block

    def _fill(self, block: np.ndarray) -> int:
        if self._hungry and self._queued < self._prime:
            return 0
        filled = 0
        while self._queue and filled < len(block):
            head = self._queue.popleft()
            count = min(len(head), len(block) - filled)
            block[filled : filled + count] = head[:count]
            filled += count
            if count < len(head):
                self._queue.appendleft(head[count:])
        self._queued -= filled
        self._taken += filled
        return filled

    def _lead_in(self, sound: np.ndarray) -> None:
        if self._hungry:
            self._hungry, self._rising = False, 0
        gain = self._rise[self._rising : self._rising + len(sound)]
        sound[: len(gain)] *= gain
        self._rising += len(gain)

    def _lead_out(self, rest: np.ndarray) -> None:
        """Let the last value sink to nothing; what a block has no room for, the next goes on with."""
        if not self._hungry:
            self._hungry = True
            self._dry += 1
        fall = 1.0 - self._rise[: len(rest)]
        rest[: len(fall)] = fall * self._last
        self._last = rest[-1].copy()


def _converter(rate_hz: int, format: Format) -> Callable[[np.ndarray], np.ndarray]:
    """From the engine's rate to the device's; nothing to do when they agree."""
    if rate_hz == format.rate_hz:
        return lambda sound: sound
    import soxr

    stream = soxr.ResampleStream(rate_hz, format.rate_hz, format.channels, dtype="float32", quality="HQ")
    return stream.resample_chunk
