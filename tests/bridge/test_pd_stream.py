"""The stream in a client that is not ours: Pure Data in real time, compared with what was sent by the sample."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rig.compare import Comparison, compare
from rig.engine import Engine
from rig.pd import PureData
from rig.proxy import Proxy, Weather

pytestmark = pytest.mark.alone

SECONDS = 15
SEED = 42
BAD = Weather(loss=0.02, reorder=0.02, jitter_ms=20)

START_MS = 100
"""On a bad network the first blocks, 10 ms ahead of the clock, may come too late; the engine's own
fade-in (100 ms from -60 dB) lies there."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(seed=SEED) as running:
        yield running


def listen(pd: PureData, engine: Engine, path: Path, seconds: float) -> tuple[np.ndarray, np.ndarray, Comparison]:
    """Record for some seconds from the start of the stream on; what was heard, what was sent, both compared."""
    pd.record(path)
    pd.wait_playing()
    time.sleep(seconds)
    heard = pd.stop_recording()
    sent = engine.sent()
    return heard, sent, compare(heard, sent)


@pytest.mark.case("R12", "R13")
def test_every_sample_arrives_as_it_was_sent(engine: Engine, tmp_path: Path) -> None:
    with PureData(engine.port) as pd:
        _, _, result = listen(pd, engine, tmp_path / "heard.wav", SECONDS)
        assert result.compared > (SECONDS - 1) * 44_100
        assert result.wrong == 0
        assert pd.report.underruns == 0
        assert engine.stats()["resent"] == 0


@pytest.mark.case("R14")
def test_a_bad_network_is_repaired_to_the_last_sample(engine: Engine, tmp_path: Path) -> None:
    print(f"seed {SEED}")
    with Proxy(engine.port, BAD, seed=SEED) as proxy, PureData(proxy.port) as pd:
        heard, sent, result = listen(pd, engine, tmp_path / "heard.wav", SECONDS)
        print(result, proxy.counts, engine.stats()["resent"], "resent", pd.report)
        assert proxy.counts["down lost"] > 20, "the network was not bad at all"
        assert proxy.counts["down held back"] > 20
        assert result.compared > (SECONDS - 1) * 44_100
        assert result.wrong_after(heard, sent, round(START_MS * 44.1)) == 0
        assert pd.report.underruns == 0


def test_a_network_beyond_repair_is_heard_as_silence_and_never_as_old_sound(engine: Engine, tmp_path: Path) -> None:
    """The control for the two tests above, too: the comparison does find what is wrong."""
    with Proxy(engine.port, Weather(), seed=SEED) as proxy, PureData(proxy.port) as pd:
        pd.record(tmp_path / "heard.wav")
        pd.wait_playing()
        time.sleep(1)
        proxy.weather = Weather(loss=0.6, ways=("down",))
        time.sleep(3)
        pd.wait_until(lambda: pd.report.underruns > 10, 5, "Pd runs dry again and again")
        heard, sent = pd.stop_recording(), engine.sent()
        result = compare(heard, sent)
    assert result.wrong > 1000
    first = max(-result.heard_at, 0)
    count = min(len(sent), len(heard) - result.heard_at)
    a, b = heard[result.heard_at + first : result.heard_at + count], sent[first:count]
    # Every sample is the one that was sent, less what the fades take away.
    assert np.all(np.abs(a) <= np.abs(b) + 1e-7)
    assert np.all((a == 0) | (np.sign(a) == np.sign(b)))


def test_another_sample_rate_is_exact_too(engine: Engine, tmp_path: Path) -> None:
    with PureData(engine.port, rate_hz=48_000) as pd:
        _, _, result = listen(pd, engine, tmp_path / "heard.wav", 3)
        assert result.compared > 2 * 48_000
        assert result.wrong == 0


@pytest.mark.parametrize("frames", [64, 1024])
def test_other_block_sizes_and_a_new_epoch_are_exact_too(engine: Engine, frames: int, tmp_path: Path) -> None:
    with PureData(engine.port) as pd:
        pd.wait_playing()
        epoch, settled = pd.report.epoch, len(engine.sent())
        engine.set_block(frames)
        pd.wait_until(lambda: pd.report.epoch not in (0, epoch) and pd.report.running == 1, 3, "a new epoch")
        pd.record(tmp_path / "heard.wav")
        time.sleep(2.5)
        heard, sent = pd.stop_recording(), engine.sent()[settled + 22_050 :]
        result = compare(heard, sent)
        assert result.compared > 44_100
        assert result.wrong == 0
        assert pd.report.underruns == 0


@pytest.mark.case("R17")
def test_pd_killed_and_restarted_plays_again_within_two_seconds(engine: Engine, tmp_path: Path) -> None:
    with PureData(engine.port) as first:
        first.wait_playing()
        time.sleep(1)
        port = first.my_port
        first.kill()
        start = time.monotonic()
        with PureData(engine.port, my_port=port) as second:
            second.wait_playing(3)
            took = time.monotonic() - start
            assert took < 2.0
            settled = len(engine.sent())
            second.record(tmp_path / "heard.wav")
            time.sleep(2)
            heard = second.stop_recording()
            assert compare(heard, engine.sent()[settled:]).wrong == 0
            assert second.report.underruns == 0
            assert len(engine.stats()["clients"]) == 1
    print(f"Pd restarted: playing after {took:.2f} s")


@pytest.mark.case("R18")
def test_engine_gone_and_restarted_is_found_again_within_two_seconds(tmp_path: Path) -> None:
    with Engine(seed=1) as former:
        port = former.port
        with PureData(port) as pd:
            pd.record(tmp_path / "heard.wav")
            pd.wait_playing()
            time.sleep(1)
            former.stop(politely=False)
            time.sleep(1.2)
            epoch = pd.report.epoch
            start = time.monotonic()
            with Engine(port=port, seed=2) as later:
                pd.wait_until(
                    lambda: pd.report.epoch not in (0, epoch) and pd.words == "playing",
                    3,
                    "Pd found the new engine",
                )
                took = time.monotonic() - start
                assert took < 2.0
                time.sleep(2)
                heard = pd.stop_recording()
                old, new = compare(heard, former.sent()), compare(heard, later.sent())
    print(f"engine restarted: playing after {took:.2f} s")
    assert new.wrong == 0
    gap = heard[old.heard_at + len(former.sent()) + 441 : new.heard_at]
    assert len(gap) > 44_100
    assert not gap.any(), "old sound was heard again"


def test_the_patch_says_in_words_what_is_wrong() -> None:
    with PureData(9) as pd:
        pd.wait_until(lambda: "no answer from the engine" in pd.words, 3, "words without an engine")
        pd.tell("dsp 0")
        pd.wait_until(lambda: "audio is off in Pd" in pd.words, 3, "words without audio")
