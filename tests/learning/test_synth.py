"""Hearts from arithmetic: the truth they come with, and the folder they are written to."""

from __future__ import annotations

import csv
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from heart.cli import main
from heart.errors import UsageError
from heart.learning.ear_evaluate import annotated
from heart.learning.synth import WIDE, Pulse, Recipe, make, truth_of
from heart.learning.synth_files import state_rows, write_set


def test_the_same_seed_sings_the_same_heart_and_another_seed_another() -> None:
    one, two, other = (make(WIDE, seed, 7).sound for seed in (3, 3, 4))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("recipe", [Recipe(), WIDE])
def test_hearts_keep_to_their_recipe(recipe: Recipe) -> None:
    hearts = [make(recipe, 1, number) for number in range(60)]
    low, high = recipe.bpm
    assert all(
        h.sound.shape == (5000,) and np.isfinite(h.sound).all() and np.abs(h.sound).max() <= 0.901 for h in hearts
    )
    assert all(0.8 * low <= h.truth.bpm <= 1.3 * high for h in hearts if h.truth.bpm)
    assert np.ptp([h.truth.bpm for h in hearts if h.truth.bpm]) > 0.7 * (high - low)
    assert all(np.all(np.diff(np.sort(np.concatenate([h.s1_s, h.s2_s]))) > 0.05) for h in hearts)


def test_truth_is_that_of_the_beats_inside_the_window() -> None:
    s1_s = np.array([-0.5, 0.2, 1.0, 1.9, 2.7, 4.95])
    truth = truth_of(s1_s, 5.0)
    rr_ms = np.array([800.0, 900.0, 800.0])
    assert truth.bpm == pytest.approx(60_000 / rr_ms.mean())
    assert truth.sdnn_ms == pytest.approx(rr_ms.std(ddof=1))
    assert truth.rmssd_ms == pytest.approx(100.0)


def test_a_break_in_the_series_is_no_interval() -> None:
    truth = truth_of(np.array([0.1, 1.1, np.nan, 3.0, 4.0]), 6.0)
    assert truth.bpm == pytest.approx(60.0)
    assert truth.rmssd_ms is None
    assert truth_of(np.array([0.1]), 5.0).bpm is None


def test_a_pulse_rises_at_its_onset_and_is_skewed() -> None:
    t = np.arange(0, 0.24, 1e-4)
    envelope = np.abs(Pulse(1e-9, 0.02, 4.0, 1.0, np.pi / 2).at(t))
    peak = t[envelope.argmax()]
    assert envelope[0] == pytest.approx(0.05, abs=0.02)
    assert envelope.max() == pytest.approx(1.0, abs=0.01)
    fall = t[envelope > 0.05][-1] - peak
    assert fall > 1.5 * peak


def test_noise_lies_where_the_recipe_puts_it() -> None:
    for snr_db in (0.0, 20.0):
        quiet = make(Recipe(snr_db=(60.0, 60.0)), 5, 2).sound
        heart = make(Recipe(snr_db=(snr_db, snr_db)), 5, 2).sound
        gain = (heart @ quiet) / (quiet @ quiet)
        noise = heart - gain * quiet
        heard_db = 10 * np.log10(((gain * quiet) ** 2).mean() / (noise**2).mean())
        assert heard_db == pytest.approx(snr_db, abs=1.0)


def test_variability_and_early_beats_can_be_asked_for() -> None:
    calm = [make(Recipe(rmssd_ms=(5, 5)), 1, n).truth.rmssd_ms for n in range(30)]
    lively = [make(Recipe(rmssd_ms=(80, 80)), 1, n).truth.rmssd_ms for n in range(30)]
    assert np.mean([c for c in calm if c]) < 8 < 40 < np.mean([x for x in lively if x])
    early = [make(Recipe(rmssd_ms=(5, 5), ectopics=0.3), 1, n).truth.rmssd_ms for n in range(30)]
    assert np.mean([e for e in early if e]) > 100


@pytest.mark.parametrize("wrong", [{"bpm": (90, 60)}, {"bpm": (10, 60)}, {"seconds": 0.1}, {"rate_hz": 100}])
def test_an_impossible_recipe_is_refused_in_one_line(wrong: dict) -> None:
    with pytest.raises(UsageError, match="must"):
        Recipe(**wrong)


def test_the_folder_reads_like_one_of_recordings(tmp_path) -> None:
    manifest = write_set(tmp_path, 4, seed=9, kind="wav")
    rows = list(csv.DictReader(manifest.open()))
    assert len(rows) == 4
    for number, row in enumerate(rows):
        heart = make(Recipe(), 9, number)
        sound, rate_hz = soundfile.read(tmp_path / row["path"], dtype="float32")
        assert (rate_hz, len(sound)) == (1000, 5000)
        assert np.abs(sound - heart.sound).max() < 1e-4
        states = np.loadtxt(tmp_path / row["beats"], delimiter="\t", skiprows=1)
        assert np.allclose(annotated(states, 0), heart.s1_s[heart.s1_s > states[0, 0] + 1e-3], atol=1e-3)
        assert float(row["hr_bpm"]) == pytest.approx(heart.truth.bpm, abs=1e-3)


def test_states_have_no_gaps_and_alternate() -> None:
    rows = state_rows(make(Recipe(), 0, 0))
    assert all(a[1] == b[0] for a, b in pairwise(rows))
    assert all(b[2] == a[2] % 4 + 1 for a, b in pairwise(rows))


def test_the_command_writes_the_same_bytes_twice(tmp_path) -> None:
    for name in ("one", "two"):
        args = ["data", "synth", "-o", str(tmp_path / name), "--count", "3", "--seed", "5", "--bpm-high", "200"]
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 0, result.output
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 7
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)


def test_the_command_refuses_nonsense_and_says_where_recordings_come_from() -> None:
    wrong = CliRunner().invoke(main, ["data", "synth", "-o", "nowhere", "--bpm-low", "150"])
    assert wrong.exit_code == 2
    assert "bpm from 150 to 120" in wrong.output
    guide = CliRunner().invoke(main, ["data"]).output
    assert "physionet.org" in guide
    assert "manifest.csv" in guide
