"""What is performed live, written down as a score and played offline makes the same sound, bit for bit."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hashing_voice import HashingVoice

from heart.namespace import check
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.choir import sing_all
from heart.stage.effects import Effect, SingAgain
from heart.stage.material import Material
from heart.stage.playing import Playing
from heart.stage.score import Score
from heart.stage.score_reader import read_score
from heart.stage.scribe import Scribe
from heart.stage.simulation import Simulation

VOICES = 2
FADED = ("bpm", "rmssd", "systole", "balance", "ectopy", "mix_N", "mix_rain", "mix_AS", "guidance", "level_2")
RANGES = {
    "bpm": (40, 180), "rmssd": (0, 100), "systole": (0.8, 1.2), "balance": (-1, 1), "ectopy": (0, 0.3),
    "guidance": (1, 3), "level_2": (-60, 0), "gain": (-20, 0),
}  # fmt: skip


class Concert(Simulation):
    """A simulated live performance that is written down."""

    def __init__(self, work_s: float = 0.08) -> None:
        self.lines: list[str] = []
        super().__init__(work_s, voice=HashingVoice(), voices=VOICES)
        self.scribe = Scribe(self.lines.append, lambda: self.tape.sealed)
        self.scribe.head("Take", "pulse", VOICES, self.performance.values)
        self.performance.note, self.conductor.begun = self.scribe.note, self.scribe.begun

    def send(self, address: str, *args: object) -> None:
        self._do(self.performance.message(address, check(address, args), "performer"))

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self.run(0.01)
            self._do(self.performance.advance(self.tape.sealed))
            self.scribe.tick()

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, SingAgain):
                self.conductor.sing_again(effect.beats)

    def written(self, path: Path) -> Score:
        self.scribe.finish()
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return read_score(path)


def played(score: Score, **options: object) -> np.ndarray:
    playing = Playing(score, Material(), "voice", lambda wish: sing_all(HashingVoice(), wish), **options)
    sound = np.concatenate([piece.sound for piece in playing.pieces()])
    assert playing.player.refused == []
    return sound


def improvise(concert: Concert, chance: random.Random) -> None:
    kind = chance.choice(["label", "ramp", "set", "mix", "downbeat", "pattern", "label_2", "tempo_2", "two"])
    name = chance.choice(FADED)
    low, high = RANGES.get(name, (0, 1))
    value = chance.uniform(low, high)
    if kind == "label":
        concert.send("/heart/set/label", chance.choice(["N", "AS", "rain", "storm", "MVP"]))
    elif kind == "ramp":
        concert.send("/heart/ramp", name, value, chance.uniform(0.05, 3))
    elif kind == "set":
        concert.send(f"/heart/set/{name}", value)
    elif kind == "mix":
        concert.send("/heart/norm/mix_rain", chance.random())
        concert.send("/heart/ramp", "mix_AS", chance.random(), 1.5)
    elif kind == "pattern":
        concert.send("/heart/set/pattern", chance.choice(["sinus", "pvc", "af", "bigeminy"]))
    elif kind == "label_2":
        concert.send("/heart/set/label_2", chance.choice(["MS", "sea"]))
    elif kind == "tempo_2":
        concert.send("/heart/set/tempo_2", chance.choice([0.5, 1.5, 2]))
    elif kind == "two":
        concert.send("/heart/set/seed", chance.randrange(1_000))
        concert.send("/heart/ramp", "gain", -12, 0.5)
    else:
        concert.send("/heart/downbeat", chance.uniform(0, 1_500))


@pytest.mark.parametrize("seed", range(6))
def test_an_improvisation_is_rendered_as_it_was_heard(seed: int, tmp_path: Path) -> None:
    chance, concert = random.Random(seed), Concert()
    concert.run(3, listening=False)  # the reserve is sung before anybody comes
    concert.play(1.5)
    for _ in range(25):
        improvise(concert, chance)
        concert.play(chance.choice([0, 0.01, 0.15, 0.3, 0.8, 2.5]))
    concert.play(1)
    live = concert.sound
    assert not any(line.startswith("#") for line in concert.lines), "the voice was always in time"
    offline = played(concert.written(tmp_path / "take.score"))
    assert len(offline) == len(live)
    different = np.flatnonzero((offline != live.reshape(len(live), -1)).any(1))
    assert not len(different), f"from {different[0] / SAMPLE_RATE_HZ:.3f} s on"


def test_a_frame_late_is_another_sound(tmp_path: Path) -> None:
    """The control: the comparison hears 1.5 ms."""
    concert = Concert()
    concert.run(3, listening=False)
    concert.play(2)
    concert.send("/heart/set/label", "AS")
    concert.play(2)
    at = next(number for number, line in enumerate(concert.lines) if "AS" in line)
    seconds = float(concert.lines[at].split()[1].strip(","))
    concert.lines[at] = concert.lines[at].replace(f"{seconds:.6f}", f"{seconds + 0.0014:.6f}")
    offline = played(concert.written(tmp_path / "late.score"))
    same = (offline == concert.sound).all(1)
    assert same[: int((seconds - 0.01) * SAMPLE_RATE_HZ)].all()
    assert not same[int((seconds + 0.05) * SAMPLE_RATE_HZ) :].any()
