"""`heart live` in a process of its own, as on stage: for the demo, the benchmarks and the tests."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heart.errors import HeartError
from heart.plumbing.client import HeartClient
from heart.plumbing.osc import encode

START_S = 30.0
STOP_S = 8.0


@dataclass
class RunningEngine:
    """`heart live` in a process of its own, and what it says."""

    process: subprocess.Popen[str]
    record: Path
    report: Path
    port: int = 0
    listening_s: float = 0.0
    """When (time.monotonic) it said that it listens."""
    pids: dict[str, int] = field(default_factory=dict)
    """Process of each worker."""
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Follow its words, until it ends: the port it listens on, the process of each worker."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := re.match(r"listening on [\d.]+:(\d+)", line):
                self.port, self.listening_s = int(found[1]), time.monotonic()
            if found := re.match(r"(\w+): started (\d+)", line):
                self.pids[found[1]] = int(found[2])

    def kill(self, name: str, client: HeartClient) -> tuple[float, int]:
        """kill -9 a worker while it streams; seconds until it is back, and underruns heard meanwhile."""
        underruns, killed_s = client.underruns, time.monotonic()
        os.kill(self.pids[name], 9)
        for awaited in (f"{name}_lost", f"{name}_ready"):
            while client.wait_for("/heart/alarm", START_S)[0] != awaited:
                pass
        back_s = time.monotonic() - killed_s
        time.sleep(1.0)
        return back_s, client.underruns - underruns

    def stop(self) -> None:
        """Ask it to quit, as a client would; insist after a while."""
        if self.port:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
                door.sendto(encode("/heart/quit"), ("127.0.0.1", self.port))
        try:
            self.process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads(self.report.read_text(encoding="utf-8"))
        self.report.unlink()
        return figures


@contextmanager
def running_engine(out: Path, *options: str, port: int = 0) -> Iterator[RunningEngine]:
    """`heart live` with `options`, on a free port unless one is named; stopped in good order at the end.

    Raises HeartError when it does not start, with its last words.
    """
    record, report = out / ".demo-sent.wav", out / ".demo-engine.json"
    command = [sys.executable, "-u", "-m", "heart", "live", "--port", str(port)]
    command += ["--http-port", "-1", "--no-announce"]
    command += ["--record", str(record), "--report", str(report), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    engine = RunningEngine(process, record, report)
    reader = threading.Thread(target=engine.read, daemon=True)
    reader.start()
    try:
        _wait_for_voice(engine)
        yield engine
    finally:
        engine.stop()
        reader.join(timeout=STOP_S)


def _wait_for_voice(engine: RunningEngine) -> None:
    until_s = time.monotonic() + START_S
    while not any(line.startswith("voice: ready") for line in engine.lines):
        if engine.process.poll() is not None or time.monotonic() > until_s:
            raise HeartError("the engine did not start: " + " | ".join(engine.lines[-3:] or ["no word from it"]))
        time.sleep(0.05)
