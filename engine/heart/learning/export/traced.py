"""A voice's net as TorchScript with its weights as an argument: one graph for all its sets of weights."""

from __future__ import annotations

import copy
import warnings

import torch
from torch import Tensor, nn

from heart.sounding.net import VoiceNet


def packed(net: VoiceNet) -> Tensor:
    """All parameters of a net in one row of fp16, as precise as its file holds them."""
    return torch.cat([value.flatten() for value in net.state_dict().values()]).half()


def traced(net: VoiceNet) -> torch.jit.ScriptModule:
    """(weights float32 [n], x, t, conditions, label, style) -> v, for any number of items and frames."""
    shape, count, items = net.shape, 8 * net.shape.multiple, 2
    example = (
        packed(net).float(),
        torch.randn(items, shape.bands, count),
        torch.rand(items),
        torch.randn(items, shape.conditions, count),
        torch.rand(items, len(shape.labels) + 1),
        torch.randn(items, shape.styles + 1),
    )
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        return torch.jit.trace(_Bare(net), example, check_trace=False)


class _Bare(nn.Module):
    """A net that has no weights until it is called."""

    def __init__(self, net: VoiceNet) -> None:
        super().__init__()
        self._net = [copy.deepcopy(net)]  # in a list, so that its parameters are not this module's
        self._sizes = {name: value.shape for name, value in net.state_dict().items()}

    def forward(
        self, weights: Tensor, x: Tensor, t: Tensor, conditions: Tensor, label: Tensor, style: Tensor
    ) -> Tensor:
        net = self._net[0]
        pieces = weights.split([size.numel() for size in self._sizes.values()])
        for (name, size), piece in zip(self._sizes.items(), pieces):
            place, _, leaf = name.rpartition(".")
            part = net.get_submodule(place)
            part._parameters.pop(leaf, None), part._buffers.pop(leaf, None)
            object.__setattr__(part, leaf, piece.view(size))
        v: Tensor = net(x, t, conditions, label, style)
        return v
