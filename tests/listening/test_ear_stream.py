"""The live ear: first rate, following, steadiness, independence of block size, and its worker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic_heart import heart, nearest_ms

from heart.listening.serve import serve
from heart.listening.stream import EarStream
from heart.records import Heard


def play(sound: np.ndarray, rate_hz: int, block: int = 441) -> list[Heard]:
    ear = EarStream(rate_hz)
    return [heard for start in range(0, len(sound), block) for heard in ear.push(sound[start : start + block])]


@pytest.mark.parametrize("bpm", [50, 72, 100, 140])
def test_a_rate_within_four_seconds_and_then_no_octave_flicker(bpm: int) -> None:
    made = heart(bpm, jitter_ms=10, seconds=14)
    records = play(made.sound, made.rate_hz, 20)
    first_s = next(h.time_s for h in records if h.bpm is not None)
    assert first_s < 4.0
    rates = [h.bpm for h in records if h.time_s > 5.0]
    assert all(rate is not None and abs(rate / made.bpm - 1) < 0.08 for rate in rates)


def test_a_quickening_heart_is_followed_within_three_seconds() -> None:
    slow, fast = heart(60, seconds=8, seed=1), heart(100, seconds=8, seed=2)
    records = play(np.concatenate([slow.sound, fast.sound]), slow.rate_hz)
    late = [h.bpm for h in records if h.time_s > 8 + 3.5]
    assert all(rate == pytest.approx(100, abs=8) for rate in late)


def test_beats_are_told_once_each_and_in_time() -> None:
    made = heart(75, seconds=12)
    records = play(made.sound, made.rate_hz)
    told = [beat for h in records for beat in h.beats]
    s1_s = np.array([beat.s1_s for beat in told])
    assert (np.diff(s1_s) > 0.5).all()
    inner = made.s1_s[(made.s1_s > 1) & (made.s1_s < 11)]
    assert nearest_ms(s1_s, inner).max() < 50
    delays = [h.time_s - beat.s2_s for h in records for beat in h.beats if beat.s2_s is not None]
    assert max(delays[1:]) < 0.45


def test_the_next_beat_is_foretold() -> None:
    made = heart(66, seconds=12)
    told = [(h.time_s, h.next_s1_s) for h in play(made.sound, made.rate_hz) if 5 < h.time_s < 10.5 and h.next_s1_s]
    assert len(told) > 40
    assert all(expected > now for now, expected in told)
    assert np.percentile([np.abs(made.s1_s - expected).min() for _, expected in told], 90) < 0.05


def test_what_is_heard_does_not_depend_on_the_blocks() -> None:
    made = heart(80, rate_hz=44_100, seconds=6)
    whole = play(made.sound, 44_100, len(made.sound))
    assert whole == play(made.sound, 44_100, 64) == play(made.sound, 44_100, 1_999)
    assert len(whole) == pytest.approx(60, abs=4)
    assert any(h.bpm for h in whole)


def test_a_record_comes_every_tenth_of_a_second_and_soon() -> None:
    ear, late = EarStream(44_100), []
    sound = heart(80, rate_hz=44_100, seconds=4).sound
    for start in range(0, len(sound), 256):
        late += [(start + 256) / 44_100 - h.time_s for h in ear.push(sound[start : start + 256])]
    assert len(late) > 35
    assert max(late) < 0.05


@pytest.mark.parametrize("kind", ["silence", "hiss", "nan"])
def test_nothing_like_a_heart_gives_no_rate(kind: str) -> None:
    rng = np.random.default_rng(0)
    sound = {"silence": np.zeros(16_000), "hiss": rng.normal(0, 0.1, 16_000), "nan": np.full(16_000, np.nan)}[kind]
    assert all(h.bpm is None for h in play(sound.astype(np.float32), 2_000, 200))


def test_a_gate_that_hears_no_heart_lets_no_rhythm_in() -> None:
    sound = heart(72, seconds=12, hiss=0.03).sound
    for gate, rhythm in ((None, True), (1.0, True), (0.0, False)):
        ear = EarStream(2_000)
        ear.gate = gate
        told = ear.push(sound)
        assert (told[-1].bpm is not None) == rhythm
        assert ear.net_heart > 0.7
        assert told[-1].heart == pytest.approx(
            ear.net_heart if gate is None else (ear.net_heart + gate) / 2, abs=1e-3
        )


def test_rate_falls_silent_when_the_heart_stops() -> None:
    made = heart(70, seconds=8)
    records = play(np.concatenate([made.sound, np.zeros(2_000 * 8, np.float32)]), made.rate_hz)
    assert records[75].bpm is not None
    assert records[-1].bpm is None


class Enough(BaseException):
    """Ends the worker, as the real pipe's Stop does."""


class FakePipe:
    def __init__(self, records: list[Any]) -> None:
        self.records, self.sent, self.is_ready = records, [], False

    def receive(self, timeout_s: float) -> Any | None:
        if not self.records:
            raise Enough
        return self.records.pop(0)

    def ready(self) -> None:
        self.is_ready = True

    def send(self, record: Any) -> None:
        assert self.is_ready
        self.sent.append(record)


def test_the_worker_hears_and_forgets_on_reset() -> None:
    sound = heart(90, rate_hz=44_100, seconds=5).sound
    pipe = FakePipe([None, ("audio", sound), ("reset",), ("audio", sound[:44_100])])
    with pytest.raises(Enough):
        serve(pipe, {})
    heard = [record for record in pipe.sent if isinstance(record, Heard)]
    assert heard[40].bpm == pytest.approx(90, abs=5)
    assert heard[-1].time_s < 1.1
    assert heard[-1].bpm is None
