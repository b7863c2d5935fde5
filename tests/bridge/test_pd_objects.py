"""Each object of patches/pd in a Pd of its own clock, with two engines in one patch (tests/rig/studio.pd)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rig.compare import compare
from rig.engine import Engine
from rig.pd import STUDIO, PureData

NEAR = 2
"""Frames that a beat may be off; one of Pd's blocks is 64."""

A1, A2, CLICK, PHASE, B1, EAR = range(6)
"""Channels of the studio's recording."""

Studio = tuple[PureData, Engine, Engine]


@pytest.fixture
def studio() -> Iterator[Studio]:
    with Engine(seed=5) as a, Engine(seed=6) as b, PureData(a.port, b.port, patch=STUDIO) as pd:
        pd.wait_playing()
        yield pd, a, b


def printed(pd: PureData, name: str, what: str = "") -> list[str]:
    return [rest for kind, rest in pd.prints if kind == name and what in rest]


def until(pd: PureData, condition: Callable[[], bool], what: str) -> None:
    pd.wait_until(condition, 5, what)


@pytest.mark.parametrize(
    "ahead_ms", [(150, 333, 480), pytest.param(tuple(range(60, 860, 20)), marks=pytest.mark.stage)]
)
def test_a_beat_fires_on_the_sample_where_its_s1_sounds(
    studio: Studio, ahead_ms: tuple[int, ...], tmp_path: Path
) -> None:
    pd, a, _ = studio
    pd.record(tmp_path / "heard.wav")
    time.sleep(0.5)
    frames = []
    for n, ahead in enumerate(ahead_ms):
        frames.append(a.announce_beat(ahead, bpm=120, n=n))
        time.sleep(0.6)
    time.sleep(max(0.0, max(ahead_ms) / 1000 - 0.5))
    sound = pd.stop_recording()
    clicks = np.flatnonzero(np.diff(sound[:, CLICK] > 0, prepend=False) & (sound[:, CLICK] > 0))
    truth = np.array(frames) + compare(sound[:, A1], a.sent()).heard_at
    print("frames late:", clicks - truth)
    assert len(clicks) == len(truth)
    assert np.abs(clicks - truth).max() <= NEAR
    assert [line.split()[0] for line in printed(pd, "beat")] == [str(n) for n in range(len(clicks))]
    for click in clicks[:-1]:
        phase = sound[click : click + 8820, PHASE]
        assert np.allclose(phase, np.arange(8820) / 22_050, atol=8 / 22_050)


def test_beats_of_a_second_voice_come_out_of_their_own_heart_beat(studio: Studio) -> None:
    pd, a, _ = studio
    offset = int(pd.report.block % 256 * 256 + 8820) % 65_536
    a.say("/heart/beat/2", 7, offset, 50.0, 1200.0, 20.0, "MR", 0.9)
    a.say("/heart/beat", 3, (offset + 8820) % 65_536, 72.0, 833.0, 30.0, "N", 1.0)
    until(pd, lambda: bool(printed(pd, "beat")), "the first voice's beat")
    assert printed(pd, "beat-of-2") == ["7 50 1200 20 MR 0.9"]
    assert printed(pd, "beat") == ["3 72 833 30 N 1"]


def test_what_the_ear_gets_is_what_was_sent_to_it(studio: Studio, tmp_path: Path) -> None:
    pd, a, _ = studio
    pd.record(tmp_path / "heard.wav")
    time.sleep(2.5)
    sound = pd.stop_recording()[:, EAR]
    blocks = a.heard()
    assert {channel for channel, _, _ in blocks} == {1}
    assert [seq for _, seq, _ in blocks] == list(range(blocks[0][1], blocks[0][1] + len(blocks)))
    result = compare(sound, np.concatenate([samples for _, _, samples in blocks]))
    assert result.compared > 2 * 44_100
    assert result.wrong == 0


def test_two_engines_stream_into_one_patch_at_once(studio: Studio, tmp_path: Path) -> None:
    pd, a, b = studio
    before_a, before_b = len(a.sent()), len(b.sent())
    pd.record(tmp_path / "heard.wav")
    time.sleep(2)
    sound = pd.stop_recording()
    for channel, engine, before in ((A1, a, before_a), (A2, a, before_a), (B1, b, before_b)):
        result = compare(sound[:, channel], engine.sent()[before:])
        assert result.compared > 44_100
        assert result.wrong == 0


