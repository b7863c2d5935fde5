"""The generated Max patches, run object by object (tests/rig/max_host) against the engine over real sockets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rig.compare import Comparison, compare
from rig.engine import Engine
from rig.max_host import MaxHost
from rig.max_host.host import Tap
from rig.pd import free_port

FADE_IN = 220
"""Frames of the fade with which heart.channel~ begins a stream."""


@dataclass
class Set:
    """heart.engine and heart.receive~ in a Max, and what comes out of them."""

    host: MaxHost
    words: Tap
    trouble: Tap
    fill: Tap
    underruns: Tap

    def __init__(self, host: MaxHost, engine_port: int, way: str = "array") -> None:
        self.host = host
        self.engine = host.add(f"heart.engine 127.0.0.1 {engine_port} {free_port()}")
        self.receive = host.add(f"heart.receive~ 1 {way}")
        self.heard = host.record(self.receive, 0)
        self.words, self.trouble = host.tap(self.engine, 0), host.tap(self.engine, 2)
        self.fill, self.underruns = host.tap(self.receive, 8), host.tap(self.receive, 9)

    def says(self, words: str) -> bool:
        return bool(self.words.heard) and words in self.words.heard[-1][0]  # type: ignore[operator]

    def wait_playing(self) -> None:
        self.host.wait_until(lambda: self.says("playing"), 8, "heart.engine says playing")

    def compared(self, engine: Engine, since: int = 0) -> tuple[Comparison, int]:
        """The comparison from frame `since` of what was sent, and the wrong frames after the fade-in."""
        heard, sent = self.heard().astype(np.float32), engine.sent()[since:]
        comparison = compare(heard, sent)
        return comparison, comparison.wrong_after(heard, sent, FADE_IN)


@pytest.mark.parametrize(
    ("vector", "block", "way"), [(64, 256, "array"), (512, 64, "array"), (256, 1024, "funnel")]
)
def test_every_sample_arrives_as_it_was_sent(vector: int, block: int, way: str) -> None:
    with Engine() as engine, MaxHost(vector) as host:
        rig = Set(host, engine.port, way)
        host.start()
        rig.wait_playing()
        start = 0
        if block != 256:
            engine.set_block(block)
            start = len(engine.sent()) + 22_050
        host.wait_until(lambda: len(engine.sent()) > start + 2 * 44_100, 6, "two seconds are sent")
        host.stop()
        comparison, wrong = rig.compared(engine, start)
        assert comparison.compared > 60_000
        assert wrong == 0
        assert rig.trouble.heard == []


def test_lost_blocks_are_asked_for_and_come() -> None:
    """One in thirty never arrives: the patch misses it by its number and the engine sends it again."""
    rng = np.random.default_rng(3)
    with Engine() as engine, MaxHost(64) as host:
        rig = Set(host, engine.port)
        host.lose = lambda address: address.startswith("/heart/audio") and rng.random() < 1 / 30
        host.start()
        rig.wait_playing()
        host.wait_until(lambda: engine.stats()["resent"] > 10, 8, "ten blocks are sent again")
        host.stop()
        _, wrong = rig.compared(engine)
        assert wrong == 0
        assert rig.underruns.heard == []


def test_a_click_falls_on_the_sample_of_s1_and_a_bang_within_two_vectors() -> None:
    with Engine() as engine, MaxHost(64) as host:
        rig = Set(host, engine.port)
        beat = host.add("heart.beat")
        click, bang, said = host.record(beat, 4), host.tap(beat, 0), host.tap(beat, 3)
        host.start()
        rig.wait_playing()
        host.wait_until(lambda: len(engine.sent()) > 44_100, 5, "a second is sent")
        frames = [engine.announce_beat(ahead, 61.5, n) for n, ahead in ((7, 150), (8, 400))]
        host.wait_until(lambda: len(bang.heard) == 2, 3, "two bangs")
        host.stop()
        clicks = np.flatnonzero(click())
        assert len(clicks) == 2
        comparison, _ = rig.compared(engine)
        assert (clicks - comparison.heard_at).tolist() == frames
        for at, vector in zip(clicks, bang.at, strict=True):
            assert 0 <= vector - at // 64 <= 3
        assert [beat[0] for beat in said.heard] == [7, 8]
        assert said.heard[0][2] == pytest.approx(61.5)


def test_heart_beat_follows_the_voice_of_its_argument_alone() -> None:
    with Engine() as engine, MaxHost(128) as host:
        rig = Set(host, engine.port)
        first, second = host.tap(host.add("heart.beat"), 3), host.tap(host.add("heart.beat 2"), 3)
        host.start()
        rig.wait_playing()
        for voice, ahead in (("", 8_000), ("/2", 12_000)):
            at = (int(host.values["heart.position"][0]) + ahead) % 65_536
            engine.say(f"/heart/beat{voice}", 5, at, 60.0 + ahead, 900.0, 0.0, "N", 1.0)
        host.wait_until(lambda: bool(first.heard) and bool(second.heard), 3, "both beat")
        assert [beat[2] for beat in (*first.heard, *second.heard)] == [8_060.0, 12_060.0]


def test_an_engine_that_is_not_there_or_dies_or_comes_back_is_told_in_words() -> None:
    port = free_port()
    with MaxHost(128) as host:
        rig = Set(host, port)
        host.start()
        host.wait_until(lambda: rig.says("no answer"), 3, "heart.engine says that nobody answers")
        with Engine(port) as engine:
            rig.wait_playing()
            assert len(engine.sent()) >= 0
            engine.stop(politely=False)
        host.wait_until(lambda: rig.says("no answer"), 5, "it notices that the engine is gone")
        with Engine(port, seed=2) as engine:
            rig.wait_playing()
            start = len(engine.sent()) + 22_050
            host.wait_until(lambda: len(engine.sent()) > start + 44_100, 5, "a second of the new stream")
            host.stop()
            _, wrong = rig.compared(engine, start)
            assert wrong == 0


def test_audio_that_is_off_in_max_is_told_in_words() -> None:
    with Engine() as engine, MaxHost(128) as host:
        rig = Set(host, engine.port)
        host.start()
        rig.wait_playing()
        host.set_dsp(False)
        host.wait_until(lambda: rig.says("audio is off"), 3, "heart.engine says that audio is off")
        host.set_dsp(True)
        rig.wait_playing()


def test_errors_of_the_engine_come_as_words() -> None:
    with Engine() as engine, MaxHost(128) as host:
        rig = Set(host, engine.port)
        host.start()
        rig.wait_playing()
        host.tell(rig.engine, "/heart/block", 7)
        host.wait_until(lambda: bool(rig.trouble.heard), 3, "the error arrives")
        assert "must be one of 64" in rig.trouble.heard[-1][0]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("protocol", "voice", "words"), [(1, "pulse", "no voice model"), (2, "voice", "wrong protocol")]
)
def test_what_the_welcome_lacks_is_told_in_words(protocol: int, voice: str, words: str) -> None:
    with Engine() as engine, MaxHost(128) as host:
        rig = Set(host, engine.port)
        host.start()
        rig.wait_playing()
        engine.say("/heart/welcome", protocol, "0", 44_100, 1, 256, 65_536, 5, voice)
        told = (rig.words.heard, rig.trouble.heard)
        host.wait_until(lambda: any(words in str(m[0]) for heard in told for m in heard), 3, "it is said in words")


def test_without_heart_receive_the_engine_still_knows_who_we_are() -> None:
    """A patch that only turns parameters: one credit proves its address, so that status and beats reach it."""
    with Engine() as engine, MaxHost(128) as host:
        words = host.tap(host.add(f"heart.engine 127.0.0.1 {engine.port} {free_port()}"), 0)
        host.start()
        host.wait_until(lambda: bool(engine.stats()["clients"]), 3, "the engine has a client")
        host.wait_until(lambda: engine.stats()["clients"][0]["state"] != "welcomed", 3, "it is proven")
        assert ["connected, waiting for sound"] in words.heard


def test_heart_send_brings_sound_to_the_ear_sample_by_sample() -> None:
    with Engine() as engine, MaxHost(64) as host:
        rig = Set(host, engine.port)
        made = host.noise(host.add("heart.send~ 1"), seed=5)
        host.start()
        rig.wait_playing()
        host.wait_until(lambda: len(engine.heard()) > 200, 5, "two hundred blocks are sent")
        host.stop()
        channels, numbers, blocks = zip(*engine.heard()[:200], strict=True)
    assert set(channels) == {1}
    assert list(numbers) == list(range(numbers[0], numbers[0] + 200))
    whole, sound = np.concatenate(made).astype(np.float32), np.concatenate(blocks)
    starts = np.flatnonzero(whole == sound[0])
    assert sum(np.array_equal(whole[s : s + len(sound)], sound) for s in starts) == 1


def test_heart_heard_tells_beats_rates_and_judgements() -> None:
    with Engine() as engine, MaxHost(128) as host:
        rig = Set(host, engine.port)
        heard = host.add("heart.heard")
        taps = [host.tap(heard, n) for n in range(10)]
        host.start()
        rig.wait_playing()
        engine.say("/heart/heard", 3, 100, 66.0, 909.0, 20.0, "N", 0.9)
        engine.say("/heart/heard/next", 200, 40.0, 66.0, 0.9)
        engine.say("/heart/heard/rate", 66.0, 909.0, 30.0, 20.0, 0.1, 0.9)
        engine.say("/heart/heard/gate", 0.97)
        host.wait_until(lambda: bool(taps[9].heard) and bool(taps[2].heard), 3, "all of it arrives")
        assert taps[0].heard == [["bang"]]
        assert taps[1].heard[0][0] == 3
        assert taps[4].heard == [[66.0]]
        assert taps[9].heard[0][0] == pytest.approx(0.97)
