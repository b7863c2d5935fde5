"""The matrix of streams through Pure Data, every sample compared: blocks, leads, rates, weather, stalls, restarts.

Selected cases are in test_pd_stream.py; these run with `make test-stage`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rig.compare import compare
from rig.engine import Engine
from rig.pd import STUDIO, PureData
from rig.proxy import Proxy, Weather

pytestmark = pytest.mark.stage

START_MS = 100
"""Of a stream over a bad network: see test_pd_stream.py."""

WEATHERS = {
    "loss": Weather(loss=0.05),
    "duplication": Weather(duplicate=0.2),
    "reorder": Weather(reorder=0.1),
    "jitter": Weather(jitter_ms=40),
    "all of it": Weather(loss=0.03, duplicate=0.05, reorder=0.05, jitter_ms=25),
    "loss of credits": Weather(loss=0.2, ways=("up",)),
}


TRIES = 4
"""At a short lead: a busy machine may hold a process back for longer than the lead, which no client can mend."""


@pytest.mark.parametrize("lead_ms", [30, 40, 100, 200, 400])
@pytest.mark.parametrize("frames", [64, 128, 256, 512, 1024])
def test_every_block_size_at_every_lead(frames: int, lead_ms: float, tmp_path: Path) -> None:
    if frames * 1000 / 44_100 > lead_ms - 20:
        lead_ms = lead_ms + 20  # a block must fit between two credits, 20 ms apart
    runs = []
    while not runs or (runs[-1][1:] != (0, 0) and lead_ms < 100 and len(runs) < TRIES):
        runs.append(_streamed(frames, lead_ms, tmp_path / f"heard{len(runs)}.wav"))
    print(f"{frames} frames, {lead_ms} ms: compared, wrong, underruns {runs}; load {os.getloadavg()[0]:.1f}")
    assert runs[-1][0] > 3 * 44_100
    assert runs[-1][1:] == (0, 0)


def _streamed(frames: int, lead_ms: float, path: Path) -> tuple[int, int, float]:
    """Four seconds with this block and lead: frames compared, wrong ones, underruns."""
    with Engine(seed=frames, lead_ms=lead_ms) as engine, PureData(engine.port) as pd:
        pd.wait_playing()
        epoch = pd.report.epoch
        if frames != 256:
            engine.set_block(frames)
            pd.wait_until(lambda: pd.report.epoch not in (0, epoch) and pd.report.running == 1, 3, "a new epoch")
        settled = len(engine.sent())
        pd.record(path)
        time.sleep(4)
        heard, sent = pd.stop_recording(), engine.sent()[settled:]
        result = compare(heard, sent)
        return result.compared, result.wrong, pd.report.underruns


@pytest.mark.parametrize("name", WEATHERS)
@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_every_rate_in_every_weather(rate_hz: int, name: str, tmp_path: Path) -> None:
    with (
        Engine(seed=3) as engine,
        Proxy(engine.port, WEATHERS[name], seed=rate_hz) as proxy,
        PureData(proxy.port, rate_hz=rate_hz) as pd,
    ):
        pd.record(tmp_path / "heard.wav")
        pd.wait_playing()
        time.sleep(5)
        heard, sent = pd.stop_recording(), engine.sent()
        result = compare(heard, sent)
        print(result, proxy.counts, engine.stats()["resent"], "resent")
        assert sum(n for kind, n in proxy.counts.items() if kind not in ("up", "down")) > 20 or "jitter" in name
        assert result.compared > 4 * rate_hz
        assert result.wrong_after(heard, sent, round(START_MS * rate_hz / 1000)) == 0


@pytest.mark.parametrize("stall_ms", [100, 150])
def test_a_stall_shorter_than_the_lead_is_not_heard(stall_ms: float, tmp_path: Path) -> None:
    """The engine's loop stands still now and then, at 200 ms of lead."""
    with Engine(seed=4) as engine, PureData(engine.port) as pd:
        pd.record(tmp_path / "heard.wav")
        pd.wait_playing()
        for _ in range(5):
            time.sleep(0.7)
            engine.stall(stall_ms / 1000)
        heard, sent = pd.stop_recording(), engine.sent()
        assert compare(heard, sent).wrong == 0
        assert pd.report.underruns == 0


