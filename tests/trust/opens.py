"""Which files are opened, here and by processes started here: Python's audit events, seen while one looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_watched: list[list[str]] = []
_ours = [os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sys.path) if path]
_installed = False


def _hook(event: str, args: Any) -> None:
    if not _watched or event not in ("open", "subprocess.Popen", "os.rename", "os.remove"):
        return
    names = args[1] if event == "subprocess.Popen" else args[:1] if event != "os.rename" else args[:2]
    paths = [os.fsdecode(name) for name in names if isinstance(name, str | bytes) and os.fsencode(name)[:1] == b"/"]
    for path in paths:
        if "\0" not in path and path != os.devnull and not _is_program(path):
            _watched[-1].append(os.path.realpath(path))


def _is_program(path: str) -> bool:
    """Python's own files, and those of the project."""
    real = os.path.realpath(path)
    here = str(Path(__file__).resolve().parents[2])
    inside = any(real.startswith(folder + os.sep) for folder in (*_ours, here))
    return inside or real == os.path.realpath(sys.executable)


@contextmanager
def watching_opens() -> Iterator[list[str]]:
    """Paths opened meanwhile, with links resolved; without those of the programs themselves."""
    global _installed
    if not _installed:
        sys.addaudithook(_hook)  # for good: Python knows no way to take one out
        _installed = True
    _watched.append([])
    try:
        yield _watched[-1]
    finally:
        _watched.pop()
