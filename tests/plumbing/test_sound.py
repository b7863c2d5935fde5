"""The sound process: credit, fades, mute, and devices that vanish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import CardError, JackDummy, forget_dead_servers

from heart.guard import Gain, Guard
from heart.plumbing.device import Format
from heart.plumbing.player import FADE_MS, ClockWatch, Player
from heart.plumbing.sound import Sound

pytestmark = pytest.mark.alone

RATE_HZ = 44_100
BLOCK = 256


class Sink:
    """An output that keeps what it is given."""

    underruns = 0

    def __init__(self, format: Format) -> None:
        self.format = format
        self.blocks: list[np.ndarray] = []

    def write(self, samples: np.ndarray) -> None:
        self.blocks.append(samples.copy())

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate(self.blocks)


class Ear:
    """A pipe that keeps what is sent."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def send(self, record: Any) -> None:
        self.records.append(record)


def player(channels: int = 1, rate_hz: int = RATE_HZ) -> tuple[Player, Sink, Ear]:
    sink, ear = Sink(Format(rate_hz, channels, BLOCK)), Ear()
    return Player(sink, RATE_HZ, ear), sink, ear  # type: ignore[arg-type]


def tone(frames: int) -> np.ndarray:
    return (0.4 * np.sin(np.arange(frames) * 0.05)).astype(np.float32)


def test_what_is_queued_is_played_exactly_behind_the_guard() -> None:
    play, sink, _ = player()
    sound = tone(BLOCK * 100)
    for at in range(0, len(sound), 300):
        play.take(sound[at : at + 300])
    for _ in range(100):
        play.step()
    faded = sound[:, np.newaxis].copy()
    rise = round(FADE_MS * RATE_HZ / 1000)
    faded[:rise] *= (np.arange(1, rise + 1, dtype=np.float32) / rise)[:, np.newaxis]
    assert np.array_equal(sink.sound, Guard(RATE_HZ).process(Gain(RATE_HZ).process(faded)))


