"""Three estimators of one heart, and one word made of two."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import synthetic_heart

from heart.errors import FileError, UsageError
from heart.listening import estimators
from heart.listening.estimators import (
    ESTIMATORS,
    NOTHING,
    Estimate,
    NetHeard,
    estimator,
    load_net,
    pooled,
    reconcile,
)

GRID = 27.5 * 2.0 ** (np.arange(97) / 32)


def heard(bpm: float, trust: float = 0.9, chance: float = 0.9) -> NetHeard:
    """What a net would say that is sure of a rate to the given chance, and of nothing else."""
    chances = np.exp(-0.5 * (np.log2(GRID / bpm) * 32) ** 2)
    chances = chance * chances / chances.sum() + (1 - chance) / len(GRID)
    return NetHeard(Estimate(bpm, 30.0, trust), chances, GRID)


@pytest.mark.parametrize("name", list(ESTIMATORS))
@pytest.mark.parametrize(("bpm", "rate_hz"), [(62.0, 2_000), (96.0, 8_000)])
def test_each_estimator_hears_a_plain_heart(name: str, bpm: float, rate_hz: int) -> None:
    heart = synthetic_heart.heart(bpm, 12.0, rate_hz)
    said = estimator(name)(heart.sound, rate_hz)
    assert said.bpm == pytest.approx(heart.bpm, abs=2.0)
    assert said.trust > 0.5


@pytest.mark.parametrize("name", list(ESTIMATORS))
@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(20_000, np.float32),
        np.zeros(0, np.float32),
        np.full(9_000, 0.5, np.float32),
        np.ones(3, np.float32),
    ],
)
def test_no_estimator_trusts_a_rate_of_nothing(name: str, sound: np.ndarray) -> None:
    said = estimator(name)(sound, 2_000)
    assert said.bpm is None or said.trust < 0.5


def test_the_net_tells_calm_from_lively() -> None:
    calm, lively = (synthetic_heart.heart(70.0, 20.0, jitter_ms=j, seed=3) for j in (2.0, 45.0))
    said = [estimator("cnn")(h.sound, h.rate_hz).hrv_ms for h in (calm, lively)]
    assert said[0] is not None
    assert said[1] is not None
    assert said[0] < 0.6 * said[1]


def test_windows_cover_a_sound_and_a_long_one_costs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    net, sound = load_net(), synthetic_heart.heart(75.0, 30.0, 1_000).sound
    assert len(net.windows(sound)["bpm"]) == 21
    assert len(net.windows(sound[:3_000])["bpm"]) == 1
    monkeypatch.setattr(estimators, "MOST_WINDOWS", 5)
    few = net.windows(sound)
    assert few["rates"].shape == (5, len(net.bpm))
    assert np.allclose(few["bpm"][-1], net.windows(sound[-5_000:])["bpm"][0], rtol=1e-4)


def test_samples_that_are_no_numbers_do_not_spread() -> None:
    sound = synthetic_heart.heart(75.0, 10.0, 1_000).sound.copy()
    sound[100:110] = np.nan
    assert all(np.isfinite(values).all() for values in load_net().windows(sound).values())


def test_a_short_sound_has_a_rate_but_no_variability() -> None:
    heart = synthetic_heart.heart(84.0, 3.0, 2_000)
    said = estimator("cnn")(heart.sound, 2_000)
    assert said.bpm == pytest.approx(heart.bpm, abs=4.0)
    assert said.hrv_ms is None
    assert estimator("cnn")(heart.sound[:2_000], 2_000) == NOTHING


def test_one_bad_window_does_not_outvote_the_others() -> None:
    rows = [heard(71.0).chances] * 4 + [heard(142.0, chance=1.0).chances]
    bpm = np.array([71.0, 70.0, 72.0, 71.0, 142.0])
    windows = {"rates": np.array(rows), "bpm": bpm, "hrv_ms": np.full(5, 20.0), "hrv_sd": np.full(5, 5.0)}
    said = pooled(windows, GRID).estimate
    assert said.bpm == pytest.approx(71.0, abs=0.3)
    assert said.hrv_ms == pytest.approx(20.0)
    assert 0.6 < said.trust < 0.9


def test_agreement_raises_trust_and_an_octave_apart_lowers_it() -> None:
    beats = Estimate(72.0, 25.0, 0.7)
    assert reconcile(beats, heard(72.5)).trust > 0.7
    assert reconcile(beats, heard(72.5)).bpm == 72.0
    assert reconcile(beats, heard(36.0)).trust < 0.7
    assert reconcile(beats, heard(36.0)).hrv_ms in (25.0, 30.0)


def test_a_net_that_knows_nothing_changes_little() -> None:
    sure = Estimate(72.0, 25.0, 0.97)
    said = reconcile(sure, heard(72.0, trust=0.05, chance=0.0))
    assert said.bpm == 72.0
    assert said.trust > 0.5


def test_without_beats_there_is_the_net_alone_and_without_both_nothing() -> None:
    alone = reconcile(NOTHING, heard(80.0))
    assert alone.bpm == pytest.approx(80.0)
    assert alone.trust < 0.9
    nothing = NetHeard(NOTHING, np.full(len(GRID), 1 / len(GRID)), GRID)
    assert reconcile(NOTHING, nothing) == NOTHING


def test_an_unknown_estimator_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'drums'.*beats, rhythm, cnn"):
        estimator("drums")


def test_a_damaged_card_is_said_to_be_damaged(tmp_path) -> None:
    from heart.cards import read_model

    shipped = load_net()._weights.parent
    for name in ("model.onnx", "card.toml"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    text = (tmp_path / "card.toml").read_text()
    (tmp_path / "card.toml").write_text(text.replace("lowest_bpm", "lowest"))
    with pytest.raises(FileError, match="lowest_bpm"):
        estimators.HeartRateNet(read_model(tmp_path))


def test_estimators_need_neither_torch_nor_scipy_and_onnxruntime_only_for_the_net() -> None:
    code = (
        "import sys, numpy as np\n"
        "from heart.listening.estimators import estimator\n"
        "estimator('rhythm')(np.random.default_rng(0).normal(size=9000).astype('float32'), 2000)\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "estimator('cnn')(np.random.default_rng(0).normal(size=9000).astype('float32'), 2000)\n"
        "bad = {'torch', 'scipy', 'librosa', 'sklearn'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
