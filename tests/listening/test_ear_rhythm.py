"""The period of a repeating sound: right lag, no octaves, changes followed, two witnesses better than one."""

from __future__ import annotations

import numpy as np
import pytest

from heart.listening import features, rate, rhythm

STEPS_PER_S = features.STEPS_PER_S


def cycles(rr_s: np.ndarray | float, seconds: float, forget_every: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Chances [steps, 4] and bands [steps, BANDS] of a heart; the net half overhears each forget_every-th beat."""
    rng, steps = np.random.default_rng(0), int(seconds * STEPS_PER_S)
    chances, bands = np.full((steps, 4), 0.1), rng.normal(0, 0.2, (steps, features.BANDS))
    at, beat = 0.1, 0
    while at < seconds - 0.1:
        rr = float(np.interp(at, [0, seconds], np.broadcast_to(rr_s, 2)))
        overheard = forget_every and beat % forget_every == 0
        for state, start, length in ((0, at, 0.12), (2, at + 0.3 * np.sqrt(rr), 0.1)):
            here = slice(int(start * STEPS_PER_S), int((start + length) * STEPS_PER_S))
            bands[here, : 8 + state] += 1.0
            chances[here, state] = 0.3 if overheard else 0.8
        at, beat = at + rr, beat + 1
    chances[:, 3] = 1 - chances[:, :3].sum(1)
    return chances, bands


@pytest.mark.parametrize("bpm", [36, 45, 60, 75, 100, 130, 160])
def test_the_period_is_that_of_the_beats(bpm: int) -> None:
    found = rhythm.rhythm(*cycles(60 / bpm, 25))
    assert found is not None
    assert found.bpm == pytest.approx(bpm, rel=0.03)
    assert found.clearness > 0.4


@pytest.mark.parametrize("bpm", [90, 115])
def test_bands_keep_the_rate_when_the_net_overhears_every_other_beat(bpm: int) -> None:
    chances, bands = cycles(60 / bpm, 25, forget_every=2)
    found = rhythm.rhythm(chances, bands)
    assert found is not None
    assert found.bpm == pytest.approx(bpm, rel=0.03)
    alone = rhythm.similarity(chances, 90)
    assert alone[round(2 * 50 * 60 / bpm)] > 1.5 * alone[round(50 * 60 / bpm)]  # the net alone says half the rate


def test_a_rate_that_changes_is_followed() -> None:
    found = rhythm.rhythm(*cycles(np.array([1.0, 0.6]), 60))
    assert found is not None
    np.testing.assert_allclose(found.rr_s, np.interp(found.middle_s, [0, 60], [1.0, 0.6]), rtol=0.06)


def test_noise_has_no_clear_period_and_a_moment_none_at_all() -> None:
    rng = np.random.default_rng(1)
    chances, bands = rng.dirichlet(np.ones(4), 1000), rng.normal(size=(1000, features.BANDS))
    found = rhythm.rhythm(chances, bands)
    assert found is not None
    assert found.clearness < 0.2
    assert rhythm.rhythm(chances[:60], bands[:60]) is None
    assert rhythm.newest(chances[:60], bands[:60], None) is None


def test_the_newest_rhythm_gives_the_rate_before_a_little_credit() -> None:
    chances, bands = cycles(0.8, 5)
    for before_s in (None, 0.8, 1.6):
        found = rhythm.newest(chances, bands, before_s)
        assert found is not None
        assert found.rr_s[0] == pytest.approx(0.8, rel=0.03)


def test_beats_and_rhythm_settle_on_one_rate() -> None:
    found = rhythm.Rhythm(np.array([5.0]), np.array([0.5]), np.array([0.7]))
    assert rate.settle(60.0, 0.9, found) == 60.0  # sure beats need no rhythm
    assert rate.settle(60.0, 0.6, found) == pytest.approx(120.0)
    assert rate.settle(121.0, 0.6, found) == 121.0
    assert rate.settle(None, 0.9, found) is None
    assert rate.agreement(120.0, found) == pytest.approx(1.0)
    assert rate.agreement(60.0, found) == 0.0
    assert rate.agreement(60.0, None) == 0.0
