"""Follow mode on real recordings: the sung beat rate against the heard one, from six seconds on.

Everything is the live code (ear stream with its gate, performance, conductor, beat clock); only the clock is
simulated, so an hour of recordings takes minutes. The voice is `pulse`, which takes the same wishes as the
diffusion voice.

    python benchmarks/bench_follow.py --data FOLDER [--limit 60] [--seconds 12]
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

import click
import numpy as np

from heart.audio import read_audio
from heart.config import data_dir
from heart.listening.gated import GatedEar
from heart.listening.judgement import load_bench
from heart.listening.stream import EarStream
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ, Chunk, Wish
from heart.sounding import pulse
from heart.stage.conductor import Conductor
from heart.stage.effects import SingAgain
from heart.stage.performance import Performance

TICK = 1_024
LEAD = int(0.2 * SAMPLE_RATE_HZ)
SETTLE_S = 6.0
GATE = load_bench().gate
WORK_TICKS = 5
"""A wish is answered after 0.12 s, as by the diffusion voice."""


class Rehearsal:
    """One recording, played to the ear, and a voice that follows it."""

    def __init__(self, sound: np.ndarray) -> None:
        self.sound, self.ear = sound, GatedEar(EarStream(SAMPLE_RATE_HZ), SAMPLE_RATE_HZ, GATE)
        self.performance, self.tape = Performance(mode="follow"), Tape(seconds=10)
        self.conductor = Conductor(self.tape, self.performance, self._take)
        self._due: list[tuple[int, Wish]] = []
        self._tick = 0

    def _take(self, wish: Wish) -> None:
        self._due.append((self._tick + WORK_TICKS, wish))

    def play(self, seconds: float) -> list[tuple[float, float, float]]:
        """(time s, heard bpm, sung bpm) four times a second from SETTLE_S on; nothing heard: heard bpm 0."""
        rows = []
        for self._tick in range(int(seconds * SAMPLE_RATE_HZ / TICK)):
            played = self._tick * TICK
            self._hear(self.sound[played : played + TICK])
            self._sing(played + LEAD)
            if played >= SETTLE_S * SAMPLE_RATE_HZ and self._tick % 11 == 0:
                heard = self.performance.last_heard
                rows.append((played / SAMPLE_RATE_HZ, heard.bpm or 0.0, self._sung_bpm(played)))
        return rows

    def _hear(self, block: np.ndarray) -> None:
        for heard in self.ear.push(block):
            for effect in self.performance.heard(heard):
                if isinstance(effect, SingAgain):
                    self.conductor.sing_again(effect.beats)
            if heard.next_s1_s is not None:
                frame = heard.next_s1_s * SAMPLE_RATE_HZ
                self.performance.align(frame, self.tape.head + SAMPLE_RATE_HZ)

    def _sing(self, needed: int) -> None:
        while self._due and self._due[0][0] <= self._tick:
            chunk: Chunk = pulse.sing(self._due.pop(0)[1])
            self.conductor.chunk(chunk)
        self.conductor.tick(needed)
        self.tape.seal(min(needed, self.tape.head))

    def _sung_bpm(self, played: int) -> float:
        """Rate of the beat that sounds now."""
        beats = self.performance.beats_between(played - 3 * SAMPLE_RATE_HZ, played)
        return 60_000 / beats[-1].rr_ms if beats else 0.0


def recordings(data: Path, seconds: float, limit: int | None) -> list[dict[str, str]]:
    """Validation rows with a true rate and long enough; a fixed random choice when limited."""
    with (data / "manifest.csv").open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["split"] == "val" and row["truth"] and row["hr_bpm"] and float(row["seconds"]) >= seconds
        ]
    random.Random(0).shuffle(rows)
    return rows[:limit]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of recordings (or HEART_DATA).")
@click.option("--limit", type=int, help="Only so many recordings.")
@click.option("--seconds", default=12.0, show_default=True)
def main(data: Path | None, limit: int | None, seconds: float) -> None:
    folder = data_dir(data)
    rows = recordings(folder, seconds, limit)
    within, heard_share, against_truth = [], [], []
    for row in rows:
        sound, _ = read_audio(folder / row["path"], rate_hz=SAMPLE_RATE_HZ)
        told = np.array(Rehearsal(sound).play(seconds))
        heard = told[told[:, 1] > 0]
        heard_share.append(len(heard) / len(told))
        error = float(np.median(np.abs(heard[:, 1] - heard[:, 2]))) if len(heard) else np.inf
        within.append(error <= 2)
        against_truth.append(abs(float(np.median(told[:, 2])) - float(row["hr_bpm"])) <= 5)
    print(f"{len(rows)} validation recordings, {SETTLE_S:g} to {seconds:g} s, median of each recording:")
    print(f"  sung within 2 bpm of heard: {np.mean(within):.3f} (aim 0.90)")
    print(f"  sung within 5 bpm of the whole recording's true rate: {np.mean(against_truth):.3f}")
    heard_at_all = [bool(share) for share in heard_share]
    print(
        f"  the same, where the ear names a rate at all ({sum(heard_at_all)}): "
        f"{np.mean(np.array(within)[heard_at_all]):.3f}"
    )
    print(f"  share of the time in which the ear names a rate: {np.mean(heard_share):.3f}")


if __name__ == "__main__":
    main()
