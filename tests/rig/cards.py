"""Sound cards that exist only in software: for machines without any.

    AlsaPipe   ALSA's file plug-in over its null device. No clock: as fast as the machine, and every byte that
               the "card" plays lands in a file. For exactness.
    JackDummy  a JACK server with its dummy driver. A real clock, and it can be killed. For timing and loss.

PortAudio reads its environment once, so what uses a card runs in a process of its own, with `environment`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import numpy as np

ALSA_CONF = Path("/usr/share/alsa/alsa.conf")

PACKAGES = {"jackd": "jackd2", "jack_lsp": "jackd2"}


class CardError(Exception):
    """This machine lacks what a virtual card is made of."""


def need(program: str) -> str:
    """Path of a system program, or a CardError that says which package brings it."""
    path = shutil.which(program)
    if path is None:
        raise CardError(f"{program} is missing: apt-get install {PACKAGES[program]}")
    return path


_numbers = itertools.count()


class AlsaPipe:
    """A card named `name` for ALSA that writes what it plays to `played_file` as raw samples."""

    name = "rigcard"

    def __init__(self, folder: Path) -> None:
        if not ALSA_CONF.exists():
            raise CardError(f"{ALSA_CONF} is missing: apt-get install libasound2-data")
        self.played_file = folder / "played.raw"
        self._conf = folder / "asound.conf"
        self._conf.write_text(
            f"<{ALSA_CONF}>\n"
            "pcm.rignull { type null }\n"
            f'pcm.{self.name} {{ type file slave.pcm "rignull" file "{self.played_file}" format raw }}\n'
        )

    @property
    def environment(self) -> dict[str, str]:
        """For the process that plays."""
        return {**os.environ, "ALSA_CONFIG_PATH": str(self._conf), "JACK_NO_START_SERVER": "1"}

    def played(self, channels: int) -> np.ndarray:
        """float32 [n, channels]: everything the card was given."""
        raw = np.fromfile(self.played_file, dtype=np.float32)
        return raw[: len(raw) // channels * channels].reshape(-1, channels)


def forget_dead_servers(shared: Path = Path("/dev/shm"), processes: Path = Path("/proc")) -> None:
    """Take away what killed JACK servers left in shared memory, unless one still lives.

    JACK's registry has room for eight servers, and one that was killed keeps its place until a server of the
    same name comes: on a machine that runs these tests every day the ninth would find "too many servers".
    """
    for status in processes.glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if status.read_text().strip() in ("jackd", "jackdbus"):
                return
    for left in shared.glob("jack[-_]*"):
        with contextlib.suppress(OSError):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


class JackDummy:
    """A JACK server of its own name with two inputs and two outputs, 256 frames at 48 kHz."""

    rate_hz = 48_000

    def __init__(self, folder: Path) -> None:
        self._log = folder / "jackd.log"
        self.name = f"rig{os.getpid()}n{next(_numbers)}"
        self._jackd, self._lsp = need("jackd"), need("jack_lsp")
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """For the process that plays."""
        return {**os.environ, "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": self.name}

    def __enter__(self) -> JackDummy:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until its ports are there."""
        end_s = time.monotonic() + 10
        while "system:playback_1" not in self._ports():
            if self._server is None or self._server.poll() is not None:
                self._launch()  # again, while the registry still remembers a server that was killed
            if time.monotonic() > end_s:
                raise RuntimeError(f"jackd did not start: {self._log.read_text()[-500:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server in good order, so that its name is forgotten; by force if it hangs in that."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(3)
            except subprocess.TimeoutExpired:
                self.kill()
            self._server = None
        forget_dead_servers()

    def kill(self) -> None:
        """kill -9: what a crashed server or a pulled cable looks like."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def _launch(self) -> None:
        forget_dead_servers()
        # -S: in asynchronous mode the dummy driver reports false xruns
        command = [self._jackd, "--no-realtime", "-S", "-n", self.name, "-d", "dummy"]
        command += ["-r", str(self.rate_hz), "-p", "256"]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)

    def _ports(self) -> str:
        done = subprocess.run([self._lsp], capture_output=True, text=True, env=self.environment, check=False)
        return done.stdout


def run_python(code: str, environment: dict[str, str], timeout_s: float = 60.0) -> str:
    """Run `code` in a fresh interpreter with a card's environment; returns what it printed."""
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": paths},
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}")
    return done.stdout
