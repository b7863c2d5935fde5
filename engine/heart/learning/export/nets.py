"""Our nets as other programs want them: torch modules with names for what goes in and comes out.

Letters: B items, K coefficient frames of a voice, F feature frames of the ear, S = F / 2 steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heart.cards import Model
from heart.learning.ear_net import NETS, LiveNet, RecurrentNet
from heart.listening import features, onset
from heart.listening.net import CONTEXT, DILATIONS, PAST_FRAMES
from heart.sounding.weights import load_net


@dataclass(frozen=True)
class Leaving:
    """A net on its way out.

    outputs: their names; labels: of the numbers of an output; multiple: a length is a multiple of it.
    """

    net: nn.Module
    inputs: dict[str, tuple[int, ...]]
    """Names and sizes of one item, 0 where the length goes."""
    outputs: tuple[str, ...]
    multiple: int = 1
    labels: tuple[str, ...] = ()

    def example(self, items: int, blocks: int, seed: int = 0) -> tuple[Tensor, ...]:
        """Noise for each input: float32, `blocks` times `multiple` long; times and weights are 0 .. 1."""
        random = torch.Generator().manual_seed(seed)
        sizes = [[items, *(size or blocks * self.multiple for size in of)] for of in self.inputs.values()]
        draws = (torch.rand if name in ("t", "label", "pitch") else torch.randn for name in self.inputs)
        drawn = {name: draw(size, generator=random) for name, draw, size in zip(self.inputs, draws, sizes)}
        return tuple(21 + 87 * value if name == "pitch" else value for name, value in drawn.items())


def voice(model: Model) -> Leaving:
    """v of a voice's undistilled net: see `sounding.net.VoiceNet.forward`; label as weights, 0 the null label."""
    net = load_net(model.weights).net
    shape = net.shape
    inputs: dict[str, tuple[int, ...]] = {
        "x": (shape.bands, 0),
        "t": (),
        "conditions": (shape.conditions, 0),
        "label": (len(shape.labels) + 1,),
        "style": (shape.styles + 1,),
    }
    return Leaving(net, inputs, ("v",), shape.multiple, ("", *shape.labels))


def beats(model: Model) -> Leaving:
    """The ear's nets for beats: normalised bels [B, F, 16] (`listening.features`) to logits [B, S, 5] of each."""
    arrays = _arrays(model)
    names = [name for name in NETS if any(key.startswith(f"{name}.") for key in arrays)]
    nets = [_beat_net(name, {k.removeprefix(f"{name}."): v for k, v in arrays.items()}) for name in names]
    states = ("S1", "systole", "S2", "diastole", "heart")
    return Leaving(_Together(nets), {"frames": (0, features.BANDS)}, tuple(names), features.STEP, states)


def onsets(model: Model) -> Leaving:
    """The ear's net for an expected S1: a row of `listening.onset.OnsetWatch.row` to a logit and an age."""
    arrays = _arrays(model)
    layers: list[nn.Module] = []
    for name in ("first", "second", "last"):
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers += [layer, nn.ReLU()]
    net = nn.Sequential(*layers[:-1]).eval().requires_grad_(False)
    return Leaving(net, {"row": (onset.INPUTS,)}, ("onset",), 1, ("logit", f"age_in_{onset.AGE_SCALE_S}_s"))


def _arrays(model: Model) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return {name: value.float() for name, value in load_file(model.weights).items()}


def _beat_net(name: str, arrays: dict[str, Tensor]) -> nn.Module:
    net = NETS[name]()
    wanted = net.state_dict()
    if name == "file":
        arrays = arrays | _norms(arrays)
    net.load_state_dict({key: arrays.get(key, wanted[key]) for key in wanted})
    net.eval().requires_grad_(False)
    return Convolved(net) if isinstance(net, RecurrentNet) else net


def _norms(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Normalisations from their scales and shifts; mean 0 and deviation 1 are what a fresh one has."""
    found = {}
    for place in [f"blocks.{k}." for k in range(len(DILATIONS))] + [""]:
        found[f"{place}norm.weight"] = arrays[f"{place}scale"] * float(np.sqrt(1 + nn.BatchNorm1d(1).eps))
        found[f"{place}norm.bias"] = arrays[f"{place}shift"]
    return found


class Convolved(nn.Module):
    """A recurrent beat net whose first layer is written as the convolution it is, which every format has."""

    def __init__(self, net: RecurrentNet) -> None:
        super().__init__()
        past = PAST_FRAMES[not isinstance(net, LiveNet)]
        self.past, self.after = past, CONTEXT - features.STEP - past
        self.dense1, self.dense2, self.gru, self.head = net.dense1, net.dense2, net.gru, net.head
        self.stride = features.STEP

    def forward(self, frames: Tensor) -> Tensor:
        padded = F.pad(frames.transpose(1, 2), (self.past, self.after))
        kernel = self.dense1.weight.view(-1, features.BANDS, CONTEXT)
        hidden = torch.relu(F.conv1d(padded, kernel, self.dense1.bias, stride=self.stride)).transpose(1, 2)
        out: Tensor = self.head(self.gru(torch.relu(self.dense2(hidden)))[0])
        return out


class _Together(nn.Module):
    """Several nets on the same input."""

    def __init__(self, nets: list[nn.Module]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        return tuple(net(frames) for net in self.nets)
