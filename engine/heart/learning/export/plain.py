"""A net alone, as an ONNX graph or a TorchScript file; each is tried against torch before it is given away."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heart.errors import HeartError
from heart.learning.export.nets import Leaving
from heart.learning.nets.export import LARGEST_DIFFERENCE, OPSET, store_as_half, without_paths

TRIALS = ((1, 2), (1, 27), (3, 5))
"""Items and blocks with which a written net is tried."""
Run = Callable[[tuple[Tensor, ...]], Sequence[np.ndarray]]


def write_onnx(leaving: Leaving, path: Path) -> float:
    """An ONNX graph with weights (as fp16 where that loses nothing; computed in float32), any items and blocks.

    Returns the largest difference between onnxruntime and torch on noise. Raises HeartError above 1e-4.
    """
    import onnx
    import onnxruntime

    model = _graph(leaving)
    parameters = dict(leaving.net.named_parameters())
    store_as_half(model, {name for name, value in parameters.items() if torch.equal(value, value.half().float())})
    without_paths(model)
    del model.graph.value_info[:]
    for output in model.graph.output:
        for size in output.type.tensor_type.shape.dim:
            size.Clear()  # the exporter writes the example's length as if it were fixed
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = list(leaving.inputs)
    return _tried(
        leaving, path, lambda given: session.run(None, {n: g.numpy() for n, g in zip(names, given)}), "onnxruntime"
    )


def write_script(leaving: Leaving, path: Path) -> float:
    """A traced TorchScript file, any number of items and blocks. Returns and raises as `write_onnx`."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module = torch.jit.trace(leaving.net, leaving.example(2, 8), check_trace=False)
        torch.jit.save(module, str(path))
        again = torch.jit.load(str(path))

    def run(given: tuple[Tensor, ...]) -> list[np.ndarray]:
        return [out.numpy() for out in _all(again(*given))]

    return _tried(leaving, path, run, "TorchScript")


def _graph(leaving: Leaving) -> Any:
    items, blocks = torch.export.Dim("items", min=1), torch.export.Dim("blocks", min=2)
    length = leaving.multiple * blocks if leaving.multiple > 1 else blocks
    sizes = tuple(
        {0: items, **{place + 1: length for place, size in enumerate(of) if size == 0}}
        for of in leaving.inputs.values()
    )
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            leaving.net,
            leaving.example(2, 8),
            input_names=list(leaving.inputs),
            output_names=list(leaving.outputs),
            dynamic_shapes=sizes,
            opset_version=OPSET,
            optimize=False,  # folding would mix parameters into constants; onnxruntime folds when it loads
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _tried(leaving: Leaving, path: Path, run: Run, by: str) -> float:
    worst = 0.0
    for items, blocks in TRIALS:
        given = leaving.example(items, blocks, seed=blocks)
        with torch.no_grad():
            expected = [out.numpy() for out in _all(leaving.net(*given))]
        apart = [float(np.abs(ours - theirs).max()) for ours, theirs in zip(run(given), expected, strict=True)]
        worst = max(worst, *apart) if np.isfinite(apart).all() else float("nan")
    if not worst <= LARGEST_DIFFERENCE:
        path.unlink()
        raise HeartError(f"{path}: {by} differs from torch by {worst:g}, more than {LARGEST_DIFFERENCE:g}")
    return worst


def _all(out: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return [out] if isinstance(out, Tensor) else out
