"""The working half of the client: its socket, its thread, and what it says and hears by itself."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Any

import numpy as np

from heart.clock import Clock, monotonic
from heart.errors import WireError
from heart.plumbing.conceal import Concealer
from heart.plumbing.inbox import Inbox
from heart.plumbing.osc import decode, encode
from heart.plumbing.ring import RING_FRAMES, SEQ_WRAP, PlayRing

CREDIT_S = 0.020
HELLO_S = 0.5
PING_S = 0.5
DEAF_S = 1.0
"""So long without a word from the engine means that it is gone."""

WAIT_S = 0.005
AUDIO = "/heart/audio/"


class Connection:
    """One connection to an engine; `HeartClient` is the half that one talks to."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 9700,
        rate: int = 44_100,
        channels: int = 1,
        name: str = "python",
        *,
        reply_port: int = 0,
        phrase: str | None = None,
        collect: bool = True,
        by_device: bool = False,
        conceal: bool = True,
        clock: Clock = monotonic,
    ) -> None:
        """`rate` in Hz, `channels` 1..8. `by_device`: nothing is played until somebody calls `pull`.
        `collect=False` keeps no sound. `conceal=False` leaves holes as bare silence. `reply_port` 0: any."""
        self.engine = (socket.gethostbyname(host), port)
        self.rate, self.channels, self.name = rate, channels, name
        self.inbox = Inbox()
        self.ring = PlayRing(channels)
        self.concealer = Concealer(rate, channels) if conceal else None
        self.epoch = 0
        """Of the present stream; 0 while not welcomed."""
        self.stream_starts: list[tuple[int, int]] = []
        """(frame in played_audio, epoch) of every welcome."""
        self._hello = (name, 1, rate, channels, *([phrase] if phrase is not None else []))
        self._reply_port, self._collect, self._by_device, self._clock = reply_port, collect, by_device, clock
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._welcomed = threading.Event()
        self._played: list[np.ndarray] = []
        self._before = 0
        self._past_underruns = self._past_silent = 0
        self._since = self._heard_at = self._next_credit = self._next_hello = self._next_ping = 0.0
        self._in_seq = [0] * 9
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def played(self) -> int:
        """Frames played since start."""
        return self._before + self.ring.played

    @property
    def fill_ms(self) -> float:
        """Reserve in the ring."""
        return self.ring.fill_frames * 1000 / self.rate

    def _run(self) -> None:
        self._heard_at = self._clock()
        assert self._socket is not None
        while not self._stop.is_set():
            select.select([self._socket], [], [], WAIT_S)
            now = self._clock()
            with self._lock:
                self._play_to(now)
                self._receive(now)
                self._speak(now)
        self._post(encode("/heart/bye"))
        self._socket.close()

    def _play_to(self, now: float) -> None:
        """Play as much as the clock says; before taking in what has come, so that late is late."""
        if self.epoch and not self._by_device:
            due = int((now - self._since) * self.rate) - self.ring.played
            if due > 0:
                self._play(due)

    def _play(self, frames: int) -> np.ndarray:
        sound, here = self.ring.play_marked(frames)
        if self.concealer:
            sound = self.concealer.process(sound, here)
        if self._collect:
            self._played.append(sound)
        return sound

    def _receive(self, now: float) -> None:
        assert self._socket is not None
        for _ in range(256):
            try:
                datagram, source = self._socket.recvfrom(65_536)
            except BlockingIOError:
                return
            except OSError:  # the engine's port is closed: hello will find it again
                return
            if source == self.engine:
                self._heard_at = now
                with contextlib.suppress(WireError):
                    for address, args in decode(datagram):
                        self._take(address, args, now)

    def _take(self, address: str, args: tuple[Any, ...], now: float) -> None:
        if address.startswith(AUDIO):
            if args[0] == self.epoch:
                self.ring.put(int(address[len(AUDIO) :]), args[1], args[2], args[3], now)
            return
        if address == "/heart/welcome":
            self._welcome(args[6], now)
        elif address in ("/heart/bye", "/heart/startup") or (
            address == "/heart/error" and args[0] == "unknown-client"
        ):
            self._leave(now + (HELLO_S if address == "/heart/bye" else 0))
        self.inbox.take(address, args, self._frame_of)

    def _frame_of(self, offset: int, past: bool) -> int:
        """Frame of `played_audio` at which a ring frame sounds, or has sounded."""
        ahead = self.ring.frames_ahead(offset)
        return self.played + (ahead - RING_FRAMES if past and ahead > 0 else ahead)

    def _welcome(self, epoch: int, now: float) -> None:
        self._retire()
        self.epoch, self._since, self._next_credit = epoch, now, now
        self.stream_starts.append((self._before, epoch))
        self._welcomed.set()

    def _retire(self) -> None:
        """Put the present stream away: counts are kept, the ring is new."""
        old, self.ring = self.ring, self._new_ring()
        self._before += old.played
        self._past_underruns += old.underruns
        self._past_silent += old.silent_frames

    def _new_ring(self) -> PlayRing:
        return PlayRing(self.channels)

    def _leave(self, hello_at: float) -> None:
        """No stream any more; say hello at that time."""
        if self.epoch:
            self._retire()
            self.epoch = 0
            self._next_hello = hello_at

    def _speak(self, now: float) -> None:
        if now - self._heard_at > DEAF_S:
            self._leave(now)
        if not self.epoch:
            if now >= self._next_hello:
                self._next_hello = now + HELLO_S
                name, *rest = self._hello
                self._post(encode("/heart/hello", name, 0, *rest))
            return
        if now >= self._next_ping:
            self._next_ping = now + PING_S
            self._post(encode("/heart/ping", self.epoch))
        if now >= self._next_credit:
            self._next_credit = max(self._next_credit + CREDIT_S, now)
            self._post(
                encode(
                    "/heart/credit", self.epoch, self.ring.played % SEQ_WRAP, int(self.fill_ms), self.ring.underruns
                )
            )
        for seq, count in self.ring.wanted(now):
            self._post(encode("/heart/nack", self.epoch, seq, count))

    def _post(self, packet: bytes) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # nobody there: the next hello or credit tries again
                self._socket.sendto(packet, self.engine)
