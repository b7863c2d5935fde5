"""ear-valve from a small data folder of computed hearts to a folder that onnxruntime can run."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from heart.cards import read_model
from heart.errors import FileError
from heart.learning import valve
from heart.learning.valve_batches import Batches, Mix
from heart.learning.valve_changes import FRAMES, changed, crop
from heart.learning.valve_data import CENTRES_HZ, LABELS, TASK, Sound, front, read_powers, training_sounds
from heart.learning.valve_judge import about_nothing, deal, fit_temperature, least_sure, weights_of
from heart.learning.valve_murmurs import DIASTOLE, S1, S2, SYSTOLE, afflict, runs
from heart.learning.valve_net import Jury, ValveNet, image_of
from heart.learning.valve_train import Plan, Trainer, logits_of, pooled, windows

torch.set_num_threads(1)  # nets this small only wait for each other

COLUMNS = (
    "path",
    "source",
    "label",
    "group",
    "split",
    "sample_rate",
    "seconds",
    "truth",
    "beats",
    "diagnosis",
    "note",
)
STATES = np.resize(np.repeat([S1, SYSTOLE, S2, DIASTOLE], [12, 20, 10, 40]), 700).astype(np.int8)


def heart(rng: np.random.Generator, seconds: float, rate_hz: int = 2000) -> np.ndarray:
    """S1 and S2 as short low tones in noise, beats 0.82 s apart: float32 [n]."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = t % 0.82
    sound = rng.normal(0, 0.003, len(t))
    for onset_s, hz in ((0.03, 45), (0.35, 65)):
        sound += 0.3 * np.exp(-(((phase - onset_s) / 0.02) ** 2)) * np.sin(2 * np.pi * hz * t)
    return sound.astype(np.float32)


