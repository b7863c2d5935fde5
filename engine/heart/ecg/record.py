"""An ECG record, as the rest of the house sees it: read by a process of its own, or refused in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from heart.config import records_dir
from heart.ecg.edf import read_edf_header
from heart.ecg.header import read_header
from heart.ecg.reader import TIMEOUT_S
from heart.errors import FileError, UsageError

WFDB_SUFFIXES = (".hea", ".dat", ".atr")
TABLES = (".csv", ".tsv", ".txt")
PEAKS = ("auto", "annotated", "detected")
NORMAL = frozenset("NLRej")
"""Beats that the atria lead: normal, with bundle branch block, escape."""
FLAT_S = 3.0
"""A signal that does not move for this long is no signal: a lead is off."""
GAP_S = 0.1
"""Missing for this long it is a gap; less is bridged."""


@dataclass(frozen=True)
class Record:
    """A span of a record. Times in seconds from its beginning.

    samples: float32 [n, channels] in `units`, NaN where missing; [0, 0] where they were not asked for.
    symbols: of the beats, as in WFDB annotations; "N" for all where they are detected.
    """

    name: str
    rate_hz: float
    seconds: float
    from_s: float
    samples: np.ndarray
    channels: tuple[str, ...]
    units: tuple[str, ...]
    beats_s: np.ndarray
    symbols: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()
    """What was left out, a line each."""

    @cached_property
    def ectopic(self) -> np.ndarray:
        """bool [beats]: not led by the atria."""
        return np.array([symbol not in NORMAL for symbol in self.symbols], bool)

    @cached_property
    def gaps(self) -> list[tuple[float, float]]:
        """(begin, end) in s of what is missing, or flat, in the first channel."""
        if not self.samples.size:
            return []
        signal = self.samples[:, 0]
        missing = ~np.isfinite(signal)
        still = _runs(np.diff(signal) == 0, round(FLAT_S * self.rate_hz))
        spans = _runs(missing, round(GAP_S * self.rate_hz)) + [(first, last + 1) for first, last in still]
        return [(first / self.rate_hz, last / self.rate_hz) for first, last in sorted(spans)]


def read_record(
    path: Path,
    *,
    name: str = "",
    signals: bool = True,
    peaks: str = "auto",
    from_s: float = 0.0,
    to_s: float | None = None,
    rate_hz: float | None = None,
    channel: str | None = None,
) -> Record:
    """Read a span of a record: a WFDB header (or a file beside it), an .edf, or a table of text (.csv, .tsv, .txt).

    Args:
        peaks: "annotated" takes the beats of NAME.atr, "detected" finds R peaks in the first channel, "auto" the
            first of these where there are annotations; "none" looks for no beats.
        rate_hz: of a table without a column of time.
        channel: one alone, by name or counted from 1.

    Raises:
        FileError: the record is refused, damaged, or takes too long.
        UsageError: the extra `ecg` is missing; no such channel; nothing between from_s and to_s.
    """
    path = _check(path)
    request = {
        "path": str(path), "peaks": peaks, "signals": signals, "from_s": from_s, "to_s": to_s, "rate_hz": rate_hz,
        "channel": channel,
    }  # fmt: skip
    command = [sys.executable, "-m", "heart.ecg.reader"]
    try:
        done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise FileError(f"{path}: not read within {TIMEOUT_S:.0f} s; cut the record") from None
    answer, _, raw = done.stdout.partition(b"\n")
    told = _answer(path, answer, done.returncode)
    channels = len(told["names"])
    samples = np.frombuffer(raw, "<f4").reshape(-1, channels) if raw else np.zeros((0, 0), np.float32)
    return Record(
        name or path.stem, told["rate_hz"], told["seconds"], told["from_s"], samples, tuple(told["names"]),
        tuple(told["units"]), np.array(told["beats_s"], float), tuple(told["symbols"]), told["source"],
        tuple(told["notes"]),
    )  # fmt: skip


def read_peaks(path: Path) -> list[float]:
    """Seconds of all beats of a record, annotated or detected; at least two.

    Raises: as `read_record`; FileError where there are no beats.
    """
    found = read_record(path, signals=False).beats_s
    if len(found) < 2:
        raise FileError(f"{path}: no beats found in it")
    return [float(moment_s) for moment_s in found]


def find_record(name: str | Path) -> Path:
    """The file a record's name means: a path with or without suffix, or a name as in mitdb/100 that was fetched.

    Raises FileError when there is none; the message says where it was looked for.
    """
    given = Path(name).expanduser()
    places = [given] if given.suffix.lower() in (*WFDB_SUFFIXES, *TABLES, ".edf") else []
    for base in (given, records_dir() / given):
        places += [base.with_name(base.name + suffix) for suffix in (".hea", ".edf", ".csv")]
    for place in places:
        if place.exists() or (place.suffix in WFDB_SUFFIXES and place.with_suffix(".hea").exists()):
            return place
    raise FileError(
        f"{name}: no such record here (.hea, .edf or .csv) nor in {records_dir()}; heart data fetch {_like(given)}"
    )


def _like(given: Path) -> str:
    return "/".join(given.parts[-2:]) if len(given.parts) == 2 and not given.suffix else "mitdb/100 fetches one"


def _check(path: Path) -> Path:
    """The file to be read, after its header was found to be sound; tables are checked as they are read."""
    kind = path.suffix.lower()
    if kind in WFDB_SUFFIXES:
        path = path.with_suffix(".hea")
        read_header(path)
    elif kind == ".edf":
        read_edf_header(path)
    elif kind not in TABLES:
        raise UsageError(f"{path}: an ECG is read from WFDB (.hea), EDF (.edf) or text (.csv, .tsv, .txt)")
    return path


def _answer(path: Path, line: bytes, code: int) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = {}
    if "usage" in answer:
        raise UsageError(str(answer["usage"]))
    if "beats_s" not in answer:
        raise FileError(str(answer.get("error", f"{path}: its reader ended ({code})")))
    return dict(answer)


def _runs(flags: np.ndarray, least: int) -> list[tuple[int, int]]:
    """(first, behind last) of the runs of true in bool [n] that are at least so long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2) if last - first >= max(1, least)]
