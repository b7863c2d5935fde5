"""EDF headers (https://www.edfplus.info/specs/edf.html), read by ourselves before edfio sees the file.

A header of fixed widths tells of signals and records; what does not fit the file's size is refused here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from heart.ecg.header import MAX_FILE_BYTES, MAX_SAMPLES, MAX_SECONDS, RATES_HZ, regular_size
from heart.errors import FileError

MAIN_BYTES = 256
MOST_SIGNALS = 128
ANNOTATIONS = "EDF Annotations"
_LEADS = re.compile(r"ecg|ekg|\b(mlii|i{1,3}|av[rlf]|v[1-9])\b", re.IGNORECASE)
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Label, transducer, unit, physical and digital limits, filters, samples in a record, reserved."""
_LABEL, _SAMPLES = 0, 8


@dataclass(frozen=True)
class EdfHeader:
    """What a trusted header says; `chosen`: numbers of the signals that are read, all of one rate."""

    path: Path
    records: int
    record_s: float
    labels: tuple[str, ...]
    per_record: tuple[int, ...]
    chosen: tuple[int, ...]

    @property
    def rate_hz(self) -> float:
        return self.per_record[self.chosen[0]] / self.record_s

    @property
    def seconds(self) -> float:
        return self.records * self.record_s


def read_edf_header(path: Path) -> EdfHeader:
    """Read the header, and compare it with the file. Chosen are the signals that are called ECG or like a lead,
    else all, of the rate of the first of them.

    Raises:
        FileError: no EDF, annotations alone, numbers out of range, shorter than it says.
    """
    size = regular_size(path)
    if size > MAX_FILE_BYTES:
        raise FileError(f"{path}: {size >> 20} MB, at most {MAX_FILE_BYTES >> 20} are read; cut it")
    with open(path, "rb") as file:
        head = file.read(MAIN_BYTES).decode("ascii", "replace")
        count = _number(path, "signals", head[252:256], 1, MOST_SIGNALS) if head.startswith("0       ") else 0
        if not count:
            raise FileError(f"{path}: not an EDF file (it does not begin with its version, 0)")
        fields = _fields(file.read(MAIN_BYTES * int(count)).decode("ascii", "replace"), int(count))
    records = _number(path, "records", head[236:244], 1, MAX_SAMPLES)
    record_s = _number(path, "seconds a record", head[244:252], 0, 3_600, whole=False)
    labels = tuple(label.strip() for label in fields[_LABEL])
    per_record = tuple(int(_number(path, "samples a record", text, 1, MAX_SAMPLES)) for text in fields[_SAMPLES])
    needed = MAIN_BYTES * (1 + int(count)) + 2 * int(records) * sum(per_record)
    if size < needed:
        whole = max(0, size - MAIN_BYTES * (1 + int(count))) // (2 * sum(per_record))
        raise FileError(f"{path}: cut off after {whole} of {records:.0f} records ({size} of {needed} bytes)")
    return _checked(EdfHeader(path, int(records), record_s, labels, per_record, _choice(labels, per_record)))


def _fields(text: str, count: int) -> list[list[str]]:
    """Each field of all signals: they lie field by field."""
    fields, at = [], 0
    for width in _WIDTHS:
        fields.append([text[at + n * width : at + (n + 1) * width] for n in range(count)])
        at += width * count
    return fields


def _choice(labels: tuple[str, ...], per_record: tuple[int, ...]) -> tuple[int, ...]:
    signals = [n for n, label in enumerate(labels) if label != ANNOTATIONS]
    leads = [n for n in signals if _LEADS.search(labels[n])] or signals
    return tuple(n for n in leads if per_record[n] == per_record[leads[0]])


def _checked(header: EdfHeader) -> EdfHeader:
    if not header.chosen:
        raise FileError(f"{header.path}: holds annotations alone, no signal")
    if header.record_s <= 0 or not RATES_HZ[0] <= header.rate_hz <= RATES_HZ[1]:
        rate = f"{header.rate_hz:g}" if header.record_s > 0 else "no"
        raise FileError(f"{header.path}: {rate} samples a second, must be {RATES_HZ[0]:g} to {RATES_HZ[1]:g}")
    if header.seconds > MAX_SECONDS:
        raise FileError(f"{header.path}: {header.seconds / 3600:.0f} hours are more than is read; cut it")
    return header


def _number(path: Path, what: str, text: str, least: float, most: float, whole: bool = True) -> float:
    """A number of the header's text. Raises FileError when it is none, or lies outside."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most or (whole and value != int(value)):
        raise FileError(f"{path}: {text.strip()[:12]!r} {what}, must be {least:g} to {most:g}")
    return value
