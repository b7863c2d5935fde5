"""Clicks at splices: none in a live stream, and those that are put there are found."""

from __future__ import annotations

import numpy as np
import pytest

from heart.audio import rise
from heart.learning.voice_splices import AROUND, clicks, with_jumps
from heart.records import OVERLAP
from heart.sounding.offline import HOP, generate
from heart.stage.simulation import Simulation


@pytest.fixture(scope="module")
def stage() -> Simulation:
    """Half a minute of pulse with knobs, a dead voice and its bed."""
    stage = Simulation()
    stage.run(2.0, listening=False)
    for number, label in enumerate(("MS", "AS", "N", "MVP", "MR", "MS")):
        stage.turn("label", label)
        stage.turn("bpm", 50.0 + 20 * number)
        stage.run(3.0)
        if number == 2:
            stage.kill()
            stage.run(4.0)
            stage.alive = True
        stage.run(1.0)
    assert {laid.by for laid in stage.laid} == {"voice", "bed"}
    return stage


def test_a_live_stream_has_no_click_where_its_chunks_meet(stage: Simulation) -> None:
    borders = [laid.first for laid in stage.laid]
    assert len(borders) > 80
    assert clicks(stage.sound, borders) == []


def test_a_jump_of_a_third_of_a_percent_is_a_click_at_nearly_every_border(stage: Simulation) -> None:
    borders = list(range(HOP, len(stage.sound) - HOP, HOP))
    assert len(clicks(with_jumps(stage.sound, borders, 0.0032), borders)) > 0.9 * len(borders)


def test_a_chunk_put_on_without_its_cross_fade_is_found() -> None:
    one, two = (generate(4.0, "AS", 72, 0, seed=seed, voice="pulse") for seed in (0, 1))
    borders = range(HOP, len(one) - HOP, HOP)
    hard, soft = one.copy(), one.copy()
    for number, border in enumerate(borders):
        new = slice(border, border + HOP)
        hard[new] = soft[new] = (two, one)[number % 2][new]
        lap = slice(border, border + OVERLAP)
        old = (one, two)[number % 2]
        soft[lap] = old[lap] + rise(OVERLAP) * (soft[lap] - old[lap])
    middle = [border - OVERLAP // 2 for border in borders]
    assert len(clicks(hard, middle)) >= len(middle) // 3
    assert clicks(soft, borders) == []


def test_borders_without_room_around_them_are_left_out() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * AROUND + OVERLAP).astype(np.float32)
    assert clicks(noise, [0, AROUND - 1, AROUND + 1, len(noise)]) == []


def test_a_long_murmur_of_the_pulse_has_no_seam() -> None:
    """Its noise begins anew after 0.37 s."""
    sound = generate(12.0, "MS", 40, 0, seed=4, voice="pulse")
    assert clicks(sound, range(AROUND, len(sound) - 2 * AROUND, OVERLAP)) == []


def test_the_rise_of_a_cross_fade_adds_up_to_one_with_its_mirror() -> None:
    for frames in (1, 2, 7, OVERLAP):
        weights = rise(frames)
        assert weights.shape == (frames,)
        assert np.all(np.diff(weights) > 0)
        assert np.allclose(weights + weights[::-1], 1)
        assert 0 < weights[0] <= 0.5
