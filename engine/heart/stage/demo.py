"""`heart demo`: a minute of the instrument over the real wire, and a report of what was measured.

The engine runs as it would on stage, in a process of its own; our Python client connects to it, plays,
turns the knobs, and in the last part sends it a heart to follow.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from heart.audio import read_audio, write_audio
from heart.config import shipped
from heart.errors import HeartError
from heart.plumbing.client import HeartClient
from heart.records import LABELS, SAMPLE_RATE_HZ

OWN_HEART = "heart-rest.flac"
START_S = 30.0
STOP_S = 8.0
IN_BLOCK = 256
KNOB_TIMEOUT_S = 3.0


@dataclass
class Knob:
    """One turn of a knob: what was asked, and at which frame of the played sound."""

    name: str
    value: float | str
    frame: int


@dataclass
class Take:
    """All that a performance left behind; frames are of the client's played sound."""

    sound: np.ndarray
    heart: np.ndarray
    client: HeartClient
    knobs: list[Knob]
    chapters: list[tuple[str, int]]
    """(name, first frame)."""
    heard: list[tuple[int, float, float]]
    """(frame, heard bpm, sung bpm) five times a second, while following."""
    follow_frame: int
    recorded: np.ndarray
    report: dict[str, Any]
    revival_s: float = 0.0
    """From kill -9 of the voice to its return."""
    gap_underruns: int = 0
    """Underruns during that time."""


