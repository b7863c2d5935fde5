"""A folder of hearts from arithmetic, laid out like the recordings: `heart data synth`.

FOLDER/manifest.csv has the columns of the recordings' manifest, so that everything that reads those reads these;
FOLDER/sounds holds one file a heart, FOLDER/beats its states (start_s, end_s, state: 1 S1, 2 systole, 3 S2,
4 diastole, 0 unknown).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from heart.audio import write_audio
from heart.errors import FileError, UsageError
from heart.learning.synth import SEEN_S, Recipe, Synthetic, make

COLUMNS = (
    *("path", "source", "label", "group", "split", "sample_rate", "seconds", "hr_bpm", "sdnn_ms", "rmssd_ms"),
    *("n_rr", "truth", "beats", "rpeaks", "ecg", "diagnosis", "licence", "note"),
)
S1_S, S2_S = 0.11, 0.09
"""How long the sounds last in the table of states."""
KINDS = ("flac", "wav")


def write_set(
    folder: Path,
    count: int,
    seed: int = 0,
    recipe: Recipe | None = None,
    kind: str = "flac",
    progress: Callable[[str, float, str], None] = lambda name, share, text: None,
) -> Path:
    """Make hearts 0..count-1 of the set `seed` and their manifest. Returns the manifest's path.

    The same arguments write the same bytes. Raises UsageError for another kind than flac or wav, FileError where
    the folder cannot be written.
    """
    if kind not in KINDS:
        raise UsageError(f"kind {kind!r}: must be one of {', '.join(KINDS)}")
    recipe = recipe or Recipe()
    try:
        for part in ("sounds", "beats"):
            (Path(folder) / part).mkdir(parents=True, exist_ok=True)
        rows = []
        for number in range(count):
            heart = make(recipe, seed, number)
            rows.append(_write_one(Path(folder), f"synth-{seed}-{number:06d}", heart, kind))
            if (number + 1) % 100 == 0 or number + 1 == count:
                progress("synth", (number + 1) / count, f"{number + 1} of {count} hearts")
        return _write_manifest(Path(folder), rows)
    except OSError as error:
        raise FileError(f"{folder}: cannot be written ({error.strerror or error})") from None


def _write_one(folder: Path, name: str, heart: Synthetic, kind: str) -> dict[str, str]:
    write_audio(folder / "sounds" / f"{name}.{kind}", heart.sound, heart.rate_hz, "PCM_16")
    lines = ["start_s\tend_s\tstate"]
    lines += [f"{a:.4f}\t{b:.4f}\t{s}" for a, b, s in state_rows(heart)]
    (folder / "beats" / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    seconds, truth = len(heart.sound) / heart.rate_hz, heart.truth
    row = {
        "path": f"sounds/{name}.{kind}",
        "source": "synth",
        "label": "N",
        "group": name,
        "split": "train",
        "sample_rate": str(heart.rate_hz),
        "seconds": f"{seconds:g}",
        "hr_bpm": _text(truth.bpm),
        "sdnn_ms": _text(truth.sdnn_ms),
        "rmssd_ms": _text(truth.rmssd_ms),
        "n_rr": str(max(int((heart.s1_s <= seconds - SEEN_S).sum()) - 1, 0)),
        "truth": "synth",
        "beats": f"beats/{name}.tsv",
        "licence": "CC0",
        "note": f"snr {heart.snr_db:.1f} dB",
    }
    return {column: row.get(column, "") for column in COLUMNS}


def state_rows(heart: Synthetic) -> list[tuple[float, float, int]]:
    """The states of a heart as rows (start_s, end_s, state), without gaps from the first onset to the last."""
    marks = sorted([(float(t), 1) for t in heart.s1_s] + [(float(t), 3) for t in heart.s2_s])
    if not marks:
        return []
    ends = [t for t, _ in marks[1:]] + [len(heart.sound) / heart.rate_hz]
    rows = []
    for (begin, state), end in zip(marks, ends, strict=True):
        middle = min(begin + (S1_S if state == 1 else S2_S), end)
        rows.append((begin, middle, state))
        if middle < end:
            rows.append((middle, end, state + 1))
    return rows


def _write_manifest(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _text(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.3f}"
