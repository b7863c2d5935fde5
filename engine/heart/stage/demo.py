"""`heart demo`: a minute of the instrument over the real wire, and a report of what was measured.

The engine runs as it would on stage, in a process of its own; our Python client connects to it, plays,
turns the knobs, and in the last part sends it a heart to follow.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from heart.audio import read_audio, write_audio
from heart.config import shipped
from heart.plumbing.client import HeartClient
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.stage.hearing import load_heart
from heart.stage.rehearsal import START_S, running_engine

OWN_HEART = "heart-rest.flac"
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
    show_underruns: int = 0
    heart_bpm: float | None = None
    """What the ear says of the whole heart file, at leisure."""
    revival_s: float = 0.0
    """From kill -9 of the voice to its return."""
    gap_underruns: int = 0
    """Underruns during that time."""


def run_demo(out: Path, heart: Path | None, seconds: float, voice: str = "voice") -> dict[str, Any]:
    """Perform, measure, write demo.wav, demo.png and demo.json into `out`; return the figures.

    Raises:
        HeartError: the engine did not start; FileError: the heart recording cannot be read.
    """
    from heart.listening.files import listen
    from heart.stage.measure import figures_of, lines_of
    from heart.stage.picture import draw

    heart_path = heart or shipped("sounds") / OWN_HEART
    heart_sound = load_heart(heart_path)
    out.mkdir(parents=True, exist_ok=True)
    take = perform(heart_sound, seconds, out, voice)
    take.heart_bpm = listen(heart_path)["bpm"]
    figures = {"heart": heart_path.name, **figures_of(take)}
    write_audio(out / "demo.wav", take.sound, SAMPLE_RATE_HZ, "PCM_24")
    (out / "demo.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    draw(take, figures, out / "demo.png")
    for line in lines_of(figures):
        click.echo(line)
    click.echo(f"wrote {out / 'demo.wav'}, {out / 'demo.png'}, {out / 'demo.json'}")
    return figures


def perform(heart: np.ndarray, seconds: float, out: Path, voice: str) -> Take:
    """Start an engine, play the three chapters against it, kill its voice once, and stop it."""
    click.echo("starting the engine: ear and voice load in processes of their own")
    with running_engine(out, "--voice", voice) as engine:
        client = HeartClient("127.0.0.1", engine.port, name="demo").start()
        try:
            client.wait_until(lambda: client.played > 0 and client.fill_ms > 100, START_S)
            show = Show(client, heart)
            show.play(seconds)
            sound = client.played_audio()[: show.end_frame]
            underruns = client.underruns
            revival_s, gap_underruns = engine.kill("voice", client)
        finally:
            client.stop()
    recorded, _ = read_audio(engine.record)
    engine.record.unlink()
    return Take(
        sound=sound,
        heart=heart,
        client=client,
        knobs=show.knobs,
        chapters=show.chapters,
        heard=show.heard,
        follow_frame=show.follow_frame,
        recorded=recorded,
        report=engine.figures(),
        show_underruns=underruns,
        revival_s=revival_s,
        gap_underruns=gap_underruns,
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
