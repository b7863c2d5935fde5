"""An expected S1 is told when it begins: told once, at the right time, and by the decoder where the net says no."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_heart import heart
from test_ear_stream import play

from heart.config import models_dir
from heart.errors import FileError
from heart.listening import features
from heart.listening.onset import ANSWERS, FRAMES, INPUTS, Expected, OnsetWatch, OnsetWeights, load_onset, split
from heart.listening.stream import EarStream, expected_rr_s
from heart.records import Heard

LOUD = FRAMES * features.BANDS - 8
"""An input of the newest frame."""


def arrays(sure: float = 0.5, age_s: float = 0.02) -> dict[str, np.ndarray]:
    """A net that says yes when the newest frame is loud (LOUD above 1), whatever is expected."""
    first = np.zeros((32, INPUTS), np.float32)
    first[0, LOUD] = 10.0
    second = np.zeros((32, 32), np.float32)
    second[0, 0] = 1.0
    last = np.zeros((2, 32), np.float32)
    last[0, 0] = 1.0
    zeros = np.zeros(32, np.float32)
    return {
        "first.weight": first,
        "first.bias": zeros,
        "second.weight": second,
        "second.bias": zeros,
        "last.weight": last,
        "last.bias": np.array([-10.0, age_s / 0.1], np.float32),
        "sure": np.array([sure], np.float32),
    }


def watch(weights: OnsetWeights | None) -> OnsetWatch:
    made = OnsetWatch(weights)
    for _ in range(FRAMES):
        made.push(np.zeros((features.STEP, features.BANDS)), np.full(4, 0.25))
    return made


def test_what_is_expected_comes_again_every_period() -> None:
    expected = Expected(10.0, 0.8, 1.0)
    for now_s, away_s in ((10.0, 0.0), (9.9, -0.1), (10.1, 0.1), (10.7, -0.1), (9.25, 0.05)):
        assert expected.away_s(now_s) == pytest.approx(away_s)


def test_a_loud_frame_is_an_onset_and_a_quiet_one_is_not() -> None:
    made = watch(split(arrays()))
    assert made.look(5.0, Expected(5.0, 0.8, 1.0), -1.0) is None
    made.push(np.full((features.STEP, features.BANDS), 2.0), np.full(4, 0.25))
    assert made.look(5.0, Expected(5.0, 0.8, 1.0), -1.0) == pytest.approx(4.98)
    assert made.look(5.0, Expected(5.0, 0.8, 1.0), 4.7) is None  # too soon after the last one
    assert watch(None).look(5.0, Expected(5.0, 0.8, 1.0), -1.0) is None


def test_nothing_is_shown_before_there_is_enough() -> None:
    made = OnsetWatch(split(arrays()))
    for k in range(FRAMES // features.STEP):
        assert made.row(1.0, Expected(1.0, 0.8, 1.0)) is None
        made.push(np.full((features.STEP, features.BANDS), float(k)), np.arange(4.0))
    row = made.row(1.1, Expected(1.0, 0.8, 0.7))
    assert row is not None
    assert row.shape == (INPUTS,)
    assert row[LOUD] == FRAMES // features.STEP - 1
    assert row[FRAMES * features.BANDS : FRAMES * features.BANDS + 4 * ANSWERS].tolist() == [0, 1, 2, 3] * ANSWERS
    assert row[-2:].tolist() == pytest.approx([0.8, 0.7])


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_other_weights_are_refused(damage: str) -> None:
    broken = arrays()
    if damage == "missing":
        del broken["sure"]
    else:
        broken["first.weight"] = broken["first.weight"][:, :-1]
    with pytest.raises(FileError, match="ear-onset"):
        split(broken)


def test_without_weights_every_beat_is_told_once_when_it_is_certain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ear-beats").symlink_to(models_dir() / "ear-beats")
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    load_onset.cache_clear()
    made = heart(75, seconds=10)
    records = play(made.sound, made.rate_hz)
    load_onset.cache_clear()
    s1_s = np.array([one for _, one in told(records)])
    assert (np.diff(s1_s) > 0.5).all()
    assert max(np.abs(s1_s - beat.s1_s).min() for h in records for beat in h.beats) < 0.05
    assert max(when_s - one for when_s, one in told(records)[4:]) < 0.45


def told(records: list[Heard]) -> list[tuple[float, float]]:
    """(when it was told, onset) of each."""
    return [(h.time_s, s1_s) for h in records for s1_s in h.s1_s]


@pytest.mark.parametrize("bpm", [55, 80, 120])
def test_with_a_rhythm_beats_are_told_within_a_tenth_of_a_second(bpm: int) -> None:
    made = heart(bpm, jitter_ms=15, seconds=16)
    beats = told(play(made.sound, made.rate_hz))
    assert (np.diff([s1_s for _, s1_s in beats]) > 0.3).all()  # in order, each once
    inner = made.s1_s[(made.s1_s > 6) & (made.s1_s < 15)]
    nearest = [min(beats, key=lambda one: abs(one[1] - s1_s)) for s1_s in inner]
    late_s = np.array([when_s for when_s, _ in nearest]) - inner
    assert np.percentile(late_s, 80) < 0.1
    assert np.median(np.abs(np.array([s1_s for _, s1_s in nearest]) - inner)) < 0.03
    known = [one for one in beats if one[1] > 6]
    assert len(known) <= len(made.s1_s[made.s1_s > 6]) + 1


def test_beats_told_at_once_do_not_depend_on_the_blocks() -> None:
    made = heart(70, rate_hz=44_100, seconds=8)
    assert told(play(made.sound, 44_100, 64)) == told(play(made.sound, 44_100, 5_000))


def test_a_stream_in_silence_tells_nothing() -> None:
    assert told(play(np.zeros(2_000 * 6, np.float32), 2_000, 40)) == []


def test_the_expected_rr_leans_on_the_newest() -> None:
    rr_s = np.array([1.0, 1.0, 1.0, 0.9])
    assert expected_rr_s(rr_s, 61.0) == pytest.approx((0.975 + 0.9) / 2)
    assert expected_rr_s(np.array([2.0]), 60.0) == 1.0  # twice the rate: a missed beat
    assert expected_rr_s(np.array([]), 80.0) == 0.75


def test_variability_is_that_of_the_last_minute() -> None:
    made = heart(75, seconds=40, jitter_ms=20, seed=3)
    ear = EarStream(made.rate_hz)
    newest = [h for at in range(0, len(made.sound), 2_000) for h in ear.push(made.sound[at : at + 2_000]) if h.bpm][
        -1
    ]
    rr_ms = np.diff(made.s1_s) * 1e3
    assert newest.sdnn_ms == pytest.approx(rr_ms.std(ddof=1), abs=8)
    assert newest.rmssd_ms == pytest.approx(np.sqrt((np.diff(rr_ms) ** 2).mean()), abs=12)
    assert newest.pnn50 is not None
