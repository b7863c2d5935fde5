"""A small real client of the engine, over the real wire: used by the demo and the tests, and by you.

    with HeartClient("127.0.0.1", 9700) as heart:
        heart.send("/heart/set/bpm", 90)
        time.sleep(10)
    sound = heart.played_audio()          # float32 [n], exactly as played, holes as silence between soft edges

It says hello until it is welcomed, plays its ring by its own clock (or by a device: `pull`), reports
credit 50 times a second, asks for what was lost, and says hello again when the engine was restarted.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from heart.errors import DeviceError, HeartError
from heart.plumbing.connection import Connection
from heart.plumbing.door import is_loopback
from heart.plumbing.inbox import PlayedBeat
from heart.plumbing.osc import encode, pack_in
from heart.plumbing.ring import SEQ_WRAP


class HeartClient(Connection):
    """One connection to an engine, in a thread of its own. All methods may be called from any thread."""

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