def systole(seconds: float, rate_hz: int = 2000) -> np.ndarray:
    t = np.arange(round(seconds * rate_hz)) / rate_hz % 0.82
    return ((t > 0.08) & (t < 0.32)).astype(np.float32)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five classes in four groups each, one of them in val; two normal hearts of another collection with states."""
    folder, rng, rows = tmp_path_factory.mktemp("data"), np.random.default_rng(0), []
    for number, label in enumerate(LABELS):
        for group in range(4):
            for take in range(2):
                sound = heart(rng, 2.3)
                sound += 0.02 * number * rng.normal(0, 1, len(sound)).astype(np.float32) * systole(2.3)
                path = f"{label}-{group}-{take}.wav"
                soundfile.write(folder / path, sound, 2000)
                split = "val" if group == 3 else "train"
                note = "label_conflict" if (label, group, take) == ("MR", 0, 0) else ""
                rows.append((path, "yaseen2018", label, f"{label}{group}", split, 2000, 2.3, "", "", "", note))
    for number in range(2):
        soundfile.write(folder / f"far-{number}.wav", heart(rng, 12.0), 2000)
        beats = "".join(
            f"{at + start:.3f}\t{at + end:.3f}\t{state}\n"
            for at in np.arange(0, 11, 0.82)
            for state, start, end in ((1, 0, 0.1), (2, 0.1, 0.3), (3, 0.3, 0.4), (4, 0.4, 0.82))
        )
        (folder / f"far-{number}.tsv").write_text("start_s\tend_s\tstate\n" + beats)
        source = ("cinc2016-b", "normal", f"far{number}", "train", 2000, 12.0, "hand", f"far-{number}.tsv", "", "")
        rows.append((f"far-{number}.wav", *source))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def test_training_data_leaves_out_conflicts_and_all_of_val(data_dir: Path) -> None:
    own, further = training_sounds(data_dir)
    assert len(own) == 5 * 3 * 2 - 1
    assert not {sound.group for sound in own} & {clip.group for clip in TASK.read(data_dir, "val")}
    assert [sound.label for sound in further] == ["N", "N"]
    states = further[0].states
    assert states is not None
    assert states[[5, 20, 35, 60]].tolist() == [S1, SYSTOLE, S2, DIASTOLE]


def test_2_and_16_khz_give_the_same_bands(data_dir: Path, tmp_path: Path) -> None:
    low = next(read_powers([data_dir / "AS-0-0.wav"]))
    sound, _ = soundfile.read(data_dir / "AS-0-0.wav", dtype="float32")
    high = soxr.resample(sound, 2000, 16_000)
    bands = front(16_000).powers(torch.from_numpy(high)[None])[0].T.numpy()
    ours, theirs = (np.log(powers[: len(low)] / powers.max()) for powers in (low, bands))
    np.testing.assert_allclose(ours[:, :8], theirs[:, :8], atol=0.3)


@pytest.mark.parametrize("label", LABELS)
def test_each_lesion_sounds_when_its_valve_does(label: str) -> None:
    rng = np.random.default_rng(5)
    quiet = np.full((len(STATES), len(CENTRES_HZ)), 1e-9)
    quiet[np.isin(STATES, (S1, S2))] = 1.0
    parts = {}
    for state in (SYSTOLE, DIASTOLE):
        total = np.stack([afflict(rng, quiet, STATES, label).max(1) for _ in range(12)]).mean(0)
        inner = np.concatenate([total[a + 6 : b - 6] for a, b in runs(STATES, state)])
        parts[state] = float(inner.mean())
    expected = {SYSTOLE: label in ("AS", "MR", "MVP"), DIASTOLE: label == "MS"}
    for state, sounds in expected.items():
        assert (parts[state] > 1e-4) == sounds, (label, state, parts)


def test_an_aortic_murmur_has_its_peak_inside_and_a_late_one_at_the_end() -> None:
    rng = np.random.default_rng(7)
    quiet = np.full((len(STATES), len(CENTRES_HZ)), 1e-9)
    quiet[np.isin(STATES, (S1, S2))] = 1e-3
    start, end = list(runs(STATES, SYSTOLE))[2]
    shapes = {}
    for label in ("AS", "MVP"):
        rows = [afflict(rng, quiet, STATES, label)[start:end].max(1) for _ in range(60)]
        shapes[label] = np.log(np.stack(rows)).mean(0)
    assert shapes["AS"][8:12].mean() > max(shapes["AS"][:2].mean(), shapes["AS"][-2:].mean()) + 1
    assert shapes["MVP"][-4:].mean() > shapes["MVP"][1:4].mean() + 1


def test_changes_keep_the_shape_and_stay_finite() -> None:
    rng = np.random.default_rng(2)
    for powers in (np.zeros((300, 32)), rng.chisquare(2, (300, 32)), np.full((300, 32), 1e9)):
        for _ in range(30):
            window = changed(rng, powers, rng.chisquare(2, (FRAMES, 32)))
            assert window.shape == (FRAMES, 32)
            assert window.dtype == np.float32
            assert np.isfinite(window).all()
            assert (window >= 0).all()
    assert changed(rng, np.ones((3, 32)), np.ones((FRAMES, 32))).shape == (FRAMES, 32)
    assert crop(rng, np.ones((3, 32)), FRAMES)[0].shape == (3, 32)


def sounds_of(counts: dict[tuple[str, str], int]) -> list[Sound]:
    powers = np.random.default_rng(0).chisquare(2, (260, 32)).astype(np.float32)
    return [Sound(f"{key}{n}", *key, "s", powers) for key, count in counts.items() for n in range(count)]


def test_batches_balance_classes_and_never_only_one_group() -> None:
    own = sounds_of(
        {("AS", "a"): 90, ("AS", "b"): 3, ("N", "c"): 5, ("MR", "d"): 1, ("MS", "e"): 1, ("MVP", "f"): 1}
    )
    batches = Batches(own, [], Mix(own=1.0, mixup=0.0), seed=0, size=400)
    powers, targets = batches.next()
    assert powers.shape == (400, 32, FRAMES)
    assert np.isfinite(powers).all()
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    assert targets.mean(0).min() > 0.12
    picked = [batches._pick("AS").group for _ in range(400)]
    assert 0.15 < picked.count("b") / 400 < 0.4


def test_folds_hold_whole_groups_and_weights_count_classes_alike() -> None:
    sounds = sounds_of({("AS", "a"): 40, ("AS", "b"): 4, ("N", "c"): 9, ("N", "d"): 1, ("MR", "a"): 2})
    folds = deal(sounds, 3)
    assert sorted(group for fold in folds for group in fold) == ["a", "b", "c", "d"]
    assert all(not ({"c", "d"} <= set(fold)) for fold in folds)
    weights = weights_of(sounds)
    labels = np.array([sound.label for sound in sounds])
    for label in ("AS", "N", "MR"):
        assert weights[labels == label].sum() == pytest.approx(1 / 3)
    assert weights[labels == "N"][0] * 9 == pytest.approx(3 * weights[labels == "N"][-1])


def test_temperature_and_threshold_find_what_was_hidden() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, 3000)
    logits = rng.normal(0, 1, (3000, 5)) + 2.4 * np.eye(5)[truth]  # odds: exp(2.4 * these)
    weights = np.full(3000, 1 / 3000)
    assert fit_temperature(list(9.6 * logits[:, None]), truth, weights) == pytest.approx(4.0, rel=0.12)
    probabilities = pooled(list(2.4 * logits[:, None]))
    below = least_sure(probabilities, truth, weights)
    sure = probabilities.max(1) >= below
    assert (probabilities.argmax(1) == truth)[sure].mean() >= 0.9
    assert (probabilities.argmax(1) == truth)[probabilities.max(1) >= below - 0.03].mean() < 0.9
    assert sure.mean() >= 0.7
    assert least_sure(np.eye(5)[truth], truth, weights) == pytest.approx(0.4)
    assert least_sure(np.eye(5)[truth], truth, weights, least=0.623) == pytest.approx(0.63)


def test_what_a_jury_says_about_nothing_is_found() -> None:
    net = ValveNet(2)
    with torch.no_grad():
        net.resnet.fc.weight.zero_()
        net.resnet.fc.bias.copy_(torch.tensor([0.0, 0, 0, 0, 2]))
    assert about_nothing(Jury([net])) == pytest.approx(np.e**2 / (np.e**2 + 4), abs=1e-4)


def test_a_sound_is_cut_into_windows_that_reach_its_end() -> None:
    ramp = np.arange(450, dtype=np.float32)[:, None] * np.ones(32, np.float32)
    cut = windows(ramp)
    assert cut[:, 0, 0].tolist() == [0, 100, 200, 450 - FRAMES]
    assert windows(ramp[:90]).shape == (1, 32, FRAMES)
    net = ValveNet(2)
    found = logits_of(net, [Sound("a", "N", "g", "s", ramp + 1), Sound("b", "N", "g", "s", ramp[:90] + 1)])
    assert [len(rows) for rows in found] == [4, 1]


def test_the_net_hears_neither_level_nor_offset_nor_colour() -> None:
    net = Jury([ValveNet(2), ValveNet(2)], rate_hz=2000).eval()
    audio = torch.from_numpy(heart(np.random.default_rng(3), 2.0))[None]
    with torch.no_grad():
        plain = net(audio)
        torch.testing.assert_close(net(audio * 300 + 5), plain, atol=1e-3, rtol=1e-3)
        powers = net.front.powers(net.level(audio))
        shaped = image_of(powers * torch.linspace(0.5, 2, 32)[None, :, None])
    assert plain.shape == (1, 5)
    change = float((shaped - image_of(powers)).abs().median())
    assert change < 0.1, "a colour of up to 0.7 nepers is taken away but for what lies under the floor"


def test_a_training_resumes_where_it_stopped(tmp_path: Path) -> None:
    own = sounds_of({(label, label): 2 for label in LABELS})
    plan = Plan(0.1, checkpoint=tmp_path / "a.pt")
    first = Trainer(ValveNet(2), plan)
    first.run(Batches(own, [], Mix(1.0), 0, 8))
    again = Trainer(ValveNet(2), plan)
    assert again.resume()
    assert (again.step, again.spent_s, again.losses) == (first.step, first.spent_s, first.losses)
    step = again.step
    again.run(Batches(own, [], Mix(1.0), 0, 8))
    assert again.step == step, "the time was spent"
    longer = Trainer(ValveNet(2), Plan(first.spent_s + 0.2, checkpoint=plan.checkpoint))
    longer.resume()
    longer.run(Batches(own, [], Mix(1.0), 0, 8))
    assert longer.step > step


def test_from_data_to_a_folder_that_answers(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valve, "MEMBERS", 1)
    quick = {"minutes": 0.2 / 60, "width": 2, "with_baselines": False}
    figures = valve.train_valve(data_dir, tmp_path, **quick)
    model = read_model(tmp_path / "model")
    assert model.weights.is_file()
    assert model.card["figures"]["balanced_accuracy"] == figures["balanced_accuracy"]
    assert 0 <= figures["balanced_accuracy"] <= 1
    assert model.card["window"] == {"seconds": 2.0, "hop_seconds": 1.0, "pad": "repeat"}
    assert 0.3 <= model.card["judgement"]["temperature"] <= 5
    before = (tmp_path / "model" / "model.onnx").read_bytes()
    second = tmp_path / "second"
    valve.train_valve(data_dir, tmp_path, model_dir=second, **quick)
    assert (tmp_path / "second" / "model.onnx").read_bytes() == before, "all stages were done: nothing is learnt"


def test_a_folder_without_recordings_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"manifest\.csv"):
        valve.train_valve(tmp_path, tmp_path / "out", minutes=0.01)
