"""Figures that cannot flatter: checked against scikit-learn, against arithmetic, and on a toy set made to leak."""

from __future__ import annotations

import csv
import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from sklearn import metrics

from heart import learning
from heart.cards import read_model, write_card
from heart.cli import main
from heart.errors import FileError, UsageError
from heart.learning.classes import Clip, Task, card_figures, clips_from, evaluate_classifier, figures
from heart.learning.classes.baseline import mfcc_statistics
from heart.learning.classes.folds import group_folds, leave_one_site_out, random_folds
from heart.learning.classes.twins import similarity, twins

sys.path.append(str(Path(__file__).parent.parent / "listening"))
from tiny_classifier import make_classifier

RATE_HZ = 2000
RULELESS = (0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1)
"""Label of each take; alternating ones can be learnt from the grid of the mel bands."""
LABELS = ("normal", "murmur")


def label_of(row: dict[str, str]) -> str | None:
    return row["label"] or None


TASK = Task("ear-toy", LABELS, lambda data_dir: clips_from(data_dir, label_of), RATE_HZ)


def take(tone_hz: float, seed: int) -> np.ndarray:
    """Half a second that sounds like its take (its tone) and says nothing about its class."""
    random, time_s = np.random.default_rng(seed), np.arange(RATE_HZ // 2) / RATE_HZ
    return 0.3 * np.sin(2 * np.pi * tone_hz * time_s + random.uniform(0, 6)) + 0.003 * random.standard_normal(1000)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve takes of four near-identical clips, labelled by no rule: only a take's twins tell its label."""
    folder = tmp_path_factory.mktemp("leaky")
    rows = []
    for group, tone_hz in enumerate(np.linspace(60, 800, 12)):
        for clip in range(4):
            path = f"{group}-{clip}.wav"
            sf.write(folder / path, take(tone_hz, 10 * group + clip), RATE_HZ)
            split = "val" if group % 3 == 0 else "train"
            rows.append([path, "ab"[group > 5], LABELS[RULELESS[group]], f"g{group}", split])
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "source", "label", "group", "split"], *rows])
    return folder


def surely_right(clips: Sequence[Clip]) -> np.ndarray:
    return np.eye(2)[TASK.targets(clips)] * 0.8 + 0.1


@pytest.fixture(scope="module")
def measured(leaky: Path) -> dict[str, Any]:
    """All figures of the leaky set, baselines too, of a model that is right and a little unsure."""
    return evaluate_classifier(TASK, leaky, surely_right, abstain_below=0.95)


# folds


def test_a_random_split_flatters_where_takes_have_twins_and_a_split_by_group_does_not(
    measured: dict[str, Any],
) -> None:
    found = measured["baselines"]
    for name in ("svm", "forest"):
        assert found["leaky_random_split"][name]["balanced_accuracy"] > 0.9
        assert found["group_folds"][name]["balanced_accuracy"] < 0.7
    assert "twins" in found["leaky_random_split"]["note"]


def test_folds_keep_groups_whole_and_see_every_clip_once() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 20, 200)
    targets = (groups % 3).astype(np.int64)
    folds = group_folds(targets, groups.astype(str), splits=5)
    assert len(folds) == 5
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(200))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(targets[train]) == {0, 1, 2}
    assert any(set(groups[train]) & set(groups[test]) for train, test in random_folds(targets))


def test_there_are_no_more_folds_than_a_class_has_groups() -> None:
    targets = np.array([0] * 30 + [1] * 10)
    groups = np.array([f"a{i % 9}" for i in range(30)] + [f"b{i % 3}" for i in range(10)])
    assert len(group_folds(targets, groups)) == 3
    with pytest.raises(UsageError, match="one group"):
        group_folds(targets, np.full(40, "same"))


def test_each_site_is_left_out_once() -> None:
    sites = np.array(["b", "a", "b", "c"])
    found = {site: (train.tolist(), test.tolist()) for site, train, test in leave_one_site_out(sites)}
    assert found == {"a": ([0, 2, 3], [1]), "b": ([1, 3], [0, 2]), "c": ([0, 1, 2], [3])}
    with pytest.raises(UsageError, match="one site"):
        list(leave_one_site_out(np.array(["a", "a"])))


