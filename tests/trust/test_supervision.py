"""Voice, recorder, devices and time itself fail in every way; the sound goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from heart.plumbing.client import HeartClient
from heart.plumbing.standby import Standby
from heart.records import SAMPLE_RATE_HZ
from heart.stage.live import Engine
from heart.stage.rehearsal import running_engine
from rig.live import LiveEngine, Program, until

TARGETS = "trust.targets"


@contextmanager
def listening(engine: Any) -> Iterator[HeartClient]:
    with HeartClient(port=engine.port) as client:
        assert client.wait_until(lambda: client.fill_ms > 100, 10)
        yield client


def sing_by(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The voice of engines made from now on is another."""
    make = Engine._worker

    def other(self: Engine, name: str, own: str, *rest: Any) -> Any:
        return make(self, name, f"{TARGETS}:{target}" if name == "voice" else own, *rest)

    monkeypatch.setattr(Engine, "_worker", other)


def alarms(client: HeartClient) -> list[str]:
    return [args[0] for args in client.inbox._waiting.get("/heart/alarm", ())]


# R22: killed


def killed(times: int, voice: str, pause_s: float, reached: Callable[[str], None]) -> None:
    noticed, back = [], []
    with LiveEngine(voice=voice) as live, listening(live) as client:
        engine = live.engine
        engine.voice.max_deaths = 10**6
        standing = isinstance(engine.voice, Standby)
        assert until(lambda: engine.voice.spare_ready if standing else engine.voice.ready, 60)
        memory, bed = children_mb(), engine.conductor.bed_frames
        for _ in range(times):
            chunks = engine.conductor.chunks
            told = len(alarms(client))
            os.kill(engine.voice.pid, signal.SIGKILL)
            killed_s = time.monotonic()
            assert until(lambda: len(alarms(client)) > told, 5)  # noqa: B023
            noticed.append(time.monotonic() - killed_s)
            assert until(lambda: engine.voice.ready and engine.conductor.chunks > chunks, 20)  # noqa: B023
            back.append(time.monotonic() - killed_s)
            assert until(lambda: engine.voice.spare_ready if standing else True, 60)
            time.sleep(pause_s)
        grown = children_mb() - memory
        missing, bed = client.silent_frames, engine.conductor.bed_frames - bed
    best = sorted(noticed)
    seen = f"seen after {1000 * best[len(best) // 2]:.0f} (at most {1000 * best[-1]:.0f}) ms"
    new = f"new sound after {1000 * sorted(back)[len(back) // 2]:.0f} (at most {1000 * max(back):.0f}) ms"
    reached(
        f"{voice}, {times} times: {missing} samples missing, {bed} sung by the bed; {seen}; {new}; {grown:+.0f} MB"
    )
    assert missing == 0
    assert best[len(best) // 2] < 0.1
    assert max(back) < 5


def children_mb() -> float:
    return sum(child.memory_full_info().uss for child in psutil.Process().children()) / 1e6


@pytest.mark.stage
@pytest.mark.case("R22")
def test_twenty_killed_voices_are_not_heard(reached) -> None:
    killed(20, "voice", 1.0, reached)


@pytest.mark.case("R22")
def test_the_second_voice_takes_over_at_once(monkeypatch: pytest.MonkeyPatch, reached) -> None:
    """With stand-ins that take a second to load, as a real voice does."""

    async def scene() -> float:
        events: list[tuple[float, str]] = []

        def note(event: str, text: str) -> None:
            events.append((time.monotonic(), event))

        worker = Standby("voice", f"{TARGETS}:slow_echo", {}, lambda record: None, note)
        worker.start()
        try:
            while not worker.spare_ready:
                await asyncio.sleep(0.01)
            killed_s = time.monotonic()
            worker.kill()
            while [event for _, event in events].count("ready") < 2:
                await asyncio.sleep(0.001)
            return events[-1][0] - killed_s
        finally:
            await worker.stop()

    monkeypatch.setattr("heart.plumbing.standby.SETTLE_S", 0.1)
    seconds = asyncio.run(asyncio.wait_for(scene(), 30))
    reached(f"a voice that takes 1 s to load is replaced in {1000 * seconds:.0f} ms")
    assert seconds < 0.25


@pytest.mark.stage
def test_the_third_death_is_the_last_birth_and_the_fourth_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> list[str]:
        events: list[str] = []
        worker = Standby(
            "voice", f"{TARGETS}:slow_echo", {}, lambda record: None, lambda event, text: events.append(event)
        )
        worker.start()
        try:
            for death in range(4):
                while not worker.ready or (death < 3 and not worker.spare_ready):
                    await asyncio.sleep(0.01)
                deaths = events.count("died")
                worker.kill()
                while events.count("died") == deaths:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.5)
            return events
        finally:
            await worker.stop()

    monkeypatch.setattr("heart.plumbing.standby.SETTLE_S", 0.1)
    events = asyncio.run(asyncio.wait_for(scene(), 60))
    assert events.count("died") == 4
    assert events.count("gave_up") == 1
    assert events.index("gave_up") > max(at for at, event in enumerate(events) if event == "died")


# R23: stopped, failing, singing nonsense


@pytest.mark.case("R23")
def test_a_voice_that_always_fails_leaves_the_bed_and_says_so(monkeypatch: pytest.MonkeyPatch, reached) -> None:
    sing_by("failing", monkeypatch)
    with LiveEngine() as live, HeartClient(port=live.port) as client:
        assert client.wait_until(lambda: client.fill_ms > 100, 10)
        assert until(lambda: any("gave" in line or "bed plays on" in line for line in live.engine._news), 15)
        restarts = live.engine.voice.restarts
        time.sleep(1.5)
        sound = client.played_audio()
        assert live.engine.voice.restarts == restarts <= 3
        assert client.wait_until(lambda: client.status is not None and client.status[0] == "bed", 3)
        assert "voice_lost" in alarms(client)
    reached(f"{restarts + 1} lives, then the bed; {client.silent_frames} samples missing")
    assert client.silent_frames == 0
    assert np.abs(sound[-SAMPLE_RATE_HZ:]).max() > 0.02


