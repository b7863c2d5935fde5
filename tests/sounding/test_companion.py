"""Beats of a further voice: locked to the first one's, at every tempo, whatever is rewound."""

from __future__ import annotations

import numpy as np
import pytest

from heart.records import SAMPLE_RATE_HZ, Beat
from heart.sounding.beats import BeatClock
from heart.sounding.companion import FASTEST_BPM, Companion, place_of

END = 40 * SAMPLE_RATE_HZ


def onsets(beats: tuple[Beat, ...]) -> np.ndarray:
    return np.array([beat.s1 for beat in beats])


@pytest.mark.parametrize("tempo", [0.25, 1 / 3, 0.5, 2 / 3, 1.0, 1.5, 2.0, 3.0])
def test_its_beats_lie_at_every_part_of_the_first_voices(tempo: float) -> None:
    leads = BeatClock(bpm=60, rmssd_ms=60, seed=3).beats_until(END)
    beats = Companion(tempo).beats_until(leads[-1].s1, leads)
    places = [place_of(beat.s1, leads) for beat in beats]
    assert places == pytest.approx(np.arange(len(beats)) / tempo, abs=1e-3)
    assert len(beats) == pytest.approx((len(leads) - 1) * tempo, abs=1)
    assert all(beat.s1 < beat.s2 < beat.s1 + beat.rr_ms * 44.1 for beat in beats)


def test_in_unison_it_has_the_same_beats() -> None:
    leads = BeatClock(bpm=80, rmssd_ms=40, pattern="bigeminy").beats_until(END)
    assert Companion().beats_until(END, leads) == leads


def test_one_that_would_be_too_fast_beats_half_as_often() -> None:
    leads = BeatClock(bpm=150, rmssd_ms=0).beats_until(END)
    beats = Companion(4.0).beats_until(END, leads)
    rate = 60 * SAMPLE_RATE_HZ / np.diff(onsets(beats)).mean()
    assert FASTEST_BPM / 2 < rate <= FASTEST_BPM
    assert rate == pytest.approx(150, rel=0.01)


def test_asked_bit_by_bit_it_gives_what_it_gives_at_once() -> None:
    clock, leads = BeatClock(rmssd_ms=50), BeatClock(rmssd_ms=50).beats_until(END)
    slowly = Companion(1.5)
    for frame in range(0, END, 30_000):
        slowly.beats_until(frame, clock.beats_until(frame))
    assert slowly.beats_until(END, clock.beats_until(END)) == Companion(1.5).beats_until(END, leads)


def test_after_a_rewind_it_goes_along_with_the_new_beats() -> None:
    clock, own = BeatClock(bpm=60, rmssd_ms=0), Companion(2.0)
    own.beats_until(END, clock.beats_until(END))
    turn = 10 * SAMPLE_RATE_HZ + 7_777
    before = [beat for beat in own.beats_until(END, clock.beats_until(END)) if beat.s1 < turn]
    clock.set(bpm=100)
    clock.rewind(turn)
    own.rewind(turn, clock.beats_until(turn))
    beats = own.beats_until(END, clock.beats_until(END))
    assert list(beats[: len(before)]) == before
    assert 60 * SAMPLE_RATE_HZ / np.diff(onsets(beats[len(before) + 2 :])).mean() == pytest.approx(200, rel=0.01)
    assert [beat.n for beat in beats] == list(range(len(beats)))


def test_another_tempo_keeps_the_phase_of_the_beat_under_way() -> None:
    leads, own = BeatClock(bpm=60, rmssd_ms=0).beats_until(END), Companion(1.0)
    own.beats_until(END, leads)
    last = leads[8]
    turn = last.s1 + SAMPLE_RATE_HZ // 4  # a quarter of this beat is over
    own.tempo = 2.0
    own.rewind(turn, leads, former=1.0)
    beats = own.beats_until(END, leads)
    assert beats[9].s1 - turn == pytest.approx(0.75 * SAMPLE_RATE_HZ / 2, abs=2), "three quarters at the new tempo"
    assert np.diff(onsets(beats[9:])) == pytest.approx(SAMPLE_RATE_HZ / 2, abs=2)


def test_what_the_first_voice_has_forgotten_is_not_made_up_for() -> None:
    clock = BeatClock(bpm=220, rmssd_ms=0)
    leads = clock.beats_until(200 * SAMPLE_RATE_HZ)
    assert leads[0].n > 0
    beats = Companion().beats_until(200 * SAMPLE_RATE_HZ, leads)
    assert beats[0].s1 == leads[0].s1
