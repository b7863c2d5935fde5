"""The trained heart-rate net as a folder that `heart.listening.estimators.HeartRateNet` reads."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heart.cards import sha256, write_card
from heart.errors import HeartError
from heart.learning.nets.export import OPSET, WEIGHTS, halved, store_as_half
from heart.learning.nets.heart_rate import BINS_PER_OCTAVE, BPM, RATE_HZ, SAMPLES, SECONDS, HeartRate, Shipped

HOP_S = 1.25
LARGEST_DIFFERENCE = 1e-3
"""How far onnxruntime may be from torch, relative, in any output."""


def write_model(net: HeartRate, folder: Path, card: Mapping[str, Any], temperature: float = 1.0) -> float:
    """Write model.onnx, labels.txt and card.toml. Returns the largest relative difference from torch.

    card: keys beyond those the folder itself decides (name, licence, training, figures ...). Raises HeartError
    where onnxruntime gives something else than torch, or no numbers; then no card is written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rounded = halved(net)
    assert isinstance(rounded, HeartRate)
    shipped = Shipped(rounded, temperature).eval()
    _write_graph(shipped, folder / WEIGHTS)
    (folder / "labels.txt").write_text("\n".join(Shipped.OUTPUTS) + "\n", encoding="utf-8")
    difference = largest_difference(shipped, folder / WEIGHTS)
    if not difference <= LARGEST_DIFFERENCE:
        raise HeartError(
            f"{folder / WEIGHTS}: differs from torch by {difference:g}, more than {LARGEST_DIFFERENCE:g}"
        )
    fixed = {
        "name": card["name"],
        "kind": "ear",
        "class": "heart.listening.estimators:HeartRateNet",
        "sample_rate": RATE_HZ,
        "licence": card["licence"],
        "weights": WEIGHTS,
        "sha256": sha256(folder / WEIGHTS),
    }
    tables = {
        "window": {"seconds": SECONDS, "hop_seconds": HOP_S, "pad": "mirror"},
        "rates": {"lowest_bpm": float(BPM[0]), "per_octave": BINS_PER_OCTAVE, "count": len(BPM)},
    }
    write_card(folder, {**fixed, **{k: v for k, v in card.items() if k not in fixed}, **tables})
    return difference


def _write_graph(shipped: Shipped, path: Path) -> None:
    """Input "audio" [batch, SAMPLES], outputs Shipped.OUTPUTS; parameters as fp16 with a Cast."""
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            shipped,
            (torch.zeros(2, SAMPLES),),
            input_names=["audio"],
            output_names=list(Shipped.OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            opset_version=OPSET,
            optimize=False,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    store_as_half(model, {name for name, _ in shipped.named_parameters()})
    for thing in (*model.graph.node, *model.graph.value_info, *model.graph.initializer, model.graph, model):
        del thing.metadata_props[:]  # the exporter notes source files there
        if hasattr(thing, "doc_string"):
            thing.doc_string = ""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def largest_difference(shipped: Shipped, path: Path) -> float:
    """Largest |onnxruntime - torch| / (1 + |torch|) over a few hearts, noise, silence; NaN where not finite."""
    import onnxruntime

    from heart.learning.synth import Recipe, make

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    hearts = [make(Recipe(), 9, number).sound for number in range(3)]
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLES).astype(np.float32)
    worst = 0.0
    for audio in (
        np.stack(hearts),
        np.stack([noise]),
        np.zeros((1, SAMPLES), np.float32),
        0.5 + 1e-3 * hearts[0][None],
    ):
        heard = session.run(list(Shipped.OUTPUTS), {"audio": audio.astype(np.float32)})
        with torch.no_grad():
            expected = shipped(torch.from_numpy(audio.astype(np.float32)))
        for ours, theirs in zip(heard, expected, strict=True):
            apart = np.abs(ours - theirs.numpy()) / (1 + np.abs(theirs.numpy()))
            worst = max(worst, float(apart.max())) if np.isfinite(apart).all() else float("nan")
    return worst
