"""Changes to training sounds: shapes stay, values stay finite, and the beats lie where their states say."""

from __future__ import annotations

import numpy as np
import pytest

from heart.learning import ear_changes as changes
from heart.listening import features

FRAMES = 800


def heart() -> tuple[np.ndarray, np.ndarray]:
    """Powers [FRAMES, BANDS] and states [FRAMES] of a beat every 80 frames."""
    states = np.tile(np.repeat([0, 1, 2, 3], [12, 20, 10, 38]), FRAMES // 80)
    noise = np.random.default_rng(0).chisquare(4, (FRAMES, features.BANDS)) / 4
    return noise * np.array([1e-3, 1e-6, 5e-4, 1e-6])[states][:, None], states


@pytest.mark.parametrize("name", ["sensor", "room", "gain", "dynamics", "gate", "drowned"])
def test_changes_are_finite_and_often_change_something(name: str) -> None:
    powers, _ = heart()
    changed = 0
    for seed in range(40):
        after = getattr(changes, name)(np.random.default_rng(seed), powers)
        assert after.shape == powers.shape
        assert np.isfinite(after).all()
        assert (after >= 0).all()
        changed += not np.allclose(after, powers, rtol=1e-3, atol=0)
    assert changed >= 4


def test_a_room_rings_after_the_sound_and_never_before() -> None:
    powers = np.zeros((100, features.BANDS))
    powers[50] = 1.0
    rung = [changes.room(np.random.default_rng(seed), powers) for seed in range(40)]
    assert all((after[:50] == 0).all() for after in rung)
    assert sum((after[52:60] > 0).all() for after in rung) >= 4


def test_other_valves_keep_the_rests_and_murmurs_fill_them() -> None:
    powers, states = heart()
    after = [changes.valves(np.random.default_rng(seed), powers, states) for seed in range(40)]
    sounds = np.array([a[states == 0].mean() / a[states == 2].mean() for a in after])
    assert sounds.std() > 0.5  # S1 against S2
    filled = np.array([a[states == 1].mean() for a in after]) / powers[states == 1].mean()
    assert 3 <= (filled > 3).sum() <= 20


def test_stretched_diastoles_change_the_rate_but_not_the_systoles() -> None:
    _, states = heart()
    periods, systoles = [], []
    for seed in range(60):
        at = changes.places(np.random.default_rng(seed), states, 400)
        inside = (at >= 0) & (at < FRAMES)
        played = states[np.rint(at[inside]).astype(int).clip(0, FRAMES - 1)]
        begins = np.nonzero((played[1:] == 0) & (played[:-1] == 3))[0]
        ends = np.nonzero((played[1:] == 2) & (played[:-1] == 1))[0]
        periods.append(np.diff(begins).mean())
        systoles.append((ends[ends > begins[0]][0] - begins[0]) / 32)
    assert np.ptp(periods) > 40
    assert 0.6 < min(systoles) < max(systoles) < 1.6


def test_masks_take_some_bands_of_some_crops() -> None:
    frames = changes.masked(np.random.default_rng(0), np.ones((40, 20, features.BANDS), np.float32))
    share = (frames == 0).mean()
    assert 0.02 < share < 0.25
    assert all((crop == crop[0]).all() for crop in frames)


def test_no_two_beats_are_alike_and_rests_stay() -> None:
    powers, states = heart()
    after = [changes.beat_by_beat(np.random.default_rng(seed), powers, states) for seed in range(40)]
    assert all(np.array_equal(a[states == 1], powers[states == 1]) for a in after)
    spreads = [np.log10((a / powers)[states == 0].reshape(-1, 12, features.BANDS)[:, 0, 0]).std() for a in after]
    assert sum(spread > 0.03 for spread in spreads) >= 8


def test_drowned_bands_are_those_of_one_side() -> None:
    powers, states = heart()
    low_only = 0
    for seed in range(60):
        after = changes.drowned(np.random.default_rng(seed), powers)
        contrast = np.log10(after[states == 0].mean(0) / after[states == 1].mean(0))
        low_only += contrast[:4].max() < 0.6 and contrast[-4:].min() > 1.0
    assert low_only >= 4
