"""WFDB headers, read by ourselves and refused where they could hurt, before any library sees them.

https://www.physionet.org/physiotools/wag/header-5.htm. Libraries follow names in a header to other folders and
to the network, and believe its numbers; so a record is one folder's business here: its signal files lie beside
the header, exist, and are as large as it says.
"""

from __future__ import annotations

import math
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from heart.errors import FileError

MAX_HEADER_BYTES = 65_536
MAX_SIGNALS = 32
MAX_FILE_BYTES = 256 * 2**20
MAX_SECONDS = 48 * 3_600.0
MAX_SAMPLES = 64 * 2**20
"""Of all signals together: a day of one lead at 500 Hz, as 64-bit numbers half a gigabyte."""
RATES_HZ = (50.0, 10_000.0)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 11, "311": 11}
"""Storage formats, and the bits a sample takes at least."""


@dataclass(frozen=True)
class Header:
    """What a trusted header says."""

    folder: Path
    name: str
    rate_hz: float
    samples: int
    """Of each signal; 0 where there are no signals but annotations alone."""
    signals: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate_hz


def read_header(path: Path) -> Header:
    """Read NAME.hea, and look at the files it names.

    Raises:
        FileError: missing, no regular file, too large, not a single-segment header, numbers out of range,
            a signal file that is elsewhere, missing, of an unknown format, or shorter than claimed.
    """
    size = regular_size(path)
    if size > MAX_HEADER_BYTES:
        raise FileError(f"{path}: {size} bytes; a header has at most {MAX_HEADER_BYTES}")
    lines = [line.strip() for line in path.read_bytes().decode("ascii", "replace").splitlines()]
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    header = _record(path, rows[0] if rows else [])
    if len(rows) - 1 < header.signals:
        raise FileError(f"{path}: tells of {header.signals} signals and describes {len(rows) - 1}")
    for name, bits in _files(path, rows[1 : header.signals + 1]).items():
        size = regular_size(path.with_name(name))
        if size > MAX_FILE_BYTES:
            raise FileError(f"{path}: {name} has {size >> 20} MB, at most {MAX_FILE_BYTES >> 20} are read")
        if size * 8 < header.samples * bits:
            raise FileError(f"{path}: {name} is shorter than the {header.samples} samples the header tells of")
    return header


def regular_size(path: Path) -> int:
    """Bytes of a regular file. Raises FileError for anything else: links, pipes, devices, folders."""
    try:
        found = os.lstat(path)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from None
    if not stat.S_ISREG(found.st_mode):
        raise FileError(f"{path}: not a regular file")
    return found.st_size


def _record(path: Path, row: list[str]) -> Header:
    """The record line: name, signals, rate, samples."""
    if len(row) < 3:
        raise FileError(f"{path}: no record line (name, signals, samples a second, samples)")
    name = row[0]
    if "/" in name:
        raise FileError(f"{path}: a record of several segments, or a path: {name[:40]!r}; give one segment")
    if name != path.stem or not _NAME.fullmatch(name):
        raise FileError(f"{path}: tells of record {name[:40]!r}, must be {path.stem!r}")
    signals = _whole(path, "signals", row[1], MAX_SIGNALS)
    rate_hz = _rate(path, row[2].split("/")[0].split("(")[0])
    samples = _whole(path, "samples", row[3] if len(row) > 3 else "0", MAX_SAMPLES)
    if signals and not samples:
        raise FileError(f"{path}: does not say how many samples there are")
    if samples * max(signals, 1) > MAX_SAMPLES or samples / rate_hz > MAX_SECONDS:
        raise FileError(f"{path}: {signals} signals of {samples} samples are more than is read; cut it")
    return Header(path.parent, name, rate_hz, samples, signals)


def _files(path: Path, rows: list[list[str]]) -> dict[str, int]:
    """Each signal file beside the header, and the bits that all its signals take for one sample."""
    files: dict[str, int] = {}
    for row in rows:
        if len(row) < 2 or not _NAME.fullmatch(row[0]):
            raise FileError(f"{path}: signal file {row[0][:40]!r} is not a plain name beside the header")
        found = re.fullmatch(r"(\d+)(?:x1)?(?::\d+)?(?:\+\d+)?", row[1])
        if not found or found[1] not in _BITS:
            raise FileError(f"{path}: signal format {row[1][:20]!r} is not read; there are {', '.join(_BITS)}")
        files[row[0]] = files.get(row[0], 0) + _BITS[found[1]]
    return files


def _whole(path: Path, what: str, text: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,12}", text) or int(text) > most:
        raise FileError(f"{path}: {text[:20]!r} {what}, must be a whole number up to {most}")
    return int(text)


def _rate(path: Path, text: str) -> float:
    try:
        rate_hz = float(text)
    except ValueError:
        rate_hz = math.nan
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise FileError(f"{path}: {text[:20]!r} samples a second, must be {RATES_HZ[0]:g} to {RATES_HZ[1]:g}")
    return rate_hz
