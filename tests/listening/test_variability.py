"""Variability of the beats: the measures of neurokit2, of certain neighbours only; onsets finer than a step."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from synthetic_heart import RATE_HZ, heart

from heart.listening import timing
from heart.listening.variability import WEIGHTS, Evidence, Variability, certain_intervals, variability


def beats(n: int = 200, sd_s: float = 0.04, seed: int = 0) -> np.ndarray:
    """Onsets of a heart at about 70, breathing and wandering."""
    rng = np.random.default_rng(seed)
    rr_s = 0.86 + 0.05 * np.sin(np.arange(n) / 4) + rng.normal(0, sd_s, n)
    return np.cumsum(rr_s)


def test_the_measures_are_those_of_neurokit() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2  # which warns when it is imported

        s1_s = beats()
        peaks = np.rint(s1_s * 10_000).astype(int)
        theirs = neurokit2.hrv_time({"RRI": np.diff(peaks) / 10.0, "RRI_Time": peaks[1:] / 10_000})
    ours = variability(s1_s, np.ones(len(s1_s) - 1))
    assert ours.sdnn_ms == pytest.approx(float(theirs["HRV_SDNN"].iloc[0]), rel=1e-3)
    assert ours.rmssd_ms == pytest.approx(float(theirs["HRV_RMSSD"].iloc[0]), rel=1e-3)
    assert ours.pnn50 == pytest.approx(float(theirs["HRV_pNN50"].iloc[0]) / 100, abs=0.01)


def test_missed_and_guessed_beats_do_not_count() -> None:
    s1_s = beats()
    true = variability(s1_s, np.ones(len(s1_s) - 1))
    lost = np.delete(s1_s, [20, 50, 51, 90])
    missed = variability(lost, np.ones(len(lost) - 1))
    guessed_s, certainty = s1_s.copy(), np.ones(len(s1_s) - 1)
    guessed_s[100:110] += np.random.default_rng(1).normal(0, 0.12, 10)
    certainty[99:110] = 0.4
    guessed = variability(guessed_s, certainty)
    for other in (missed, guessed):
        assert other.sdnn_ms == pytest.approx(true.sdnn_ms, rel=0.1)
        assert other.rmssd_ms == pytest.approx(true.rmssd_ms, rel=0.1)
    assert not certain_intervals(guessed_s, certainty)[99:110].any()
    assert variability(guessed_s, np.ones(len(certainty))).rmssd_ms > 1.3 * true.rmssd_ms


def test_an_irregular_heart_stays_irregular() -> None:
    rng = np.random.default_rng(2)
    s1_s = np.cumsum(rng.uniform(0.55, 1.05, 150))
    heard = variability(s1_s, np.ones(149))
    assert heard.sdnn_ms == pytest.approx(np.diff(s1_s).std(ddof=1) * 1e3, rel=0.1)
    assert heard.pnn50 > 0.6


def test_too_few_beats_say_nothing_and_more_certain_ones_are_trusted_more() -> None:
    for n in (0, 1, 2, 3):
        few = variability(beats(4)[:n], np.ones(max(n - 1, 0)))
        assert few.sdnn_ms is None
        assert few.trust(WEIGHTS) == 0.0
    trusts = [Variability(30.0, 30.0, 0.1, Evidence(c, c, 0.9, 1.0)).trust(WEIGHTS) for c in (0.3, 0.6, 0.95)]
    assert trusts == sorted(trusts)
    assert trusts[0] < 0.5 < trusts[2]


@pytest.mark.parametrize("hiss", [0.003, 0.03])
def test_onsets_on_a_coarse_grid_are_put_right(hiss: float) -> None:
    made = heart(70, seconds=40, jitter_ms=25, hiss=hiss)
    coarse = np.round(made.s1_s / 0.02) * 0.02
    fine = timing.refine(made.sound, coarse)
    before, after = (np.std(onsets - made.s1_s) * 1e3 for onsets in (coarse, fine))
    assert before > 4.5
    assert after < 1.5
    assert abs(np.median(fine - made.s1_s)) < 0.01


def test_few_beats_and_beats_at_the_edges_stay() -> None:
    made = heart(70, seconds=10)
    np.testing.assert_array_equal(timing.refine(made.sound, made.s1_s[:3]), made.s1_s[:3])
    edges = np.concatenate([[0.0], made.s1_s, [len(made.sound) / RATE_HZ]])
    moved = timing.refine(made.sound, edges)
    assert np.isfinite(moved).all()
    assert np.abs(moved - edges).max() <= timing.REACH_S + 0.02
    assert np.isfinite(timing.refine(np.zeros(20_000, np.float32), made.s1_s)).all()
