"""Patterns, tracks, ramps and levels of the beat clock: asked against scheduled."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heart.errors import UsageError
from heart.records import PATTERNS, SAMPLE_RATE_HZ, Beat
from heart.sounding.beats import BeatClock
from heart.sounding.glide import Glide, still
from heart.sounding.rhythm import BALANCE_DB, ECTOPIC_LEVELS, balance_levels, is_ectopic, systole_ms
from heart.sounding.track import Track

RATE = SAMPLE_RATE_HZ


def beats_of(clock: BeatClock, seconds: float) -> list[Beat]:
    """All beats of that time, read as the engine reads them: second by second."""
    beats: list[Beat] = []
    for second in range(1, math.ceil(seconds) + 1):
        beats += [b for b in clock.beats_until(second * RATE) if not beats or b.n > beats[-1].n]
    return beats


def rr_of(beats: list[Beat]) -> np.ndarray:
    return np.diff([beat.s1 for beat in beats]) / RATE * 1_000


@pytest.mark.parametrize("pattern", ["pvc", "bigeminy", "trigeminy"])
@pytest.mark.parametrize("bpm", [30.0, 72.0, 140.0])
def test_a_premature_beat_is_early_weak_and_followed_by_a_full_pause(pattern: str, bpm: float) -> None:
    beats = beats_of(BeatClock(bpm, 0, 4, pattern=pattern), 120)
    mean, rr = 60_000 / bpm, rr_of(beats)
    early = [k for k in range(len(beats)) if beats[k].gain2 < 1]
    assert len(early) > 3
    for k in early[:-1]:
        assert rr[k - 1] == pytest.approx(max(0.6 * mean, 250), abs=0.1)
        assert rr[k - 1] + rr[k] == pytest.approx(2 * mean, abs=0.1)
        assert (beats[k].gain1, beats[k].gain2) == ECTOPIC_LEVELS
        assert beats[k].s2 - beats[k].s1 < beats[k - 1].s2 - beats[k - 1].s1
    others = [rr[k] for k in range(len(rr) - 1) if k not in early and k + 1 not in early]
    assert np.allclose(others, mean, atol=0.1)


def test_bigeminy_is_every_second_and_trigeminy_every_third_beat() -> None:
    for pattern, period in (("bigeminy", 2), ("trigeminy", 3)):
        beats = beats_of(BeatClock(72, 20, 1, pattern=pattern), 60)
        assert [b.n for b in beats if b.gain2 < 1] == [b.n for b in beats if b.n % period == period - 1]


def test_couplets_come_in_twos_and_the_third_interval_makes_up_for_both() -> None:
    beats = beats_of(BeatClock(60, 0, 2, pattern="couplet", ectopy=0.2), 200)
    weak, rr = [b.n for b in beats if b.gain2 < 1], rr_of(beats)
    firsts = [n for n in weak if n - 1 not in weak]
    assert len(firsts) > 10
    assert weak == sorted([*firsts, *(n + 1 for n in firsts)])
    for n in firsts[:-1]:
        assert rr[n - 1 : n + 2] == pytest.approx([600, 600, 1_800], abs=0.1)


def test_a_skipped_beat_leaves_a_hole_of_two_intervals_and_no_weak_sound() -> None:
    beats = beats_of(BeatClock(75, 0, 3, pattern="skipped", ectopy=0.15), 300)
    rr = rr_of(beats)
    assert all(beat.gain2 == 1 for beat in beats)
    assert np.mean(rr > 1_000) == pytest.approx(0.15, abs=0.03)
    assert set(np.round(rr / 800, 3)) == {1.0, 2.0}


@pytest.mark.parametrize("pattern", ["pvc", "couplet", "skipped"])
@pytest.mark.parametrize("ectopy", [0.0, 0.05, 0.2, 0.33])
def test_ectopy_is_the_share_of_beats(pattern: str, ectopy: float) -> None:
    found = np.mean([is_ectopic(pattern, ectopy, 5, n) for n in range(3_000)])
    assert found == pytest.approx(ectopy, abs=0.02)


def test_premature_beats_keep_the_rate_and_the_sinus_rhythm() -> None:
    plain = beats_of(BeatClock(72, 40, 6), 120)
    pvc = beats_of(BeatClock(72, 40, 6, pattern="pvc", ectopy=0.2), 120)
    places = {beat.s1 for beat in plain}
    assert all(beat.s1 in places for beat in pvc if beat.gain2 == 1)
    assert np.mean([beat.s1 in places for beat in pvc]) == pytest.approx(0.8, abs=0.08)


def test_fibrillation_is_irregularly_irregular_at_the_asked_rate() -> None:
    rr = rr_of(beats_of(BeatClock(90, 0, 1, pattern="af"), 600))
    assert 60_000 / rr.mean() == pytest.approx(90, rel=0.02)
    assert rr.std() / rr.mean() == pytest.approx(0.24, abs=0.02)
    following = np.corrcoef(rr[:-1], rr[1:])[0, 1]
    assert abs(following) < 0.1, "no interval knows of the one before"


@settings(deadline=None)
@given(
    st.integers(0, 2**24),
    st.integers(0, 20 * RATE),
    st.floats(30, 220),
    st.sampled_from(PATTERNS),
    st.floats(0, 0.33),
    st.floats(30, 220),
)
def test_whatever_is_rewound_comes_back_the_same(
    seed: int, frame: int, bpm: float, pattern: str, ectopy: float, target: float
) -> None:
    clock = BeatClock(bpm, 40, seed, pattern=pattern, ectopy=ectopy)
    clock.glide("bpm", Glide(bpm, target, 5 * RATE, 10 * RATE))
    clock.glide("balance", Glide(-1, 1, 3 * RATE, 10 * RATE))
    clock.meet(7 * RATE)
    before = clock.beats_until(25 * RATE)
    clock.rewind(frame)
    assert clock.beats_until(25 * RATE) == before


@settings(deadline=None)
@given(
    st.sampled_from([30.0, 220.0]),
    st.sampled_from(PATTERNS),
    st.floats(0.7, 1.3),
    st.floats(0, 200),
    st.integers(0, 99),
)
def test_the_slowest_and_the_fastest_hearts_stay_legal(
    bpm: float, pattern: str, systole: float, rmssd_ms: float, seed: int
) -> None:
    beats = BeatClock(bpm, rmssd_ms, seed, systole=systole, pattern=pattern, ectopy=0.33).beats_until(30 * RATE)
    for beat, following in itertools.pairwise(beats):
        assert beat.s1 < beat.s2 < following.s1
        assert following.s1 - beat.s1 >= 0.1 * RATE


def test_systole_is_a_share_of_the_law() -> None:
    for share in (0.7, 1.0, 1.3):
        beats = BeatClock(72, 0, 0, systole=share).beats_until(10 * RATE)
        assert [(b.s2 - b.s1) / 44.1 for b in beats] == pytest.approx(
            [share * systole_ms(60_000 / 72)] * len(beats), abs=0.05
        )
    assert systole_ms(60_000 / 220, 1.3) == pytest.approx(60_000 / 220 - 90)


def test_balance_turns_one_sound_down_and_never_one_up() -> None:
    assert balance_levels(0) == (1, 1)
    assert balance_levels(-1) == (1, 0)
    assert balance_levels(1) == (0, 1)
    assert balance_levels(-0.4)[1] == pytest.approx(10 ** (-0.4 * BALANCE_DB / 20))
    (beat, *_) = BeatClock(72, 0, 0, balance=-0.4).beats_until(RATE)
    assert (beat.gain1, beat.gain2) == balance_levels(-0.4)


@pytest.mark.parametrize(("before", "after"), [(60, 120), (180, 45), (30, 220)])
def test_a_ramp_of_tempo_is_followed_exactly_and_ends_on_its_target(before: float, after: float) -> None:
    clock = BeatClock(before, 0, 0, first_s1=0)
    ramp = Glide(before, after, 5 * RATE, 10 * RATE)
    clock.glide("bpm", ramp)
    beats = beats_of(clock, 25)
    passed = [ramp.beats_between(a.s1, b.s1) for a, b in itertools.pairwise(beats)]
    assert np.allclose(passed, 1, atol=1e-3), "each RR interval holds one beat of the ramp"
    late = rr_of([beat for beat in beats if beat.s1 >= 15 * RATE])
    assert np.allclose(late, 60_000 / after, atol=0.05)
    # Beats counted against the closed integral of the ramp: 5 s, 10 s of the mean rate, the rest.
    whole = (5 * before + 10 * (before + after) / 2 + 10 * after) / 60
    assert len(beats) == math.ceil(whole)


@settings(deadline=None)
@given(st.floats(30, 220), st.floats(30, 220), st.floats(0.01, 60), st.floats(0, 80), st.floats(0.01, 30))
def test_frames_and_beats_of_a_glide_are_inverse(
    before: float, after: float, seconds: float, at_s: float, beats: float
) -> None:
    glide = Glide(before, after, 10 * RATE, seconds * RATE)
    frames = glide.frames_of(beats, at_s * RATE)
    assert glide.beats_between(at_s * RATE, at_s * RATE + frames) == pytest.approx(beats, rel=1e-6)
    assert still(after).frames_of(1, 0) == pytest.approx(60 / after * RATE)


def test_other_settings_move_on_the_tape_as_well() -> None:
    clock = BeatClock(60, 0, 0, first_s1=0)
    clock.glide("systole", Glide(0.7, 1.3, 0, 10 * RATE))
    clock.glide("balance", Glide(0.0, -0.5, 0, 10 * RATE))
    beats = beats_of(clock, 13)
    lengths = [(beat.s2 - beat.s1) / 44.1 / systole_ms(1_000) for beat in beats]
    assert lengths[:11] == pytest.approx(list(np.linspace(0.7, 1.3, 11)), abs=0.001)
    assert beats[12].gain2 == pytest.approx(balance_levels(-0.5)[1])
    assert beats[3].gain2 > beats[4].gain2 > beats[5].gain2


@settings(deadline=None)
@given(st.integers(2 * RATE, 10 * RATE), st.sampled_from(PATTERNS), st.floats(0, 80), st.floats(30, 220))
def test_a_downbeat_is_met_to_the_frame_whatever_the_pattern(
    frame: int, pattern: str, rmssd_ms: float, bpm: float
) -> None:
    clock = BeatClock(bpm, rmssd_ms, 3, pattern=pattern, ectopy=0.3)
    clock.beats_until(RATE)
    clock.rewind(RATE // 2)
    clock.meet(frame)
    beats = clock.beats_until(14 * RATE)
    met = [beat for beat in beats if abs(beat.s1 - frame) <= 1]
    assert len(met) == 1
    assert met[0].gain2 == 1, "a downbeat is never a premature beat"
    assert min(b.s1 - a.s1 for a, b in itertools.pairwise(beats)) > 0.1 * RATE


@pytest.mark.parametrize("bpm", [40.0, 150.0])
def test_a_downbeat_stands_when_the_tempo_is_turned_before_it(bpm: float) -> None:
    clock = BeatClock(72, 20, 1)
    clock.beats_until(5 * RATE)
    clock.rewind(RATE)
    clock.meet(3 * RATE + 7)
    clock.beats_until(5 * RATE)
    clock.set(bpm=bpm)
    clock.rewind(2 * RATE + RATE // 2)
    assert 3 * RATE + 7 in [beat.s1 for beat in clock.beats_until(6 * RATE)]


def test_a_downbeat_that_comes_too_soon_falls_whole_beats_later() -> None:
    clock = BeatClock(60, 0, 0)
    last = clock.beats_until(3 * RATE)[-1]
    clock.meet(last.s1 + 100)
    assert clock.beats_until(6 * RATE)[last.n + 1].s1 == last.s1 + 100 + RATE


GIVEN = Track((700.0, 1_100.0, 900.0), (250.0, 0.0, 300.0))


def test_a_track_is_sung_as_it_is_given_once_or_again_and_again() -> None:
    once, again = BeatClock(GIVEN.bpm, 0, 0), BeatClock(GIVEN.bpm, 0, 0)
    once.play(GIVEN)
    again.play(Track(GIVEN.rr_ms, GIVEN.systole_ms, loop=True))
    assert rr_of(beats_of(once, 6))[:5] == pytest.approx([700, 1_100, 900, 900, 900], abs=0.05)
    beats = beats_of(again, 6.5)
    assert rr_of(beats)[:6] == pytest.approx([700, 1_100, 900, 700, 1_100, 900], abs=0.05)
    lengths = [(beat.s2 - beat.s1) / 44.1 for beat in beats[:3]]
    assert lengths == pytest.approx([250, systole_ms(1_100), 300], abs=0.05)


def test_a_track_is_played_faster_at_another_rate_and_begins_where_it_is_asked_for() -> None:
    clock = BeatClock(60, 0, 0, first_s1=0)
    clock.beats_until(5 * RATE)
    clock.play(GIVEN)
    clock.set(bpm=2 * GIVEN.bpm)
    clock.rewind(int(2.5 * RATE))
    beats = clock.beats_until(8 * RATE)
    assert rr_of(beats)[3:6] == pytest.approx([350, 550, 450], abs=0.05)
    clock.rewind(int(2.9 * RATE))
    assert clock.beats_until(8 * RATE) == beats


@pytest.mark.parametrize(
    ("rr_ms", "words"),
    [
        ((), "0 RR"),
        ((800.0, 20.0), "interval 2 is 20 ms"),
        ((float("nan"),), "interval 1"),
        ((2_500.0,), "24.0 bpm"),
    ],
)
def test_a_track_that_is_no_heart_is_refused(rr_ms: tuple[float, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Track(rr_ms)


def test_rate_and_variability_are_as_asked_on_the_schedule() -> None:
    for bpm, rmssd_ms in ((45, 60), (72, 30), (110, 20)):
        rr = rr_of(beats_of(BeatClock(bpm, rmssd_ms, 8), 600))
        assert 60_000 / rr.mean() == pytest.approx(bpm, rel=0.001)
        assert np.sqrt(np.mean(np.diff(rr) ** 2)) == pytest.approx(rmssd_ms, rel=0.03)