# figures


@pytest.mark.parametrize("seed", range(5))
def test_figures_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(4), random.integers(0, 4, 150)])
    found = np.where(random.random(len(truth)) < 0.6, truth, random.integers(0, 3, len(truth)))
    table = figures.confusion(truth, found, 4)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, found, zero_division=0)
    assert table.tolist() == metrics.confusion_matrix(truth, found).tolist()
    np.testing.assert_allclose(figures.precision(table), precision)
    np.testing.assert_allclose(figures.recall(table), recall)
    np.testing.assert_allclose(figures.f1(table), f1)
    assert figures.balanced_accuracy(table) == pytest.approx(metrics.balanced_accuracy_score(truth, found))
    assert figures.macro_f1(table) == pytest.approx(metrics.f1_score(truth, found, average="macro"))
    assert figures.accuracy(table) == pytest.approx(metrics.accuracy_score(truth, found))


def test_a_class_that_does_not_occur_counts_for_nothing() -> None:
    table = figures.confusion(np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1]), 3)
    assert figures.balanced_accuracy(table) == pytest.approx(0.75)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    truth = np.array([0] * 7 + [1] * 3)
    assert figures.calibration_error(np.tile([0.7, 0.3], (10, 1)), truth) == pytest.approx(0.0)
    assert figures.calibration_error(np.tile([0.95, 0.05], (10, 1)), truth) == pytest.approx(0.25)
    assert figures.calibration_error(np.tile([1.0, 0.0], (10, 1)), truth) == pytest.approx(0.3)


def test_abstaining_leaves_out_the_unsure() -> None:
    probabilities = np.array([[0.9, 0.1], [0.55, 0.45], [0.2, 0.8], [0.45, 0.55]])
    sure = figures.abstention(probabilities, np.array([0, 1, 1, 0]), 0.6)
    assert (sure.abstained, sure.accuracy, sure.balanced_accuracy) == (0.5, 1.0, 1.0)
    silent = figures.abstention(probabilities, np.array([0, 1, 1, 0]), 0.95)
    assert (silent.abstained, silent.accuracy) == (1.0, None)


