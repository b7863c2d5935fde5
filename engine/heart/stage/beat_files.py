"""Beats from a file: RR intervals as text, an ECG record, or what `heart listen --json` printed.

The engine reads the text and the JSON itself, with limits before reading; an ECG record goes through a child
process (heart.ecg.reader). Only times come back.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from heart.ecg.header import regular_size
from heart.ecg.record import WFDB_SUFFIXES, find_record, read_peaks, read_record
from heart.errors import FileError, UsageError
from heart.sounding.track import RR_MS, Track
from heart.stage.ecg_pulse import COLOURS, PLAIN

MAX_BYTES = 8 * 2**20
ECG_SUFFIXES = (*WFDB_SUFFIXES, ".edf")
_SECONDS_BELOW = 20.0
"""No RR interval is shorter than 20 ms or longer than 20 s: below this the numbers are seconds."""
_COLUMNS = re.compile(r"rr(_?(ms|s))?", re.IGNORECASE)
_SPACES = re.compile(r"[,;\s]+")


def read_track(path: Path, loop: bool = False) -> Track:
    """The beats of a file.

    * `.hea` (or the `.dat` or `.atr` beside it), or `.edf`: an ECG record; a fetched one by its name, mitdb/100.
    * JSON with "beats", a list of {"s1": s, "s2": s or null}: a line of `heart listen --json`.
    * Text: RR intervals in ms or s, separated by newlines, commas or spaces; lines that begin with # are skipped.
      A table needs a heading with a column `rr_ms`, `rr_s` or `rr`.

    Raises:
        FileError: missing, too large, or not such a file.
        UsageError: an ECG record without the extra `ecg`.
    """
    path = Path(path)
    if not path.suffix and not path.exists():
        with contextlib.suppress(FileError):
            path = find_record(path)
    heard = read_peaks(path) if path.suffix.lower() in ECG_SUFFIXES else None
    try:
        if heard is not None:
            return track_of(heard, loop=loop)
        text = _text(path)
        return _from_json(text, loop) if text.lstrip().startswith("{") else _from_text(path, text, loop)
    except UsageError as error:  # what a track refuses is the file's fault
        raise FileError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise FileError(f"{path}: no beats in it ({type(error).__name__}: {str(error)[:80]})") from None


def given_track(beats: Path | None, ecg: str | None, loop: bool) -> Track | None:
    """The track of `heart live --beats` or `--ecg`, None without either."""
    if ecg is not None:
        return ecg_track(ecg, loop)
    return read_track(beats, loop) if beats else None


def ecg_track(name: str, loop: bool = False) -> Track:
    """Every beat of an ECG record of any kind (see `find_record`) at its own time, the ectopic ones softer.

    A gap longer than a track's longest interval is filled with even beats of the mean rate, so that what follows
    keeps its time.

    Raises:
        FileError: as `read_record`; or the record has no beats, or a rate that is not sung.
    """
    record = read_record(find_record(name), name=name, signals=False)
    if len(record.beats_s) < 2:
        raise FileError(f"{name}: no beats found in it")
    rr_ms = 1_000.0 * np.diff(record.beats_s)
    usual_ms = float(np.median(rr_ms))
    filled: list[float] = []
    levels: list[tuple[float, float]] = []
    for interval_ms, symbol in zip(rr_ms, record.symbols):
        colour = COLOURS.get(symbol, PLAIN)
        count = max(1, round(interval_ms / usual_ms)) if interval_ms > RR_MS[1] else 1
        filled += [float(interval_ms) / count] * count
        levels += [(colour.gain1, colour.gain2), *[(1.0, 1.0)] * (count - 1)]
    try:
        return Track(tuple(filled), (), loop, tuple(levels))
    except UsageError as error:
        raise FileError(f"{name}: {error}") from None


def _text(path: Path) -> str:
    if not path.exists():
        raise FileError(f"{path}: no such file")
    size = regular_size(path.resolve())
    if size > MAX_BYTES:
        raise FileError(f"{path}: {size >> 20} MB; a list of beats has at most {MAX_BYTES >> 20} MB")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"{path}: not text; give RR intervals, a .hea record or the JSON of heart listen") from None


def track_of(s1_s: Sequence[float], s2_s: Sequence[float | None] = (), loop: bool = False) -> Track:
    """A track of the times of S1, and of S2 where known, in s."""
    rr_ms = tuple(1_000.0 * (later - sooner) for sooner, later in pairwise(s1_s))
    lengths = tuple(1_000.0 * (s2 - s1) if s2 is not None and s2 > s1 else 0.0 for s1, s2 in zip(s1_s, s2_s))
    return Track(rr_ms, lengths[: len(rr_ms)], loop)


def _from_json(text: str, loop: bool) -> Track:
    """The first line of `heart listen --json` that has beats."""
    try:
        heard: dict[str, Any] = json.loads(text)
    except ValueError:
        heard = json.loads(text.strip().splitlines()[0])
    beats = heard["beats"]
    s1_s = [float(beat["s1"]) for beat in beats]
    return track_of(s1_s, [None if beat.get("s2") is None else float(beat["s2"]) for beat in beats], loop)


def _from_text(path: Path, text: str, loop: bool) -> Track:
    rows = [_SPACES.split(line.strip()) for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    rows = [[cell.strip("\"'") for cell in row if cell] for row in rows]
    if not rows:
        raise FileError(f"{path}: no RR intervals in it")
    column, unit = _column(rows[0])
    if column is None:
        return _track(path, [cell for row in rows for cell in row], unit, loop)
    short = next((number for number, row in enumerate(rows[1:], 2) if len(row) <= column), None)
    if short:
        raise FileError(f"{path}: row {short} has no column {column + 1}")
    return _track(path, [row[column] for row in rows[1:]], unit, loop)


def _column(heading: list[str]) -> tuple[int | None, str]:
    """Which column of a table holds the intervals, and the unit its heading names; (None, "") without heading."""
    for column, cell in enumerate(heading):
        found = _COLUMNS.fullmatch(cell)
        if found:
            return column, (found[2] or "").lower()
    return None, ""


def _track(path: Path, cells: list[str], unit: str, loop: bool) -> Track:
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise FileError(f"{path}: {str(error)[:80]}; a table needs a heading with rr_ms or rr_s") from None
    if unit == "s" or (not unit and np.median(values) < _SECONDS_BELOW):
        values = 1_000.0 * values
    if not np.all((values >= RR_MS[0]) & (values <= RR_MS[1])):
        worst = int(np.argmin((values >= RR_MS[0]) & (values <= RR_MS[1])))
        raise FileError(
            f"{path}: RR interval {worst + 1} is {cells[worst][:20]}, must be {RR_MS[0]:g} to {RR_MS[1]:g} ms"
        )
    return Track(tuple(float(value) for value in values), loop=loop)
