"""The local device as one more listener: reads the tape at the device's own pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np

from heart.errors import DeviceError
from heart.plumbing.desk import Faders
from heart.plumbing.device import Format
from heart.plumbing.feed import STANDING, Feed, TapeLike
from heart.plumbing.sound import Sound
from heart.records import SAMPLE_RATE_HZ

LEAD_S = 0.2
"""How far the device's queue is kept ahead of what it has played."""

SILENT_S = 0.2
"""A device reports 50 times a second; so long without a report, and it is told."""

BLOCK = 256
CHANNELS = 2


class Speaker:
    """Plays the tape on `output`, and hands what `input` hears to `on_heard(samples [n], rate_hz)`."""

    def __init__(
        self,
        tape: TapeLike,
        output: str | None,
        input: str | None,
        backend: str,
        on_heard: Callable[[np.ndarray, int], None],
        on_event: Callable[[str, str], None],
    ) -> None:
        self.tape = tape
        self.underruns = 0
        self._played = 0
        self._reported_s: float | None = None
        self._faders = STANDING
        self._feed: Feed | None = None
        self._plays = output is not None
        self._first: asyncio.Future[str] | None = None
        self._on_event = on_event
        self._sound = Sound(
            output,
            input,
            Format(rate_hz=SAMPLE_RATE_HZ, channels=CHANNELS if self._plays else 1),
            backend,
            on_played=self._note_played,
            on_heard=lambda samples, rate_hz: on_heard(samples[:, 0], rate_hz),
            on_event=self._take_event,
        )

    async def start(self) -> None:
        """Open the device. Raises DeviceError, with nothing left running, when it cannot be opened."""
        self._first = asyncio.get_running_loop().create_future()
        self._sound.start()
        failure = await self._first
        if failure:
            await self._sound.stop()
            raise DeviceError(failure.partition(" (last log line")[0].removeprefix("DeviceError: "))

    async def stop(self) -> None:
        await self._sound.stop()

    @property
    def demand(self) -> int | None:
        """Tape frame up to which the device needs sound now; None when it does not play."""
        return self._feed.next_tape if self._feed else None

    @property
    def heard_frame(self) -> int | None:
        """Tape frame that the device plays now; None when it does not."""
        return round(self._feed.tape_frame(self._played)) if self._feed else None

    def tick(self) -> None:
        """Bring the device's queue up to its lead."""
        if self._feed is None:
            return
        if self._reported_s and time.monotonic() - self._reported_s > SILENT_S:
            self._reported_s = None
            self._on_event("silent", f"took nothing for {1000 * SILENT_S:.0f} ms")
        wanted = self._played + int(LEAD_S * SAMPLE_RATE_HZ) - self._feed.next_stream
        if wanted >= BLOCK:
            sound = self._feed.take(wanted)
            if len(sound):
                self._sound.play(sound)

    def mute(self, silent: bool) -> None:
        self._sound.mute(silent)

    def turn(self, faders: Faders) -> None:
        self._faders = faders
        if self._feed:
            self._feed.desk.turn(faders)

    def _note_played(self, frames: int, fill_ms: float, underruns: int) -> None:
        self._played, self.underruns = frames, underruns
        self._reported_s = time.monotonic()

    def _take_event(self, event: str, text: str) -> None:
        if event == "ready" and self._plays:
            self._played = 0
            self._feed = Feed(self.tape, self.tape.sealed, 0, SAMPLE_RATE_HZ, CHANNELS, self._faders)
        elif event == "died":
            self._feed = None
            self._reported_s = None
        if self._first and not self._first.done() and event in ("ready", "died"):
            self._first.set_result(text if event == "died" else "")
        self._on_event(event, text)
