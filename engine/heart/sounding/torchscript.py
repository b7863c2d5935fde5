"""TorchScript files, looked at and never run: whose is it, and is it whole?

To load such a file is to run what is in it, so the engine loads none, not even its own. They are zip archives; ours
carry a record, `extra/heart.json`, that names model and format and holds a checksum over everything else.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from heart.audio import shown
from heart.errors import FileError

RECORD = "extra/heart.json"
MOST_RECORD_BYTES = 1 << 20
MOST_GROWTH = 20
"""Times its size that an archive may unpack to, and 64 MB: torch compresses only code."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    LookupError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Script:
    """What a TorchScript file says of itself."""

    path: Path
    name: str
    """Of the module inside."""
    record: Mapping[str, object]
    """Of a file of this program: model, format, weights (sha256), sha256 of all else. Of others: empty."""
    whole: bool
    """Whether the record's checksum is that of the file."""


def is_script(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip with code in it. Runs and unpacks nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except DAMAGED:
        return False
    return any("/code/" in name for name in names) and any(name.endswith("/data.pkl") for name in names)


def look_at(path: Path) -> Script:
    """Read the record of a TorchScript file and prove it. Raises FileError where it is none, or damaged."""
    if not path.is_file():
        raise FileError(f"{shown(path)}: no such file")
    if not is_script(path):
        raise FileError(f"{shown(path)}: not a TorchScript file (a zip archive with code), or truncated")
    try:
        with zipfile.ZipFile(path) as archive:
            claimed, there = sum(info.file_size for info in archive.infolist()), path.stat().st_size
            if claimed > MOST_GROWTH * there + (64 << 20):
                raise FileError(
                    f"{shown(path)}: claims {claimed >> 20} MB in a file of {there >> 20} MB; not opened"
                )
            root = archive.namelist()[0].partition("/")[0]
            return Script(path, shown(root), *_record(archive, root))
    except DAMAGED as error:
        raise FileError(f"{shown(path)}: damaged ({shown(str(error))}); export it again") from None


def _record(archive: zipfile.ZipFile, root: str) -> tuple[dict[str, object], bool]:
    place = f"{root}/{RECORD}"
    if place not in archive.namelist() or archive.getinfo(place).file_size > MOST_RECORD_BYTES:
        return {}, False
    record = json.loads(archive.read(place))
    if not isinstance(record, dict) or not {"model", "format", "sha256"} <= set(record):
        return {}, False
    return record, record["sha256"] == _proof(archive, place)


def _proof(archive: zipfile.ZipFile, but: str) -> str:
    """Checksum of names and contents of all members but one."""
    digest = hashlib.sha256()
    for name in sorted(set(archive.namelist()) - {but}):
        digest.update(name.encode() + b"\0")
        with archive.open(name) as member:
            while block := member.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def sign(path: Path, record: Mapping[str, object]) -> None:
    """Write our record into a TorchScript file that has none, and drop its notes of where its sources lay."""
    part = path.with_suffix(".signed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(part, "w") as new:
        for info in old.infolist():
            if not info.filename.endswith(".debug_pkl"):
                new.writestr(info, old.read(info))
    with zipfile.ZipFile(part) as archive:
        root, proof = archive.namelist()[0].partition("/")[0], _proof(archive, "")
    with zipfile.ZipFile(part, "a") as archive:
        archive.writestr(f"{root}/{RECORD}", json.dumps({**record, "sha256": proof}, indent=1))
    os.replace(part, path)


def say(path: Path) -> str:
    """A line for a file that is ours. Raises FileError, which says whose it is, for any other."""
    script = look_at(path)
    if not script.record:
        raise FileError(
            f"{shown(path)}: a TorchScript file, but none that this program wrote ({script.name}); to load it "
            "would be to run it, so it is not loaded"
        )
    if not script.whole:
        raise FileError(f"{shown(path)}: changed since it was exported; export it again with `heart models export`")
    model, kind = (shown(str(script.record[key])) for key in ("model", "format"))
    return f"{shown(path)}: {model} for {kind}, written by this program, whole"
