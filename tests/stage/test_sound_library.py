"""The shipped sounds: even, whole, looping, honestly labelled; and the command that makes them."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile
from click.testing import CliRunner, Result

from heart.audio import read_audio
from heart.cli import main
from heart.config import shipped
from heart.listening import judge
from heart.listening.judgement import RATE_HZ, load_classifiers
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.pulse import Pulse
from heart.sounding.sources import looped
from heart.sounding.turns import Stretch, sing_turn, strung
from heart.stage import shipped_sounds, sound_library
from heart.stage.beat_files import read_track
from heart.stage.shipped_sounds import SOUNDS, Entry

FOLDER = shipped("sounds")
FLAC = [entry for entry in SOUNDS if entry.suffix == ".flac"]
MOST_BYTES = 12 * 10**6


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["sounds", *args])


def seam(sound: np.ndarray) -> float:
    """Second difference where a loop closes, over what nearly all (99.9 %) around it are."""
    bends = np.abs(np.diff(np.concatenate([sound[-SAMPLE_RATE_HZ:], sound[:SAMPLE_RATE_HZ]]), 2))
    middle = len(bends) // 2
    return float(bends[middle - 2 : middle + 3].max() / np.percentile(bends, 99.9))


@pytest.mark.parametrize("entry", FLAC, ids=lambda entry: entry.name)
def test_a_shipped_sound_is_even_whole_and_says_what_it_is(entry: Entry) -> None:
    path = FOLDER / entry.file
    info = soundfile.info(path)
    assert (info.samplerate, info.subtype, info.channels) == (44_100, "PCM_16", 1)
    assert 12 <= info.duration <= 30.5
    sound, rate_hz = soundfile.read(path)
    assert abs(pyloudnorm.Meter(rate_hz).integrated_loudness(sound) - sound_library.LOUDNESS_LUFS) < 1
    assert np.abs(sound).max() <= 10 ** (sound_library.CEILING_DBFS / 20)
    assert abs(sound.mean()) < 1e-4
    assert sound_library.made_by(path) == f"heart sounds build {entry.name} --seed 0"
    assert soundfile.SoundFile(path).license == "CC0-1.0"
    if entry.loop:
        assert seam(sound) < 1.3
        assert seam(np.asarray(looped(sound.astype(np.float32)), float)) < 1.3  # as a slot holds it
        assert seam(sound + 12 * sound.std() * np.linspace(0, 1, len(sound))) > 1.3


def test_the_gate_hears_a_heart_in_hearts_and_in_nothing_else() -> None:
    gate = load_classifiers()[0]["gate"]
    for entry in FLAC:
        sound, _ = read_audio(FOLDER / entry.file, rate_hz=RATE_HZ)
        pieces = [sound[at : at + 5 * RATE_HZ] for at in range(0, len(sound) - 5 * RATE_HZ, 5 * RATE_HZ)]
        heard = [gate.judge(piece, RATE_HZ).probabilities["heart"] for piece in pieces]
        if entry.name.startswith("heart"):
            assert np.median(heard) > 0.8, entry.name
        else:
            assert max(heard) < 0.2, entry.name


def test_the_folder_holds_the_list_and_its_readme_is_written_from_both(tmp_path: Path) -> None:
    there = {path.name for path in FOLDER.iterdir()}
    assert there == {entry.file for entry in SOUNDS} | {"README.md"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES
    shutil.copytree(FOLDER, tmp_path / "sounds")
    (tmp_path / "sounds/README.md").unlink()
    sound_library.write_readme(tmp_path / "sounds")
    assert (tmp_path / "sounds/README.md").read_bytes() == (FOLDER / "README.md").read_bytes()
    listed = run()
    assert listed.exit_code == 0
    assert all(entry.file in listed.output for entry in SOUNDS)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sound of a few seconds."""
    entries = tuple(dataclasses.replace(entry, seconds=3.0) for entry in SOUNDS)
    monkeypatch.setattr(sound_library, "SOUNDS", entries)
    monkeypatch.setattr(shipped_sounds, "STEPS", 1)


