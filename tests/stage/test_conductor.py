"""The conductor: the tape stays ahead, a knob is heard soon, a dead voice is not heard at all."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from heart.records import OVERLAP, SAMPLE_RATE_HZ
from heart.sounding import pulse
from heart.stage.conductor import HOP
from heart.stage.simulation import Simulation


class Stage(Simulation):
    """With beats that come evenly."""

    def __init__(self, work_s: float = 0.1, step_s: float = 0.0) -> None:
        super().__init__(work_s, step_s)
        self.performance.message("/heart/set/rmssd", (0.0,), "test")


def test_the_reserve_is_filled_before_anybody_listens_and_no_further() -> None:
    stage = Stage()
    stage.run(3.0, listening=False)
    assert 2 * SAMPLE_RATE_HZ <= stage.tape.head <= 2 * SAMPLE_RATE_HZ + HOP + OVERLAP
    assert stage.conductor.bed_frames == 0


def test_a_minute_without_a_gap_and_without_the_bed() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(60.0)
    assert len(stage.sound) == stage.needed
    assert stage.conductor.bed_frames == 0
    assert stage.conductor.p95() == pytest.approx(0.1 * SAMPLE_RATE_HZ / HOP, rel=0.01)


def test_the_sound_is_what_one_long_wish_would_have_given() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(5.0)
    whole = pulse.sing(stage.performance.wish(0, 0, 6 * SAMPLE_RATE_HZ // 64 * 64, np.zeros(0, np.float32)))
    assert np.allclose(stage.sound, whole.audio[: len(stage.sound)], atol=1e-3)


def test_a_knob_is_heard_within_its_margin_though_the_reserve_is_long() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(4.0)
    stage.turn("bpm", 180.0)
    turned = stage.needed
    stage.run(3.0)
    beats = [b.s1 for b in stage.performance.beats_between(turned - SAMPLE_RATE_HZ, stage.needed)]
    fast = [a for a, b in itertools.pairwise(beats) if b - a < 0.4 * SAMPLE_RATE_HZ]
    assert (fast[0] - turned) / SAMPLE_RATE_HZ < 0.45
    assert stage.conductor.bed_frames == 0
    assert len(stage.sound) == stage.needed


def test_a_fader_in_motion_cannot_starve_the_voice() -> None:
    stage = Stage(work_s=0.15)
    stage.run(2.0, listening=False)
    for step in range(500):
        stage.turn("bpm", 60.0 + step * 0.2)
        stage.run(0.02)
    assert stage.conductor.bed_frames == 0
    assert len(stage.sound) == stage.needed


@pytest.mark.case("R22")
def test_a_dead_voice_is_not_heard_and_a_new_one_takes_over() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(3.0)
    stage.kill()
    stage.run(1.5)
    assert stage.conductor.bed_frames == 0, "the reserve alone carries 1.5 s"
    stage.run(4.0)
    assert stage.conductor.bed_frames > 0
    stage.alive, bed = True, 0
    stage.run(4.0)
    bed = stage.conductor.bed_frames
    stage.run(4.0)
    assert stage.conductor.bed_frames == bed, "the voice sings again"
    assert len(stage.sound) == stage.needed
    whole = pulse.sing(stage.performance.wish(0, 0, len(stage.sound) // 64 * 64, np.zeros(0, np.float32)))
    assert np.abs(np.diff(stage.sound)).max() < 1.5 * np.abs(np.diff(whole.audio)).max()


def test_a_knob_turned_just_before_the_voice_dies_is_sung_by_the_next_one() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(1.0)
    stage.turn("label", "AS")
    for _ in range(50):
        stage.run(0.01)
        if stage.conductor.pending and stage.conductor.pending.label == "AS":
            break
    else:
        pytest.fail("the knob was never asked for")
    stage.kill()
    stage.run(0.2)
    stage.alive = True
    turned = stage.needed
    stage.run(1.0)
    sung = [laid for laid in stage.conductor.sealed_chunks() if laid.wish.label == "AS"]
    assert sung
    assert sung[0].first < turned + SAMPLE_RATE_HZ // 2, "not only after the old reserve"


def test_a_voice_that_is_too_slow_leaves_no_gap() -> None:
    stage = Stage(work_s=0.8)
    stage.run(4.0, listening=False)
    stage.run(20.0)
    assert len(stage.sound) == stage.needed
    assert stage.conductor.bed_frames > 0


@pytest.mark.case("R23")
def test_broken_chunks_are_refused_and_asked_for_again() -> None:
    stage = Stage()
    stage.conductor.tick(None)
    wish = stage.conductor.pending
    assert wish is not None
    bad = replace(pulse.sing(wish), audio=np.full(wish.frames + OVERLAP, np.nan, np.float32))
    assert not stage.conductor.chunk(bad)
    assert not stage.conductor.chunk(bad), "an answer to nothing"
    stage.conductor.tick(None)
    again = stage.conductor.pending
    assert again is not None
    short = replace(pulse.sing(again), audio=np.zeros(7, np.float32))
    assert not stage.conductor.chunk(short)
    assert stage.conductor.refused_chunks == 2
    assert stage.tape.head == 0


def test_sealed_chunks_are_told_once_and_replaced_ones_never() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(1.0)
    first = stage.conductor.sealed_chunks()
    assert [laid.first for laid in first] == sorted(laid.first for laid in first)
    assert stage.conductor.sealed_chunks() == []
    stage.turn("label", "AS")
    stage.run(2.0)
    later = stage.conductor.sealed_chunks()
    assert {laid.wish.label for laid in later if laid.first > 2 * SAMPLE_RATE_HZ} == {"AS"}
    assert later[0].first > first[-1].first


def test_a_wish_whose_time_is_over_is_given_up_told_once_and_again_when_it_is_over() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(1.0)
    stage.work_s = 3.0
    stage.run(12.0)
    conductor = stage.conductor
    assert conductor.expired_wishes > 1
    assert conductor.stale_chunks > 0, "their answers came, and were not laid"
    assert [code for code, _ in stage.told if code != "steps"] == ["voice_late"]
    stage.work_s = 0.1
    stage.run(6.0)
    assert [code for code, _ in stage.told if code != "steps"] == ["voice_late", "voice_back"]
    bed = conductor.bed_frames
    stage.run(4.0)
    assert conductor.bed_frames == bed
    assert len(stage.sound) == stage.needed


def test_a_machine_that_is_too_slow_sings_fewer_steps_and_says_so() -> None:
    stage = Stage(work_s=0.02, step_s=0.08)
    stage.turn("steps", 8)
    stage.run(2.0, listening=False)
    stage.run(20.0)
    assert stage.conductor.steps == 2
    assert stage.performance.values["steps"] == 8, "what was asked for stays"
    assert stage.laid[-1].wish.steps == stage.laid[-1].chunk.steps == 2
    assert [text[:31] for code, text in stage.told if code == "steps"] == [
        "voice: 4 of 8 steps sung; 8 too",
        "voice: 2 of 8 steps sung; 4 too",
    ]
    assert stage.conductor.p95() == pytest.approx(0.18 * SAMPLE_RATE_HZ / HOP, rel=0.01)
    bed = stage.conductor.bed_frames
    stage.run(20.0)
    assert stage.conductor.bed_frames == bed, "now the voice keeps up"
    stage.step_s = 0.01
    stage.run(40.0)
    assert stage.conductor.steps == 8


def test_the_first_client_hears_the_voice_and_no_bed() -> None:
    stage = Stage()
    stage.run(2.0, listening=False)
    stage.run(0.5)
    assert {laid.by for laid in stage.laid} == {"voice"}
    assert stage.tape.head - stage.needed > 1.5 * SAMPLE_RATE_HZ


def test_every_chunk_that_is_laid_is_logged_with_what_is_needed_to_lay_it_again() -> None:
    stage = Stage(work_s=0.5)
    stage.run(2.0, listening=False)
    stage.run(5.0)
    stage.turn("bpm", 120.0)
    stage.run(5.0)
    assert {laid.by for laid in stage.laid} == {"voice", "bed"}
    assert all(laid.after <= number for number, laid in enumerate(stage.laid))
    assert all(laid.first >= max(laid.sealed, laid.wish.start) for laid in stage.laid)
    assert any(laid.after < number for number, laid in enumerate(stage.laid)), "bed was laid meanwhile"
