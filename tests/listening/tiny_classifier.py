"""A classifier's folder from a few lines of arithmetic: label "loud" or "quiet" by the mean power of the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from heart.cards import sha256, write_card

RATE_HZ = 1_000


def graph(frames: int, labels: int, gain: float = 100.0) -> onnx.ModelProto:
    """softmax(power of the window * gain * (1, 0, 0, ...) + (0, 1, 0, ...)): audio [B, frames] to [B, labels]."""
    slope = np.zeros((1, labels), np.float32)
    slope[0, 0] = gain
    bias = np.zeros(labels, np.float32)
    bias[1] = 1.0
    nodes = [
        helper.make_node("Mul", ["audio", "audio"], ["squares"]),
        helper.make_node("ReduceMean", ["squares", "axes"], ["power"], keepdims=1),
        helper.make_node("MatMul", ["power", "slope"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = {"slope": slope, "bias": bias, "axes": np.array([1], np.int64)}
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", frames])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", labels])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def make_classifier(
    root: Path,
    name: str = "ear-tiny",
    labels: tuple[str, ...] = ("loud", "quiet"),
    rate_hz: int = RATE_HZ,
    **changes: Any,
) -> Path:
    """Write the folder root/name; `changes` to [window] and [judgement]. Returns it."""
    folder = root / name
    folder.mkdir(parents=True)
    window: dict[str, Any] = {"seconds": 2.0, "hop_seconds": 1.0, "pad": "zero"}
    judgement: dict[str, Any] = {"temperature": 1.0, "abstain_below": 0.6, "pooling": "mean"}
    for table in (window, judgement):
        table.update({key: value for key, value in changes.items() if key in table})
    onnx.save(graph(round(window["seconds"] * rate_hz), len(labels)), str(folder / "model.onnx"))
    (folder / "labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    card = {
        "name": name,
        "kind": "ear",
        "class": "heart.listening.classifier:Classifier",
        "sample_rate": rate_hz,
        "licence": "CC0",
        "weights": "model.onnx",
        "sha256": sha256(folder / "model.onnx"),
        "window": window,
        "judgement": judgement,
    }
    write_card(folder, card)
    return folder
