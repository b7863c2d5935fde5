"""Judgements of the live ear: every hop, of the newest window, never in the way of beats; missing models."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_heart import heart
from test_ear_stream import Enough, FakePipe
from tiny_classifier import make_classifier

from heart.cards import find_model
from heart.config import models_dir
from heart.listening.classifier import Classifier, load_classifier
from heart.listening.judgement import GATE, JUDGES, load_classifiers
from heart.listening.opinions import Case, Clerk, Opinions
from heart.listening.serve import serve
from heart.records import Heard, Judged

RATE_HZ = 44_100
LABELS = {
    "ear-gate": ("heart", "other"),
    "ear-scene": ("artifact", "murmur", "normal"),
    "ear-valve": ("AS", "MR", "MS", "MVP", "N"),
    "ear-condition": ("abnormal", "normal"),
}
"""Of each stand-in the first label means a loud window, the second a quiet one."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    for model in (GATE, *JUDGES.values()):
        make_classifier(tmp_path, model, LABELS[model])
    return tmp_path


def noise(seconds: float, level: float) -> np.ndarray:
    """Sound below 400 Hz with this root mean square, float32 [n] at 44.1 kHz."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sqrt(2) * np.sin(2 * np.pi * 100 * t)).astype(np.float32)


def judge(opinions: Opinions, sound: np.ndarray, heart: float = 1.0, block: int = 4_410) -> list[Judged]:
    """Push a sound block by block and make every judgement that falls due at once."""
    made = []
    for at in range(0, len(sound), block):
        opinions.push(sound[at : at + block])
        while (case := opinions.case(heart)) is not None:
            made.append(opinions.take(case, case.probabilities()) if isinstance(case, Case) else case)
    return made


def test_each_is_judged_every_hop_over_the_newest_window(root: Path) -> None:
    there, off = load_classifiers()
    assert not off
    made = judge(Opinions(there, RATE_HZ, hop_s=1.0, window_s=2.0), np.concatenate([noise(4, 0.0), noise(4, 0.3)]))
    for what in ("gate", "scene"):
        mine = [one for one in made if one.what == what]
        assert np.diff([one.time_s for one in mine]) == pytest.approx(1.0, abs=0.11)
        first = LABELS[f"ear-{what}"][0]
        assert [one.label == first for one in mine if one.time_s < 4.0 or one.time_s > 5.5] == [
            one.time_s > 5.5 for one in mine if one.time_s < 4.0 or one.time_s > 5.5
        ]


def test_a_longer_window_pools_what_was_judged_before(root: Path) -> None:
    classifiers = {"scene": load_classifier("ear-scene")}
    sound = np.concatenate([noise(4, 0.0), noise(3, 0.3)])
    short, long = (
        judge(Opinions(classifiers, RATE_HZ, hop_s=0.5, window_s=seconds), sound)[-1] for seconds in (2, 20)
    )
    assert short.probabilities["artifact"] > 0.95
    assert long.probabilities["artifact"] < 0.7


def test_what_only_a_heart_can_answer_waits_for_the_gate(root: Path) -> None:
    sound = np.concatenate([noise(5, 0.0), noise(6, 0.3)])
    made = judge(Opinions(load_classifiers()[0], RATE_HZ), sound, heart=0.6)
    valve = [one for one in made if one.what == "valve"]
    assert valve[0] == Judged(valve[0].time_s, "valve")
    assert valve[-1].label == "AS"
    assert all(one.probabilities for one in made if one.what in ("scene", "gate"))


def test_without_a_gate_the_beat_net_alone_decides(root: Path) -> None:
    classifiers = {"valve": load_classifier("ear-valve")}
    assert not judge(Opinions(classifiers, RATE_HZ), noise(4, 0.3), heart=0.1)[-1].probabilities
    assert judge(Opinions(classifiers, RATE_HZ), noise(4, 0.3), heart=0.9)[-1].label == "AS"


def test_missing_and_damaged_models_are_named_and_the_others_judge(root: Path) -> None:
    (root / "ear-valve" / "model.onnx").write_bytes(b"no model")
    (root / "ear-scene" / "card.toml").unlink()
    (root / "ear-gate" / "labels.txt").write_text("cardiac\nother\n")
    there, off = load_classifiers()
    assert set(there) == {"condition"}
    assert "model.onnx" in off["valve"]
    assert "card.toml" in off["scene"]
    assert "heart" in off["gate"]
    assert all("\n" not in why for why in off.values())


class Slow(Classifier):
    """Takes its time."""

    asked = 0

    def windows(self, samples: np.ndarray) -> np.ndarray:
        self.asked += 1
        time.sleep(0.15)
        return super().windows(samples)


def test_a_slow_classifier_holds_nobody_up_and_skips(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(find_model("ear-scene"))
    monkeypatch.setattr("heart.listening.opinions.load_classifiers", lambda: ({"scene": slow}, {}))
    told: list[Judged] = []
    clerk = Clerk(told.append, RATE_HZ, hop_s=0.25)
    wait_for(lambda: clerk.ready)
    slowest_s = 0.0
    for _ in range(100):  # 10 s of sound at once: 33 judgements would be due
        began_s = time.perf_counter()
        clerk.push(noise(0.1, 0.3), 1.0)
        slowest_s = max(slowest_s, time.perf_counter() - began_s)
        time.sleep(0.004)
    wait_for(lambda: len(told) == slow.asked)
    assert slowest_s < 0.1
    assert 2 <= slow.asked < 10


def test_a_reset_forgets_what_was_being_judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(find_model("ear-scene"))
    monkeypatch.setattr("heart.listening.opinions.load_classifiers", lambda: ({"scene": slow}, {}))
    told: list[Judged] = []
    clerk = Clerk(told.append, RATE_HZ)
    wait_for(lambda: clerk.ready)
    clerk.push(noise(3, 0.3), 1.0)
    wait_for(lambda: slow.asked == 1)
    clerk.reset()
    time.sleep(0.25)
    assert told == []


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


class PacedPipe(FakePipe):
    """Hands over records slowly enough for the clerk, and ends after a while."""

    def __init__(self, records: list[Any], wait_s: float) -> None:
        super().__init__(records)
        self.wait_s = wait_s
        self.lock = threading.Lock()

    def receive(self, timeout_s: float) -> Any | None:
        time.sleep(self.wait_s)
        return super().receive(timeout_s)

    def send(self, record: Any) -> None:
        with self.lock:
            super().send(record)


def test_the_worker_tells_the_same_beats_with_a_gate_that_lets_them_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = heart(90, rate_hz=RATE_HZ, seconds=5).sound
    blocks = [("audio", sound[at : at + 4_410]) for at in range(0, len(sound), 4_410)]
    plain = PacedPipe(list(blocks), 0.0)
    with pytest.raises(Enough):
        serve(plain, {})
    for name in ("ear-beats", "ear-onset"):
        if (models_dir() / name).is_dir():
            (tmp_path / name).symlink_to(models_dir() / name)
    make_classifier(tmp_path, "ear-gate", LABELS["ear-gate"])
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    judged = PacedPipe([None] * 40 + blocks + [None] * 10, 0.02)
    with pytest.raises(Enough):
        serve(judged, {})
    heard = [[one for one in pipe.sent if isinstance(one, Heard)] for pipe in (plain, judged)]
    beats = [[(one.time_s, one.bpm, one.s1_s, one.beats) for one in told] for told in heard]
    assert beats[0] == beats[1]
    assert heard[0][-1].heart != heard[1][-1].heart, "the gate has its say"
    said = [one for one in judged.sent if isinstance(one, Judged)]
    assert {one.what for one in said if one.off} == {"scene", "valve", "condition"}
    assert any(one.what == "gate" and one.probabilities for one in said)
