"""`heart live --ecg`: every beat of the record is announced at its own time, over the real wire."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_ecg import BEATS_S, SYMBOLS, small_record, write_csv, write_wfdb

from heart.errors import FileError
from heart.listening import judge
from heart.plumbing.client import HeartClient
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.beats import FIRST_S1, BeatClock
from heart.sounding.rhythm import ECTOPIC_LEVELS
from heart.stage import beat_files
from heart.stage.beat_files import ecg_track
from heart.stage.rehearsal import running_engine


def test_sung_beats_are_those_of_the_record_to_the_frame_and_ectopic_ones_softer(tmp_path: Path) -> None:
    track = ecg_track(str(write_wfdb(tmp_path)))
    clock = BeatClock(track.bpm, 30.0)
    clock.play(track)
    beats = clock.beats_until(round(40 * SAMPLE_RATE_HZ))[: len(BEATS_S)]
    sung_s = np.array([beat.s1 - FIRST_S1 for beat in beats]) / SAMPLE_RATE_HZ
    asked_s = np.round(BEATS_S * 250) / 250
    assert np.abs(sung_s - (asked_s - asked_s[0])).max() < 2 / SAMPLE_RATE_HZ
    weak = [beat.gain2 < 1 for beat in beats]
    assert weak == [symbol == "V" for symbol in SYMBOLS]
    assert (beats[25].gain1, beats[25].gain2) == ECTOPIC_LEVELS
    clock.rewind(beats[24].s1)
    again = clock.beats_until(round(40 * SAMPLE_RATE_HZ))[: len(BEATS_S)]
    assert [(beat.s1, beat.gain2) for beat in again] == [(beat.s1, beat.gain2) for beat in beats]


def test_a_long_gap_is_filled_and_what_follows_keeps_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    record = small_record()
    late = np.where(np.arange(len(BEATS_S)) >= 10, BEATS_S + 14.0, BEATS_S)
    record = type(record)(**{**record.__dict__, "beats_s": late})
    monkeypatch.setattr(beat_files, "find_record", lambda name: Path(name))
    monkeypatch.setattr(beat_files, "read_record", lambda path, **given: record)
    track = ecg_track("heart")
    ends_s = np.cumsum(track.rr_ms) / 1_000 + BEATS_S[0]
    assert np.abs(ends_s[:, None] - late[1:]).min(0).max() < 1e-6
    assert max(track.rr_ms) < 1_200
    monkeypatch.setattr(beat_files, "read_record", lambda path, **given: type(record)(
        **{**record.__dict__, "beats_s": np.zeros(0), "symbols": ()}))  # fmt: skip
    with pytest.raises(FileError, match="no beats found"):
        ecg_track("heart")


def test_announced_beats_fall_on_r_peaks_after_a_constant_offset(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "heart.csv")
    with running_engine(tmp_path, "--voice", "pulse", "--ecg", str(table)) as engine:
        client = HeartClient("127.0.0.1", engine.port).start()
        try:
            assert client.wait_until(lambda: len(client.beats) >= 7, 30)
            beats = client.beats[:7]
            assert client.status is not None
            assert client.status[1] == "track"
        finally:
            client.stop()
    first = beats[0].n
    frames = np.array([beat.frame for beat in beats]) / SAMPLE_RATE_HZ
    asked_s = BEATS_S[first : first + len(beats)]
    score = judge.score(frames - frames[0], asked_s - asked_s[0], tolerance_s=0.02)
    assert score.f1 == 1.0
    assert score.spread_ms < 5, "R peaks were found in samples 4 ms apart"
