"""Where each of the net's tensors lies in a file: the names of its authors behind some prefix, or diffusers' names.

A `Layout` maps our names to theirs and is made from the names alone; tensors are read through it one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from heart.sounding.dance.net import DanceShape

PREFIXES = (
    "diffusion_ema.",
    "diffusion_ema.ema_model.",
    "ema.",
    "diffusion.model.",
    "diffusion.",
    "model.",
    "",
)
"""From the smoothed weights of the authors' training to bare ones; the first that is there is taken."""
MARK = "timestep_embed.weight"
"""The tensor that every such net has, and hardly another."""
DIFFUSERS_MARK = "time_proj.weight"
RESIDUAL = {
    "main.0": "conv_1",
    "main.1": "group_norm_1",
    "main.3": "conv_2",
    "main.4": "group_norm_2",
    "skip": "conv_skip",
}
ATTENTION = {"norm": "group_norm", "out_proj": "proj_attn"}
QKV = ("query", "key", "value")


def find_prefix(names: Iterable[str]) -> str | None:
    """What stands before the names of the net in a state dict, wherever in the file that lies; None: no such net.

    Of several nets the one whose prefix ends like the first of PREFIXES.
    """
    found = [name[: -len(MARK)] for name in names if name.endswith(MARK)]

    def rank(prefix: str) -> tuple[int, int]:
        ends = [n for n, known in enumerate(PREFIXES) if known and prefix.endswith(known)]
        longest = max(ends, key=lambda n: len(PREFIXES[n]), default=len(PREFIXES))
        return longest, len(prefix)

    return min(found, key=rank, default=None)


@dataclass(frozen=True)
class Place:
    """Where one of our tensors lies: one tensor, or three that are stacked (query, key, value)."""

    names: tuple[str, ...]
    ndim: int
    """Of ours; diffusers writes 1 x 1 convolutions as matrices and some others flat."""

    def read(self, tensors: Mapping[str, Tensor]) -> Tensor:
        parts = [tensors[name] for name in self.names]
        joined = torch.cat(parts) if len(parts) > 1 else parts[0]
        return joined.reshape(*joined.shape, *[1] * (self.ndim - joined.ndim))


class Placed(Mapping[str, Tensor]):
    """The tensors of a file by our names."""

    def __init__(self, tensors: Mapping[str, Tensor], places: Mapping[str, Place]) -> None:
        self.tensors, self.places = tensors, places

    def __getitem__(self, name: str) -> Tensor:
        return self.places[name].read(self.tensors)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def behind(prefix: str, names: Iterable[str]) -> dict[str, Place]:
    """Places of a state dict whose names are ours behind a prefix; names of other things are left out."""
    ours = [name[len(prefix) :] for name in names if name.startswith(prefix)]
    return {name: Place((prefix + name,), 0) for name in ours if name.startswith(("net.", MARK))}


def in_diffusers(shape: DanceShape) -> dict[str, Place]:
    """Places of all tensors of a net in diffusers' layout (UNet1DModel)."""
    places = {MARK: Place((DIFFUSERS_MARK,), 2)}
    depth = len(shape.widths)
    for number in range(3):
        _residual(places, f"net.{number}.", f"down_blocks.0.resnets.{number}.", shape)
        _residual(places, f"net.{number + 4}.", f"up_blocks.{depth - 2}.resnets.{number}.", shape)
    for level in range(1, depth):
        ours, deepest = "net.3." + "main.7." * (level - 1), level == depth - 1
        down = "mid_block." if deepest else f"down_blocks.{level}."
        up = "mid_block." if deepest else f"up_blocks.{depth - 2 - level}."
        places[f"{ours}main.0.kernel"] = Place((f"{down}down.kernel",), 1)
        places[f"{ours}main.14.kernel"] = Place((f"{up}up.kernel",), 1)
        for number in range(3):
            for at, theirs, there in ((1, down, number), (8, up, number + 3 * deepest)):
                _residual(places, f"{ours}main.{at + 2 * number}.", f"{theirs}resnets.{there}.", shape)
                if shape.attends(level):
                    _attention(places, f"{ours}main.{at + 2 * number + 1}.", f"{theirs}attentions.{there}.")
    return places


