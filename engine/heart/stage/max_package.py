"""The Max package and the concert patch on this machine, and a copy of them where Max looks for packages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from heart.config import shipped
from heart.errors import FileError

NAME = "sounds-of-the-heart"
CONCERT = "Sounds of the Heart, concert"
"""What the concert patch is called in Max's Extras menu."""

_NOT_FOR_MAX = shutil.ignore_patterns("build", "__pycache__", ".DS_Store")


def folder() -> Path:
    """The package as it came with the engine."""
    return shipped("max")


def concert() -> Path:
    """The concert patch for Max; the one for Pd lies beside it."""
    return shipped("patches") / "concert" / "SoundsOfTheHeart.maxpat"


def packages_folders(documents: Path) -> list[Path]:
    """Folders in `documents` where Max looks for packages, of the newest Max first."""
    return [path / "Packages" for path in sorted(documents.glob("Max [0-9]*"), reverse=True) if path.is_dir()]


def install(to: Path | None = None, documents: Path | None = None) -> Path:
    """Copy the package into `to`, or into the packages of the newest Max; an older copy is replaced.

    The concert patch comes with it, for Max's Extras menu, and what it recorded there stays.

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
    if target.exists() and not _is_ours(target):
        raise FileError(f"{target}: there is something else by that name; move it away first")
    for old in target.rglob("*"):
        if old.is_file() and not old.match("extras/heart-*.wav"):
            old.unlink()
    shutil.copytree(folder(), target, ignore=_NOT_FOR_MAX, dirs_exist_ok=True)
    shutil.copyfile(concert(), target / "extras" / f"{CONCERT}.maxpat")
    return target


def _is_ours(target: Path) -> bool:
    try:
        return json.loads((target / "package-info.json").read_text(encoding="utf-8"))["name"] == NAME
    except (OSError, ValueError, KeyError):
        return False