def test_a_long_stall_is_silence_and_then_the_stream_goes_on(tmp_path: Path) -> None:
    with Engine(seed=4) as engine, PureData(engine.port) as pd:
        pd.wait_playing()
        time.sleep(0.5)
        engine.stall(0.6)
        pd.wait_until(lambda: pd.report.underruns > 0, 3, "an underrun")
        pd.wait_playing()
        time.sleep(0.5)
        settled = len(engine.sent())
        pd.record(tmp_path / "heard.wav")
        time.sleep(2)
        heard = pd.stop_recording()
        assert compare(heard, engine.sent()[settled:]).wrong == 0


@pytest.mark.case("R15")
def test_pd_stopped_for_a_second_plays_on_exactly(tmp_path: Path) -> None:
    """SIGSTOP and SIGCONT: what a suspended laptop looks like."""
    with Engine(seed=4) as engine, PureData(engine.port) as pd:
        pd.wait_playing()
        time.sleep(0.5)
        os.kill(pd.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pd.pid, signal.SIGCONT)
        time.sleep(1.5)
        pd.wait_playing()
        settled = len(engine.sent())
        pd.record(tmp_path / "heard.wav")
        time.sleep(2)
        heard = pd.stop_recording()
        result = compare(heard, engine.sent()[settled + 8820 :])
        assert result.compared > 44_100
        assert result.wrong == 0


def test_two_clients_of_one_engine_at_once(tmp_path: Path) -> None:
    """Both play the same tape, each by its own credit: the second is a piece of the first."""
    with Engine(seed=8) as engine, PureData(engine.port, patch=STUDIO) as pd:
        pd.wait_playing()
        time.sleep(0.5)
        settled = len(engine.sent())
        pd.record(tmp_path / "heard.wav")
        time.sleep(3)
        sound = pd.stop_recording()
        sent = engine.sent()[settled:]
        assert len(engine.stats()["clients"]) == 2
    assert compare(sound[:, 0], sent).wrong == 0
    tape, other = sound[:, 0].astype(np.float64), sound[:, 4].astype(np.float64)
    spectrum = np.fft.rfft(tape, 2**19) * np.conj(np.fft.rfft(other, 2**19))
    shift = int(np.argmax(np.fft.irfft(spectrum)))
    shift -= 2**19 if shift > 2**18 else 0
    first, second = (tape[shift:], other) if shift >= 0 else (tape, other[-shift:])
    count = min(len(first), len(second))
    assert count > 2 * 44_100
    assert np.abs(first[:count] - second[:count]).max() < 1e-4  # each stream has a DC filter of its own start


@pytest.mark.case("R17", "R18")
@pytest.mark.parametrize("who", ["engine", "pd"])
def test_ten_restarts_in_a_row_are_each_found_again(who: str) -> None:
    engine = Engine(seed=1).start()
    port, pd = engine.port, PureData(engine.port).start()
    try:
        for n in range(10):
            pd.wait_playing()
            time.sleep(0.3)
            began = time.monotonic()
            if who == "engine":
                engine.stop(politely=n % 2 == 0)
                epoch, engine = pd.report.epoch, Engine(port=port, seed=n).start()
                pd.wait_until(lambda pd=pd, epoch=epoch: pd.report.epoch not in (0, epoch), 3, "a new epoch")
            else:
                pd.kill()
                pd = PureData(port, my_port=pd.my_port).start()
            pd.wait_playing()
            assert time.monotonic() - began < 2.5
    finally:
        pd.kill()
        engine.stop()
    assert threading.active_count() < 20
