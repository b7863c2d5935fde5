"""Opens a Dance Diffusion net, whatever file or folder it lies in, and says what is in it. Runs nothing of it.

What can be read: checkpoints of PyTorch Lightning and torch.save (`archives.py`), also trimmed and in half
precision; safetensors; folders of diffusers. What cannot is refused by what was found.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from heart.audio import shown
from heart.errors import FileError
from heart.sounding.dance import layouts
from heart.sounding.dance.archives import read_legacy, read_zip
from heart.sounding.dance.net import DanceNet, DanceShape, Down, Up, shape_of
from heart.sounding.headers import check_header
from heart.sounding.torchscript import is_script

MOST_BYTES = 8 << 30
"""The largest checkpoint seen, a training one with its optimizer, has 3.5 GB."""
READ = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
BIN, SAFE = "diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors"
NO_NET = "not a Dance Diffusion net"


@dataclass(frozen=True)
class Checkpoint:
    """An opened file. Its tensors are read when they are asked for, by our names."""

    path: Path
    tensors: Mapping[str, Tensor]
    shape: DanceShape
    layout: str
    """In words: "prefix 'diffusion_ema.'" or "diffusers"."""
    dtype: torch.dtype
    rate_hz: int | None = None
    samples: int | None = None
    """Native length; both only where the file says so."""

    def net(self) -> DanceNet:
        """The net in float32, ready to run. Raises FileError for weights that are no numbers."""
        net = outline(self.shape)
        net.load_state_dict(self.state(torch.float32), assign=True)
        return net.eval().requires_grad_(False)

    def state(self, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """All tensors, in their own precision or `dtype`; kernels that the file lacks are filled in.

        Raises FileError for a tensor of another size or kind than the net's, or with values that are no numbers.
        """
        sizes = sizes_of(self.shape)
        return {name: self._tensor(name, size).to(dtype or self.dtype) for name, size in sizes.items()}

    def _tensor(self, name: str, size: torch.Size) -> Tensor:
        if name not in self.tensors:
            return (Down() if name.endswith("main.0.kernel") else Up()).state_dict()["kernel"]
        value = self.tensors[name]
        if value.shape != size:
            raise FileError(f"{shown(self.path)}: {name} is {list(value.shape)}, not {list(size)}")
        if value.dtype not in READ:
            raise FileError(f"{shown(self.path)}: {name} holds {value.dtype}; float32, float16, bfloat16 are read")
        if not bool(torch.isfinite(value).all()):
            raise FileError(f"{shown(self.path)}: {name} holds values that are no numbers; the training went wrong")
        return value.contiguous()


def outline(shape: DanceShape) -> DanceNet:
    """The net without numbers."""
    with torch.device("meta"):
        return DanceNet(shape)


@lru_cache(maxsize=4)
def sizes_of(shape: DanceShape) -> Mapping[str, torch.Size]:
    """Its tensors by name."""
    return {name: value.shape for name, value in outline(shape).state_dict().items()}


def open_checkpoint(path: Path) -> Checkpoint:
    """Raises FileError, in words, for what is not a whole Dance Diffusion net."""
    config: dict[str, Any] = {}
    if path.is_dir():
        path, config = _in_folder(path)
    tensors, notes = _read(path)
    prefix = layouts.find_prefix(tensors)
    if prefix is not None:
        placed = layouts.Placed(tensors, layouts.behind(prefix, tensors))
        layout, find_shape = f"prefix {prefix!r}", lambda: shape_of(placed)
    elif layouts.DIFFUSERS_MARK in tensors:
        layout, find_shape = "diffusers", lambda: layouts.shape_in_diffusers(tensors)
    else:
        raise FileError(f"{shown(path)}: {NO_NET}: {_holds(tensors)}, but no {layouts.MARK!r}")
    try:
        shape = find_shape()
    except KeyError as error:
        raise FileError(f"{shown(path)}: {NO_NET}, or not all of one: {error} is missing") from None
    except (ValueError, IndexError) as error:
        raise FileError(f"{shown(path)}: {NO_NET} that can be sampled: {error}") from None
    if prefix is None:
        places, there = layouts.in_diffusers(shape), set(tensors)
        placed = layouts.Placed(tensors, {name: place for name, place in places.items() if there >= {*place.names}})
    _check_names(path, placed, shape)
    rate_hz = _count(config.get("sample_rate") or _note(notes, "sample_rate"))
    samples = _count(config.get("sample_size") or _note(notes, "native_chunk_size") or _note(notes, "sample_size"))
    return Checkpoint(path, placed, shape, layout, placed["net.0.main.0.weight"].dtype, rate_hz, samples)


def _in_folder(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The weights and config.json of a diffusers folder, or of its unet."""
    for inner in (folder / "unet", folder):
        for name in (SAFE, BIN):
            if (inner / name).is_file():
                return inner / name, _config(inner / "config.json")
    held = ", ".join(sorted(p.name for p in folder.iterdir())[:4]) or "nothing"
    raise FileError(f"{shown(folder)}: no folder of diffusers: no unet/{SAFE} in it, but {shown(held)}")


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return {}
    return config if isinstance(config, dict) else {}