def grouped(right: Sequence[int], clips: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class 0: a group of `clips` for each entry, all right (1) or all wrong (0); class 1: ten right groups."""
    truth = np.repeat([0] * len(right) + [1] * 10, clips)
    found = np.repeat([1 - r for r in right] + [1] * 10, clips)
    return truth, found, np.repeat([f"g{i}" for i in range(len(right) + 10)], clips)


def test_the_interval_is_that_of_the_binomial_over_groups() -> None:
    """Five of ten groups right: the recall of a resample is binomial(10, 1/2) / 10, its percentiles 0.2 and 0.8."""
    found = figures.interval(*grouped([1, 0] * 5, 7), LABELS)
    assert found.balanced_accuracy == pytest.approx((0.6, 0.9))
    assert found.note == ""


def test_more_clips_of_the_same_groups_do_not_narrow_the_interval() -> None:
    few, many = (figures.interval(*grouped([1, 0] * 5, clips), LABELS) for clips in (1, 50))
    assert few.balanced_accuracy == pytest.approx(many.balanced_accuracy)


def test_a_class_of_one_group_is_named_and_two_of_them_allow_no_interval() -> None:
    truth, found = np.repeat([0, 0, 1], 4), np.repeat([0, 1, 1], 4)
    some = figures.interval(truth, found, np.repeat(["a", "b", "c"], 4), LABELS)
    assert some.balanced_accuracy == pytest.approx((0.5, 1.0))
    assert "one group only for murmur" in some.note
    none = figures.interval(truth, found, np.where(truth, "a", "b"), LABELS)
    assert none.balanced_accuracy is None
    assert none.macro_f1 is None
    assert none.note == "no interval: one group only for normal, murmur"


# the whole


def test_a_perfect_and_a_constant_model_are_told_as_what_they_are(leaky: Path, tmp_path: Path) -> None:
    perfect = evaluate_classifier(TASK, leaky, surely_right, tmp_path / "a.png", with_baselines=False)
    assert (perfect["balanced_accuracy"], perfect["macro_f1"]) == (1.0, 1.0)
    assert perfect["calibration_error"] == pytest.approx(0.1)
    assert (perfect["clips"], perfect["groups"]) == (16, 4)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    constant = evaluate_classifier(
        TASK, leaky, lambda clips: np.tile([0.6, 0.4], (len(clips), 1)), abstain_below=0.7, with_baselines=False
    )
    assert constant["balanced_accuracy"] == 0.5
    assert constant["balanced_accuracy_interval"] == [0.5, 0.5]
    assert (constant["abstained"], constant["accuracy_when_sure"]) == (1.0, None)
    assert constant["confusion"] == [[8, 0], [8, 0]]
    for word in ("balanced accuracy", "truth \\ said", "murmur", "8       2", "95 % interval"):
        assert word in constant["text"]


def test_only_val_is_measured(leaky: Path) -> None:
    seen: list[Clip] = []

    def predict(clips: Sequence[Clip]) -> np.ndarray:
        seen.extend(clips)
        return surely_right(clips)

    evaluate_classifier(TASK, leaky, predict, with_baselines=False)
    assert {clip.split for clip in seen} == {"val"}
    assert {clip.group for clip in seen} == {"g0", "g3", "g6", "g9"}


def test_figures_go_onto_a_card_and_come_back(measured: dict[str, Any], tmp_path: Path) -> None:
    flat = card_figures(measured)
    plain = dict.fromkeys(("name", "kind", "class", "sample_rate", "licence", "weights", "sha256"), "x")
    write_card(tmp_path, {**plain, "figures": flat})
    read = read_model(tmp_path).card["figures"]
    assert read == flat
    assert read["recall_murmur"] == 1.0
    assert read["baseline_svm_leaky_random_split_balanced_accuracy"] > 0.9


@pytest.mark.parametrize(
    ("nonsense", "words"),
    [(np.ones((16, 2)), "sum to 1"), (np.full((16, 2), np.nan), "not numbers"), (np.ones((16, 3)) / 3, "not")],
)
def test_a_model_that_answers_nonsense_gets_no_figures(leaky: Path, nonsense: np.ndarray, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        evaluate_classifier(TASK, leaky, lambda clips: nonsense, with_baselines=False)


def test_the_threshold_is_the_least_that_does_and_leaves_out_no_more_than_may_be() -> None:
    """Of ten answers the three least sure are wrong: without two of them seven of eight are right."""
    top, right = np.arange(0.5, 1.0, 0.05), np.arange(10) >= 3
    asked = {"top": top, "right": right, "weights": np.full(10, 0.1), "least": 0.5}
    assert figures.fit_threshold(**asked, wanted=0.87, most_abstained=0.5) == pytest.approx(0.56)
    assert figures.fit_threshold(**asked, wanted=1.0, most_abstained=0.15) == pytest.approx(0.55)
    assert figures.fit_threshold(**asked | {"least": 0.8}, wanted=1.0, most_abstained=0.1) == 0.8


def test_the_shipped_model_is_measured_as_the_ear_uses_it(
    leaky: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No `predict`: model, threshold and order of labels come from the folder called task.name."""
    make_classifier(tmp_path, "ear-toy", LABELS, RATE_HZ, seconds=0.5, hop_seconds=0.5, abstain_below=0.9)
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    result = evaluate_classifier(TASK, leaky, with_baselines=False)
    assert result["confusion"] == [[8, 0], [8, 0]]
    assert result["abstain_below"] == 0.9
    turned = Task(TASK.name, LABELS[::-1], TASK.clips, RATE_HZ)
    with pytest.raises(FileError, match="its labels"):
        evaluate_classifier(turned, leaky, with_baselines=False)


def manifest(folder: Path, *rows: str) -> Path:
    (folder / "manifest.csv").write_text("\n".join(["path,source,label,group,split", *rows]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((), "holds no recordings for ear-toy"),
        (("a.wav,s,normal,g,train",), "holds no val recordings"),
        (("a.wav,s,normal,g,val",), "no val recordings of murmur"),
        (("a.wav,s,normal,g,train", "b.wav,s,normal,g,val"), "in train and in val"),
        (("a.wav,s,gallop,g,val",), "no label 'gallop'"),
    ],
)
def test_a_folder_that_allows_no_honest_figure_is_refused(
    rows: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match=words) as caught:
        evaluate_classifier(TASK, manifest(tmp_path, *rows), surely_right)
    assert "\n" not in str(caught.value)


def test_statistics_tell_sounds_apart_and_survive_silence() -> None:
    low, high = (mfcc_statistics(take(tone_hz, 0), RATE_HZ) for tone_hz in (80, 700))
    assert low.shape == (80,)
    assert np.linalg.norm(low - high) > 10
    assert np.allclose(mfcc_statistics(7 * take(80, 0) + 0.5, RATE_HZ), low, atol=1e-2)
    for samples in (np.zeros(1000, np.float32), np.ones(3, np.float32)):
        assert np.isfinite(mfcc_statistics(samples, RATE_HZ)).all()


# twins


def test_a_shifted_copy_is_a_twin_and_other_noise_is_none() -> None:
    noise = np.random.default_rng(0).standard_normal((3, 2000)).astype(np.float32)
    copy = np.concatenate([np.zeros(300, np.float32), 5 * noise[0]]) + 0.2
    alike = similarity([*noise, copy])
    assert alike[0, 3] > 0.95
    assert alike[3, 0] == alike[0, 3]
    assert alike[1, 2] < 0.3
    assert np.allclose(np.diag(alike), 1, atol=1e-3)


def test_remembering_scores_on_a_random_split_only() -> None:
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(8), 5)
    sounds = random.standard_normal((8, 1000))[groups] + 0.1 * random.standard_normal((40, 1000))
    found = twins(similarity(list(sounds)), groups % 2, groups.astype(str), groups < 2)
    assert found["with_twin"] == 1.0
    assert found["val_with_twin_in_train"] == 0.0
    assert found["nearest_neighbour_leaky_random_split"] == 1.0
    assert found["nearest_neighbour_group_folds"] < 0.8