def run_demo(out: Path, heart: Path | None, seconds: float) -> dict[str, Any]:
    """Perform, measure, write demo.wav, demo.png and demo.json into `out`; return the figures.

    Raises:
        HeartError: the engine did not start; FileError: the heart recording cannot be read.
    """
    from heart.stage.measure import figures_of, lines_of
    from heart.stage.picture import draw

    heart_path = heart or shipped("sounds") / OWN_HEART
    heart_sound, _ = read_audio(heart_path, rate_hz=SAMPLE_RATE_HZ)
    out.mkdir(parents=True, exist_ok=True)
    take = perform(heart_sound, seconds, out)
    figures = {"heart": heart_path.name, **figures_of(take)}
    write_audio(out / "demo.wav", take.sound, SAMPLE_RATE_HZ, "PCM_24")
    (out / "demo.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    draw(take, figures, out / "demo.png")
    for line in lines_of(figures):
        click.echo(line)
    click.echo(f"wrote {out / 'demo.wav'}, {out / 'demo.png'}, {out / 'demo.json'}")
    return figures


def perform(heart: np.ndarray, seconds: float, out: Path) -> Take:
    """Start an engine, play the three chapters against it, kill its voice once, and stop it."""
    with running_engine(out) as engine:
        client = HeartClient("127.0.0.1", engine.port, name="demo").start()
        try:
            client.wait_until(lambda: client.played > 0 and client.fill_ms > 100, START_S)
            show = Show(client, heart)
            show.play(seconds)
            sound = client.played_audio()[: show.end_frame]
            revival_s, gap_underruns = engine.kill_voice(client)
            client.send("/heart/quit")
        finally:
            client.stop()
    recorded, _ = read_audio(engine.record)
    engine.record.unlink()
    return Take(
        sound, heart, client, show.knobs, show.chapters, show.heard, show.follow_frame, recorded,
        engine.figures(), revival_s, gap_underruns,
    )


class Show:
    """The three chapters, in real time: normal and quickening, every condition, following a heart."""

    def __init__(self, client: HeartClient, heart: np.ndarray) -> None:
        self.client, self.heart = client, heart
        self.knobs: list[Knob] = []
        self.chapters: list[tuple[str, int]] = []
        self.heard: list[tuple[int, float, float]] = []
        self.follow_frame = self.end_frame = 0

    def play(self, seconds: float) -> None:
        self._quicken(0.34 * seconds)
        self._conditions(0.30 * seconds)
        self._follow(0.36 * seconds)
        self.end_frame = self.client.played

    def _quicken(self, seconds: float) -> None:
        """Normal at 60, quickening to 120."""
        self._chapter("normal, 60 to 120 bpm")
        self._turn("label", "N")
        self._turn("rmssd", 20.0)
        self._turn("bpm", 60.0)
        self._wait(0.25 * seconds)
        for bpm in np.linspace(60, 120, 16)[1:]:
            self._turn("bpm", float(bpm))
            self._wait(0.75 * seconds / 15)

    def _conditions(self, seconds: float) -> None:
        self._turn("bpm", 75.0)
        for label in LABELS[1:]:
            self._chapter(label)
            self._turn("label", label)
            self._wait(seconds / (len(LABELS) - 1))

    def _follow(self, seconds: float) -> None:
        """Send a heart as if from a stethoscope on the client's interface; the voice takes its beat."""
        self._chapter("following a heart")
        self._turn("label", "N")
        self._turn("mode", "follow")
        self.follow_frame = self.client.played
        done = threading.Event()
        sender = threading.Thread(target=self._send_heart, args=(done,), daemon=True)
        sender.start()
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._wait(0.2)
            if (status := self.client.status) is not None:
                self.heard.append((self.client.played, float(status[4]), float(status[3])))
        done.set()
        sender.join()
        self._turn("mode", "lead")

    def _send_heart(self, done: threading.Event) -> None:
        began_s, sent = time.monotonic(), 0
        while not done.is_set():
            at = sent % max(1, len(self.heart) - IN_BLOCK)
            self.client.send_input(1, self.heart[at : at + IN_BLOCK])
            sent += IN_BLOCK
            time.sleep(max(0.0, began_s + sent / SAMPLE_RATE_HZ - time.monotonic()))

    def _chapter(self, name: str) -> None:
        click.echo(f"  {name}")
        self.chapters.append((name, self.client.played))

    def _turn(self, name: str, value: float | str) -> None:
        self.knobs.append(Knob(name, value, self.client.played))
        self.client.send(f"/heart/set/{name}", value)

    def _wait(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class RunningEngine:
    """`heart live` in a process of its own, and what it says."""

    process: subprocess.Popen[str]
    record: Path
    report: Path
    port: int = 0
    voice_pid: int = 0
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Follow its words, until it ends: the port it listens on, the process of its voice."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := re.match(r"listening on [\d.]+:(\d+)", line):
                self.port = int(found[1])
            if found := re.match(r"voice: started (\d+)", line):
                self.voice_pid = int(found[1])

    def kill_voice(self, client: HeartClient) -> tuple[float, int]:
        """kill -9 the voice while it streams; seconds until it is back, and underruns heard meanwhile."""
        underruns, killed_s = client.underruns, time.monotonic()
        os.kill(self.voice_pid, 9)
        for awaited in ("voice_lost", "voice_ready"):
            while client.wait_for("/heart/alarm", START_S)[0] != awaited:
                pass
        back_s = time.monotonic() - killed_s
        time.sleep(1.0)
        return back_s, client.underruns - underruns

    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads(self.report.read_text(encoding="utf-8"))
        self.report.unlink()
        return figures


@contextmanager
def running_engine(out: Path) -> Iterator[RunningEngine]:
    """An engine on a free port, stopped in good order at the end."""
    record, report = out / ".demo-sent.wav", out / ".demo-engine.json"
    command = [sys.executable, "-u", "-m", "heart", "live", "--port", "0"]
    command += ["--record", str(record), "--report", str(report)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    engine = RunningEngine(process, record, report)
    reader = threading.Thread(target=engine.read, daemon=True)
    reader.start()
    click.echo("starting the engine: ear and voice load in processes of their own")
    try:
        _wait_for_voice(engine)
        yield engine
    finally:
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(timeout=STOP_S)
        reader.join(timeout=STOP_S)


def _wait_for_voice(engine: RunningEngine) -> None:
    until_s = time.monotonic() + START_S
    while not any(line.startswith("voice: ready") for line in engine.lines):
        if engine.process.poll() is not None or time.monotonic() > until_s:
            raise HeartError("the engine did not start: " + " | ".join(engine.lines[-3:] or ["no word from it"]))
        time.sleep(0.05)
