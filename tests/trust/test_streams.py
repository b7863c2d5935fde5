"""The stream through bad networks, holes, restarts and clocks that drift."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heart.plumbing.client import HeartClient
from heart.plumbing.clients import Client, ClientTable
from heart.plumbing.conceal import Concealer
from heart.plumbing.osc import decode
from heart.plumbing.ring import PlayRing
from heart.plumbing.sender import Sender
from heart.records import SAMPLE_RATE_HZ
from heart.stage.measure import compare
from heart.stage.rehearsal import running_engine
from rig.clicks import clicks
from rig.engine import Engine
from rig.live import LiveEngine, until
from rig.proxy import Proxy, Weather

BAD = Weather(loss=0.05, reorder=0.25, duplicate=0.01, jitter_ms=20)


class SineTape:
    """An endless tape of one sine: whatever bends more than it does is a click."""

    channels, tail, sealed, head = 1, 0, 0, 2**40

    def seal(self, frame: int) -> None:
        self.sealed = max(self.sealed, frame)

    def read(self, start: int, frames: int) -> np.ndarray:
        turns = (np.arange(start, start + frames) * 220 % SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        return (0.5 * np.sin(2 * np.pi * turns)).astype(np.float32)[:, np.newaxis]


def sine_engine(**options: Any) -> Engine:
    engine = Engine(**options).start()
    assert engine.wire is not None
    engine.wire._sender.tape = SineTape()
    return engine


CLEAN = SineTape().read(0, SAMPLE_RATE_HZ)[:, 0]


def deaf(client: HeartClient) -> None:
    """From now on it asks for nothing again."""
    client._new_ring = lambda: _never(PlayRing(client.channels))  # type: ignore[method-assign]


def _never(ring: PlayRing) -> PlayRing:
    ring.wanted = lambda now: []  # type: ignore[method-assign]
    return ring


def through(
    weather: Weather, seconds: float, asks: bool, conceal: bool = True
) -> tuple[HeartClient, np.ndarray, Any]:
    """A client that hears a sine through bad weather; what it played from its first sound on; the counts."""
    with contextlib.ExitStack() as stack:
        engine = sine_engine()
        stack.callback(engine.stop)
        proxy = stack.enter_context(Proxy(engine.port, weather, seed=14))
        client = HeartClient(port=proxy.port, conceal=conceal)
        if not asks:
            deaf(client)
        stack.enter_context(client)
        time.sleep(seconds)
    return client, client.played_audio()[client.ring.first_frame or 0 :], proxy.counts


def check_repaired(seconds: float, reached: Any) -> None:
    client, sound, counts = through(BAD, seconds, asks=True)
    lost, doubled, late = counts["down lost"], counts["down doubled"], client.ring.late
    weather = f"{lost} lost, {doubled} doubled, {late} late"
    reached(f"resending, {seconds:.0f} s: {client.silent_frames} samples missing ({weather})")
    assert lost > seconds * 5
    assert client.silent_frames == 0
    assert len(clicks(sound, CLEAN)) == 0


def check_concealed(seconds: float, reached: Any) -> None:
    client, sound, counts = through(BAD, seconds, asks=False)
    found = len(clicks(sound, CLEAN))
    weather = f"{counts['down lost']} packets lost, {client.underruns} holes"
    reached(f"without resending, {seconds:.0f} s: {found} clicks, {weather}")
    assert client.underruns > seconds * 3
    assert found == 0


@pytest.mark.stage
@pytest.mark.case("R14")
def test_a_bad_network_is_repaired(reached) -> None:
    check_repaired(4, reached)


@pytest.mark.stage
@pytest.mark.case("R14")
def test_a_minute_of_a_bad_network_is_repaired_or_does_not_click(reached) -> None:
    check_repaired(60, reached)
    check_concealed(60, reached)


@pytest.mark.stage
@pytest.mark.case("R14")
def test_a_bad_network_without_repair_does_not_click(reached) -> None:
    check_concealed(4, reached)


@pytest.mark.stage
@pytest.mark.case("R14", control=True)
def test_without_repair_and_concealment_it_clicks(reached) -> None:
    _, sound, _ = through(BAD, 4, asks=False, conceal=False)
    reached(f"zero-filled: {len(clicks(sound, CLEAN))} clicks in 4 s")
    assert len(clicks(sound, CLEAN)) > 100 * 4 / 60


@pytest.mark.case("R15")
@pytest.mark.parametrize("hole_s", [0.2, pytest.param(2.0, marks=pytest.mark.stage)])
def test_a_hole_in_the_network_fades_and_comes_back(hole_s: float, reached) -> None:
    engine = sine_engine()
    with contextlib.ExitStack() as stack:
        stack.callback(engine.stop)
        proxy = stack.enter_context(Proxy(engine.port, Weather()))
        client = stack.enter_context(HeartClient(port=proxy.port))
        deaf(client)
        assert until(lambda: client.played > SAMPLE_RATE_HZ)
        proxy.weather = Weather(loss=1.0)
        time.sleep(hole_s)
        silent_from = client.played
        proxy.weather = Weather()
        time.sleep(1.5)
        sound = client.played_audio()[client.ring.first_frame if len(client.stream_starts) == 1 else 0 :]
    level = np.abs(sound[-SAMPLE_RATE_HZ // 2 :]).max()
    reached(f"hole of {hole_s:g} s: {len(clicks(sound, CLEAN))} clicks, back at {level:.2f}")
    assert np.isfinite(sound).all()
    assert len(clicks(sound, CLEAN)) == 0
    assert level > 0.4
    assert silent_from


# Drift: engine and client in simulated time, each with a clock of its own


class Drift:
    """A sender and a client's ring without sockets; the client's clock runs `ppm` parts in a million fast."""

    def __init__(
        self, ppm: float, loss: float = 0.0, lead_ms: float = 200.0, servo: bool = True, seed: int = 16
    ) -> None:
        self.rate, self.loss, self.servo = 1 + ppm / 1e6, loss, servo
        self.dice, self.now = random.Random(16), 0.0
        self.table = ClientTable()
        self.sender = Sender(SineTape(), self.table, self._sent, lead_ms)  # type: ignore[arg-type]
        self.client = Client("drift", ("127.0.0.1", 7000), ("127.0.0.1", 7000), block=1024)
        self.table.hello(self.client, 0.0)
        self.ring, self.concealer = PlayRing(1), Concealer(SAMPLE_RATE_HZ, 1)
        self.under_way: list[tuple[float, int, tuple[Any, ...]]] = []
        self._number = itertools.count()
        self.fills: list[float] = []
        self.finite = True
        self._credit(0)
        self.sender.open(self.client)

    def _credit(self, played: int) -> bool:
        word, _ = self.table.credit(self.client.epoch, self.client.source, self.now)
        return word in ("go", "start")

    def _sent(self, packet: bytes, addr: Any) -> None:
        if self.dice.random() >= self.loss:
            [(_, args)] = decode(packet)
            heapq.heappush(self.under_way, (self.now + 0.002, next(self._number), args))

    def run(self, seconds: float, step_s: float = 0.02) -> None:
        until_s = self.now + seconds
        while self.now < until_s:
            self.now += step_s
            self._play()
            while self.under_way and self.under_way[0][0] <= self.now:
                _, _, args = heapq.heappop(self.under_way)
                self.ring.put(1, args[1], args[2], args[3], self.now)
            played = self.ring.played if self.servo else round(self.now * SAMPLE_RATE_HZ)
            self._credit(played)
            stream = self.client.stream
            assert stream is not None
            assert stream.playhead.report(played % 2**20, self.now)
            for seq, count in self.ring.wanted(self.now):
                stream.nack(seq, count, self.now)
            self.sender.pump(self.now)

    def _play(self) -> None:
        due = int(self.now * self.rate * SAMPLE_RATE_HZ) - self.ring.played
        sound = self.concealer.process(*self.ring.play_marked(due))
        self.finite &= bool(np.isfinite(sound).all())
        self.fills.append(self.ring.fill_frames / SAMPLE_RATE_HZ * 1000)

    def fill_range(self, settle_s: float = 2.0) -> tuple[float, float]:
        fills = self.fills[round(settle_s / 0.02) :]
        return min(fills), max(fills)


@pytest.mark.case("R16")
@pytest.mark.parametrize("ppm", [100, -100])
def test_a_minute_of_drift_leaves_the_reserve_where_it_is(ppm: float, reached) -> None:
    run = Drift(ppm)
    run.run(60)
    low, high = run.fill_range()
    reached(f"{ppm:+d} ppm, 60 s: {run.ring.underruns} underruns, fill {low:.0f} to {high:.0f} of 200 ms")
    assert run.ring.underruns == 0


@pytest.mark.case("R16")
@pytest.mark.parametrize(
    ("ppm", "seconds"),
    [pytest.param(100, 1200, marks=pytest.mark.stage)]
    + [pytest.param(ppm, 7200, marks=pytest.mark.soak) for ppm in (0, 50, -50, 100, -100)],
)
def test_hours_of_drift_leave_the_reserve_where_it_is(ppm: float, seconds: float, reached) -> None:
    run = Drift(ppm)
    run.run(seconds)
    low, high = run.fill_range()
    reached(f"{ppm:+d} ppm, {seconds} s: {run.ring.underruns} underruns, fill {low:.0f} to {high:.0f} of 200 ms")
    assert run.ring.underruns == 0
    assert low >= 100
    assert high <= 300


@pytest.mark.case("R16")
@pytest.mark.parametrize(
    "seconds", [pytest.param(1_000, marks=pytest.mark.stage), pytest.param(10_000, marks=pytest.mark.soak)]
)
def test_ten_percent_of_drift_with_ten_percent_of_loss_stay_finite(seconds: float, reached) -> None:
    run = Drift(100_000, loss=0.1)
    run.run(seconds, step_s=0.05)
    share = 1 - run.ring.silent_frames / run.ring.played
    reached(f"10 % drift and 10 % loss, {seconds} s: finite, {100 * share:.2f} % of it heard")
    assert run.finite
    assert share > 0.9


@pytest.mark.stage
@pytest.mark.case("R16", control=True)
def test_paced_by_the_engines_clock_the_reserve_would_run_out(reached) -> None:
    run = Drift(100, lead_ms=120, servo=False)
    while run.ring.underruns == 0 and run.now < 3_000:
        run.run(10)
    reached(f"without the client's clock, 100 ppm, 120 ms: dry after {run.now:.0f} s")
    assert 60 < run.now < 1_500


# Restarts


def vanish(client: HeartClient) -> None:
    """Killed: no bye, no credit, nothing."""
    client._post = lambda packet: None  # type: ignore[method-assign]
    client.stop()


def restarts(times: int, pause_s: float, reached: Any) -> None:
    waits, ends = [], []
    with LiveEngine() as engine:
        wire = engine.engine.wire
        for number in range(times):
            client = HeartClient(port=engine.port, name=f"c{number}")
            began_s = time.monotonic()
            client.start()
            assert client.wait_until(lambda: client.ring.first_frame is not None, 5)  # noqa: B023
            waits.append(time.monotonic() - began_s)
            time.sleep(0.3)
            assert len({epoch for _, epoch in client.stream_starts}) == 1
            vanish(client)
            gone_s = time.monotonic()
            assert until(lambda: not wire.streaming, 5.5)
            ends.append(time.monotonic() - gone_s)
            time.sleep(pause_s)
    best = sorted(waits[1:])
    middle, worst = 1000 * best[len(best) // 2], 1000 * best[-1]
    reached(f"{times} times: first sound after {middle:.0f} ms (at most {worst:.0f}), old end {max(ends):.1f} s")
    assert best[-1] < 1.0
    assert best[len(best) // 2] < 0.5
    assert max(ends) <= 5


@pytest.mark.stage
@pytest.mark.case("R17")
def test_a_killed_client_is_followed_by_another(reached) -> None:
    restarts(3, 0.0, reached)


@pytest.mark.stage
@pytest.mark.case("R17")
def test_twenty_killed_clients_are_each_followed_by_another(reached) -> None:
    restarts(20, 1.0, reached)


@pytest.mark.stage
@pytest.mark.case("R18")
def test_ten_killed_engines_are_each_found_again(tmp_path: Path, reached) -> None:
    back = []
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(running_engine(tmp_path, "--voice", "pulse"))
        client = stack.enter_context(HeartClient(port=first.port))
        assert client.wait_until(lambda: client.fill_ms > 100, 5)
        engine = first
        for _ in range(10):
            engine.process.kill()
            engine.process.wait()
            killed_s = time.monotonic()
            assert client.wait_until(lambda: not client.epoch, 3), "the client did not notice"
            assert time.monotonic() - killed_s < 2.5
            engine = stack.enter_context(running_engine(tmp_path, "--voice", "pulse", port=first.port))
            ready_s = time.monotonic()
            assert client.wait_until(lambda: client.fill_ms > 50, 6)
            back.append(time.monotonic() - ready_s)
        sound = client.played_audio()
    steps = np.abs(np.diff(sound)).max()
    reached(f"10 times: sound at most {max(back):.1f} s after the engine sings; steepest step {steps:.2f}")
    assert max(back) < 5
    assert np.isfinite(sound).all()


@pytest.mark.stage
@pytest.mark.case("R13")
def test_twenty_seconds_arrive_bit_for_bit(tmp_path: Path, reached) -> None:
    from heart.audio import read_audio

    with running_engine(tmp_path, "--voice", "pulse") as engine, HeartClient(port=engine.port) as client:
        client.wait_until(lambda: client.played > 21 * SAMPLE_RATE_HZ, 30)
        played, missing = client.played_audio(), client.silent_frames
    sent, _ = read_audio(engine.record)
    samples, wrong = compare(sent, played)
    reached(f"{samples} samples, {wrong} wrong, {missing} missing")
    assert samples > 20 * SAMPLE_RATE_HZ
    assert (wrong, missing) == (0, 0)
    assert math.isfinite(float(np.abs(sent).max()))
