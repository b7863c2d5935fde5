"""Writes the graph of a voice's net for onnxruntime: the order of operations, without any weights."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from heart.learning.nets.export import OPSET, without_paths
from heart.sounding.graph import INPUTS, GraphNet, graph_name
from heart.sounding.net import VoiceNet
from heart.sounding.weights import load_net

LARGEST_DIFFERENCE = 1e-4
"""How far onnxruntime may be from torch, on the net's scale, where its output is about 1."""
WEIGHTLESS = 64
"""Initialisers with more numbers than this must be parameters, and parameters are left out."""


class _Body(nn.Module):
    def __init__(self, net: VoiceNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, conditions: Tensor, embedding: Tensor) -> Tensor:
        return self.net.body(x, conditions, embedding)


def write_graph(net: VoiceNet, folder: Path) -> Path:
    """Write `net-<shape>.onnx` into a voice's folder and try it; returns its path.

    Raises ValueError where the graph would hold a weight, or differs from torch by more than 1e-4.
    """
    import onnx

    model = _exported(net.eval())
    _without_weights(model, net)
    without_paths(model)
    path = folder / graph_name(net.shape)
    onnx.save(model, path)
    difference = largest_difference(net, path)
    if not difference <= LARGEST_DIFFERENCE:
        path.unlink()
        raise ValueError(f"{path}: differs from torch by {difference:g}, more than {LARGEST_DIFFERENCE:g}")
    return path


@torch.no_grad()
def largest_difference(net: VoiceNet, path: Path) -> float:
    """Largest difference between onnxruntime and torch on noise, for several lengths and counts."""
    graph, random = GraphNet(net, path), torch.Generator().manual_seed(0)
    worst = 0.0
    for items, blocks in ((1, 1), (1, 27), (2, 18), (3, 5)):
        given = _example(net, items, blocks * net.shape.multiple, random)
        worst = max(worst, float((graph(*given) - net(*given)).abs().max()))
    return worst


def _example(net: VoiceNet, items: int, frames: int, random: torch.Generator) -> tuple[Tensor, ...]:
    shape = net.shape
    x, conditions = (
        torch.randn(items, channels, frames, generator=random) for channels in (shape.bands, shape.conditions)
    )
    t = torch.rand(items, generator=random)
    style = torch.randn(items, shape.styles + 1, generator=random)
    return x, t, conditions, torch.ones(items, dtype=torch.long), style


def _exported(net: VoiceNet) -> Any:
    multiple = net.shape.multiple
    x, t, conditions, label, style = _example(net, 2, 8 * multiple, torch.Generator().manual_seed(0))
    items, frames = torch.export.Dim("items", min=1), multiple * torch.export.Dim("blocks", min=2)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            _Body(net),
            (x, conditions, net.embed(t, label, style)),
            input_names=list(INPUTS),
            output_names=["v"],
            dynamic_shapes=({0: items, 2: frames}, {0: items, 2: frames}, {0: items}),
            opset_version=OPSET,
            optimize=False,  # folding would mix parameters into constants; onnxruntime folds when it loads
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _without_weights(model: Any, net: VoiceNet) -> None:
    """Leave of every parameter only name, type and size; the data comes with the session."""
    from onnx import TensorProto

    parameters = net.state_dict()
    for tensor in model.graph.initializer:
        name = tensor.name.removeprefix("net.")
        if name in parameters:
            for field in ("raw_data", "float_data"):
                tensor.ClearField(field)
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights")
            _rename(model, tensor, name)
        elif torch.Size(tensor.dims).numel() > WEIGHTLESS:
            raise ValueError(f"{tensor.name}: {list(tensor.dims)} numbers would stay in the graph")


def _rename(model: Any, tensor: Any, name: str) -> None:
    old, tensor.name = tensor.name, name
    for node in model.graph.node:
        node.input[:] = [name if given == old else given for given in node.input]


def main() -> None:
    """`python -m heart.learning.voice_graph FOLDER...`: (re)write the graphs of voices that are there."""
    import sys

    for folder in map(Path, sys.argv[1:]):
        print(write_graph(load_net(folder / "voice.safetensors").net, folder))


if __name__ == "__main__":
    main()