def test_heart_engine_takes_parameters_and_addresses_and_tells_trouble_in_words(studio: Studio) -> None:
    pd, a, _ = studio
    for message in ("bpm 90", "/heart/ramp bpm 120 10", "label AS", "/heart/panic"):
        pd.tell(f"tell {message}")
    wanted = [("/heart/set/bpm", 90.0), ("/heart/ramp", "bpm", 120.0, 10.0), ("/heart/set/label", "AS")]
    until(pd, lambda: set(wanted) <= set(a.messages), "the messages arrive")
    pd.tell("tell bmp 90")
    pd.tell("tell bpm 900")
    until(pd, lambda: len(printed(pd, "trouble", "bmp")) + len(printed(pd, "trouble", "900")) >= 2, "both troubles")
    a.say("/heart/value/bpm", 77.0)
    until(pd, lambda: "bpm 77" in printed(pd, "value"), "a value")


def test_heart_engine_connects_elsewhere_and_disconnects(studio: Studio) -> None:
    pd, a, b = studio
    pd.tell(f"tell connect 127.0.0.1 {b.port}")
    until(
        pd, lambda: len(b.stats()["clients"]) == 2 and pd.said["a"] == "playing", "both play from the second engine"
    )
    pd.tell("tell disconnect")
    until(pd, lambda: pd.said["a"].startswith("not connected"), "words")
    until(pd, lambda: len(b.stats()["clients"]) == 1, "a bye")
    assert pd.said["b"] == "playing"
    pd.tell(f"tell connect 127.0.0.1 {a.port}")
    until(pd, lambda: pd.said["a"] == "playing", "a plays again")


def test_a_knob_asks_for_its_value_and_follows_others_without_a_loop(studio: Studio) -> None:
    pd, a, _ = studio
    until(pd, lambda: {("/heart/get/bpm",), ("/heart/listen/bpm", 1)} <= set(a.messages), "get and listen")
    a.say("/heart/value/bpm", 101.0)
    until(pd, lambda: bool(printed(pd, "knob", "set 101")), "the knob is set")
    pd.tell("tell knob 88")
    until(pd, lambda: ("/heart/set/bpm", 88.0) in a.messages, "the knob is turned")
    assert [m for m in a.messages if m[0] == "/heart/set/bpm"] == [("/heart/set/bpm", 88.0)]
    a.say("/heart/value/label", "MR")
    until(pd, lambda: bool(printed(pd, "choice", "set 2")), "the third button")


def test_the_pad_gives_a_sound_alone_and_all_alike_in_the_middle(studio: Studio) -> None:
    pd, a, _ = studio
    pd.tell("tell morph 0.5 0.92")
    until(pd, lambda: any(m[0] == "/heart/morph" for m in a.messages), "weights arrive")
    pd.tell("tell morph 0.5 0.5")
    until(pd, lambda: sum(m[0] == "/heart/morph" for m in a.messages) == 2, "weights arrive again")
    alone, middle = (np.array(m[1:]).ravel() for m in a.messages if m[0] == "/heart/morph")
    assert len(alone) == 3
    assert alone[0] / alone.sum() > 0.999
    assert np.allclose(middle / middle.sum(), 1 / 3, atol=1e-3)


def test_what_the_ear_hears_comes_out_of_heart_heard(studio: Studio) -> None:
    pd, a, _ = studio
    a.say("/heart/heard", 1, 512, 64.0, 937.5, 20.0, "N", 0.9)
    a.say("/heart/heard/next", 1024, 500.0, 64.0, 0.9)
    a.say("/heart/heard/rate", 64.0, 937.5, 30.0, 20.0, 0.1, 0.9)
    a.say("/heart/heard/scene", "murmur", 0.8, 0.1, 0.8, 0.1)
    for name, what in (("heard", "bang"), ("next", "1024 500 64 0.9"), ("rate", "64 937.5 30 20 0.1 0.9"),
                       ("scene", "murmur 0.8 0.1 0.8 0.1")):  # fmt: skip
        until(pd, lambda name=name, what=what: bool(printed(pd, name, what)), f"{name} tells {what}")
