"""What a client has been told: the last messages of each address, values, errors, beats."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heart.errors import HeartError

KEEP = 1000
"""Messages kept for each address."""


@dataclass(frozen=True)
class PlayedBeat:
    """One announced beat; `frame` is where its S1 sounds, in the client's played sound."""

    n: int
    frame: int
    bpm: float
    rr_ms: float
    rmssd_ms: float
    label: str
    trust: float


@dataclass(frozen=True)
class PlayedChunk:
    """One announced chunk; `frame` is where its new sound begins."""

    n: int
    frame: int
    label: str
    bpm: float
    seed: int
    recipe: str


class Inbox:
    """Takes messages from one thread, answers any other."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.status: tuple[Any, ...] | None = None
        self.errors: deque[tuple[str, str, str]] = deque(maxlen=KEEP)
        self.beats: list[PlayedBeat] = []
        self.heard: list[PlayedBeat] = []
        self.chunks: list[PlayedChunk] = []
        self._waiting: dict[str, deque[tuple[Any, ...]]] = {}
        self._news = threading.Condition()

    def take(self, address: str, args: tuple[Any, ...], frame_of: Callable[[int, bool], int]) -> None:
        """A message that is not sound.

        `frame_of(offset, past)` turns a ring offset into a frame of the played sound: the one to come, or
        the one gone by.
        """
        with self._news:
            self._waiting.setdefault(address, deque(maxlen=KEEP)).append(args)
            if address.startswith("/heart/value/"):
                self.values[address.rsplit("/", 1)[1]] = args[0]
            elif address == "/heart/status":
                self.status = args
            elif address == "/heart/error":
                self.errors.append(args[:3])
            elif address == "/heart/chunk":
                self.chunks.append(PlayedChunk(args[0], frame_of(args[1], False), *args[2:6]))
            elif address in ("/heart/beat", "/heart/heard"):
                gone = address == "/heart/heard"
                beats = self.heard if gone else self.beats
                beats.append(PlayedBeat(args[0], frame_of(args[1], gone), *args[2:7]))
            self._news.notify_all()

    def wait_for(self, address: str, timeout_s: float) -> tuple[Any, ...]:
        """The oldest message of this address that was not waited for; HeartError when none comes."""
        with self._news:
            if not self._news.wait_for(lambda: self._waiting.get(address), timeout_s):
                raise HeartError(f"the engine sent no {address} within {timeout_s:g} s")
            return self._waiting[address].popleft()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Whether `condition()` came true in time; looked at after each message and every 5 ms.

        No lock is held meanwhile: the condition may ask the client anything.
        """
        until = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() >= until:
                return False
            with self._news:
                self._news.wait(0.005)
        return True
