"""The voice's net on a graphics processor: only the net goes there, noise and all else stay where they were.

So a seed names the same noise everywhere, and a sound differs by no more than the last bits of the net.
"""

from __future__ import annotations

import torch
from torch import Tensor

from heart.errors import UsageError
from heart.sounding.net import VoiceNet


def find_device(name: str) -> torch.device:
    """The device called cpu, cuda or mps; auto takes the first of cuda, mps and cpu that is here.

    Raises UsageError for one that is not.
    """
    here = ["cpu"]
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if torch.cuda.is_available():
        here.insert(0, "cuda")
    if name == "auto":
        return torch.device(here[0])
    if name not in here:
        raise UsageError(f"--device {name}: torch finds none here; there is {', '.join(here)}, or auto")
    return torch.device(name)


class NetElsewhere:
    """Called like a `VoiceNet` with tensors of the CPU, and answers so."""

    def __init__(self, net: VoiceNet, device: torch.device) -> None:
        self.shape, self.device = net.shape, device
        self.runtime = f"torch {device.type}"
        """Who does the arithmetic: see `SharedNet.runtime`."""
        self._net = net.to(device)

    def __call__(self, x: Tensor, t: Tensor, conditions: Tensor, label: Tensor, style: Tensor) -> Tensor:
        """v [B, bands, T] as `VoiceNet.forward` gives it."""
        v: Tensor = self._net(*(tensor.to(self.device) for tensor in (x, t, conditions, label, style)))
        return v.cpu()
