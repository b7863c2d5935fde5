"""R peaks found, and beats sung, against the annotated R peaks of the validation ECG records.

    python benchmarks/bench_ecg.py --data DATA [--seconds 60] [--steps 8] [--all]

R peaks: detected in the first channel without a look at the annotations, F1 within 150 ms (ANSI/AAMI EC57).

Sung beats: `heart ecg --style pulse` of each record, the span with most ectopic beats. The sound is judged by
onsets that share no code with beat clock, voice or ear: F1 within 20 ms after one constant offset, the same for all
records. The judge hears S2 as well: what it finds within 40 ms of an S2 that was sung is taken for that; all else
it finds must be an R peak. The schedule of the beats is held against R peaks too, by its worst deviation.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heart.config import data_dir
from heart.ecg.record import Record, find_record, read_record
from heart.ecg.rhythm import AFTER_R_S
from heart.listening import judge
from heart.records import SAMPLE_RATE_HZ
from heart.stage.ecg_pulse import beats_of
from heart.stage.ecg_styles import Manner, sound_of

WITHIN_S, SUNG_WITHIN_S, OF_S2_S = 0.15, 0.02, 0.04
OFFSETS_S = np.arange(-0.03, 0.08, 0.001)
EDGE_S = 0.15
"""Beats closer to the end are not asked of the judge: their sound is cut."""


def rows_of(folder: Path, every: bool) -> list[Path]:
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("ecg/")]
    return [folder / row["path"] for row in rows if every or row["split"] == "val"]


def detected(path: Path) -> tuple[int, int, int]:
    """Beats annotated, R peaks found, and how many of them match within WITHIN_S."""
    true = read_record(find_record(path), signals=False, peaks="annotated").beats_s
    found = read_record(find_record(path), signals=False, peaks="detected").beats_s
    return len(true), len(found), len(judge._matched(found, true, WITHIN_S))


def span_of(path: Path, seconds: float) -> Record:
    """The `seconds` of a record with most ectopic beats; its beginning where there are none."""
    whole = read_record(find_record(path), signals=False)
    odd_s = whole.beats_s[whole.ectopic]
    counts = np.searchsorted(odd_s, odd_s + seconds - 2) - np.arange(len(odd_s))
    from_s = float(odd_s[counts.argmax()]) - 1 if len(odd_s) else 0.0
    from_s = max(0.0, min(from_s, whole.seconds - seconds))
    return read_record(find_record(path), from_s=from_s, to_s=from_s + min(seconds, whole.seconds))


@dataclass
class Heard:
    """What was annotated, scheduled and heard of one record, in s: S1 and S2 as the judge's onsets fall to them."""

    asked_s: np.ndarray
    scheduled_s: np.ndarray
    s2_s: np.ndarray
    found_s: np.ndarray

    def matched(self, offset_s: float) -> tuple[int, int, int]:
        """R peaks, onsets that are no S2, and how many match within SUNG_WITHIN_S after the offset from R."""
        lag_s = offset_s - AFTER_R_S
        beside = np.abs(self.s2_s[None] + lag_s - self.found_s[:, None]).min(1, initial=np.inf)
        firsts_s = self.found_s[beside >= OF_S2_S] - offset_s
        return len(self.asked_s), len(firsts_s), len(judge._matched(firsts_s, self.asked_s, SUNG_WITHIN_S))

    def f1(self, offset_s: float) -> float:
        asked, found, right = self.matched(offset_s)
        return 2 * right / (asked + found)


def sung(record: Record, manner: Manner) -> Heard:
    """Sing a record in the style pulse, and listen with the judge."""
    made = sound_of(record, manner)
    sound = np.concatenate(list(made.pieces))[:, 0]
    last_s = record.seconds - EDGE_S
    found_s = judge.onsets(sound, SAMPLE_RATE_HZ)
    s2_s = np.array([beat.s2 for beat in beats_of(record) if beat.gain2 > 0]) / SAMPLE_RATE_HZ
    inside = record.beats_s + AFTER_R_S < last_s
    return Heard(record.beats_s[inside], made.beats_s[inside], s2_s, found_s[found_s < last_s])


def sing_all(paths: list[Path], seconds: float, manner: Manner) -> None:
    """Sing a span of each record, and print F1 of schedule and sound after the one offset that is best for all."""
    heard = {}
    for path in paths:
        record = span_of(path, seconds)
        heard[f"{path.name} ({record.ectopic.sum()} ectopic)"] = sung(record, manner)
    offset_s = max(
        OFFSETS_S, key=lambda offset_s: sum(one.f1(offset_s) * len(one.asked_s) for one in heard.values())
    )
    totals = np.zeros(3, int)
    for name, one in heard.items():
        totals += np.array(one.matched(offset_s))
        print(f"{name:26} {len(one.asked_s):4} beats  sung F1 {one.f1(offset_s):.4f}", flush=True)
    late_s = np.concatenate([one.scheduled_s - one.asked_s for one in heard.values()]) - AFTER_R_S
    told = {
        "sung_f1_20ms": round(2 * totals[2] / (totals[0] + totals[1]), 4),
        "beats": int(totals[0]),
        "offset_from_r_ms": round(1_000 * offset_s, 1),
        "schedule_worst_ms": round(1_000 * float(np.abs(late_s).max()), 3),
    }
    print(json.dumps(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of recordings with a manifest.csv (or HEART_DATA)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each record that are sung; 0: none")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="ectopic beats keep the label")
    parser.add_argument("--all", action="store_true", help="training records as well")
    given = parser.parse_args()
    paths = rows_of(data_dir(given.data), given.all)
    counts = np.zeros(3, int)
    for path in paths:
        one = np.array(detected(path))
        counts += one
        print(f"{path.name:12} {one[0]:5} beats  R peaks F1 {2 * one[2] / (one[0] + one[1]):.4f}", flush=True)
    told = {"r_peaks_f1_150ms": round(2 * counts[2] / (counts[0] + counts[1]), 4), "beats": int(counts[0])}
    print(json.dumps(told), flush=True)
    if given.seconds:
        sing_all(
            paths, given.seconds, Manner("pulse", steps=given.steps, seed=given.seed, coloured=not given.plain)
        )


if __name__ == "__main__":
    main()
