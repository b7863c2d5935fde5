"""A PulseAudio server of our own with a sink of software, that can be suspended and taken away."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import TracebackType


class PulseSink:
    """Use it in a `with`; what plays runs in a process with `environment`, on the ALSA device "pulse"."""

    name = "rigsink"

    def __init__(self, folder: Path) -> None:
        self._run, home = folder / "run", folder / "home"
        for each in (self._run, home):
            each.mkdir(mode=0o700)
        self._socket = self._run / "p.sock"
        conf = folder / "pulse.conf"
        conf.write_text("</usr/share/alsa/alsa.conf>\npcm.pulse { type pulse }\nctl.pulse { type pulse }\n")
        self._log = folder / "pulse.log"
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(self._run),
            "HOME": str(home),
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": str(conf),
            "JACK_NO_START_SERVER": "1",
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._module = ""

    def __enter__(self) -> PulseSink:
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += ["--disable-shm=yes", "--realtime=no"]
        command += ["-L", f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        end_s = time.monotonic() + 10
        while self._control("info").returncode:
            if time.monotonic() > end_s:
                raise RuntimeError(f"pulseaudio did not start: {self._log.read_text()[-500:]}")
            time.sleep(0.1)
        self.load()
        return self

    def load(self) -> None:
        """The sink is there (again)."""
        args = ["module-null-sink", f"sink_name={self.name}", "rate=48000", "format=float32le", "channels=2"]
        self._module = self._control("load-module", *args).stdout.strip()

    def unload(self) -> None:
        """The sink is gone, as when its cable is pulled."""
        self._control("unload-module", self._module)

    def suspend(self, on: bool) -> None:
        self._control("suspend-sink", self.name, str(int(on)))

    def _control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pactl", *words], env=self.environment, capture_output=True, text=True, timeout=10, check=False
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