def test_running_dry_is_counted_once_and_does_not_click() -> None:
    play, sink, ear = player()
    play.take(np.full(RATE_HZ // 2 + 77, 0.4, dtype=np.float32) * np.sin(np.arange(RATE_HZ // 2 + 77) * 0.02))
    for _ in range(150):
        play.step()
    play.take(tone(RATE_HZ))
    for _ in range(100):
        play.step()
    time.sleep(0.03)
    play.step()
    assert np.abs(np.diff(sink.sound[:, 0])).max() < 0.4 * 0.05 * 1.1  # no steeper than the tones themselves
    assert ear.records[-1][0] == "played"
    assert ear.records[-1][3] == 1


def test_mono_goes_to_all_channels_and_stereo_to_its_own() -> None:
    play, sink, _ = player(channels=2)
    play.take(tone(BLOCK * 10))
    play.take(np.stack((tone(BLOCK * 10), np.zeros(BLOCK * 10, np.float32)), axis=1))
    for _ in range(20):
        play.step()
    assert np.array_equal(sink.sound[: BLOCK * 10, 0], sink.sound[: BLOCK * 10, 1])
    assert np.abs(sink.sound[BLOCK * 14 :, 1]).max() < 0.01
    assert np.abs(sink.sound[BLOCK * 14 :, 0]).max() > 0.3


def test_credit_is_counted_in_the_engines_frames_also_at_another_rate() -> None:
    play, _, ear = player(rate_hz=88_200)
    play.take(tone(RATE_HZ))
    for _ in range(300):
        play.step()
    time.sleep(0.03)
    play.step()
    _, frames, fill_ms, _ = ear.records[-1]
    assert frames == 301 * BLOCK // 2
    assert fill_ms == pytest.approx(1000 * (RATE_HZ - frames) / RATE_HZ, abs=10)


@pytest.mark.case("R28")
def test_broken_samples_do_not_reach_the_device() -> None:
    play, sink, _ = player()
    play.take(np.full(BLOCK * 20, np.nan, dtype=np.float32))
    for _ in range(20):
        play.step()
    assert not sink.sound.any()


@pytest.mark.case("R29")
def test_mute_is_silent_within_ten_ms() -> None:
    play, sink, _ = player()
    play.take(tone(BLOCK * 100))
    for _ in range(50):
        play.step()
    play.take(("mute", True))
    for _ in range(20):
        play.step()
    after = sink.sound[50 * BLOCK + 441 :, 0]
    assert np.abs(after).max() < 0.01  # the DC block settles
    play.take(("mute", False))
    for _ in range(20):
        play.step()
    assert np.abs(sink.sound[-10 * BLOCK :]).max() > 0.3


@pytest.mark.case("R20")
def test_lost_time_is_counted_by_the_clock() -> None:
    """20 ms blocks for a minute, on a clock 200 ppm fast, with a stall of 80 ms and a gap of 300 ms."""
    watch, now_s = ClockWatch(1000, latency_s=0.1), 50.0
    for number in range(3000):
        stall_s = {1000: 0.08, 1001: -0.08, 2000: 0.3}.get(number, 0.0)
        now_s += 0.02 * 1.0002 + stall_s
        watch.played(20, now_s)
        assert watch.losses == (number >= 2000)


@pytest.mark.case("R20")
def test_steady_losses_are_counted_too() -> None:
    """A device that takes 15 % too little, as an overloaded server does, and raises no flag."""
    watch = ClockWatch(1000, latency_s=0.1)
    for number in range(500):
        watch.played(17, 50.0 + 0.02 * number)
    assert watch.losses > 5


class Stage:
    """A Sound with everything it said, and a feeder that stays 200 ms ahead of its credit."""

    def __init__(self, name: str, rate_hz: int = RATE_HZ) -> None:
        self.played: list[tuple[float, int, float, int]] = []
        self.heard = 0
        self.events: list[tuple[float, str, str]] = []
        self.sent = 0
        self.sound = Sound(name, name, Format(rate_hz, 2), "auto", self.on_played, self.on_heard, self.on_event)

    def on_played(self, frames: int, fill_ms: float, underruns: int) -> None:
        self.played.append((time.monotonic(), frames, fill_ms, underruns))

    def on_heard(self, samples: np.ndarray, rate_hz: int) -> None:
        assert samples.shape == (BLOCK, 2)
        self.heard += len(samples)

    def on_event(self, event: str, text: str) -> None:
        self.events.append((time.monotonic(), event, text))
        if event == "ready":
            self.sent = 0
            self.played.clear()

    def when(self, event: str) -> float:
        return [moment for moment, name, _ in self.events if name == event][-1]

    async def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        end_s = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end_s, f"waited {seconds} s in vain; events: {self.events}"
            await asyncio.sleep(0.005)

    async def feed(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            goal = (self.played[-1][1] if self.played else 0) + RATE_HZ // 5
            while self.sent < goal:
                self.sound.play(np.zeros(BLOCK, dtype=np.float32))
                self.sent += BLOCK
            await asyncio.sleep(0.01)


def test_a_device_gives_credit_at_its_own_pace_and_hears() -> None:
    async def scene() -> None:
        stage = Stage("null")
        stage.sound.start()
        await stage.until(lambda: stage.sound.worker.ready)
        await stage.feed(3.0)
        await stage.sound.stop()
        first, last = stage.played[5], stage.played[-1]
        pace = (last[1] - first[1]) / (last[0] - first[0])
        assert pace == pytest.approx(RATE_HZ, rel=0.02)
        assert len(stage.played) > 80
        assert stage.heard > 2.5 * RATE_HZ

    asyncio.run(scene())


def test_an_unknown_device_is_named_in_the_event() -> None:
    async def scene() -> None:
        stage = Stage("no such card")
        stage.sound.start()
        await stage.until(lambda: any(event == "gave_up" for _, event, _ in stage.events))
        await stage.sound.stop()
        text = next(text for _, event, text in stage.events if event == "died")
        assert text.startswith("DeviceError: ")
        assert "no such card" in text or "no sound device can be used" in text

    asyncio.run(scene())


def test_killed_jack_servers_do_not_fill_the_registry(tmp_path: Path) -> None:
    """The rig's own housekeeping: left-overs go when no server lives, and stay while one does."""
    shared, processes = tmp_path / "shm", tmp_path / "proc"
    (shared / "jack_db-0").mkdir(parents=True)
    (shared / "jack-shm-registry").write_text("full")
    (shared / "sem.other").write_text("not ours")
    (processes / "12").mkdir(parents=True)
    (processes / "12" / "comm").write_text("jackd\n")
    forget_dead_servers(shared, processes)
    assert len(list(shared.iterdir())) == 3
    (processes / "12" / "comm").write_text("python\n")
    forget_dead_servers(shared, processes)
    assert [left.name for left in shared.iterdir()] == ["sem.other"]


@pytest.mark.case("R24")
def test_a_dead_sound_server_is_noticed_and_its_return_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of the JACK server hangs PortAudio for good; the process that hangs is replaced."""
    try:
        jack = JackDummy(tmp_path)
    except CardError as error:
        pytest.skip(str(error))
    jack.start()
    for key in ("JACK_NO_START_SERVER", "JACK_DEFAULT_SERVER"):
        monkeypatch.setenv(key, jack.environment[key])

    async def scene() -> None:
        stage = Stage("system")
        stage.sound.start()
        try:
            await stage.until(lambda: stage.sound.worker.ready)
            await stage.feed(1.5)
            assert stage.played[-1][1] > RATE_HZ
            killed_s = time.monotonic()
            jack.kill()
            await stage.until(lambda: any(event == "died" for _, event, _ in stage.events))
            assert stage.when("died") - killed_s < 1.5
            await asyncio.sleep(0.5)
            back_s = time.monotonic()
            jack.start()
            await stage.until(lambda: stage.sound.worker.ready)
            assert stage.when("ready") - back_s < 3.0
            await stage.feed(1.0)
            assert stage.played[-1][1] > RATE_HZ // 2
        finally:
            await stage.sound.stop()

    try:
        asyncio.run(scene())
    finally:
        jack.stop()
