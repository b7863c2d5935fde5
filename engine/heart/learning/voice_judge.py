"""How far the judge of beats can be believed: its F1 on recordings whose beats others marked.

    python -m heart.learning.voice_judge --data DATA

The five-class set at 20 ms against the marks of the ear, as `heart evaluate voice` has it; CinC 2016 at 40 ms
against hand labels, which lie on a grid of 20 ms: the first ten seconds of recordings without a gap.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from heart.audio import read_audio
from heart.learning.classes.table import columns
from heart.learning.ear_data import read_manifest
from heart.learning.voice_data import Clip
from heart.learning.voice_evaluate import packed
from heart.learning.voice_heard import BEFORE_S, judge_on
from heart.learning.voice_sung import EDGE_S
from heart.listening import judge
from heart.records import LABELS

SECONDS = 10.0
GROUP = 30
"""Of each site, label and split so many recordings, the first by path."""
HAND_TOLERANCE_S = 0.04
SOUNDS = ("1", "3")
"""States of a table: S1, S2."""


def hand_marked(rows: Sequence[Mapping[str, str]], data_dir: Path) -> Iterator[tuple[str, float]]:
    """(site and label, F1) of each recording among the rows that has hand labels without a gap."""
    count: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row["path"]):
        group = f"{row['source']} {row['label']}"
        if count.get(group, 0) >= GROUP or not row["source"].startswith("cinc2016") or not row["beats"]:
            continue
        asked_s = _onsets_of(data_dir / row["beats"])
        if len(asked_s) < 6:
            continue
        count[group] = count.get(group, 0) + 1
        sound, rate_hz = read_audio(data_dir / row["path"], first_seconds=SECONDS)
        last_s = len(sound) / rate_hz - EDGE_S
        found_s = judge.onsets(sound, rate_hz)
        found_s = found_s[(found_s > asked_s[0] - BEFORE_S) & (found_s < last_s)]
        yield group, judge.score(found_s, asked_s[asked_s < last_s], HAND_TOLERANCE_S).f1


def _onsets_of(table: Path) -> np.ndarray:
    """Onsets of S1 and S2 in the first seconds of a table of states, in s; none where a part is not labelled."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if float(row["start_s"]) < SECONDS]
    if any(row["state"] == "0" and float(row["end_s"]) - float(row["start_s"]) > 0.5 for row in rows):
        return np.zeros(0)
    onsets = np.array([float(row["start_s"]) for row in rows if row["state"] in SOUNDS])
    return onsets[onsets > 0.01]


def figures(data_dir: Path, clips: Sequence[Clip], split: str) -> dict[str, tuple[float, int]]:
    """{group: (mean F1, recordings)} of a split, the five-class set by label and CinC 2016 by site and label."""
    own = [clip for clip in clips if clip.split == split]
    told = {
        f"five-class {k}": (row["f1_20ms"], sum(LABELS[c.label] == k for c in own))
        for k, row in judge_on(own).items()
    }
    heard: dict[str, list[float]] = {}
    for group, f1 in hand_marked([row for row in read_manifest(data_dir) if row["split"] == split], data_dir):
        heard.setdefault(group, []).append(f1)
    return told | {group: (round(float(np.mean(values)), 4), len(values)) for group, values in heard.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="The judge of beats on recordings.")
    parser.add_argument("--data", type=Path, required=True)
    data_dir = parser.parse_args().data
    clips = packed(data_dir)
    for split in ("train", "val"):
        rows = [(group, f"{f1:.3f}", str(n)) for group, (f1, n) in figures(data_dir, clips, split).items()]
        print("\n".join(columns((split, "F1", "recordings"), rows)), end="\n\n")


if __name__ == "__main__":
    main()