@pytest.mark.case("R23")
@pytest.mark.parametrize("target", ["short", "not_a_number"])
def test_nonsense_is_refused_and_counted(target: str, monkeypatch: pytest.MonkeyPatch, reached) -> None:
    sing_by(target, monkeypatch)
    with LiveEngine() as live, listening(live) as client, Program(live.port) as program:
        assert until(lambda: live.engine.conductor.refused_chunks > 3, 10)
        sound = client.played_audio()
        program.send("/heart/troubles")
        kind, count, text = next(args for address, args in program.heard(1.0) if address == "/heart/trouble")
        told = {kind: count}
    reached(f"{target}: {told}, {client.silent_frames} samples missing")
    assert text
    assert client.silent_frames == 0
    assert np.isfinite(sound).all()


@pytest.mark.stage
@pytest.mark.case("R23")
def test_a_stopped_voice_is_replaced_and_not_heard(reached) -> None:
    with LiveEngine(voice="voice") as live, listening(live) as client:
        voice = live.engine.voice
        assert until(lambda: voice.spare_ready, 60)
        former = voice.pid
        os.kill(former, signal.SIGSTOP)
        stopped_s = time.monotonic()
        assert until(lambda: voice.pid != former and voice.ready, 20)
        seconds = time.monotonic() - stopped_s
        time.sleep(2)
    reached(f"stopped: replaced after {seconds:.1f} s, {client.silent_frames} samples missing, the bed between")
    assert client.silent_frames == 0


# R25: time


@pytest.mark.stage
@pytest.mark.case("R25")
def test_half_a_minute_of_standing_still_is_not_made_up_for(tmp_path: Path, reached) -> None:
    stood_still(30, tmp_path, reached)


@pytest.mark.stage
@pytest.mark.case("R25")
def test_three_seconds_of_standing_still_are_not_made_up_for(tmp_path: Path, reached) -> None:
    stood_still(3, tmp_path, reached)


def stood_still(seconds: float, folder: Path, reached: Callable[[str], None]) -> None:
    with running_engine(folder, "--voice", "pulse") as engine, listening(engine) as client:
        tree = [psutil.Process(engine.process.pid)]
        tree += tree[0].children(recursive=True)
        with Program(engine.port) as program:
            for process in tree:
                process.suspend()
            until_s = time.monotonic() + seconds
            for number in range(300):
                program.send("/heart/set/bpm", 60 + number % 100)
            time.sleep(until_s - time.monotonic())
            for process in reversed(tree):
                process.resume()
            woken_s = time.monotonic()
            assert client.wait_until(lambda: client.fill_ms > 50, 5)
            back_s = time.monotonic() - woken_s
            assert client.wait_until(lambda: "stopped" in alarms(client), 3)
            program.send("/heart/get/bpm")
            assert program.wait_for("/heart/value/bpm") == (72.0,)
            program.send("/heart/troubles")
            told = {args[0]: args[1:] for address, args in program.heard(1.0) if address == "/heart/trouble"}
    reached(f"{seconds:g} s: sound after {back_s:.2f} s, {told['stale'][0]} old messages dropped")
    assert told["stale"][0] >= 300
    assert "stood still" in told["stale"][1]
    assert back_s < 2.5  # 1 s on a machine with nothing else to do


@pytest.mark.stage
@pytest.mark.case("R25")
def test_a_clock_that_is_set_by_an_hour_moves_nothing(monkeypatch: pytest.MonkeyPatch, reached) -> None:
    wrong_s, true = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: true() + wrong_s[0])
    with LiveEngine() as live, listening(live) as client:
        for wrong_s[0] in (3600.0, -3600.0, 0.0):
            time.sleep(0.7)
            client.send("/heart/ping", 5)
            assert client.wait_until(lambda: bool(client.inbox._waiting.get("/heart/pong")), 2)
        assert live.engine.voice.restarts == live.engine.ear.restarts == 0
        assert "stopped" not in alarms(client)
    reached(f"clock set by +1 h, -2 h, +1 h: {client.silent_frames} samples missing, nothing restarted")
    assert client.silent_frames == 0


# R28, R29: broken sound is told; control lost


@pytest.mark.stage
@pytest.mark.case("R28")
def test_broken_sound_is_silenced_and_told() -> None:
    with LiveEngine() as live, listening(live) as client:
        stream = live.engine.wire.streaming[0].stream
        live.call(lambda: stream.feed.guard.process(np.full((10, 1), np.nan, np.float32)))
        assert client.wait_until(lambda: "broken" in alarms(client), 3)


@pytest.mark.case("R29")
def test_when_nobody_holds_the_instrument_it_falls_silent(reached) -> None:
    with LiveEngine(dead_man=1.0) as live, listening(live) as client:
        time.sleep(1.5)
        assert not live.engine.performance.panicked  # credits are words too
        client._post = lambda packet: None  # type: ignore[method-assign]
        began_s = time.monotonic()
        assert until(lambda: live.engine.performance.panicked, 5)
        seconds = time.monotonic() - began_s
        assert any("silent until /heart/resume" in line for line in live.engine._news)
        with Program(live.port) as program:
            program.send("/heart/ping", 1)
            assert program.heard(0.3)
            assert live.engine.performance.panicked
            assert program.ask("/heart/resume") == ("/heart/resume",)
    reached(f"armed for 1 s: silent after {seconds:.1f} s, until /heart/resume")
