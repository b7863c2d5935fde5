"""The beat clock."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heart.sounding.beats import FIRST_S1, BeatClock
from heart.sounding.rhythm import systole_ms, variation_ms

RATE = 44_100


def rr_of(beats) -> np.ndarray:
    return np.diff([beat.s1 for beat in beats]) / RATE * 1_000


def rmssd(rr: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.diff(rr) ** 2)))


@pytest.mark.parametrize("bpm", [45, 72, 150])
def test_without_variability_the_rate_is_exact(bpm):
    beats = BeatClock(bpm, 0, 1).beats_until(120 * RATE)
    assert np.abs(rr_of(beats) - 60_000 / bpm).max() < 0.05
    assert beats[-1].s1 > (120 - 60 / bpm) * RATE - 1


@pytest.mark.parametrize("asked", [10.0, 30.0, 60.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_asked_variability_is_met_within_a_tenth(asked, seed):
    clock, beats = BeatClock(60, asked, seed), []
    for second in range(0, 520):
        beats += [beat for beat in clock.beats_until(second * RATE) if not beats or beat.n > beats[-1].n]
    rr = rr_of(beats)
    assert len(rr) > 500
    assert abs(rmssd(rr) / asked - 1) < 0.1
    assert abs(rr.mean() / 1_000 - 1) < 0.005


def test_systole_follows_the_rate_as_ejection_does():
    assert systole_ms(60_000 / 60) == pytest.approx(341)
    assert systole_ms(60_000 / 120) == pytest.approx(239)
    assert systole_ms(400) == pytest.approx(188)
    assert systole_ms(220) <= 150


def test_beats_come_in_order_with_their_sounds():
    beats = BeatClock(150, 80, 3).beats_until(60 * RATE)
    assert beats[0].s1 == FIRST_S1
    for beat, following in pairwise(beats):
        assert following.n == beat.n + 1
        assert beat.s1 < beat.s2 < following.s1
        assert abs(beat.s1 + beat.rr_ms * 44.1 - following.s1) < 2


@given(st.integers(0, 2**24), st.integers(0, 30 * RATE), st.floats(30, 200), st.floats(0, 100))
def test_a_rewind_without_a_change_changes_nothing(seed, frame, bpm, rmssd_ms):
    clock = BeatClock(bpm, rmssd_ms, seed)
    before = clock.beats_until(35 * RATE)
    clock.rewind(frame)
    assert all(beat.s1 < frame for beat in clock.beats_until(frame))
    assert clock.beats_until(35 * RATE) == before


def test_a_new_tempo_is_heard_within_the_running_beat():
    clock = BeatClock(60, 0, 0, first_s1=0)
    clock.beats_until(10 * RATE)
    clock.set(bpm=120)
    frame = int(2.5 * RATE)  # half of the third beat is over
    clock.rewind(frame)
    beats = clock.beats_until(10 * RATE)
    assert [beat.n for beat in beats[:4]] == [0, 1, 2, 3]
    assert beats[3].s1 == pytest.approx(2.75 * RATE, abs=2)
    assert beats[2].rr_ms == pytest.approx(750, abs=0.1)
    assert beats[4].s1 - beats[3].s1 == pytest.approx(RATE / 2, abs=2)


def test_a_beat_never_overtakes_its_own_second_sound():
    clock = BeatClock(40, 0, 0, first_s1=0)
    clock.beats_until(10 * RATE)
    clock.set(bpm=200)
    clock.rewind(1_000)
    beats = clock.beats_until(10 * RATE)
    assert beats[1].s1 > beats[0].s2


def test_moving_the_tempo_twice_bends_what_is_left_only():
    clock = BeatClock(60, 0, 0, first_s1=0)
    clock.beats_until(5 * RATE)
    for bpm in (120, 60, 120, 60):
        clock.set(bpm=bpm)
        clock.rewind(int(1.5 * RATE))
    assert clock.beats_until(5 * RATE)[2].s1 == pytest.approx(2 * RATE, abs=3)


def test_a_nudge_moves_the_beats_without_a_jump():
    plain = BeatClock(72, 0, 0).beats_until(20 * RATE)
    clock = BeatClock(72, 0, 0)
    clock.nudge(60)
    moved = clock.beats_until(20 * RATE)
    assert (moved[10].s1 - plain[10].s1) / 44.1 == pytest.approx(60, abs=0.1)
    assert np.abs(rr_of(moved) - rr_of(plain)).max() < 9


def test_the_next_beat_lands_where_it_is_told_to():
    clock = BeatClock(72, 0, 0)
    last = clock.beats_until(3 * RATE)[-1]
    clock.land(last.s1 + RATE)
    after = clock.beats_until(6 * RATE)
    assert after[last.n + 1].s1 == last.s1 + RATE
    assert after[last.n].rr_ms == pytest.approx(1000, abs=0.1)
    clock.land(after[-1].s1 + 10)
    assert clock.beats_until(8 * RATE)[after[-1].n + 1].s1 > after[-1].s2


def test_another_seed_is_another_variation():
    one = [variation_ms(1, n, 30) for n in range(20)]
    assert one == [variation_ms(1, n, 30) for n in range(20)]
    assert one != [variation_ms(2, n, 30) for n in range(20)]
    clock = BeatClock(72, 30, 1)
    clock.reseed(2)
    assert clock.beats_until(RATE * 20) == BeatClock(72, 30, 2).beats_until(RATE * 20)