@pytest.mark.usefixtures("short")
def test_the_command_makes_the_same_bytes_for_a_seed_and_others_for_another(tmp_path: Path) -> None:
    names = ["rain", "heart-arrhythmia", "arrhythmia"]
    for folder, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        done = run("build", *names, "-o", str(tmp_path / folder), "--seed", seed)
        assert done.exit_code == 0, done.output
    for name in ("rain.flac", "heart-arrhythmia.flac", "arrhythmia.csv", "README.md"):
        a, b, c = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert a == b
        assert a != c
    sound, rate_hz = soundfile.read(tmp_path / "a/rain.flac")
    assert abs(pyloudnorm.Meter(rate_hz).integrated_loudness(sound) - sound_library.LOUDNESS_LUFS) < 1
    readme = (tmp_path / "c/README.md").read_text()
    assert "`heart sounds build rain --seed 1`" in readme
    assert "birds" not in readme


@pytest.mark.usefixtures("short")
def test_what_somebody_else_put_there_is_not_overwritten(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "rain.flac", np.zeros(4_410), SAMPLE_RATE_HZ)
    before = (tmp_path / "rain.flac").read_bytes()
    done = run("build", "rain", "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "rain.flac: was not made by heart sounds build" in done.output
    assert (tmp_path / "rain.flac").read_bytes() == before
    (tmp_path / "README.md").write_text("my notes")
    assert "README.md: was not made" in run("build", "birds", "-o", str(tmp_path)).output
    assert (tmp_path / "README.md").read_text() == "my notes"
    assert not (tmp_path / "birds.flac").exists()


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    done = run("build", "snow", "-o", str(tmp_path))
    assert done.exit_code == 2
    assert done.output.startswith("heart: sound 'snow': there is none; take heart-rest, ")
    (tmp_path / "file").write_text("")
    done = run("build", "rain", "-o", str(tmp_path / "file/inside"))
    assert done.exit_code == 1
    assert "cannot be made" in done.output


def test_what_is_too_loud_is_bent_below_the_ceiling_and_keeps_its_loudness() -> None:
    random = np.random.default_rng(0)
    sound = 0.01 * random.standard_normal(SAMPLE_RATE_HZ * 3)
    sound[:: SAMPLE_RATE_HZ // 2] = 1.0
    even = sound_library.even(sound)
    assert 0.7 < np.abs(even).max() <= 10 ** (-1 / 20)
    assert pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(even) == pytest.approx(-23, abs=0.5)


def test_the_beats_of_the_list_are_a_track_for_the_engine() -> None:
    track = read_track(FOLDER / "arrhythmia.csv")
    assert 160 < track.seconds < 200
    assert 60 < track.bpm < 110
    rr = np.array(track.rr_ms)
    calm, limping, wild = rr[:28], rr[70:88], rr[100:170]
    assert calm.std() / calm.mean() < 0.06
    assert np.abs(np.diff(limping)).min() > 150  # long, short, long, short
    assert wild.std() / wild.mean() > 0.15


def test_a_heart_as_a_loop_beats_on_over_its_seam() -> None:
    beats = strung((Stretch(4, "sinus", 80, 30), Stretch(4, "bigeminy", 80)), 3)
    assert [beat.n for beat in beats] == list(range(8))
    turn = sing_turn(Pulse(), beats, "N", 1, 1)
    assert seam(turn) < 1
    end = beats[-1].s1 + round(beats[-1].rr_ms * 44.1)
    assert len(turn) == end - beats[0].s1
    twice = np.concatenate([turn, turn])
    asked = [(beat.s1 + lap * len(turn)) / SAMPLE_RATE_HZ for lap in (0, 1) for beat in beats]
    asked += [(beat.s2 + lap * len(turn)) / SAMPLE_RATE_HZ for lap in (0, 1) for beat in beats]
    assert judge.score(judge.onsets(twice, SAMPLE_RATE_HZ), np.sort(asked)).f1 > 0.9


def test_live_has_the_shipped_sounds_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("heart.stage.console.run_live", lambda config, report: asked.append(config.sounds))
    CliRunner().invoke(main, ["live"], catch_exceptions=False)
    CliRunner().invoke(main, ["live", "--sounds", str(tmp_path)], catch_exceptions=False)
    assert asked == [FOLDER, tmp_path]
