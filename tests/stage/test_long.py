"""Longer cases with the shipped voice, run by `make test-stage`: what a quick test has no time for."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from heart.audio import read_audio
from heart.errors import HeartError
from heart.plumbing.client import HeartClient
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.stage.measure import compare
from heart.stage.rehearsal import running_engine

pytestmark = pytest.mark.stage


@pytest.mark.case("R26")
def test_two_minutes_of_the_shipped_voice_arrive_as_sent(tmp_path: Path) -> None:
    with running_engine(tmp_path) as engine:
        with HeartClient("127.0.0.1", engine.port) as client:
            client.wait_until(lambda: client.fill_ms > 100, 5)
            for turn in range(24):
                client.send("/heart/set/label", LABELS[turn % len(LABELS)])
                client.send("/heart/set/bpm", 60 + 3 * turn)
                time.sleep(5)
            played, underruns = client.played_audio(), client.underruns
        assert underruns == 0
    sent, _ = read_audio(engine.record)
    samples, wrong = compare(sent, played)
    assert samples > 115 * SAMPLE_RATE_HZ
    assert wrong == 0
    assert np.isfinite(played).all()
    assert np.abs(played).max() <= 0.8913
    report = engine.figures()
    assert report["refused_chunks"] == 0
    assert report["bed_s"] < 0.5


@pytest.mark.case("R23")
def test_a_voice_that_dies_again_and_again_leaves_the_bed_and_says_so(tmp_path: Path) -> None:
    with running_engine(tmp_path) as engine, HeartClient("127.0.0.1", engine.port) as client:
        client.wait_until(lambda: client.fill_ms > 100, 5)
        for _ in range(3):  # the third is the last that is born: a spare was ready
            engine.kill("voice", client)
            time.sleep(5)
        with pytest.raises(HeartError, match="/heart/alarm"):
            engine.kill("voice", client)
        assert any("gave_up" in line for line in engine.lines)
        begin = client.played
        time.sleep(5)
        bed = client.played_audio()[begin:]
        assert client.underruns == 0
        assert np.abs(bed).max() > 0.05
        client.send("/heart/ping", 9)
        assert client.wait_until(lambda: client.status is not None and client.status[0] == "bed", 2)