def _read(path: Path) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
    """Tensors and notes of a file, by what it begins with."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise FileError(f"{shown(path)}: cannot be read ({error.strerror})") from None
    if size > MOST_BYTES:
        raise FileError(f"{shown(path)}: {size >> 30} GB; no such checkpoint has more than {MOST_BYTES >> 30}")
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < 100 << 20:
        safe = _SafeTensors(path)
        return safe, safe.notes
    if head[:4] == b"PK\x03\x04":
        if is_script(path):
            raise FileError(
                f"{shown(path)}: a TorchScript file, and to load it would be to run it; `heart models check` says "
                "whose it is. Give the checkpoint it was made from"
            )
        found = read_zip(path)
        return found, found.notes
    if head[:1] == b"\x80":
        found = read_legacy(path)
        return found, found.notes
    raise FileError(f"{shown(path)}: {_is_instead(head)}")


def _is_instead(head: bytes) -> str:
    """What a file is that is no checkpoint, by its beginning."""
    start = head.lstrip()[:64].lower()
    if not head:
        return "is empty; fetch it again"
    if start.startswith(b"version https://git-lfs"):
        return "only points to the file (Git LFS); run `git lfs pull` where it came from"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "a web page, saved instead of the file; fetch it again, signed in if need be"
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it first (torch before 0.2 wrote such, no Dance Diffusion is that old)"
    if head[:2] == b"\x1f\x8b" or head[:3] == b"BZh" or head[:6] == b"\xfd7zXZ\x00":
        return "compressed; unpack it first"
    return "neither a checkpoint of torch nor safetensors"


class _SafeTensors(Mapping[str, Tensor]):
    """A safetensors file, read name by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            check_header(path)
            self._file = safe_open(path, "pt")
            self._names = set(self._file.keys())
            self.notes = {key: int(text) for key, text in (self._file.metadata() or {}).items() if text.isdigit()}
        except (SafetensorError, OSError, ValueError) as error:
            raise FileError(f"{shown(path)}: truncated or damaged ({_first_line(error)}); fetch it again") from None

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        try:
            value: Tensor = self._file.get_tensor(name)
        except (SafetensorError, AttributeError, KeyError) as error:  # a dtype that this torch does not have
            raise FileError(f"{shown(self.path)}: {name} cannot be read ({_first_line(error)})") from None
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _check_names(path: Path, placed: Mapping[str, Tensor], shape: DanceShape) -> None:
    """Every tensor of the net is there, and none of another net."""
    wanted = sizes_of(shape)
    missing = [name for name in wanted if name not in placed and not name.endswith(".kernel")]
    extra = [name for name in placed if name not in wanted and not name.endswith(".kernel")]
    if missing or extra:
        names, what = (missing, "lacks") if missing else (extra, "has besides")
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise FileError(f"{shown(path)}: {NO_NET} of {len(shape.widths)} levels: it {what} {names[0]}{more}")


def _holds(tensors: Mapping[str, Tensor]) -> str:
    some = ", ".join(shown(name)[:60] for name in list(tensors)[:2])
    return f"{len(tensors)} tensors such as {some}" if tensors else "no tensor at all"


def _note(notes: Mapping[str, Any], word: str) -> Any:
    return next((value for name, value in notes.items() if name.split(".")[-1] == word), None)


def _count(value: Any) -> int | None:
    whole = isinstance(value, (int, float)) and math.isfinite(value) and 0 < value < 2**24
    return int(value) if whole else None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
