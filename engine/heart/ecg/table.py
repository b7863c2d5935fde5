"""ECG as text: a column or several of samples, with a heading or without, with a column of time or a rate given.

An empty cell, `nan` or `-` is a sample that is missing. Samples that are further apart than usual leave a gap.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heart.ecg.header import MAX_SAMPLES, MAX_SECONDS, MAX_SIGNALS, RATES_HZ, regular_size
from heart.errors import FileError

MAX_TABLE_BYTES = 128 * 2**20
MISSING = frozenset({"", "nan", "-", "na"})
_TIME = re.compile(r"(elapsed )?(time|t|seconds?)([ _(]*(?P<unit>ms|msec|s|sec)[) ]*)?", re.IGNORECASE)
_INDEX = re.compile(r"sample( ?#|s)?|index|n", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """samples float32 [n, channels], NaN where missing."""

    samples: np.ndarray
    rate_hz: float
    names: tuple[str, ...]


def read_table(path: Path, rate_hz: float | None) -> Table:
    """Read a table; `rate_hz` takes the place of its column of time.

    Raises:
        FileError: too large, text where a number must be (with line and column), rows of different lengths, no rate
            or one out of range, times that do not rise.
    """
    size = regular_size(path)
    if size > MAX_TABLE_BYTES:
        raise FileError(f"{path}: {size >> 20} MB, at most {MAX_TABLE_BYTES >> 20} are read; cut it")
    names, values = _parse(path)
    words = [_clean(name) for name in names]
    clock = next((n for n, word in enumerate(words) if _TIME.fullmatch(word)), None)
    counters = {n for n, word in enumerate(words) if _INDEX.fullmatch(word)} if clock is None else set()
    kept = [n for n in range(values.shape[1]) if n != clock and n not in counters]
    if not kept:
        raise FileError(f"{path}: has no column of samples")
    samples = values[:, kept].astype(np.float32)
    if clock is not None and not rate_hz:
        samples, rate_hz = _on_grid(path, values[:, clock], samples, words[clock])
    if not rate_hz:
        raise FileError(f"{path}: has no column of time; give its samples a second with --rate")
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise FileError(f"{path}: {rate_hz:g} samples a second, must be {RATES_HZ[0]:g} to {RATES_HZ[1]:g}")
    return Table(samples, float(rate_hz), tuple(words[n] or f"column {n + 1}" for n in kept))


def _clean(name: str) -> str:
    return name.strip().strip("'\"").strip()


def _parse(path: Path) -> tuple[list[str], np.ndarray]:
    """Names of the columns ("" without a heading) and float64 [rows, columns]."""
    rows: list[list[float]] = []
    names: list[str] = []
    for line, cells in _lines(path):
        try:
            row = [_cell(cell) for cell in cells]
        except ValueError as error:
            if rows or not (len(names) == 0 or all(_word(cell) for cell in cells)):
                raise FileError(f"{path}: line {line}: {error}") from None
            names = names or cells  # a heading, or the units under it
            continue
        if len(row) != len(rows[0] if rows else row) or (names and len(row) != len(names)):
            raise FileError(
                f"{path}: line {line} has {len(row)} columns, not {len(rows[0]) if rows else len(names)}"
            )
        if len(row) > MAX_SIGNALS or len(rows) * len(row) > MAX_SAMPLES:
            raise FileError(f"{path}: line {line}: more columns or rows than are read; cut it")
        rows.append(row)
    if len(rows) < 2:
        raise FileError(f"{path}: has no rows of samples")
    return names or [""] * len(rows[0]), np.array(rows)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that says something; the delimiter is the first line's own."""
    delimiter = ""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for number, text in enumerate(file, 1):
                text = text.strip()
                if not text or text.startswith("#"):
                    continue
                delimiter = delimiter or next((mark for mark in ";,\t" if mark in text), " ")
                cells = text.split() if delimiter == " " else next(csv.reader([text], delimiter=delimiter))
                yield number, cells
    except (UnicodeDecodeError, csv.Error):
        raise FileError(f"{path}: not a table of text; give WFDB (.hea), EDF (.edf) or CSV") from None


def _cell(text: str) -> float:
    word = text.strip()
    if word.lower() in MISSING:
        return math.nan
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"{word[:20]!r} is no number") from None


def _word(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False


def _on_grid(path: Path, times: np.ndarray, samples: np.ndarray, name: str) -> tuple[np.ndarray, float]:
    """Samples on an even grid of time, NaN where none is, and its rate in Hz."""
    found = _TIME.fullmatch(name)
    times_s = times / 1_000 if found and (found["unit"] or "").startswith("ms") else times
    steps_s = np.diff(times_s)
    if not np.all(np.isfinite(times_s)) or not np.all(steps_s > 0):
        row = int(np.argmin(np.isfinite(steps_s) & (steps_s > 0)))
        raise FileError(f"{path}: the time of sample {row + 2} ({times[row + 1]:g}) does not follow {times[row]:g}")
    step_s = float(np.median(steps_s))
    # Times rounded to a digit or two: over a stretch without gaps they tell the rate better than one step does.
    even = steps_s < 1.5 * step_s
    rate_hz = 1 / float(steps_s[even].mean())
    if times_s[-1] - times_s[0] > MAX_SECONDS or (times_s[-1] - times_s[0]) * rate_hz > 2 * MAX_SAMPLES:
        raise FileError(f"{path}: lasts {(times_s[-1] - times_s[0]) / 3600:.0f} hours, more than is read; cut it")
    places = np.cumsum(np.concatenate([[0], np.where(even, 1, np.rint(steps_s * rate_hz))])).astype(np.int64)
    grid = np.full((int(places[-1]) + 1, samples.shape[1]), np.nan, np.float32)
    grid[places] = samples
    return grid, round(rate_hz, 6)
