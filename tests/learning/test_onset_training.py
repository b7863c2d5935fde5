"""Training and scoring of the onset net, on hearts made from arithmetic."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from heart.cards import read_model
from heart.learning import ear_latency, ear_onset
from heart.learning.ear_latency import Score, score_told
from heart.listening.onset import INPUTS, split

RATE_HZ = 2_000


def burst(tone_hz: float, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.minimum(t / 0.01, 1) * np.exp(-4 * t / seconds) * np.sin(2 * np.pi * tone_hz * t)


def recording(bpm: float, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A heart in hiss, float32 [n], and its states as annotated: [rows, 3]."""
    rng = np.random.default_rng(seed)
    sound, rows, at = rng.normal(0, 0.005, int(seconds * RATE_HZ)), [], 0.3
    while at < seconds - 1.2:
        rr = 60 / bpm + rng.normal(0, 0.02)
        for after, tone_hz, length in ((0.0, 55, 0.12), (0.3, 85, 0.1)):
            start = int((at + after) * RATE_HZ)
            piece = burst(tone_hz, length)
            sound[start : start + len(piece)] += piece
        rows += [(at, at + 0.12, 1), (at + 0.12, at + 0.3, 2), (at + 0.3, at + 0.4, 3), (at + 0.4, at + rr, 4)]
        at += rr
    return sound.astype(np.float32), np.array(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = []
    for k, (source, split_name) in enumerate((("one", "train"), ("two", "train"), ("one", "val"))):
        sound, states = recording(70 + 9 * k, 11, k)
        soundfile.write(tmp_path / f"{k}.wav", sound, RATE_HZ)
        with (tmp_path / f"{k}.tsv").open("w") as file:
            file.write("start_s\tend_s\tstate\n")
            np.savetxt(file, states, delimiter="\t", fmt="%.4f")
        rows.append(
            {
                "path": f"{k}.wav",
                "source": source,
                "split": split_name,
                "beats": f"{k}.tsv",
                "rpeaks": "",
                "group": k,
            }
        )
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_training_ends_in_a_folder_whose_net_tells_beats(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ear_onset, "EPOCHS", 40)
    figures = ear_onset.train_onset(data, tmp_path / "out")
    folder = tmp_path / "out" / "model"
    assert {path.name for path in folder.iterdir()} == {"card.toml", "onset.safetensors"}
    assert read_model(folder).card["figures"]["all_beats"] == figures["all"]["beats"] > 5
    assert figures["all"]["missed"] < 0.3
    assert figures == {"all": figures["all"], "one": figures["all"]}


def test_ages_are_counted_from_the_annotated_onset(data: Path) -> None:
    (row,) = [r for r in ear_onset.training_rows(data, 0) if r["path"] == "0.wav"]
    heard = ear_onset.shown(row, data, None, 0)
    assert heard.rows.shape == (len(heard.now_s), INPUTS)
    assert len(heard.rows) > 200
    for now_s, age_s in zip(heard.now_s[::17], heard.age_s[::17], strict=True):
        assert age_s == pytest.approx(now_s - heard.s1_s[heard.s1_s < now_s][-1])


def test_mistakes_are_missed_beats_and_false_ones(data: Path) -> None:
    heard = ear_onset.shown(ear_onset.training_rows(data, 0)[0], data, None, 0)
    inner = heard.s1_s[(heard.s1_s > heard.now_s[0]) & (heard.s1_s < heard.now_s[-1] - ear_onset.YOUNG_S)]
    assert ear_onset.mistakes(inner + 0.02, heard) == 0
    assert ear_onset.mistakes(inner[1:], heard) == 1
    assert ear_onset.mistakes(np.append(inner, inner[2] + 0.3), heard) == 1


class Ear:
    """An ear that tells each beat `late_s` after it began, misses every fifth and makes one up."""

    def __init__(self, s1_s: np.ndarray, late_s: float) -> None:
        self.s1_s, self.late_s, self.now_s = s1_s, late_s, 0.0
        self.gate, self.net_heart = None, 1.0

    def push(self, block: np.ndarray) -> list:
        from heart.records import Heard

        before, self.now_s = self.now_s, self.now_s + len(block) / RATE_HZ
        fresh = [s for k, s in enumerate(self.s1_s) if before < s + self.late_s <= self.now_s and k % 5]
        made_up = (self.s1_s[8] + 0.3,) if before < self.s1_s[8] + 0.35 <= self.now_s else ()
        coming = self.s1_s[self.s1_s > self.now_s]
        next_s = float(coming[0]) + 0.02 if len(coming) else None
        return [Heard(self.now_s, bpm=80.0, next_s1_s=next_s, s1_s=(*fresh, *made_up))]


def test_the_score_counts_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    sound, states = recording(80, 16, 5)
    s1_s = states[states[:, 2] == 1, 0]
    monkeypatch.setattr(ear_latency, "EarStream", lambda *_, **__: Ear(s1_s, 0.055))
    score = Score()
    score_told(score, sound, states, r_peaks_s=s1_s - 0.05)
    figures = score.figures()
    counted = s1_s[(s1_s > 4) & (s1_s < states[-1, 1] - 0.5)]
    missed = [s for k, s in enumerate(s1_s) if k % 5 == 0 and s in counted]
    assert figures["beats"] == len(counted)
    assert figures["missed"] == pytest.approx(len(missed) / len(counted), abs=1e-3)
    assert figures["false_per_beat"] == pytest.approx(1 / len(counted), abs=1e-3)
    assert 55 <= figures["latency_ms_median"] <= figures["latency_ms_p95"] < 75
    assert figures["next_error_ms_median"] == pytest.approx(20, abs=0.5)
    assert figures["next_within_30_ms"] == 1.0
    assert figures["next_error_ms_median_ecg"] == pytest.approx(0, abs=0.5)


def test_weights_of_a_trained_net_read_back(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ear_onset, "EPOCHS", 1)
    heard = [ear_onset.shown(row, data, None, 0) for row in ear_onset.training_rows(data, 0)]
    weights = split({**ear_onset.fit(heard), "sure": np.array([0.7], np.float32)})
    chance, age_s = weights.run(heard[0].rows[0])
    assert 0 <= chance <= 1
    assert np.isfinite(age_s)
