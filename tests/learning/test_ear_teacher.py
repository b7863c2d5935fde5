"""An ear that is sure labels hearts for the next one, and keeps silent about the rest."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from heart.learning.ear_evaluate import match
from heart.learning.ear_teacher import taught, unlabelled
from heart.learning.synth import Recipe, make
from heart.listening.weights import load_weights

CLEAR = make(Recipe(bpm=(72.0, 72.0), snr_db=(30.0, 30.0), seconds=10.0, rate_hz=2000), 0, 0)
COLUMNS = ("path", "source", "label", "group", "split", "note")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    soundfile.write(folder / "clear.flac", CLEAR.sound, CLEAR.rate_hz)
    soundfile.write(folder / "noise.flac", np.random.default_rng(0).normal(0, 0.1, 20_000), 2000)
    rows = [
        ("clear.flac", "pascal2011-B", "normal", "p1", "train", ""),
        ("noise.flac", "pascal2011-B", "murmur", "p2", "train", ""),
        ("clear.flac", "pascal2011-A", "artifact", "p3", "train", ""),
        ("clear.flac", "yaseen2018", "N", "y1", "val", ""),
        ("clear.flac", "yaseen2018", "N", "y2", "train", "label_conflict with MR"),
        ("clear.flac", "cinc2016-a", "normal", "c1", "train", ""),
    ]
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def test_only_training_hearts_that_nobody_annotated_are_asked_about(data: Path) -> None:
    with (data / "manifest.csv").open(newline="") as file:
        chosen = [row["group"] for row in csv.DictReader(file) if unlabelled(row)]
    assert chosen == ["p1", "p2"]


def test_clear_beats_become_labels_and_noise_none(data: Path) -> None:
    (found,) = taught(data, load_weights())
    assert (found.path, found.group) == ("clear.flac", "p1")
    assert found.states is not None
    assert len(found.states) == len(found.bels)
    begins = np.flatnonzero((found.states[1:] == 0) & (found.states[:-1] == 3)) / 100
    inside = CLEAR.s1_s[(CLEAR.s1_s > begins[0] - 0.1) & (CLEAR.s1_s < begins[-1] + 0.1)]
    assert len(match(begins, inside, 0.08)) == len(inside) >= 8
    assert (found.states == -1).any(), "before the first beat and after the last nothing is known"