# the command


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered model called ear-toy."""
    module = types.ModuleType("toy_task")
    module.evaluate_toy = lambda data_dir, picture=None: evaluate_classifier(  # type: ignore[attr-defined]
        TASK, data_dir, surely_right, picture, with_baselines=False
    )
    monkeypatch.setitem(sys.modules, "toy_task", module)
    monkeypatch.setitem(learning.MODELS, "ear-toy", ("toy_task:train_toy", "toy_task:evaluate_toy"))


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("name", ["toy", "ear-toy"])
def test_heart_evaluate_prints_tables_or_json_and_draws(name: str, leaky: Path, tmp_path: Path) -> None:
    picture = tmp_path / "confusion.png"
    plain = CliRunner().invoke(main, ["evaluate", name, "--data", str(leaky), "--picture", str(picture)])
    assert plain.exit_code == 0, plain.output
    assert "balanced accuracy  100.0 %" in plain.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    asked = CliRunner().invoke(main, ["evaluate", name, "--data", str(leaky), "--json"])
    assert json.loads(asked.stdout)["balanced_accuracy"] == 1.0
    assert len(asked.stdout.splitlines()) == 1


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("evaluate", "nobody"), "nobody"),
        (("train", "nobody"), "nobody"),
        (("evaluate", "toy", "--picture", "nowhere/x.png"), "nowhere"),
    ],
)
def test_a_mistake_is_one_line(args: tuple[str, ...], words: str, leaky: Path) -> None:
    result = CliRunner().invoke(main, [*args, "--data", str(leaky)])
    assert result.exit_code in (1, 2)
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("toy")
def test_a_folder_without_the_needed_rows_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["evaluate", "toy", "--data", str(manifest(tmp_path))])
    assert result.exit_code == 1
    assert "holds no recordings for ear-toy" in result.stderr
