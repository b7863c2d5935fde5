"""The Max package on this machine: where it lies, and a copy where Max looks for packages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from heart.config import shipped
from heart.errors import FileError

NAME = "sounds-of-the-heart"
_NOT_FOR_MAX = shutil.ignore_patterns("build", "__pycache__", ".DS_Store")


def folder() -> Path:
    """The package as it came with the engine."""
    return shipped("max")


def packages_folders(documents: Path) -> list[Path]:
    """Folders in `documents` where Max looks for packages, of the newest Max first."""
    return [path / "Packages" for path in sorted(documents.glob("Max [0-9]*"), reverse=True) if path.is_dir()]


def install(to: Path | None = None, documents: Path | None = None) -> Path:
    """Copy the package into `to`, or into the packages of the newest Max; an older copy is replaced.

    Returns:
        The folder of the copy.

    Raises:
        FileError: no Max was found, or something else of that name is there.
    """
    documents = documents or Path.home() / "Documents"
    into = to or next(iter(packages_folders(documents)), None)
    if into is None:
        raise FileError(
            f'{documents}: no folder "Max 9" or "Max 8" there; start Max once, or name the folder: --to'
        )
    target = into / NAME
    if target.exists():
        if not _is_ours(target):
            raise FileError(f"{target}: there is something else by that name; move it away first")
        shutil.rmtree(target)
    shutil.copytree(folder(), target, ignore=_NOT_FOR_MAX)
    return target


def _is_ours(target: Path) -> bool:
    try:
        return json.loads((target / "package-info.json").read_text(encoding="utf-8"))["name"] == NAME
    except (OSError, ValueError, KeyError):
        return False
