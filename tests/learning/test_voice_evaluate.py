"""The closed loop, on sounds whose truth is known: the arithmetic pulse sings exactly what it is asked."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner

from heart.cards import read_model, sha256
from heart.cli import main
from heart.errors import FileError, UsageError
from heart.learning import voice_ecg, voice_likeness, voice_steps, voice_sung
from heart.learning.measure import measure
from heart.learning.voice_card import note_figures, publish_few
from heart.learning.voice_data import _save
from heart.learning.voice_evaluate import border_bend, evaluate_voice, floor_db
from heart.learning.voice_heard import beats_heard, judge_on, rhythm_heard
from heart.learning.voice_likeness import copying, distances, frechet, heap
from heart.learning.voice_steps import evaluate_steps
from heart.learning.voice_sung import Sung, sing, sing_likenesses, sing_tempi
from heart.listening import judge
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.registry import open_voice
from heart.sounding.voice import Voice

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent.parent / "sounding")]
from small_voice import write_voice
from test_voice_train import clips

RATE = SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def pulse():
    return open_voice("pulse")


@pytest.fixture(scope="module")
def tempi(pulse):
    return [one for one in sing_tempi(pulse, 4, every=3) if one.label == "N"]


def test_every_rate_and_label_is_sung_once_with_its_schedule(pulse, monkeypatch):
    monkeypatch.setattr(voice_sung, "TEMPO_S", 2.0)
    sung = sing_tempi(pulse, 4)
    assert {(one.label, one.bpm) for one in sung} == {(a, b) for a in LABELS for b in voice_sung.BPMS}
    assert (min(voice_sung.BPMS), max(voice_sung.BPMS)) == (40, 180)
    assert all(len(one.asked_s()) and one.asked_s().max() < 2 - voice_sung.EDGE_S for one in sung)


def test_beats_that_sound_where_they_were_asked_are_found(tempi):
    heard = beats_heard(tempi)
    assert heard["all"]["f1_20ms"] > 0.97
    assert heard["all"]["onsets"] > 100
    assert list(heard["labels"]) == ["N"]
    assert len(heard["bpm"]) == len(tempi)


def test_beats_of_another_schedule_are_not(tempi):
    late = [
        replace(
            one, beats=tuple(replace(b, s1=b.s1 + k % 3 * 4_000, s2=b.s2 + 5_000) for k, b in enumerate(one.beats))
        )
        for one in tempi
    ]
    assert beats_heard(late)["all"]["f1_40ms"] < 0.7


def test_the_judge_hears_recordings_where_they_were_marked():
    heard = judge_on([clip for clip in clips() if LABELS[clip.label] == "N"])
    assert heard["N"]["f1_20ms"] > 0.97
    later = np.array([0, 6_000, 0])
    moved = [replace(clip, cycles=clip.cycles + later) for clip in clips() if LABELS[clip.label] == "N"]
    assert judge_on(moved)["N"]["f1_40ms"] < 0.8


def test_the_ear_hears_rate_and_variability_as_they_were_asked(tempi):
    heard = rhythm_heard(tempi)["all"]
    assert heard["bpm_said"] > 0.6
    assert heard["bpm_mae"] < 1
    assert heard["ear_f1_40ms"] > 0.8
    slower = [replace(one, beats=tuple(replace(b, s1=int(b.s1 * 1.1)) for b in one.beats)) for one in tempi]
    wrong = rhythm_heard(slower)["all"]
    assert wrong["bpm_mae"] > 3
    assert wrong["ear_f1_40ms"] < 0.7


def test_the_distance_of_gaussians_is_the_textbook_s():
    eye = np.eye(3)
    assert frechet(np.zeros(3), eye, np.zeros(3), eye) == pytest.approx(0, abs=1e-9)
    assert frechet(np.zeros(3), eye, np.array([1.0, 2.0, 0.0]), eye) == pytest.approx(5)
    assert frechet(np.zeros(3), eye, np.zeros(3), 4 * eye) == pytest.approx(3)  # (2 - 1)^2 each


def test_features_do_not_hear_the_level_but_the_hiss():
    sound = clips()[0].sound
    plain = voice_likeness.measure(sound)
    assert np.allclose(plain, voice_likeness.measure(0.1 * sound), atol=0.05)
    hiss = 0.01 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    assert voice_likeness.measure(sound + hiss)[12] > plain[12] + 3


def test_what_is_sung_back_is_told_from_what_is_new():
    real = clips()
    train, val = ([clip for clip in real if clip.split == split] for split in ("train", "val"))
    heaps = [heap([c.sound for c in part], [c.label for c in part]) for part in (train, val)]
    again = heap([np.roll(c.sound, 3_000) for c in train], [c.label for c in train])
    random = np.random.default_rng(1)
    new = heap([random.standard_normal(len(c.sound)).astype(np.float32) for c in train], [c.label for c in train])
    assert copying(again, *heaps)["sung_with_twin_in_train"] == 1
    assert copying(new, *heaps)["sung_with_twin_in_train"] == 0
    assert copying(again, *heaps)["nearest_sung"] < copying(new, *heaps)["nearest_sung"]
    assert distances(new, *heaps)["ratio"] > 3 * distances(again, *heaps)["ratio"]


def test_likenesses_have_the_rates_of_the_recordings(pulse):
    sung = sing_likenesses(pulse, clips(), 4, count=2)
    assert [one.label for one in sung] == [label for label in LABELS for _ in range(2)]
    assert all(one.bpm == pytest.approx(60 * RATE / 35_000) for one in sung)
    assert all(len(one.cycles) in (2, 3) for one in sung)


@pytest.fixture
def recordings(tmp_path):
    """A data folder with one validation recording of each label, and its pack."""
    (tmp_path / "yaseen").mkdir()
    made = clips()
    fields = ["path", "source", "split", "label", "group", "note"]
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, fields)
        rows.writeheader()
        for clip in made:
            sf.write(tmp_path / "yaseen" / clip.path, clip.sound[::1], RATE)
            label = LABELS[clip.label]
            rows.writerow(
                dict(zip(fields, (f"yaseen/{clip.path}", "yaseen2018", clip.split, label, clip.path, "")))
            )
    _save(made, tmp_path / "clips.npz")
    return tmp_path


def test_the_whole_loop_in_one_run(recordings, pulse):
    picture = recordings / "spectra.png"
    done: list[tuple[int, int]] = []
    figures = evaluate_voice(
        recordings,
        pack=recordings / "clips.npz",
        picture=picture,
        every=8,
        voice=pulse,
        progress=lambda *step: done.append(step),
    )
    assert done[-1][0] == done[-1][1]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert figures["beats"]["labels"]["N"]["f1_40ms"] > 0.97
    assert figures["classes"]["sounds"] == sum(map(sum, figures["classes"]["asked_by_heard"])) == 10
    assert figures["stream"]["repeats"] == 1
    text = figures.pop("text")
    assert max(map(len, text.splitlines())) <= 130
    for words in ("F1 20 ms", "Frechet distance", "ear-valve hears", "diastole"):
        assert words in text
    assert json.loads(json.dumps(figures))["steps"] == 4
    folder = write_voice(recordings / "voice-heart")
    card = read_model(note_figures(folder, figures).parent).card
    assert card["figures"]["N_beats_f1_40ms"] == figures["beats"]["labels"]["N"]["f1_40ms"]
    assert card["sha256"] == sha256(folder / "voice.safetensors")


def test_steps_are_compared_with_and_without_what_was_distilled(recordings, monkeypatch):
    monkeypatch.setattr(voice_steps, "STEPS", (1, 2))
    folder = write_voice(recordings / "voice-heart")
    with pytest.raises(UsageError, match="heart train voice-heart-fast"):
        evaluate_steps(recordings, recordings / "clips.npz", voice=Voice(folder, threads=1))
    publish_few(folder, {2: write_voice(recordings / "other", seed=4) / "voice.safetensors"})
    picture = recordings / "steps.png"
    voice = Voice(folder, threads=1)
    figures = evaluate_steps(recordings, recordings / "clips.npz", picture, every=3, voice=voice)
    assert {way: list(figures[way]) for way in ("undistilled", "distilled")} == {
        "undistilled": ["1", "2"],
        "distilled": ["2"],
    }
    assert figures["undistilled"]["2"] != figures["distilled"]["2"]
    assert list(voice.few) == [2]
    assert "2 distilled" in figures["text"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_models_that_draw_nothing_say_so(recordings):
    with pytest.raises(UsageError, match="ear-beats has no picture"):
        measure("beats", recordings, recordings / "x.png")
    asked = CliRunner().invoke(
        main, ["evaluate", "voice", "--data", str(recordings), "--picture", "/nowhere/x.png"]
    )
    assert asked.exit_code == 1
    assert "there is no folder" in asked.stderr


def test_a_click_at_a_border_and_a_floor_are_seen():
    random = np.random.default_rng(0)
    sound = 0.01 * random.standard_normal(8 * 16_384)
    assert border_bend(sound) == pytest.approx(1, abs=0.3)
    clicked = sound.copy()
    clicked[4 * 16_384] += 1
    assert border_bend(clicked) > 2
    assert floor_db(np.where(np.arange(len(sound)) % 22_050 < 4_000, 30, 1) * sound) < -20


def ecg_folder(folder: Path) -> Path:
    """A data folder with one recording whose ECG is spikes at its R peaks."""
    r_s = 0.5 + 0.8 * np.arange(14) + 0.02 * np.sin(np.arange(14))
    ecg = np.zeros(6_000, "<i2")
    ecg[(r_s * 500).astype(int)] = 1_000
    (folder / "a1.hea").write_text("a1 1 500 6000\na1.dat 16 1000(0)/mV 16 0 3 6286 0 ECG\n")
    ecg.tofile(folder / "a1.dat")
    np.savetxt(folder / "a1.txt", np.append(r_s, np.nan))
    (folder / "manifest.csv").write_text("path,split,rpeaks,ecg\nsub/a1.flac,val,a1.txt,a1\n")
    return folder


def test_a_voice_is_led_by_the_peaks_of_an_ecg(tmp_path):
    made = voice_ecg.accompany(ecg_folder(tmp_path), "a1", "N", 6.0, "pulse", 4)
    assert np.flatnonzero(made["ecg"] > 0.9) / 500 == pytest.approx(made["r_s"], abs=0.005)
    heard = judge.onsets(made["sung"].sound, RATE)
    asked = made["sung"].asked_s()
    assert asked[:7] == pytest.approx(made["r_s"][:7] + voice_ecg.AFTER_R_S, abs=0.001)
    assert all(np.abs(heard - s1).min() < 0.03 for s1 in asked)
    voice_ecg.draw(made, tmp_path / "ecg.png")
    assert (tmp_path / "ecg.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_no_record_of_the_kind_is_named(tmp_path):
    folder = ecg_folder(tmp_path)
    with pytest.raises(UsageError, match="'a2'"):
        voice_ecg.accompany(folder, "a2", "N", 6.0, "pulse", 4)
    with pytest.raises(FileError, match="nowhere"):
        voice_ecg.read_ecg(folder / "nowhere")
    with pytest.raises(UsageError, match="0 RR intervals"):
        voice_ecg.led_by(np.array([1.0]))


def test_whole_beats_of_a_sung_sound_end_in_it(pulse):
    one: Sung = sing(pulse, "N", 60, 0, 0, 4.0, 4)
    assert len(one.cycles) == 3
    assert (np.diff(one.cycles, axis=1) > 0).all()
    assert one.cycles[-1, 2] <= len(one.sound)
