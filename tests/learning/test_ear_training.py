"""Training of the ear on a tiny data folder: nets agree, learn, resume, and label; trust is fitted,
figures counted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.numpy import load_file

from heart.cards import find_model, read_model
from heart.errors import FileError
from heart.learning import ear_data
from heart.learning.ear_batches import Batches
from heart.learning.ear_calibrate import fit
from heart.learning.ear_card import make_ear
from heart.learning.ear_evaluate import annotated, match, within
from heart.learning.ear_figures import interval
from heart.learning.ear_labels import label_clips
from heart.learning.ear_net import NETS
from heart.learning.ear_train import train_ear
from heart.listening import features, net
from heart.listening.weights import load_weights, split

COLUMNS = ("path", "source", "label", "group", "split", "hr_bpm", "truth", "beats")
CYCLE_S = ((0.12, 1), (0.2, 2), (0.1, 3), (0.38, 4))


def recording(seconds: float, seed: int) -> tuple[np.ndarray, list[tuple[float, float, int]]]:
    """Sound at 2 kHz in which S1 and S2 are tones, and its states."""
    rng, at, rows = np.random.default_rng(seed), 0.0, []
    sound = rng.normal(0, 0.002, int(seconds * 2000))
    while at < seconds:
        for length, state in CYCLE_S:
            rows.append((at, at + length, state))
            if state in (1, 3):
                span = slice(int(at * 2000), int((at + length) * 2000))
                tone = 0.3 * np.sin(
                    2 * np.pi * (55 if state == 1 else 90) * np.arange(span.stop - span.start) / 2000
                )
                sound[span] += (tone * np.hanning(len(tone)))[: len(sound[span])]
            at += length
    return sound, rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, table = tmp_path_factory.mktemp("data"), []
    for k in range(4):
        sound, rows = recording(14, k)
        soundfile.write(folder / f"a{k}.flac", sound, 2000)
        lines = ["start_s\tend_s\tstate", *("\t".join(map(str, row)) for row in rows)]
        (folder / f"a{k}.tsv").write_text("\n".join(lines))
        split = "val" if k == 3 else "train"
        table.append((f"a{k}.flac", "cinc2016-a", "normal", f"g{k}", split, "75", "hand_s1_20ms", f"a{k}.tsv"))
    (folder / "env").mkdir()
    soundfile.write(folder / "env" / "rain.flac", np.random.default_rng(9).normal(0, 0.1, 20_000), 4000)
    table.append(("env/rain.flac", "esc50", "rain", "r0", "train", "", "", ""))
    (folder / "clips").mkdir()
    soundfile.write(folder / "clips" / "one.flac", recording(2.4, 5)[0], 2000)
    table.append(("clips/one.flac", "clips", "N", "c0", "train", "", "", ""))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *table])
    return folder


@pytest.mark.parametrize("name", list(NETS))
def test_numpy_and_torch_agree(name: str) -> None:
    torch.manual_seed(0)
    model = NETS[name]().eval()
    frames = np.random.default_rng(0).normal(size=(3, 120, features.BANDS)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(frames)).numpy()
    weights = model.arrays()
    np.testing.assert_allclose(net.run(weights, frames), expected, atol=1e-4)
    assert net.both_ways(weights) == model.both_ways
    if name == "live":
        live = net.LiveNet(weights)
        parts = np.concatenate([live.push(frames[0][k : k + 7]) for k in range(0, 120, 7)])
        np.testing.assert_allclose(parts, expected[0], atol=1e-4)


def test_shipped_weights_load_with_their_card() -> None:
    model = find_model("ear-beats")
    weights = load_weights()
    assert model.weights.stat().st_size < 3_000_000
    assert len(weights.file) == 2
    assert all(net.both_ways(one) for one in weights.file)
    assert not net.both_ways(weights.live)
    assert len(weights.live_trust) == len(weights.file_trust) == 7
    assert {"figures", "training"} <= set(model.card)


def test_states_are_read_at_the_middle_of_each_frame(data: Path) -> None:
    states = ear_data.read_states(data / "a0.tsv", 100)
    assert states[0] == 0
    assert states[int((0.12 + 0.1 - 0.025) * 100)] == 1
    assert set(np.unique(states)) == {0, 1, 2, 3}


def test_batches_hold_hearts_and_others_with_delayed_targets(data: Path) -> None:
    recordings = list(ear_data.load(data, ear_data.training_rows))
    assert sum(r.states is None for r in recordings) == 1
    batch = Batches(recordings, both_ways=False, seed=0).next()
    assert batch.frames.shape[1] == 2 * batch.states.shape[1]
    assert np.isfinite(batch.frames).all()
    assert 0.7 < batch.heart.mean() < 0.95
    assert (batch.known[:, : net.LOOK_AHEAD_STEPS] == 0).all()
    assert set(np.unique(batch.states.sum(-1)[batch.known > 0])) == {1.0}


def test_training_learns_saves_and_resumes(data: Path, tmp_path: Path) -> None:
    said: list[str] = []

    def tell(name: str, share: float, text: str) -> None:
        said.append(text)

    train_ear(data, tmp_path, minutes=0.05, nets=("file",), progress=tell)
    first = torch.load(tmp_path / "beats-file.checkpoint.pt", weights_only=True)
    train_ear(data, tmp_path, minutes=0.1, nets=("file",), progress=tell)
    second = torch.load(tmp_path / "beats-file.checkpoint.pt", weights_only=True)
    assert second["step"] > first["step"] > 0
    assert (tmp_path / "beats-file.safetensors").is_file()
    with (tmp_path / "beats-file.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(said) == 2
    assert float(rows[-1]["val"]) < float(rows[0]["val"])


def test_making_the_ear_leaves_a_folder_that_can_be_published(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models" / "ear-beats"
    figures = make_ear(data, out, minutes=0.1)
    said = capsys.readouterr().out
    for task in (*NETS, "trust and figures"):
        assert f"{task} 100%" in said
    model = read_model(out)
    assert model.card["figures"]["recordings"] == figures["rate"]["all"]["recordings"] == 1
    assert all(net.both_ways(one) for one in split(load_file(model.weights)).file)
    assert json.loads(json.dumps(figures)) == figures


def test_a_folder_without_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"manifest\.csv"):
        train_ear(tmp_path, tmp_path / "out", minutes=0.01)


def test_short_clips_are_labelled_where_their_sounds_begin(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.json"
    assert label_clips(data, load_weights().file, out, folder="clips") == 1
    labels = json.loads(out.read_text())["clips/one.flac"]
    np.testing.assert_allclose(labels["s1"], [0.0, 0.8, 1.6], atol=0.06)
    np.testing.assert_allclose(labels["s2"], [0.32, 1.12, 1.92], atol=0.06)


def test_trust_is_fitted_to_what_was_right() -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((2000, 6))
    right = (rows[:, 0] + 0.1 * rng.normal(size=2000) > 0.6).astype(float)
    weights = fit(rows, right)
    chance = 1 / (1 + np.exp(-(rows @ weights[:-1] + weights[-1])))
    for low, high in ((0.0, 0.3), (0.7, 1.0)):
        some = (chance >= low) & (chance <= high)
        assert right[some].mean() == pytest.approx(chance[some].mean(), abs=0.1)


def test_onsets_are_matched_one_to_one() -> None:
    assert match(np.array([1.0, 1.05, 3.0]), np.array([1.02, 2.0, 3.2])) == pytest.approx([-0.02])
    rows = np.array([[0, 1, 0], [1, 1.1, 1], [1.1, 1.3, 2], [1.3, 1.4, 3], [1.4, 1.8, 4], [1.8, 1.9, 1]])
    assert annotated(rows, 0).tolist() == [1.8]
    assert within(np.array([0.5, 1.2, 5.0]), rows).tolist() == [1.2]


def test_the_interval_draws_whole_groups() -> None:
    values = np.array([1.0] * 50 + [3.0] * 50)
    low, high = interval(["a"] * 50 + ["b"] * 50, values, lambda v: float(v.mean()))
    assert (low, high) == (1.0, 3.0)
    assert interval(["a"] * 3, np.ones(3), lambda v: float(v.mean())) == []
