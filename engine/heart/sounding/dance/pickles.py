"""Checkpoints of torch.save without torch.load: what they say is read, nothing they ask for is done.

A pickle is a program. This reader lets it build dictionaries, lists, numbers, texts and *plans* of tensors (which
storage, offset, size, strides). Every other class becomes an inert stub, whatever is done to it; a name of Python's
own library that nobody stores as data (os.system, builtins.exec, ...) ends the reading, because only an attack
asks for it. Tensors are read from the file when they are wanted, so the optimizer in a checkpoint costs nothing.

Where the pickle and the numbers lie in a file is in `archives.py`.
"""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from heart.audio import shown
from heart.errors import FileError

DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
"""torch's storage classes that are read. A tensor of any other is a stub."""
DATA_MODULES = frozenset(
    {"argparse", "collections", "copyreg", "datetime", "decimal", "enum", "fractions", "pathlib"}
)
"""Modules of Python's own library whose classes honest checkpoints hold; they become stubs like any other."""
OLD_MODULES = frozenset({"__builtin__", "commands", "cPickle", "popen2", "urllib2"})
"""Python 2's words for modules that nobody stores as data."""
BUILTINS = {kind.__name__: kind for kind in (set, frozenset, list, dict, tuple)}
HARMLESS = frozenset({"object", "int", "float", "str", "bool", "complex", "slice", "range", "bytearray"})
"""Builtins that become stubs: bytearray(10 ** 12) would be memory."""


class _Refused(Exception):
    """The pickle asks for something that no checkpoint needs."""


class Stub:
    """Stands where the pickle has an object of a class that is not read; it takes everything and does nothing."""

    def __init__(self, *given: Any, **named: Any) -> None:
        pass

    def __call__(self, *given: Any, **named: Any) -> Stub:
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    append = extend = add = update = __setstate__


@dataclass(frozen=True)
class Plan:
    """A tensor as the pickle describes it; `read` in `PickledTensors` makes it."""

    key: str
    dtype: torch.dtype
    numel: int
    """Of its storage."""
    offset: int
    size: tuple[int, ...]
    strides: tuple[int, ...]

    def check(self) -> None:
        """Raises ValueError when it reaches out of its storage, or has more elements than that."""
        numbers = (self.offset, self.numel, *self.size, *self.strides)
        if len(self.size) != len(self.strides) or not all(isinstance(n, int) and n >= 0 for n in numbers):
            raise ValueError("sizes and strides that are not counts")
        end = self.offset + sum((n - 1) * stride for n, stride in zip(self.size, self.strides))
        count = math.prod(self.size)
        if count > self.numel or (count and end >= self.numel):
            raise ValueError(f"a tensor of {self.size} in a storage of {self.numel} numbers")


class _Reader(pickle._Unpickler):
    """Builds data and plans; see the module.

    On pickle's reader in Python: the one in C makes room for as many memories as a pickle says, 64 GB at a word.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="latin1")
        self.storages: dict[str, int] = {}
        """Bytes of each that was met."""

    def find_class(self, module: str, name: str) -> Any:
        made = _known(module, name)
        if made is not None:
            return made
        top = module.split(".")[0]
        data = name in HARMLESS if top in ("builtins", "__builtin__") else top in DATA_MODULES
        if (top in sys.stdlib_module_names or top in OLD_MODULES) and not data:
            raise _Refused(f"{module}.{name}")
        return type("Stub", (Stub,), {})

    def persistent_load(self, pid: Any) -> Any:
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"):
            raise ValueError(f"a reference that is no storage: {str(pid)[:60]}")
        _, kind, key, _, numel = pid[:5]
        if len(pid) > 5 and pid[5] is not None:
            raise ValueError("a view of a storage, as no torch since 0.4 writes it")
        if not isinstance(kind, torch.dtype):
            return Stub()
        self.storages[str(key)] = int(numel) * kind.itemsize
        return str(key), kind, int(numel)


def _known(module: str, name: str) -> Any:
    """What stands for a global that is read, or None."""
    if module == "torch" and name in DTYPES:
        return DTYPES[name]
    if (module, name) in (("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")):
        return _plan
    if (module, name) in (("torch._utils", "_rebuild_parameter"), ("torch.nn.parameter", "Parameter")):
        return _data_of
    if (module, name) == ("torch", "Size"):
        return tuple
    if (module, name) == ("collections", "OrderedDict"):
        return type("Ordered", (dict,), {"__setstate__": Stub.__setstate__})
    if (module, name) == ("_codecs", "encode"):  # how protocol 2 writes bytes
        return _bytes
    return BUILTINS.get(name) if module in ("builtins", "__builtin__") else None


def _plan(storage: Any, offset: Any, size: Any, strides: Any, *rest: Any) -> Plan | Stub:
    if isinstance(storage, Stub):
        return Stub()
    key, dtype, numel = storage
    return Plan(key, dtype, numel, offset, tuple(size), tuple(strides))


def _data_of(data: Any, *rest: Any) -> Any:
    return data


def _bytes(text: str, *rest: Any) -> bytes:
    return text.encode("latin1")


class PickledTensors(Mapping[str, Tensor]):
    """The tensors of a checkpoint by their dotted names, each read when it is asked for.

    `notes` holds the plain numbers and texts beside them, by dotted names too.
    """

    def __init__(self, tree: Any, read: Callable[[Plan], Tensor]) -> None:
        self.plans: dict[str, Plan] = {}
        self.notes: dict[str, Any] = {}
        self._read = read
        self._seen: set[int] = set()
        self._walk(tree, "")

    def _walk(self, tree: Any, name: str) -> None:
        """Only now, when the pickle has no more say, are plans checked."""
        if isinstance(tree, dict) and id(tree) not in self._seen:
            self._seen.add(id(tree))
            for key, value in tree.items():
                self._walk(value, f"{name}.{key}" if name else str(key))
        elif isinstance(tree, Plan):
            tree.check()
            self.plans[name] = tree
        elif isinstance(tree, (bool, int, float, str)):
            self.notes[name] = tree

    def __getitem__(self, name: str) -> Tensor:
        plan = self.plans[name]
        flat = self._read(plan)
        return flat.as_strided(plan.size, plan.strides, plan.offset).clone()

    def __contains__(self, name: object) -> bool:
        return name in self.plans

    def __iter__(self) -> Iterator[str]:
        return iter(self.plans)

    def __len__(self) -> int:
        return len(self.plans)


def planned(path: Path, tree: Any, read: Callable[[Plan], Tensor]) -> PickledTensors:
    try:
        return PickledTensors(tree, read)
    except (ValueError, TypeError, RecursionError) as error:
        raise FileError(f"{shown(path)}: damaged ({error}); fetch it again") from None


def unpickled(path: Path, file: IO[bytes]) -> tuple[Any, dict[str, int]]:
    """The next object of a file, and the bytes of each storage it speaks of. Raises FileError in words."""
    reader = _Reader(file)
    try:
        return reader.load(), reader.storages
    except _Refused as error:
        raise FileError(
            f"{shown(path)}: asks for {error}, which would run code; nothing was run. Do not open it elsewhere"
        ) from None
    except (MemoryError, RecursionError):
        raise FileError(f"{shown(path)}: its pickle is built to exhaust memory; not opened") from None
    except Exception as error:  # a damaged pickle can raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise FileError(f"{shown(path)}: truncated or damaged ({reason}); fetch it again") from None
