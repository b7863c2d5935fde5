"""A voice of one's own sounds, from a folder of files to `heart generate --voice NAME`."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from click.testing import CliRunner

from heart.cards import read_model
from heart.cli import main
from heart.errors import FileError, UsageError
from heart.learning import own_sounds, own_voice, voice_card, voice_lesson
from heart.learning.own_sounds import ANY, AnyLabel, own_hearts, own_textures, parted
from heart.learning.voice_loom import Loom
from heart.learning.voice_train import begin
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.sounding.registry import labels_of, models_of, open_voice, own_voices
from heart.sounding.weights import load_net

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent.parent / "sounding")]
from small_voice import SMALL, TEXTURE, write_voice
from test_voice_train import clips

RATE = SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder of models with two small voices and the shipped ear."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(Path(__file__).parents[2] / "models" / "ear-beats", folder / "ear-beats")
    write_voice(folder / "voice-heart", shape=SMALL)
    write_voice(folder / "voice-texture", shape=TEXTURE)
    return folder


@pytest.fixture
def models(shipped, tmp_path, monkeypatch):
    folder = shutil.copytree(shipped, tmp_path / "models")
    monkeypatch.setenv("HEART_MODELS", str(folder))
    return folder


@pytest.fixture
def drips(tmp_path):
    """Two files of something that is no heart, each at its own rate; one that is broken; a silent one."""
    folder = tmp_path / "drips"
    (folder / "within").mkdir(parents=True)
    random = np.random.default_rng(0)
    time = np.arange(14 * 22_050) / 22_050
    drip = np.exp(-40 * (time % 0.37)) * np.sin(2 * np.pi * 2_000 * time) * random.uniform(0.8, 1, len(time))
    sf.write(folder / "one.wav", np.stack([drip, 0.5 * drip], 1), 22_050)
    sf.write(folder / "within" / "two.flac", 0.3 * random.standard_normal(7 * RATE).clip(-3, 3), RATE)
    (folder / "broken.wav").write_bytes(b"RIFF and nothing")
    sf.write(folder / "silent.wav", np.zeros(2 * RATE), RATE)
    return folder


@pytest.fixture
def tiny(monkeypatch):
    """Few and short windows, few sounds to measure by, and no graph, which has its own test."""
    monkeypatch.setattr(voice_lesson, "ITEMS", 2)
    monkeypatch.setattr(voice_lesson, "FRAMES", 256)
    monkeypatch.setattr(voice_card, "write_graph", lambda net, folder: None)
    monkeypatch.setattr(own_voice, "SUNG", 3)
    monkeypatch.setattr(own_voice, "SUNG_S", 1.0)
    monkeypatch.setattr(own_sounds, "TEXTURES", replace(own_sounds.TEXTURES, sizes=((2, 256),)))


def test_a_folder_of_sounds_becomes_a_voice_that_sings_by_its_name(models, drips, tiny, tmp_path):
    run = ["train", "voice-texture", "--data", str(drips), "-o", str(tmp_path / "out"), "--minutes"]
    done = CliRunner().invoke(main, [*run, "0.1"])
    assert done.exit_code == 0, done.output
    assert "broken.wav" in done.output
    assert "silent.wav: silent" in done.output
    assert "heart generate --voice drips" in done.output
    card = read_model(models / "drips").card
    assert card["own"] is True
    assert card["training"]["base"] == "voice-texture"
    assert {"loss_before", "loss_after", "frechet_before", "frechet_after"} <= set(card["figures"])
    shipped, own = (load_net(models / name / "voice.safetensors") for name in ("voice-texture", "drips"))
    assert set(own.style_labels) == {ANY}
    assert not torch.equal(own.net.outlet.weight, shipped.net.outlet.weight)
    before = torch.load(tmp_path / "out" / "drips" / "checkpoint.pt", weights_only=True)
    assert CliRunner().invoke(main, [*run, "0.12"]).exit_code == 0  # goes on, and may take its own place
    assert torch.load(tmp_path / "out" / "drips" / "checkpoint.pt", weights_only=True)["step"] > before["step"]
    out = tmp_path / "x.wav"
    sung = CliRunner().invoke(main, ["generate", "--voice", "drips", "--seconds", "1", "-o", str(out)])
    assert sung.exit_code == 0, sung.output
    assert np.abs(sf.read(out)[0]).max() > 0
    assert "drips" in own_voices()
    assert models_of("drips") == ("drips",)
    voice = open_voice("drips", threads=1)
    for label in (None, 0, 7):  # whatever the label, a style of its own sounds
        assert any(np.array_equal(voice.style(label, 3), style) for style in own.styles)
    for label in ("N", "AS", "rain", "texture"):
        assert label in labels_of("drips")
        assert np.isfinite(generate(0.5, label, steps=1, voice=voice)).all()


def test_own_hearts_are_cut_by_the_beats_that_the_ear_hears(tmp_path):
    heart = generate(16, "N", 70, 20, seed=2, voice="pulse")
    sf.write(tmp_path / "heart.wav", heart, RATE)
    sf.write(tmp_path / "noise.wav", 0.1 * np.random.default_rng(0).standard_normal(4 * RATE), RATE)
    told: list[str] = []
    material = own_hearts(tmp_path, told.append)
    found = material.gather(tmp_path, tmp_path)
    assert any("noise.wav: no heart heard in it" in line for line in told)
    assert {clip.split for clip in found} <= {"train", "val"}
    assert sum(len(clip.cycles) for clip in found) >= 12
    rr_s = np.concatenate([np.diff(clip.cycles[:, 0]) for clip in found]) / RATE
    assert np.abs(rr_s - 60 / 70).max() < 0.15
    batch = material.weave(found, 0).batch(2, 256)
    assert np.isfinite(batch.clean).all()
    assert [clip.label for clip in material.bank(found)] == [ANY] * len(found)


def test_labels_of_own_windows_are_drawn_of_all_and_none():
    drawn = AnyLabel(Loom(clips(), 0), len(LABELS), 0).batch(40, 256).label
    assert set(drawn) == set(range(len(LABELS) + 1))


def test_every_fifth_is_kept_for_validation_of_files_or_of_few_of_their_pieces():
    made = clips()
    splits = [clip.split for clip in parted([made[:5], made[5:]])]
    assert splits == (["train"] * 4 + ["val"]) * 2
    splits = [clip.split for clip in parted([made[:2], made[2:3], made[3:4], made[4:5], made[5:8], made[8:]])]
    assert splits == ["train"] * 5 + ["val"] * 3 + ["train"] * 2


def test_what_cannot_become_a_voice_is_one_line(models, drips, tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no sound files there"):
        own_textures(tmp_path / "empty", print)
    for name in ("voice-heart", "ear-beats", "../x", "pulse"):
        with pytest.raises(UsageError, match="--name"):
            own_voice.train_own("voice-texture", drips, tmp_path / "out", name)
    asked = CliRunner().invoke(main, ["train", "ear-beats", "--data", str(drips), "--name", "x"])
    assert asked.exit_code == 2
    assert "a name is for voices of your own sounds" in asked.output
    with pytest.raises(UsageError, match=r"'nobody'.*pulse"):
        open_voice("nobody")
    (tmp_path / "out" / "hers").mkdir(parents=True)
    torch.save(begin(SMALL, torch.device("cpu")).state(), tmp_path / "out" / "hers" / "checkpoint.pt")
    with pytest.raises(FileError, match="hers: holds the training of another net; begin anew with --fresh"):
        own_voice.train_own("voice-texture", drips, tmp_path / "out", "hers", 0.01, threads=1)
