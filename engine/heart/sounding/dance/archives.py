"""The two forms of torch.save: where in the file the pickle lies, and where the numbers.

zip      NAME/data.pkl and NAME/data/0, 1, ...     torch 1.6 and later
legacy   pickles in a row, then the raw storages   before
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from heart.audio import shown
from heart.errors import FileError
from heart.sounding.dance.pickles import PickledTensors, Plan, planned, unpickled

MOST_PICKLE_BYTES = 64 << 20
"""Of the pickle itself, without the numbers of its tensors: those of a 3.5 GB training checkpoint have 2 MB."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
    OverflowError,
)
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def read_zip(path: Path) -> PickledTensors:
    """A checkpoint of torch 1.6 or later. Raises FileError in words."""
    with _whole(path):
        archive = zipfile.ZipFile(path)
    members = {info.filename: info for info in archive.infolist()}
    pickles = [name for name in members if name.endswith("/data.pkl") or name == "data.pkl"]
    if len(pickles) != 1:
        raise FileError(f"{shown(path)}: a zip archive, but not one of torch: it holds {_some(members)}")
    _check_members(path, members)
    if members[pickles[0]].file_size > MOST_PICKLE_BYTES:
        raise FileError(f"{shown(path)}: its pickle has {members[pickles[0]].file_size >> 20} MB; none needs 64")
    root = pickles[0][: -len("data.pkl")]

    def read(plan: Plan) -> Tensor:
        with _whole(path):
            data = archive.read(f"{root}data/{plan.key}")
        return _numbers(path, data, plan)

    with _whole(path):
        if f"{root}byteorder" in members and archive.read(f"{root}byteorder").strip() != b"little":
            raise FileError(f"{shown(path)}: written on a big-endian machine; save it again on another")
        with archive.open(pickles[0]) as file:
            return planned(path, unpickled(path, file)[0], read)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """zipfile says in a dozen ways that an archive is damaged, or of a kind that torch never writes."""
    try:
        yield
    except DAMAGED as error:
        raise FileError(f"{shown(path)}: truncated or damaged ({error}); fetch it again") from None


def _check_members(path: Path, members: Mapping[str, zipfile.ZipInfo]) -> None:
    """torch stores, it never compresses: what unpacks to more than the file holds is a bomb."""
    if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
        raise FileError(f"{shown(path)}: a compressed zip archive, which torch never writes; not opened")
    claimed, there = sum(info.file_size for info in members.values()), path.stat().st_size
    if claimed > there:
        raise FileError(f"{shown(path)}: claims {claimed >> 20} MB in a file of {there >> 20} MB; not opened")


def read_legacy(path: Path) -> PickledTensors:
    """A checkpoint of a torch before 1.6. Raises FileError in words."""
    file = path.open("rb")
    if unpickled(path, file)[0] != LEGACY_MAGIC:
        raise FileError(f"{shown(path)}: a pickle, but not one of torch.save; not opened")
    unpickled(path, file), unpickled(path, file)  # its version, and what machine wrote it
    tree, sizes = unpickled(path, file)
    places = _places(path, unpickled(path, file)[0], sizes, file.tell())

    def read(plan: Plan) -> Tensor:
        file.seek(places[plan.key])
        return _numbers(path, file.read(sizes[plan.key]), plan)

    return planned(path, tree, read)


def _places(path: Path, keys: Any, sizes: Mapping[str, int], at: int) -> dict[str, int]:
    """Where the numbers of each storage begin, the first at `at`: they stand in the order of `keys`."""
    places = dict[str, int]()
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise FileError(f"{shown(path)}: damaged (no list of its storages); fetch it again")
    for key in keys:
        if key not in sizes:
            raise FileError(f"{shown(path)}: holds a storage of a kind that is not read; save its state_dict alone")
        places[key] = at + 8  # a count stands in front
        at += 8 + sizes[key]
    if at > path.stat().st_size:
        raise FileError(f"{shown(path)}: truncated: {path.stat().st_size} of {at} bytes; fetch it again")
    return places


def _numbers(path: Path, data: bytes, plan: Plan) -> Tensor:
    if len(data) < plan.numel * plan.dtype.itemsize:
        raise FileError(f"{shown(path)}: truncated: a storage holds {len(data)} bytes; fetch it again")
    if not plan.numel:
        return torch.empty(0, dtype=plan.dtype)
    return torch.frombuffer(bytearray(data), dtype=plan.dtype, count=plan.numel)


def _some(names: Mapping[str, Any]) -> str:
    return ", ".join(shown(name) for name in list(names)[:3]) or "nothing"
