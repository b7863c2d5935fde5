"""The heart-rate net: its geometry, its data, that it learns, and that its graph says what torch says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from heart.cards import read_model
from heart.learning import heart_rate_data as data
from heart.learning import heart_rate_evaluate, heart_rate_train
from heart.learning.heart_rate import card_figures
from heart.learning.heart_rate_data import (
    Batches,
    Recording,
    batch_of,
    bumps,
    cut,
    of_synthetic,
    soft_rates,
    unbroken,
)
from heart.learning.heart_rate_export import write_model
from heart.learning.heart_rate_figures import Case, by_source, figures, octave, table
from heart.learning.heart_rate_train import Trainer
from heart.learning.nets.heart_rate import (
    BPM,
    SAMPLES,
    HeartRate,
    Shipped,
    lag_matrix,
    likely_bpm,
    likeness,
    tremor,
)
from heart.learning.synth import Recipe, make
from heart.learning.synth_files import write_set
from heart.listening.estimators import NOTHING, Estimate, HeartRateNet


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_likeness_is_the_autocorrelation() -> None:
    x = torch.randn(2, 3, 4, 60)
    y = x[1, 2] - x[1, 2].mean(-1, keepdim=True)
    expected = [float((y[:, : 60 - lag] * y[:, lag:]).sum() / (60 - lag) * 60 / (y * y).sum()) for lag in range(50)]
    assert np.allclose(likeness(x, 50)[1, 2].numpy(), expected, atol=1e-4)


def test_tremor_measures_rmssd_and_rr_from_marks() -> None:
    s1_s = np.array([0.31, 1.3, 2.34, 3.29, 4.31])
    marks = torch.tensor(bumps(s1_s)[None], dtype=torch.float32)
    seen = tremor(marks, torch.tensor([1.02]))
    assert float(seen.rr_s) == pytest.approx(np.diff(s1_s).mean(), abs=0.01)
    assert float(seen.rmssd_ms) == pytest.approx(1e3 * np.sqrt((np.diff(s1_s, 2) ** 2).mean()), abs=2.0)
    assert float(seen.weight) == pytest.approx(3, abs=0.3)  # the first and the last beat have one neighbour only


def test_a_rate_is_found_between_the_steps_of_the_distribution() -> None:
    chances = torch.from_numpy(soft_rates(np.array([61.3, 118.0, 33.0])))
    assert np.allclose(likely_bpm(chances, torch.from_numpy(BPM)).numpy(), [61.3, 118.0, 33.0], rtol=2e-3)


def test_rates_without_truth_are_all_alike_and_lags_are_read_between_steps() -> None:
    assert np.allclose(soft_rates(np.array([np.nan])), 1 / len(BPM))
    read = np.arange(200) @ lag_matrix(1.0, 200, 0.02)
    assert np.allclose(read * 0.02, 60 / BPM, rtol=1e-4)


def recording(bpm: float = 75.0, seconds: float = 20.0, exact: bool = True) -> Recording:
    heart = make(Recipe(bpm=(bpm, bpm), seconds=seconds, rmssd_ms=(20, 20)), 1, 1)
    marks = sorted([(t, 1) for t in heart.s1_s] + [(t, 3) for t in heart.s2_s])
    rows = np.array([[t, u, s] for (t, s), (u, _) in pairwise(marks)])
    samples = (heart.sound / np.abs(heart.sound).max() * 32_000).astype(np.int16)
    return Recording("x", "cinc2016-a", "g", samples, rows, heart.s1_s, exact, bpm)


def test_a_window_played_faster_has_a_faster_heart() -> None:
    plain, fast = (cut(recording(), 2.0, speed) for speed in (1.0, 1.25))
    assert plain.bpm == pytest.approx(75, rel=0.05)
    assert fast.bpm == pytest.approx(75 * 1.25, rel=0.05)
    assert len(plain.audio) == len(fast.audio) == SAMPLES
    onset = fast.s1_s[(fast.s1_s > 0.5) & (fast.s1_s < 4)][0]
    loud = np.abs(fast.audio)
    after, before = (
        loud[round((onset + a) * 1000) : round((onset + b) * 1000)].mean() for a, b in ((0, 0.08), (-0.1, -0.02))
    )
    assert after > 3 * before


def test_variability_is_known_from_an_ecg_only_and_gaps_break_the_series() -> None:
    assert np.isfinite(cut(recording(), 2.0).hrv_ms)
    assert np.isnan(cut(recording(exact=False), 2.0).hrv_ms)
    rows = np.array([[0, 1, 4], [1, 1.1, 1], [1.1, 2, 2], [2, 2.1, 1], [2.1, 3, 0], [3, 4, 4], [4, 4.1, 1]])
    assert np.allclose(unbroken(rows), [1, 2, np.nan, 4], equal_nan=True)


def test_a_sound_that_is_no_heart_is_learnt_as_any_rate() -> None:
    rng = np.random.default_rng(0)
    others = [(rng.normal(size=9000) * 3000).astype(np.int16)]
    batch = Batches([recording()], others, 0.5, 0).next(40)
    assert batch.audio.shape == (40, SAMPLES)
    assert np.isfinite(batch.audio).all()
    assert np.allclose(batch.rates.sum(1), 1, atol=1e-5)
    even = np.ptp(batch.rates, axis=1) < 1e-6
    assert 0 < even.sum() < 20
    assert batch.rates_known[even].all()
    assert not batch.hrv_known[even].any()
    assert not batch.marks[even].any()


def test_the_net_learns_and_resumes_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart_rate_train, "WARM_UP_STEPS", 1)
    windows = batch_of([of_synthetic(make(Recipe(bpm=(60, 110)), 4, n)) for n in range(8)])
    trainer = Trainer("both", tmp_path, 1.0, 0)
    losses = [trainer.learn(windows) for _ in range(9)]
    assert losses[-1][0] < losses[0][0]
    assert losses[-1][1] < 0.7 * losses[0][1]
    trainer.save()
    again = Trainer("both", tmp_path, 1.0, 1)
    assert again.resume()
    assert again.step == 9
    same = zip(trainer.net.state_dict().values(), again.net.state_dict().values())
    assert all(torch.equal(a, b) for a, b in same)


def test_the_graph_says_what_torch_says_and_the_ear_reads_it(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = HeartRate().eval()
    assert sum(p.numel() for p in net.parameters()) < 500_000
    card = {"name": "ear-rate", "licence": "MIT", "training": {"seed": 0}}
    assert write_model(net, tmp_path / "ear-rate", card) < 1e-3
    model = read_model(tmp_path / "ear-rate")
    assert (tmp_path / "ear-rate" / "labels.txt").read_text().split() == list(Shipped.OUTPUTS)
    heard = HeartRateNet(model).windows(make(Recipe(), 1, 1).sound)
    assert np.allclose(heard["rates"].sum(1), 1, atol=1e-4)
    assert heard["bpm"].shape == heard["hrv_ms"].shape == (1,)
    assert b"/work" not in (tmp_path / "ear-rate" / "model.onnx").read_bytes()


def test_figures_count_octave_errors_and_silence_as_wrong() -> None:
    estimates = [Estimate(71.0, 30.0, 0.9), Estimate(140.0, 50.0, 0.2), NOTHING]
    cases = [Case("p", "s", str(k), 70.0, 20.0, {"a": e}) for k, e in enumerate(estimates)]
    row = figures(cases, "a")
    assert row["mae_bpm"] == pytest.approx((1 + 70 + 70) / 3, abs=0.01)
    assert row["within_5"] == pytest.approx(1 / 3, abs=1e-3)
    assert (row["octave_errors"], row["hrv_mae_ms"], row["hrv_sounds"]) == (1, 20.0, 2)
    assert (row["trusted"], row["trusted_within_5"]) == (pytest.approx(0.333, abs=1e-3), 1.0)
    assert octave(36.0, 70.0)
    assert not octave(None, 70.0)
    assert "71" not in table("x", by_source(cases)["s"])


def test_recordings_are_read_with_their_marks(tmp_path: Path) -> None:
    write_set(tmp_path, 3, seed=2, recipe=Recipe(seconds=8))
    text = (tmp_path / "manifest.csv").read_text().replace(",synth,N,", ",cinc2016-a,N,")
    (tmp_path / "manifest.csv").write_text(text)
    found = data.load(tmp_path, lambda row: row["split"] == "train")
    hearts = [make(Recipe(seconds=8), 2, n) for n in range(3)]
    assert len(found) == 3
    for one, heart in zip(found, hearts, strict=True):
        assert one.seconds == pytest.approx(8)
        assert cut(one, 1.5).bpm == pytest.approx(heart.truth.bpm, rel=0.15)


def test_all_estimators_are_measured_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path, 2, seed=3, recipe=Recipe(seconds=10, snr_db=(20, 25)))
    text = (tmp_path / "manifest.csv").read_text()
    (tmp_path / "manifest.csv").write_text(text.replace(",synth,N,", ",cinc2016-a,N,").replace(",train,", ",val,"))
    monkeypatch.setattr(heart_rate_evaluate, "SYNTHETIC_COUNT", 4)
    done: list[tuple[int, int]] = []
    found = heart_rate_evaluate.evaluate_heart_rate(tmp_path, progress=lambda k, of: done.append((k, of)))
    assert done == [(1, 2), (2, 2)]
    names = {"beats", "rhythm", "cnn synthetic", "cnn real", "cnn both", "reconciled"}
    assert set(found["whole"]["cinc2016-a"]) == set(found["synthetic"]) == names
    assert found["cut_8_s"]["all"]["beats"]["sounds"] == 2
    assert found["whole"]["all"]["cnn both"]["within_5"] == 1.0
    assert found["synthetic"]["cnn both"]["mae_bpm"] < 3
    assert "cnn real" in found["text"]
    kept = card_figures(found)
    assert kept["whole_all_cnn_both_within_5"] == 1.0
    assert all(isinstance(value, (str, int, float)) for value in kept.values())
