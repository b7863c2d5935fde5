"""`heart models export` and `check`: what leaves as what, what is refused in words, whose file it is."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "sounding"))
from small_voice import write_voice

from heart.cards import find_model
from heart.cli import main
from heart.learning.export import nets
from heart.learning.export.chance import Chance
from heart.listening.onset import load_onset


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Models' folder with one small voice."""
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    return write_voice(tmp_path / "voice-small")


def heart(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def test_numpys_numbers_are_drawn_without_numpy():
    chance = torch.jit.script(Drawing())
    for seeds in ([0, 0], [3, 40_960], [2**33 + 5, 7, 1], [9, 1, 2, 3, 4]):
        drawn = chance.normal32(seeds, 100_000).numpy()
        expected = np.random.default_rng(seeds).standard_normal(100_000, dtype=np.float32)
        assert np.abs(drawn - expected).max() < 1e-6
        assert (np.abs(expected) > 3.6541).sum() > 10  # the ziggurat's tail is met
        assert np.allclose(
            chance.normals(seeds, 500), np.random.default_rng(seeds).standard_normal(500), atol=1e-13
        )
        assert chance.uniforms(seeds, 5) == list(np.random.default_rng(seeds).random(5))
        for below in (1, 2, 7, 100, 2**31 - 5):
            assert chance.integer(seeds, below) == np.random.default_rng(seeds).integers(below)


class Drawing(torch.nn.Module):
    """What TorchScript compiles of a `Chance`."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = Chance()

    @torch.jit.export
    def normal32(self, seeds: list[int], count: int) -> torch.Tensor:
        return self.chance.normal32(seeds, count)

    @torch.jit.export
    def normals(self, seeds: list[int], count: int) -> list[float]:
        return self.chance.normals(seeds, count)

    @torch.jit.export
    def uniforms(self, seeds: list[int], count: int) -> list[float]:
        return self.chance.uniforms(seeds, count)

    @torch.jit.export
    def integer(self, seeds: list[int], below: int) -> int:
        return self.chance.integer(seeds, below)


def test_a_voices_net_leaves_as_torchscript_with_its_record(small, tmp_path):
    out = tmp_path / "net.ts"
    assert "kB" in heart("models", "export", "voice-small", "--format", "torchscript", "-o", out)
    leaving = nets.voice(find_model("voice-small"))
    given = leaving.example(3, 4)
    with torch.no_grad():
        assert torch.allclose(torch.jit.load(out)(*given), leaving.net(*given), atol=1e-4)
    assert "voice-small for torchscript, written by this program, whole" in heart("models", "check", out)
    with zipfile.ZipFile(out) as archive:  # and no folder of the machine that wrote it
        assert not any(b"engine/heart" in archive.read(name) for name in archive.namelist())


@pytest.mark.stage
def test_the_shipped_nets_leave_as_graphs_that_onnxruntime_runs_as_torch_does(tmp_path):
    for name, make in (("voice-heart", nets.voice), ("voice-texture", nets.voice), ("ear-beats", nets.beats)):
        out = tmp_path / f"{name}.onnx"
        heart("models", "export", name, "--format", "onnx", "-o", out)
        leaving = make(find_model(name))
        given = leaving.example(2, 11, seed=3)
        session = onnxruntime.InferenceSession(str(out))
        found = session.run(None, {key: value.numpy() for key, value in zip(leaving.inputs, given)})
        with torch.no_grad():
            expected = leaving.net(*given)
        for ours, theirs in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
            assert np.abs(ours - theirs.numpy()).max() < 1e-4


def test_the_beat_nets_are_those_the_ear_runs():
    from heart.listening import net
    from heart.listening.weights import load_weights

    weights, leaving = load_weights(), nets.beats(find_model("ear-beats"))
    (frames,) = leaving.example(2, 40)
    for ours, theirs in zip(leaving.net(frames), (*weights.file, weights.live), strict=True):
        assert np.abs(ours.numpy() - net.run(theirs, frames.numpy())).max() < 1e-4


def test_the_onset_net_leaves_as_a_graph(tmp_path):
    out = tmp_path / "onset.onnx"
    heart("models", "export", "ear-onset", "--format", "onnx", "-o", out)
    row = np.random.default_rng(0).normal(size=(5, 254)).astype(np.float32)
    found = onnxruntime.InferenceSession(str(out)).run(["onset"], {"row": row})[0]
    weights = load_onset()
    for one, (logit, age) in zip(row, found):
        chance, age_s = weights.run(one)
        assert 1 / (1 + np.exp(-logit)) == pytest.approx(chance, abs=1e-4)
        assert 0.1 * age == pytest.approx(age_s, abs=1e-4)


@pytest.mark.parametrize("name", ["ear-gate", "ear-scene", "ear-valve", "ear-condition", "ear-rate"])
def test_a_model_that_ships_as_a_graph_leaves_as_it_is_with_its_labels(name, tmp_path):
    out = tmp_path / f"{name}.onnx"
    assert "as it ships" in heart("models", "export", name, "--format", "onnx", "-o", out)
    model = find_model(name)
    assert out.read_bytes() == model.weights.read_bytes()
    assert (tmp_path / f"{name}.labels.txt").read_text() == (model.path / "labels.txt").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ear-valve", "--format", "nn~", "-o", "x.ts"), "cannot stream"),
        (("ear-valve", "--format", "torchscript", "-o", "x.ts"), "ships as an ONNX graph; take --format onnx"),
        (("voice-heart", "--format", "vst", "-o", "x.vst"), "'vst': take one of nn~, onnx, torchscript"),
        (("voice-heart", "--format", "nn~", "-o", "x.onnx"), "ends in .ts"),
        (("opera", "--format", "nn~", "-o", "x.ts"), "no model called 'opera'"),
    ],
)
def test_what_cannot_leave_is_refused_in_words(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in heart("models", "export", *words, code=2)
    assert not list(tmp_path.iterdir())


def test_an_offline_net_cannot_stream(small):
    card = small / "card.toml"
    card.write_text(card.read_text().replace("heart.sounding.voice:Voice", "heart.sounding.dance.model:DanceModel"))
    said = heart("models", "export", "voice-small", "--format", "nn~", "-o", "x.ts", code=2)
    assert "cannot stream" in said
    assert "heart models convert" in said


def test_a_file_that_is_there_and_a_folder_that_is_not_are_left_alone(small, tmp_path):
    there = tmp_path / "there.ts"
    there.write_text("mine")
    assert "is there already" in heart(
        "models", "export", "voice-small", "--format", "torchscript", "-o", there, code=2
    )
    assert there.read_text() == "mine"
    missing = tmp_path / "no" / "x.ts"
    assert "there is no folder" in heart(
        "models", "export", "voice-small", "--format", "torchscript", "-o", missing, code=1
    )


class Trap(torch.nn.Module):
    """Somebody else's."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / "foreign.ts"
    torch.jit.script(Trap()).save(str(path))
    return path


def test_a_foreign_torchscript_is_told_and_never_loaded(foreign, monkeypatch, tmp_path):
    def load(*given: object) -> None:
        raise AssertionError("it was run")

    monkeypatch.setattr(torch.jit, "load", load)
    monkeypatch.setattr(torch, "load", load)
    monkeypatch.setenv("HEART_MODELS", str(tmp_path / "models"))
    assert "none that this program wrote" in heart("models", "check", foreign, code=1)
    assert "to load it would be to run it" in heart("models", "inspect", foreign, code=1)
    assert "to load it would be to run it" in heart("models", "add", foreign, code=1)


def test_a_changed_or_broken_file_is_known(small, tmp_path):
    out = tmp_path / "net.ts"
    heart("models", "export", "voice-small", "--format", "torchscript", "-o", out)
    changed = tmp_path / "changed.ts"
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, body + b"\n" if name.endswith(".py") else body)
    assert "changed since it was exported" in heart("models", "check", changed, code=1)
    changed.write_bytes(out.read_bytes()[:-100])
    assert "not a TorchScript file" in heart("models", "check", changed, code=1)
    assert "no such file" in heart("models", "check", tmp_path / "nothing.ts", code=1)
