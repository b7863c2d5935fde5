"""Ableton Link both ways against a real peer: the heart leads it, or is led; without aalink the extra is named."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from aalink import Link

from heart.errors import UsageError
from heart.namespace import PARAMS
from heart.records import SAMPLE_RATE_HZ
from heart.stage.effects import SingAgain
from heart.stage.link import PATIENCE_S, LinkSession, SessionFollower, check_link, within_reach
from heart.stage.performance import Performance
from rig.live import LiveEngine, Program


async def _wait(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


def test_a_peer_takes_the_tempo_of_the_heart() -> None:
    async def meet() -> tuple[int, float]:
        peer = Link(120.0)
        peer.enabled = True
        lead = LinkSession(120.0)
        try:
            await _wait(lambda: lead.peers > 0)
            lead.lead(93.0)
            await _wait(lambda: abs(peer.tempo - 93.0) < 0.1)
            return lead.peers, float(peer.tempo)
        finally:
            lead.leave()
            peer.enabled = False

    peers, tempo = asyncio.run(meet())
    assert peers >= 1
    assert tempo == pytest.approx(93.0, abs=0.1)


@pytest.mark.parametrize("leader", ["heart", "session"])
def test_an_engine_leads_a_session_or_follows_it(leader: str) -> None:
    async def play(engine: LiveEngine, client: Program) -> None:
        peer = Link(120.0)
        peer.enabled = True
        try:
            assert await _wait(lambda: peer.num_peers > 0)
            client.send("/heart/set/bpm", 84.0)
            if leader == "heart":
                assert await _wait(lambda: abs(peer.tempo - 84.0) < 0.1), peer.tempo
                return
            peer.tempo = 101.0
            assert await _wait(lambda: abs(engine.value("bpm") - 101.0) < 0.1), engine.value("bpm")
            client.send("/heart/set/mode", "follow")  # then the heart heard leads, and the session waits
            assert await _wait(lambda: engine.value("mode") == "follow")
            peer.tempo = 66.0
            await asyncio.sleep(0.6)
            assert engine.value("bpm") == pytest.approx(101.0, abs=0.1)
        finally:
            peer.enabled = False

    with LiveEngine(link=leader) as engine, Program(engine.port) as client:
        asyncio.run(play(engine, client))


@dataclass
class Session:
    """A session at a place on its beats, as a peer tells it."""

    tempo: float = 100.0
    beat: float = 0.25


def s1_nearest(performance: Performance, frame: float) -> float:
    near = performance.beats_between(int(frame) - SAMPLE_RATE_HZ, int(frame) + SAMPLE_RATE_HZ)
    return min((beat.s1 for beat in near), key=lambda s1: abs(s1 - frame))


def test_beats_fall_on_those_of_the_session_and_stay_there() -> None:
    performance, session = Performance(), Session()
    performance.on_set(PARAMS["rmssd"], (0.0,), None)
    heard = 441_000
    follower = SessionFollower(performance, session, lambda: heard)
    effects = follower.follow(10.0, heard + 20_000)
    assert performance.values["bpm"] == 100.0
    assert any(isinstance(effect, SingAgain) for effect in effects)
    performance.rewind(heard + 20_000)  # as the conductor does when it sings again
    beat = 60 / session.tempo * SAMPLE_RATE_HZ
    for n in range(6, 12):  # beats of the session that are still to be sung
        at = heard + 0.75 * beat + n * beat
        assert s1_nearest(performance, at) == pytest.approx(at, abs=0.002 * SAMPLE_RATE_HZ)
    assert follower.follow(10.0 + PATIENCE_S + 1, heard + 20_000) == [], "what is in time is left alone"


def test_nobody_listening_means_tempo_only() -> None:
    performance = Performance()
    follower = SessionFollower(performance, Session(), lambda: None)
    assert follower.follow(0.0, 0)
    assert follower.follow(1.0, 0) == []
    assert performance.values["bpm"] == 100.0


@pytest.mark.parametrize(("tempo", "heart"), [(100.0, 100.0), (240.0, 120.0), (999.0, 124.875), (20.0, 40.0)])
def test_a_tempo_that_no_heart_has_is_halved_or_doubled(tempo: float, heart: float) -> None:
    assert within_reach(tempo) == heart


def test_without_aalink_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="link"):
        check_link()


def test_alone_in_a_session_the_heart_is_free() -> None:
    with LiveEngine(link="session") as engine, Program(engine.port) as client:
        client.send("/heart/set/bpm", 84.0)
        client.heard(0.5)
        assert engine.value("bpm") == 84.0