def _residual(places: dict[str, Place], ours: str, theirs: str, shape: DanceShape) -> None:
    """Also those it may lack: a skip where widths are equal, a second norm at the end."""
    for part, name in RESIDUAL.items():
        places[f"{ours}{part}.weight"] = Place((f"{theirs}{name}.weight",), 1 if "norm" in name else 3)
        if part != "skip":
            places[f"{ours}{part}.bias"] = Place((f"{theirs}{name}.bias",), 1)


def _attention(places: dict[str, Place], ours: str, theirs: str) -> None:
    for kind, ndim in (("weight", 3), ("bias", 1)):
        places[f"{ours}qkv_proj.{kind}"] = Place(tuple(f"{theirs}{name}.{kind}" for name in QKV), ndim)
        for part, name in ATTENTION.items():
            places[f"{ours}{part}.{kind}"] = Place((f"{theirs}{name}.{kind}",), 1 if part == "norm" else ndim)


def shape_in_diffusers(tensors: Mapping[str, Tensor]) -> DanceShape:
    """The shape of a net in diffusers' layout. Raises KeyError or ValueError where it is not one."""
    first = tensors["down_blocks.0.resnets.0.conv_1.weight"]
    fourier, widths, attends = len(tensors[DIFFUSERS_MARK]), [first.shape[0]], []
    while (name := f"down_blocks.{len(widths)}.resnets.0.conv_1.weight") in tensors:
        attends.append(f"down_blocks.{len(widths)}.attentions.0.query.weight" in tensors)
        widths.append(tensors[name].shape[0])
    attends.append("mid_block.attentions.0.query.weight" in tensors)
    widths.append(tensors["mid_block.resnets.0.conv_1.weight"].shape[0])
    last = tensors[f"up_blocks.{len(widths) - 2}.resnets.2.conv_2.weight"]
    if attends != sorted(attends) or first.shape[1] != last.shape[0] + 2 * fourier:
        raise ValueError("its time features or attention are not those of Dance Diffusion")
    return DanceShape(last.shape[0], tuple(widths), sum(attends), fourier)


def to_diffusers(state: Mapping[str, Tensor], shape: DanceShape) -> dict[str, Tensor]:
    """A state dict by diffusers' names."""
    written = dict[str, Tensor]()
    for name, place in in_diffusers(shape).items():
        if name not in state:
            continue
        value = state[name]
        flat = value.flatten() if name == MARK else value[..., 0] if "_proj.weight" in name else value
        written.update(zip(place.names, flat.chunk(len(place.names))))
    return {name: value.contiguous() for name, value in written.items()}


def diffusers_config(shape: DanceShape, rate_hz: int, samples: int) -> dict[str, object]:
    """config.json of UNet1DModel for such a net."""
    deep = [shape.attends(level) for level in range(1, len(shape.widths) - 1)]
    return {
        "_class_name": "UNet1DModel",
        "sample_size": samples,
        "sample_rate": rate_hz,
        "in_channels": shape.channels,
        "out_channels": shape.channels,
        "extra_in_channels": 2 * shape.fourier,
        "time_embedding_type": "fourier",
        "time_embedding_dim": 2 * shape.fourier,
        "flip_sin_to_cos": True,
        "use_timestep_embedding": False,
        "freq_shift": 0.0,
        "block_out_channels": list(shape.widths[:-1]),
        "down_block_types": ["DownBlock1DNoSkip", *("AttnDownBlock1D" if a else "DownBlock1D" for a in deep)],
        "mid_block_type": "UNetMidBlock1D",
        "up_block_types": [*("AttnUpBlock1D" if a else "UpBlock1D" for a in deep[::-1]), "UpBlock1DNoSkip"],
        "out_block_type": None,
        "act_fn": None,
        "layers_per_block": 1,
        "downsample_each_block": False,
    }
