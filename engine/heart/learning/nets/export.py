"""A trained net becomes a classifier's folder: model.onnx, labels.txt, card.toml.

Parameters are stored as fp16 followed by a Cast, so that the file is half as large and the arithmetic stays
float32; fixed tables (Fourier kernels, mel bands, running statistics) stay float32.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from heart.cards import sha256, write_card
from heart.errors import HeartError

WEIGHTS = "model.onnx"
OPSET = 18
LARGEST_DIFFERENCE = 1e-4
"""How far onnxruntime may be from torch."""
FIXED = {"weights": WEIGHTS, "class": "heart.listening.classifier:Classifier"}


def halved(net: nn.Module) -> nn.Module:
    """A copy of `net`, ready to judge, with every parameter rounded to what fp16 can hold.

    Raises HeartError where a parameter is too large for fp16 or no number.
    """
    copied = copy.deepcopy(net).cpu().float().eval().requires_grad_(False)
    for name, value in copied.named_parameters():
        value.data = value.data.half().float()
        if not torch.isfinite(value).all():
            raise HeartError(f"{name}: holds a weight that fp16 cannot; train with more weight decay")
    return copied


def export(net: nn.Module, folder: Path, *, samples: int, labels: Sequence[str], card: Mapping[str, Any]) -> float:
    """Write model.onnx, labels.txt and card.toml into `folder`, then try the graph with onnxruntime.

    net: float32 [B, samples] to probabilities float32 [B, len(labels)]; samples: n of the input; card: keys of
    card.toml without weights, sha256 and class. Returns the largest difference between onnxruntime and torch (with
    the same rounded weights) on noise, silence and a loud offset. Raises HeartError above 1e-4 or where a result
    is not finite; then no card is written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rounded = halved(net)
    write_graph(rounded, folder / WEIGHTS, samples)
    (folder / "labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    difference = largest_difference(rounded, folder / WEIGHTS, samples, len(labels))
    if not difference <= LARGEST_DIFFERENCE:
        raise HeartError(
            f"{folder / WEIGHTS}: differs from torch by {difference:g}, more than {LARGEST_DIFFERENCE:g}"
        )
    write_card(folder, _in_order({**card, **FIXED, "sha256": sha256(folder / WEIGHTS)}))
    return difference


def write_graph(rounded: nn.Module, path: Path, samples: int) -> None:
    """Write the ONNX graph of a net from `halved`; any batch size, input "audio", output "probabilities"."""
    import onnx

    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            rounded,
            (torch.zeros(2, samples),),
            input_names=["audio"],
            output_names=["probabilities"],
            dynamic_shapes=({0: batch},),
            opset_version=OPSET,
            optimize=False,  # folding would mix parameters with tables; onnxruntime folds when it loads
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    store_as_half(model, {name for name, _ in rounded.named_parameters()})
    without_paths(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def store_as_half(model: Any, names: set[str]) -> None:
    """Turn the initialisers of an onnx.ModelProto that are called `names` into fp16, each followed by a Cast."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.name not in names or tensor.data_type != TensorProto.FLOAT:
            continue
        name, stored = tensor.name, f"{tensor.name}.half"
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], name=f"cast {name}", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def largest_difference(net: nn.Module, path: Path, samples: int, labels: int) -> float:
    """Largest difference between onnxruntime and torch over a few inputs; NaN where either is not finite."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for audio in _trials(samples):
        heard = session.run(["probabilities"], {"audio": audio})[0]
        with torch.no_grad():
            expected = net(torch.from_numpy(audio)).numpy()
        if heard.shape != (len(audio), labels) or not np.isfinite(heard).all() or not np.isfinite(expected).all():
            return float("nan")
        worst = max(worst, float(np.abs(heard - expected).max()))
    return worst


def _trials(samples: int) -> list[np.ndarray]:
    """Noise in a batch of three, noise alone, silence, a loud offset with a quiet beat."""
    rng = np.random.default_rng(0)
    beat = 0.01 * np.sin(np.arange(samples) / 9) ** 31 + 0.5
    return [
        rng.normal(0, 0.1, (3, samples)).astype(np.float32),
        rng.normal(0, 1e-4, (1, samples)).astype(np.float32),
        np.zeros((1, samples), np.float32),
        beat[None].astype(np.float32),
    ]


def without_paths(model: Any) -> None:
    """Drop what the exporter noted about source files: it is large, and names folders of the build machine."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]


def _in_order(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card's keys in the order of the other cards."""
    first = ("name", "kind", "class", "sample_rate", "licence", "weights", "sha256")
    return {**{key: card[key] for key in first if key in card}, **card}
