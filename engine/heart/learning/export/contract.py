"""What nn~ asks of a TorchScript module: names and tensors, nothing else.

For each method a buffer `<method>_params`: channels in, ratio in, channels out, ratio out. A method is given
(batch, channels in, n / ratio in), of which the host took the last sample of each ratio, and answers exactly
(batch, channels out, n / ratio out). `get_methods` and `get_attributes` list names; an attribute has a getter, a
setter that answers 0, or -1 where it refuses, and a buffer `<attribute>_params` with the kind of its value.
"""

from __future__ import annotations

import torch
from torch import nn

KINDS: dict[type, int] = {bool: 0, int: 1, float: 2, str: 3}


class Contract(nn.Module):
    """A module that says of itself what a host may call."""

    def __init__(self) -> None:
        super().__init__()
        self.methods: list[str] = []
        self.attributes: list[str] = []

    def register_method(
        self,
        name: str,
        channels_in: int,
        ratio_in: int,
        channels_out: int,
        ratio_out: int,
        labels_in: list[str],
        labels_out: list[str],
    ) -> None:
        """Offer the method `name`; labels are what the host writes at inlets and outlets."""
        self.methods.append(name)
        self.register_buffer(f"{name}_params", torch.tensor([channels_in, ratio_in, channels_out, ratio_out]))
        setattr(self, f"{name}_input_labels", labels_in)
        setattr(self, f"{name}_output_labels", labels_out)

    def register_attribute(self, name: str, like: bool | int | float | str) -> None:
        """Offer the attribute `name`, of the kind of `like`; `get_<name>` and `set_<name>` must be there."""
        self.attributes.append(name)
        self.register_buffer(f"{name}_params", torch.tensor([KINDS[type(like)]]))

    @torch.jit.export
    def get_methods(self) -> list[str]:
        return self.methods

    @torch.jit.export
    def get_attributes(self) -> list[str]:
        return self.attributes
