"""Beats over the real wire: ramps, patterns, levels, downbeats and tracks, with the arithmetic voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heart.plumbing.client import HeartClient
from heart.plumbing.inbox import PlayedBeat
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.rhythm import BALANCE_DB, ECTOPIC_LEVELS, systole_ms
from heart.stage.rehearsal import RunningEngine, running_engine

PULSE = ("--voice", "pulse")
RING = 65_536


def join(engine: RunningEngine) -> HeartClient:
    client = HeartClient("127.0.0.1", engine.port).start()
    assert client.wait_until(lambda: client.fill_ms > 100, 5)
    return client


def wait_for_beats(client: HeartClient, more: int, timeout_s: float = 20) -> list[PlayedBeat]:
    """The beats announced after now, as many as asked for."""
    before = len(client.beats)
    assert client.wait_until(lambda: len(client.beats) >= before + more, timeout_s)
    return client.beats[before:]


def sound_db(client: HeartClient, beats: list[PlayedBeat], delays_ms: list[float]) -> list[float]:
    """Level of what was played for 80 ms from each beat's delay on."""
    last = max(beat.frame for beat in beats) + SAMPLE_RATE_HZ
    assert client.wait_until(lambda: client.played > last, 5)
    sound = client.played_audio()
    starts = [beat.frame + int(delay * 44.1) for beat, delay in zip(beats, delays_ms)]
    return [float(20 * np.log10(sound[at : at + 3_500].std() + 1e-6)) for at in starts]


@pytest.mark.stage
def test_a_ramp_and_a_pattern_are_played_as_they_are_asked_for(tmp_path: Path) -> None:
    with running_engine(tmp_path, *PULSE) as engine:
        client = join(engine)
        try:
            client.send("/heart/set/rmssd", 0)
            client.send("/heart/ramp", "bpm", 150, 5)
            assert client.wait_for("/heart/done", 12) == ("/heart/ramp",)
            client.send("/heart/get/bpm")
            assert client.wait_for("/heart/value/bpm", 2) == (150.0,)
            rates = [60 * SAMPLE_RATE_HZ / (b.frame - a.frame) for a, b in zip(client.beats, client.beats[1:])]
            rising = rates[next(k for k, rate in enumerate(rates) if rate > 73) :]
            assert rising == sorted(rising) or np.diff(rising).min() > -0.1
            assert np.diff(rising).max() < 20, "no jump: 15.6 bpm a second"
            steady = wait_for_beats(client, 5)
            assert [beat.rr_ms for beat in steady] == pytest.approx([400] * 5, abs=0.1)

            client.send("/heart/set/bpm", 75)
            client.send("/heart/set/pattern", "trigeminy")
            beats = wait_for_beats(client, 14)[4:]
            early = [k for k, beat in enumerate(beats[:-1]) if beat.n % 3 == 2]
            for k in early:
                assert k == 0 or beats[k - 1].rr_ms == pytest.approx(480, abs=0.1)
                assert k == 0 or beats[k - 1].rr_ms + beats[k].rr_ms == pytest.approx(1_600, abs=0.2)
            delays = [systole_ms(beats[k - 1].rr_ms) if k in early else systole_ms(800) for k in range(len(beats))]
            level = np.array(sound_db(client, beats, delays))
            weak = np.isin(np.arange(len(beats)), early)
            weaker = np.median(level[weak]) - np.median(level[~weak])
            assert weaker == pytest.approx(20 * np.log10(ECTOPIC_LEVELS[1]), abs=4)
            assert not client.errors
        finally:
            client.stop()


def test_a_downbeat_is_met_to_the_frame_and_balance_is_played(tmp_path: Path) -> None:
    with running_engine(tmp_path, *PULSE, "--balance", "-0.4") as engine:
        client = join(engine)
        try:
            beats = wait_for_beats(client, 3)
            levels = [sound_db(client, beats, [delay] * 3) for delay in (0.0, systole_ms(833))]
            plain_db = -3.6  # of the arithmetic S2 against its S1 over 80 ms
            assert np.median(levels[1]) - np.median(levels[0]) == pytest.approx(plain_db - 0.4 * BALANCE_DB, abs=2)
            wanted = client.played + int(1.2 * SAMPLE_RATE_HZ)
            client.send("/heart/downbeat/at", wanted % RING)
            assert client.wait_until(lambda: any(beat.frame >= wanted for beat in client.beats), 5)
            assert min(abs(beat.frame - wanted) for beat in client.beats) <= 1
            client.send("/heart/downbeat", 1_000)
            soon = client.played + SAMPLE_RATE_HZ
            assert client.wait_until(lambda: any(beat.frame >= soon + 4_410 for beat in client.beats), 5)
            assert min(abs(beat.frame - soon) for beat in client.beats) < 0.15 * SAMPLE_RATE_HZ
        finally:
            client.stop()


def test_a_file_of_beats_is_played_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "rr.txt").write_text("600 800 1000")
    with running_engine(tmp_path, *PULSE, "--beats", str(tmp_path / "rr.txt"), "--loop") as engine:
        client = join(engine)
        try:
            beats = wait_for_beats(client, 6)
            given = [(600, 800, 1_000)[beat.n % 3] for beat in beats]
            assert [beat.rr_ms for beat in beats] == pytest.approx(given, abs=0.1)
            assert client.status is not None
            assert client.status[1] == "track"
            client.send("/heart/ramp", "bpm", 500, 2)
            client.send("/heart/ramp", "label", 1, 2)
            assert client.wait_until(lambda: len(client.errors) == 2, 3)
            assert [code for code, *_ in client.errors] == ["range", "choice"]
            client.send("/heart/set/mode", "lead")
            client.send("/heart/set/rmssd", 0)
            assert [beat.rr_ms for beat in wait_for_beats(client, 5)[3:]] == pytest.approx([800, 800], abs=0.1)
        finally:
            client.stop()
