"""The judge on recordings that others marked."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import soundfile as sf

from heart.learning.voice_judge import figures, hand_marked
from heart.sounding.beats import BeatClock
from heart.sounding.offline import generate

sys.path.insert(0, str(Path(__file__).parent))
from test_voice_train import clips

RATE = 44_100


def hand_marks(folder: Path, name: str, late_s: float = 0.0, gap: bool = False) -> dict[str, str]:
    """A sung heart with a table of its states, on a grid of 20 ms; its row of a manifest."""
    sound = generate(11, "N", 75, 10, seed=1, voice="pulse")
    sf.write(folder / f"{name}.flac", sound, RATE)
    beats = BeatClock(75, 10, 1).beats_until(len(sound))
    with (folder / f"{name}.tsv").open("w", newline="") as file:
        rows = csv.writer(file, delimiter="\t")
        rows.writerow(["start_s", "end_s", "state"])
        for beat in beats:
            for state, frame in ((1, beat.s1), (3, beat.s2)):
                start_s = round(frame / RATE / 0.02) * 0.02 + late_s * (state == 1)
                rows.writerow([f"{start_s:.2f}", f"{start_s + 0.1:.2f}", state])
                rows.writerow([f"{start_s + 0.1:.2f}", f"{start_s + 0.2:.2f}", 0 if gap else 2])
        if gap:
            rows.writerow(["4.00", "4.80", 0])
    about = {"source": "cinc2016-x", "label": "normal", "split": "val"}
    return {"path": f"{name}.flac", "beats": f"{name}.tsv", **about}


def test_the_judge_finds_beats_where_hands_marked_them_and_not_elsewhere(tmp_path):
    right, wrong = hand_marks(tmp_path, "a"), hand_marks(tmp_path, "b", late_s=0.09)
    assert [f1 > 0.98 for _, f1 in hand_marked([right], tmp_path)] == [True]
    assert [f1 < 0.7 for _, f1 in hand_marked([wrong], tmp_path)] == [True]


def test_gaps_and_other_sources_are_left_out_and_groups_are_told(tmp_path):
    rows = [hand_marks(tmp_path, "a"), hand_marks(tmp_path, "b", gap=True)]
    rows.append({**rows[0], "source": "yaseen2018"})
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    told = figures(tmp_path, clips(), "val")
    assert told["cinc2016-x normal"][1] == 1
    assert told["five-class N"][0] > 0.97
