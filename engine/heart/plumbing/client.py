"""A small real client of the engine, over the real wire: used by the demo and the tests, and by you.

    with HeartClient("127.0.0.1", 9700) as heart:
        heart.send("/heart/set/bpm", 90)
        time.sleep(10)
    sound = heart.played_audio()          # float32 [n], exactly as played, holes as silence

It says hello until it is welcomed, plays its ring by its own clock (or by a device: `pull`), reports
credit 50 times a second, asks for what was lost, and says hello again when the engine was restarted.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from heart.clock import Clock, monotonic
from heart.errors import DeviceError, HeartError, WireError
from heart.plumbing.door import is_loopback
from heart.plumbing.inbox import Inbox, PlayedBeat
from heart.plumbing.osc import decode, encode, pack_in
from heart.plumbing.ring import SEQ_WRAP, PlayRing

CREDIT_S = 0.020
HELLO_S = 0.5
PING_S = 0.5
DEAF_S = 1.0
"""So long without a word from the engine means that it is gone."""

WAIT_S = 0.005
AUDIO = "/heart/audio/"


class HeartClient:
    """One connection to an engine, in a thread of its own. All methods may be called from any thread."""

    def __init__(self, host: str = "127.0.0.1", port: int = 9700, rate: int = 44_100, channels: int = 1,
                 name: str = "python", *, reply_port: int = 0, phrase: str | None = None,
                 collect: bool = True, by_device: bool = False, clock: Clock = monotonic) -> None:
        """`rate` in Hz, `channels` 1..8. `by_device`: nothing is played until somebody calls `pull`.
        `collect=False` keeps no sound. `reply_port` 0 takes any free port."""
        self.engine = (socket.gethostbyname(host), port)
        self.rate, self.channels, self.name = rate, channels, name
        self.inbox = Inbox()
        self.ring = PlayRing(channels)
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

    # --- life

    def start(self, timeout_s: float | None = 5.0) -> HeartClient:
        """Connect; wait to be welcomed (None: do not wait). Raises HeartError when nobody answers."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setblocking(False)
        try:
            self._socket.bind(("127.0.0.1" if is_loopback(self.engine[0]) else "0.0.0.0", self._reply_port))
        except OSError as error:
            self._socket.close()
            raise DeviceError(f"client port {self._reply_port}: {error.strerror}; choose another") from None
        self._thread = threading.Thread(target=self._run, name=f"heart-client-{self.name}", daemon=True)
        self._thread.start()
        if timeout_s is not None and not self._welcomed.wait(timeout_s):
            why = "; ".join(text for _, _, text in self.errors[-1:]) or "is `heart live` running?"
            self.stop()
            raise HeartError(f"no engine answers at {self.engine[0]} port {self.engine[1]}: {why}")
        return self

    def stop(self) -> None:
        """Say bye and end the thread; what was played can still be read."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None

    def __enter__(self) -> HeartClient:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # --- what one can ask and say

    def send(self, address: str, *args: Any) -> None:
        """A message to the engine. Raises WireError for an argument that OSC cannot carry."""
        self._post(encode(address, *args))

    def send_input(self, channel: int, samples: np.ndarray) -> None:
        """Sound for the ear, float32 [n], at most 1024 frames."""
        self._post(pack_in(channel, self._in_seq[channel], np.asarray(samples, dtype=np.float32)))
        self._in_seq[channel] = (self._in_seq[channel] + 1) % SEQ_WRAP

    def wait_for(self, address: str, timeout_s: float = 2.0) -> tuple[Any, ...]:
        """Arguments of the oldest message with this address that nobody has waited for yet.

        Raises HeartError when none comes in time.
        """
        return self.inbox.wait_for(address, timeout_s)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
        """Wait until `condition()` holds; whether it did in time."""
        return self.inbox.wait_until(condition, timeout_s)

    def played_audio(self) -> np.ndarray:
        """All that was played since start: float32 [n], or [n, channels] for several."""
        with self._lock:
            empty = np.zeros((0, self.channels), dtype=np.float32)
            sound = np.concatenate([empty, *self._played])
            self._played = [sound]
        return sound[:, 0].copy() if self.channels == 1 else sound.copy()

    def pull(self, frames: int) -> np.ndarray:
        """The next frames for a device: float32 [frames, channels]. Never waits for the network."""
        with self._lock:
            return self._play(frames)

    @property
    def played(self) -> int:
        """Frames played since start."""
        return self._before + self.ring.played

    def played_at(self, now: float) -> int:
        """Frame of `played_audio` that sounds at time `now` of the client's clock."""
        with self._lock:
            return self._before + (int((now - self._since) * self.rate) if self.epoch else 0)

    @property
    def underruns(self) -> int:
        """Holes heard since start."""
        return self._past_underruns + self.ring.underruns

    @property
    def silent_frames(self) -> int:
        """Frames in those holes."""
        return self._past_silent + self.ring.silent_frames

    @property
    def fill_ms(self) -> float:
        """Reserve in the ring."""
        return self.ring.fill_frames * 1000 / self.rate

    @property
    def beats(self) -> list[PlayedBeat]:
        """Beats announced so far, at frames of `played_audio`."""
        return list(self.inbox.beats)

    @property
    def values(self) -> dict[str, Any]:
        """Last /heart/value of each parameter."""
        return dict(self.inbox.values)

    @property
    def status(self) -> tuple[Any, ...] | None:
        """Arguments of the last /heart/status."""
        return self.inbox.status

    @property
    def errors(self) -> list[tuple[str, str, str]]:
        """(code, address, text) of the last /heart/error messages."""
        return list(self.inbox.errors)

    # --- the thread

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
        sound = self.ring.play(frames)
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
            except OSError:   # the engine's port is closed: hello will find it again
                return
            if source == self.engine:
                self._heard_at = now
                with contextlib.suppress(WireError):
                    for address, args in decode(datagram):
                        self._take(address, args, now)

    def _take(self, address: str, args: tuple[Any, ...], now: float) -> None:
        if address.startswith(AUDIO):
            if args[0] == self.epoch:
                self.ring.put(int(address[len(AUDIO):]), args[1], args[2], args[3], now)
            return
        if address == "/heart/welcome":
            self._welcome(args[6], now)
        elif address in ("/heart/bye", "/heart/startup") or (
                address == "/heart/error" and args[0] == "unknown-client"):
            self._leave(now + (HELLO_S if address == "/heart/bye" else 0))
        self.inbox.take(address, args, self._frame_of)

    def _frame_of(self, offset: int) -> int:
        """Frame of `played_audio` at which a ring frame sounds."""
        return self.played + self.ring.frames_ahead(offset)

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
            self._post(encode("/heart/credit", self.epoch, self.ring.played % SEQ_WRAP,
                              int(self.fill_ms), self.ring.underruns))
        for seq, count in self.ring.wanted(now):
            self._post(encode("/heart/nack", self.epoch, seq, count))

    def _post(self, packet: bytes) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):   # nobody there: the next hello or credit tries again
                self._socket.sendto(packet, self.engine)


