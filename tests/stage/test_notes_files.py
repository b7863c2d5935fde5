"""`heart generate` and `heart morph` with the models of notes, through the door."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from heart.audio import read_audio, write_audio
from heart.cli import main
from heart.sounding.notes.kinds import RATE_HZ, SAMPLES, hertz
from heart.sounding.notes.pitch import find_pitch


def heart(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def heard(path: Path) -> np.ndarray:
    sound, rate = read_audio(path)
    assert (len(sound), rate) == (SAMPLES, RATE_HZ)
    return sound


def test_latents_and_pitch_make_a_note(tmp_path: Path) -> None:
    told = heart("generate", "--voice", "notes-ae", "--z", "0.5,-1", "--pitch", 64, "-o", tmp_path / "a.wav")
    assert told.exit_code == 0, told.output
    assert "z 0.50,-1.00,0.00" in told.output
    sound = heard(tmp_path / "a.wav")
    assert find_pitch(sound) == pytest.approx(64, abs=0.2)
    assert 0.1 < np.abs(sound).max() <= 0.9


def test_another_latent_is_another_note_and_the_same_the_same(tmp_path: Path) -> None:
    for name, z in (("a", "1"), ("b", "1"), ("c", "-1")):
        assert heart("generate", "--voice", "notes-ae", "--z", z, "-o", tmp_path / f"{name}.wav").exit_code == 0
    a, b, c = (heard(tmp_path / f"{name}.wav") for name in "abc")
    assert (a == b).all()
    assert np.abs(a - c).max() > 0.05


def test_the_generator_plays_many_of_a_family(tmp_path: Path) -> None:
    words = ("--voice", "notes-gan", "--pitch", 48, "--family", "bowed", "--count", 3, "-o", tmp_path / "many")
    assert heart("generate", *words).exit_code == 0
    notes = [heard(path) for path in sorted((tmp_path / "many").iterdir())]
    assert len(notes) == 3
    assert all(find_pitch(note) == pytest.approx(48, abs=0.3) for note in notes)
    assert np.abs(notes[0] - notes[1]).max() > 0.02


def test_a_note_dies_away_and_ends_without_a_click(tmp_path: Path) -> None:
    assert heart("generate", "--voice", "notes-gan", "--family", "plucked", "-o", tmp_path / "a.wav").exit_code == 0
    sound = heard(tmp_path / "a.wav")
    assert np.abs(sound[-200:]).max() < 0.02
    assert abs(sound[0]) < 0.02


def test_a_morph_goes_from_one_sound_to_the_other(tmp_path: Path) -> None:
    t = np.arange(SAMPLES) / RATE_HZ
    held = np.sin(2 * np.pi * hertz(60) * t) * np.clip((3 - t) * 8, 0, 1) * 0.5
    struck = sum(np.sin(2 * np.pi * k * hertz(60) * t) / k for k in range(1, 9)) * np.exp(-6 * t) * 0.3
    for name, sound in (("held", held), ("struck", struck)):
        write_audio(tmp_path / f"{name}.wav", sound.astype(np.float32), RATE_HZ)
    ends = tmp_path / "held.wav", tmp_path / "struck.wav"
    told = heart("morph", *ends, "--voice", "notes-ae", "--count", 3, "-o", tmp_path / "way")
    assert told.exit_code == 0, told.output
    late = [np.square(heard(path)[SAMPLES // 2 : 44_000]).mean() for path in sorted((tmp_path / "way").iterdir())]
    assert late[0] > late[1] > late[2]
    one = heart("morph", ends[0], "0.5,-1", "--voice", "notes-ae", "--weights", "0,1", "-o", tmp_path / "one.wav")
    assert one.exit_code == 0, one.output
    assert heart("generate", "--voice", "notes-ae", "--z", "0.5,-1", "-o", tmp_path / "z.wav").exit_code == 0
    assert np.abs(heard(tmp_path / "one.wav") - heard(tmp_path / "z.wav")).max() < 1e-3


def test_latents_out_of_range_are_held_back_and_said(tmp_path: Path) -> None:
    told = heart("generate", "--voice", "notes-ae", "--z", "0,40", "-o", tmp_path / "a.wav")
    assert told.exit_code == 0
    assert "z2 40: beyond 3" in told.output
    assert np.isfinite(heard(tmp_path / "a.wav")).all()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--voice", "notes-ae", "--pitch", "160"), "from 21 (27.5 Hz) to 108"),
        (("--voice", "notes-ae", "--pitch", "nan"), "from 21 (27.5 Hz) to 108"),
        (("--voice", "notes-gan", "--family", "kazoo"), "additive, fm, plucked, bowed, blown, struck"),
        (("--voice", "notes-gan"), "needs a family"),
        (("--voice", "notes-gan", "--family", "fm", "--z", "1"), "draws its own"),
        (("--voice", "notes-ae", "--z", "loud"), "are not numbers"),
        (("--voice", "notes-ae", "--z", "nan"), "finite"),
        (("--voice", "notes-ae", "--z", ",".join(["0"] * 17)), "17 latents: notes-ae has 16"),
        (("--voice", "notes-ae", "--velocity", "200"), "velocity 200"),
        (("--voice", "notes-ae", "--vibrato", "-5"), "vibrato -5"),
        (("--voice", "notes-ae", "--bpm", "70"), "--bpm means nothing to notes-ae"),
        (("--pitch", "60"), "--pitch is for notes"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    told = heart("generate", *words, "-o", tmp_path / "a.wav")
    assert (told.exit_code, why in told.output, told.output.count("\n")) == (2, True, 1), told.output
    assert not (tmp_path / "a.wav").exists()


def test_morphs_that_cannot_be_are_refused(tmp_path: Path) -> None:
    out = ("-o", tmp_path / "a.wav")
    assert "two sounds" in heart("morph", "1,0", "--voice", "notes-ae", *out).output
    assert "cannot be found" in heart("morph", "1,0", "nope.wav", "--voice", "notes-ae", *out).output
    assert "no latents of sounds" in heart("morph", "1,0", "0,1", "--voice", "notes-gan", *out).output
