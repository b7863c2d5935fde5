"""The live voices on their way out."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch

from heart.cards import Model
from heart.errors import HeartError
from heart.learning.export import nets, plain
from heart.learning.export.stream import RATIO, LiveVoice
from heart.learning.export.traced import packed, traced
from heart.learning.nets.export import LARGEST_DIFFERENCE
from heart.records import SAMPLE_RATE_HZ
from heart.sounding import offline
from heart.sounding.voice import Voice
from heart.sounding.weights import load_net


def write_stream(model: Model, path: Path) -> float:
    """A live voice for nn~; returns how far two chunks of it are from the engine's."""
    weights = load_net(model.weights)
    rows = {0: packed(weights.net)}
    rows |= {steps: packed(load_net(model.few_step_weights(steps)).net) for steps in model.few_steps}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.script(LiveVoice(traced(weights.net), rows, weights).eval())
        torch.jit.save(module, str(path))
        return _apart(path, model)


def write_graph(model: Model, path: Path) -> float:
    """A voice's net as ONNX."""
    return plain.write_onnx(nets.voice(model), path)


def write_script(model: Model, path: Path) -> float:
    """A voice's net as TorchScript."""
    return plain.write_script(nets.voice(model), path)


@torch.inference_mode()
def _apart(path: Path, model: Model) -> float:
    """Largest difference of the first two chunks from what the engine sings. Raises HeartError above 1e-4."""
    module, voice = torch.jit.load(str(path)), Voice(model.path, 1)
    module.set_label("")
    sung = offline.generate(2 * offline.HOP / SAMPLE_RATE_HZ, "none", steps=module.get_steps(), voice=voice)
    control = torch.zeros(1, 2, offline.HOP // RATIO)
    ours = torch.cat([module.forward(control), module.forward(control)], 2)[0, 0].numpy()
    difference = float(np.abs(ours - sung).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise HeartError(f"{path}: sings {difference:g} beside the engine, more than {LARGEST_DIFFERENCE:g}")
    return difference
