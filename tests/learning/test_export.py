"""Trained nets as folders: half as large, the same answers, every promise of the folder kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from heart.cards import read_model
from heart.errors import HeartError
from heart.learning.nets.export import export, halved
from heart.learning.nets.logmel import Level, LogMel, Mfcc

SAMPLES = 4000
LABELS = ("artifact", "murmur", "normal")
CARD = {
    "name": "ear-small",
    "kind": "ear",
    "sample_rate": 2000,
    "licence": "MIT",
    "window": {"seconds": 2.0, "hop_seconds": 1.0, "pad": "repeat"},
}


class Convolutional(nn.Module):
    """Log-mel, a convolution with batch norm, a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(Level(), LogMel(2000, 256, 40, 16, 25, 900))
        self.conv = nn.Conv2d(1, 24, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(24)
        self.norm.running_var.fill_(3.3)
        self.head = nn.Linear(24, 3)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        image = torch.relu(self.norm(self.conv(self.front(audio)[:, None])))
        return self.head(image.mean((2, 3))).softmax(-1)


class Recurrent(nn.Module):
    """MFCCs, an LSTM over time, a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(Level(), Mfcc(LogMel(2000, 256, 40, 16, 25, 900), 13))
        self.rnn = nn.LSTM(13, 12, batch_first=True, bidirectional=True)
        self.head = nn.Linear(24, 3)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.front(audio).transpose(1, 2))[0].amax(1)).softmax(-1)


def run(folder: Path, audio: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(str(folder / "model.onnx")).run(["probabilities"], {"audio": audio})[0]


@pytest.mark.parametrize("kind", [Convolutional, Recurrent])
def test_onnxruntime_agrees_with_torch_for_any_batch(kind: type[nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = kind()
    difference = export(net, tmp_path, samples=SAMPLES, labels=LABELS, card=CARD)
    assert difference <= 1e-4
    audio = np.random.default_rng(3).normal(0, 5, (7, SAMPLES)).astype(np.float32)
    with torch.no_grad():
        expected = halved(net)(torch.from_numpy(audio)).numpy()
    np.testing.assert_allclose(run(tmp_path, audio), expected, atol=1e-4)
    np.testing.assert_allclose(run(tmp_path, audio).sum(1), 1, atol=1e-5)
    assert np.isfinite(run(tmp_path, np.zeros((1, SAMPLES), np.float32))).all()


def test_the_folder_proves_itself(tmp_path: Path) -> None:
    export(Convolutional(), tmp_path, samples=SAMPLES, labels=LABELS, card=CARD)
    model = read_model(tmp_path)
    assert model.weights == tmp_path / "model.onnx"
    assert (tmp_path / "labels.txt").read_text().split() == list(LABELS)
    assert model.card["window"]["pad"] == "repeat"
    assert model.card["class"] == "heart.listening.classifier:Classifier"


def test_parameters_are_stored_as_half_and_tables_are_not(tmp_path: Path) -> None:
    export(Convolutional(), tmp_path, samples=SAMPLES, labels=LABELS, card=CARD)
    model = onnx.load(tmp_path / "model.onnx")
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    halves = {name for name, kind in kinds.items() if kind == onnx.TensorProto.FLOAT16}
    assert halves == {f"{name}.half" for name, _ in Convolutional().named_parameters()}
    assert any("kernels" in name for name, kind in kinds.items() if kind == onnx.TensorProto.FLOAT)
    assert model.opset_import[0].version <= 18


def test_no_path_of_the_build_machine_is_left_in_the_graph(tmp_path: Path) -> None:
    export(Convolutional(), tmp_path, samples=SAMPLES, labels=LABELS, card=CARD)
    assert str(Path(__file__).parent).encode() not in (tmp_path / "model.onnx").read_bytes()
    assert b".py" not in (tmp_path / "model.onnx").read_bytes()


def test_weights_beyond_fp16_are_refused(tmp_path: Path) -> None:
    net = Convolutional()
    net.head.bias.data[0] = 1e6
    with pytest.raises(HeartError, match=r"head\.bias"):
        export(net, tmp_path, samples=SAMPLES, labels=LABELS, card=CARD)


def test_a_net_that_breaks_on_silence_is_refused_without_a_card(tmp_path: Path) -> None:
    class Careless(Convolutional):
        def forward(self, audio: torch.Tensor) -> torch.Tensor:
            return super().forward(audio) * (
                audio.abs().amax(-1, keepdim=True) / audio.abs().amax(-1, keepdim=True)
            )

    with pytest.raises(HeartError, match="differs from torch"):
        export(Careless(), tmp_path, samples=SAMPLES, labels=LABELS, card=CARD)
    assert not (tmp_path / "card.toml").exists()
