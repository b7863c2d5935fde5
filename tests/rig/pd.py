"""Pure Data without a window and without a sound card, playing patches/pd in real time.

with PureData(engine_port=9700) as pd:              # heart.pd, the patch to open first
    pd.record(tmp_path / "heard.wav")
    ...
    sound = pd.stop_recording()                     # float32 [n]

with PureData(9700, 9710, patch=STUDIO) as pd:      # two engines in one patch, six channels recorded
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile as sf

RIG = Path(__file__).parent / "rig.pd"
STUDIO = RIG.with_name("studio.pd")
FOLDER = RIG.parent.parent.parent / "patches" / "pd"
PATCH = FOLDER / "heart.pd"
MISSING = "Pure Data is missing; on Debian and Ubuntu: apt-get install puredata-core"


@dataclass(frozen=True)
class Report:
    """What the patch knows, five times a second. `quiet_ms`: since the last block of the stream."""

    frame: float = 0
    block: float = 0
    running: float = 0
    epoch: float = 0
    underruns: float = 0
    asked: float = 0
    quiet_ms: float = 0


def free_port() -> int:
    """A UDP port of 127.0.0.1 that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class PureData:
    """One headless Pd with the patch and the probe beside it. `kill` is as rude as a crash.

    heart.pd has one engine, named 0; the studio has two, a and b, at the first and the last of `engine_ports`.
    """

    def __init__(
        self,
        *engine_ports: int,
        my_port: int | None = None,
        rate_hz: int = 44_100,
        patch: Path = PATCH,
        beside: tuple[Path, ...] = (),
        host: str = "127.0.0.1",
    ) -> None:
        self.names = ("a", "b") if patch == STUDIO else ("0",)
        self.engine_ports, self.my_port = engine_ports, my_port or free_port()
        self.rig_port = free_port()
        self.rate_hz, self.patch, self.beside, self.host = rate_hz, patch, beside, host
        self.said: dict[str, str] = {}
        """How each engine stands, in words, by its name."""
        self.prints: list[tuple[str, str]] = []
        """(name, rest) of everything else that was printed."""
        self.report = Report()
        self.log: list[str] = []
        self.heard_from = False
        self._changed: queue.Queue[None] = queue.Queue(maxsize=1)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._recording: Path | None = None

    def start(self) -> PureData:
        program = shutil.which("pd") or shutil.which("puredata")
        assert program, MISSING
        ports = zip(self.names, (self.engine_ports[0], self.engine_ports[-1]), (self.my_port, 0))
        settings = "".join(f"; heart-{name}-connect {self.host} {port} {own}" for name, port, own in ports)
        patches = [self.patch] if self.patch == STUDIO else [self.patch, RIG, *self.beside]
        self._process = subprocess.Popen(
            [
                program,
                "-nogui",
                "-nrt",
                "-noaudio",
                "-nomidi",
                "-r",
                str(self.rate_hz),
                "-stderr",
                "-path",
                str(FOLDER),
                "-send",
                f"{settings}; rig-port {self.rig_port}",
                *map(str, patches),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self.wait_until(lambda: self.heard_from, 10.0, "Pd opens the patches")
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            kind, _, rest = line.strip().partition(": ")
            if kind == "rig":
                self.report = Report(*(float(x) for x in rest.split()))
                self.heard_from = True
            elif kind.startswith("heart-"):
                self.said[kind.removeprefix("heart-")] = rest.removeprefix("symbol ").replace("\\", "")
            else:
                self.prints.append((kind, rest))
            if kind != "rig":
                self.log.append(line.strip())
            with contextlib.suppress(queue.Full):
                self._changed.put_nowait(None)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> float:
        """Wait for a condition on the patch; the seconds it took. Raises AssertionError when too late."""
        start = time.monotonic()
        while not condition():
            left = start + timeout_s - time.monotonic()
            if left <= 0 or not self.alive:
                raise AssertionError(
                    f"{what}: not within {timeout_s} s; Pd says {self.words!r}, {self.report}; log: {self.log[-3:]}"
                )
            with contextlib.suppress(queue.Empty):
                self._changed.get(timeout=min(left, 0.02))
        return time.monotonic() - start

    def wait_playing(self, timeout_s: float = 5.0) -> float:
        return self.wait_until(
            lambda: all(self.said.get(name) == "playing" for name in self.names), timeout_s, "Pd plays the stream"
        )

    @property
    def words(self) -> str:
        """How the first engine stands."""
        return self.said.get(self.names[0], "")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tell(self, message: str) -> None:
        """A message to the rig patch."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(f"{message};\n".encode(), ("127.0.0.1", self.rig_port))

    def record(self, path: Path) -> None:
        """Record what is heard, before the volume, as 32-bit floats."""
        self._recording = path
        self.tell(f"record {path}")
        self.wait_until(path.exists, 5.0, "Pd opens the recording")

    def stop_recording(self) -> np.ndarray:
        """End the recording and return it: float32 [n], of the studio [n, 6]."""
        assert self._recording is not None
        self.tell("stop")
        size = -1
        while size != (size := self._recording.stat().st_size):  # until it is written out
            time.sleep(0.3)
        sound, rate_hz = sf.read(self._recording, dtype="float32")
        assert rate_hz == self.rate_hz
        return np.asarray(sound, np.float32)

    def kill(self) -> None:
        """Gone at once, without a goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=5)
        if self._reader is not None:
            self._reader.join(timeout=5)
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()

    def __enter__(self) -> PureData:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
