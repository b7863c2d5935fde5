"""The textures: material, styles, windows, training and figures, on sounds from arithmetic and a small net."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import soundfile as sf
import torch

from heart.cards import read_model
from heart.errors import FileError
from heart.learning import texture_data, texture_sounds, texture_train, voice_train
from heart.learning.texture_card import credits_of
from heart.learning.texture_data import SPEEDS, gather_pieces, load_pieces, pack_pieces, texture_rows
from heart.learning.texture_evaluate import compare, distance_db, evaluate_texture, hear, recognised
from heart.learning.texture_loom import SHAPE, Habits, TextureLoom
from heart.learning.texture_style import STYLES, band_levels_db, measure_style
from heart.learning.voice_lesson import objective
from heart.learning.voice_train import begin, learn
from heart.records import TEXTURES
from heart.sounding.conditions import LEVEL_CENTRE_DB, LEVEL_WIDTH_DB, compand, expand, mix_styles
from heart.sounding.contour import PHRASE, ROWS
from heart.sounding.duet import Duet
from heart.sounding.filterbank import BANDS, analyse_span
from heart.sounding.weights import load_net

RATE = 44_100
SMALL = replace(SHAPE, widths=(16, 16, 32, 32), embedding=32)
WORDS = {"storm": "storm", "rain": "rain", "wind": "wind", "sea": "sea_waves", "birds": "chirping_birds",
         "fire": "crackling_fire", "bells": "church_bells", "jazz": "jazz", "breath": "breathing"}  # fmt: skip
"""What the data call each texture."""
FREE = {"licence": "CC0", "note": ""}


def texture(label: str, seconds: float = 1.6, seed: int = 0) -> np.ndarray:
    """Noise whose colour tells the class; the higher its number, the brighter."""
    random = np.random.default_rng([TEXTURES.index(label), seed])
    noise = random.standard_normal(int(seconds * RATE))
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    centre = 200.0 * 1.6 ** TEXTURES.index(label)
    return (
        0.1
        * np.fft.irfft(np.fft.rfft(noise) / (1 + (hz / centre) ** 4), len(noise))
        * (1 + hz.max() / centre) ** 0.5
    )


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "env").mkdir()
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, ["path", "label", "split", "licence", "note"])
        rows.writeheader()
        for label, word in WORDS.items():
            for n, split in enumerate(("train", "val")):
                path = f"env/{label}-{n}.flac"
                sf.write(folder / path, texture(label, seed=n).clip(-1, 1), RATE)
                note = f"by {label} http://x/{n}"
                rows.writerow({"path": path, "label": word, "split": split, "licence": "CC-BY", "note": note})
        for pitch in (57, 60):
            sf.write(folder / f"env/{pitch}.flac", note_sound(pitch, 16_000), 16_000)
            rows.writerow({"path": f"env/{pitch}.flac", "label": f"pitch_{pitch}", "split": "train", **FREE})
        rows.writerow({"path": "env/none.flac", "label": "crow", "split": "train", **FREE})
    return folder


def note_sound(pitch: int, rate: int, seconds: float = 2.0) -> np.ndarray:
    t = np.arange(int(seconds * rate)) / rate
    return 0.5 * np.exp(-t) * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t)


@pytest.fixture(scope="module")
def pack(data_dir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture_data, "MADE", {"bells": 1, "breath": 1, "piano": 2})
        patch.setattr(texture_data, "PIECE_S", 2.0)
        out = tmp_path_factory.mktemp("pack") / "clips.npz"
        pack_pieces(data_dir, out)
    return out


def test_a_pack_has_every_texture_levelled_and_at_every_speed(pack, data_dir):
    pieces = load_pieces(pack)
    assert {TEXTURES[piece.label] for piece in pieces} == set(TEXTURES)
    for piece in pieces:
        assert 0.02 < np.abs(piece.sound).max() <= 0.96
        assert piece.style.shape == (STYLES,)
        assert piece.sound[0] == piece.sound[-1] == 0
    rain = [piece for piece in pieces if TEXTURES[piece.label] == "rain"]
    assert {piece.speed for piece in rain if piece.split == "train"} == set(SPEEDS["rain"])
    assert {piece.speed for piece in rain if piece.split == "val"} == {1.0}
    lengths = {piece.speed: len(piece.sound) for piece in rain if piece.split == "train"}
    assert lengths[1.33] == pytest.approx(lengths[1.0] / 1.33, rel=0.01)
    again = gather_pieces(data_dir, pack)
    assert all(np.array_equal(a.sound, b.sound) for a, b in zip(pieces, again, strict=True))


def test_missing_data_are_one_clear_line(tmp_path):
    with pytest.raises(FileError, match=r"manifest\.csv: no such file"):
        pack_pieces(tmp_path, tmp_path / "x.npz")
    (tmp_path / "manifest.csv").write_text("path,label,split,licence,note\na,crow,train,CC0,\n")
    with pytest.raises(FileError, match="lists no clip of a texture"):
        pack_pieces(tmp_path, tmp_path / "x.npz")
    with pytest.raises(FileError, match="no such pack"):
        load_pieces(tmp_path / "x.npz")


def test_whoever_asks_for_credit_is_named_once_and_only_for_what_was_learned(data_dir):
    owed = credits_of(texture_rows(data_dir))
    assert "by rain http://x/0 (CC-BY)" in owed
    assert len(owed) == len(set(owed)) == len(WORDS)
    assert not [line for line in owed if "x/1" in line], "validation clips were not learned from"


def test_sounds_from_arithmetic_are_what_they_are_called():
    random = np.random.default_rng(0)
    bell, breath = texture_sounds.bell(4.0, random), texture_sounds.breath(4.0, random)
    notes = [(p, note_sound(p, RATE)) for p in (57, 60, 63)]
    piano = texture_sounds.piano(4.0, notes, random)
    for sound in (bell, breath, piano):
        assert len(sound) == 4 * RATE
        assert np.isfinite(sound).all()
        assert sound.std() > 0.01
    flatness = [measure_style(s / np.abs(s).max())[BANDS] for s in (bell, piano, breath)]
    assert flatness[2] > max(flatness[:2]) + 0.5, "breath is noise, the others are tones"
    played = texture_sounds.play(59, notes)
    hz = np.fft.rfftfreq(len(played), 1 / RATE)[np.abs(np.fft.rfft(played)).argmax()]
    assert hz == pytest.approx(440 * 2 ** (-10 / 12), rel=0.005)


def test_a_style_names_levels_and_a_mixture_adds_their_powers():
    one, two = texture("rain"), texture("breath")
    styles = [measure_style(sound) for sound in (one, two)]
    levels = mix_styles(styles, [0.5, 0.5], BANDS)[:BANDS] * LEVEL_WIDTH_DB + LEVEL_CENTRE_DB
    both = band_levels_db(0.5**0.5 * (one + two))
    loud = both > both.max() - 40
    assert np.abs(levels - both)[loud].max() < 1.5
    louder = measure_style(4 * one)[:BANDS] - styles[0][:BANDS]
    free = np.abs(measure_style(4 * one)[:BANDS]) < 2.5
    assert np.allclose(louder[free] * LEVEL_WIDTH_DB, 20 * np.log10(4), atol=0.5)


@pytest.mark.parametrize("label", ["storm", "rain", "breath"])
def test_on_its_own_scale_every_texture_has_deviation_one(label):
    sound = texture(label).astype(np.float32)
    scale = SHAPE.scale(measure_style(sound))
    frames = analyse_span(sound)
    values = compand(frames, scale)
    assert np.allclose(expand(values, scale), frames, atol=1e-5)
    heard = band_levels_db(sound) > band_levels_db(sound).max() - 60
    assert np.allclose(values.std(1)[heard], 1, atol=0.2)


def test_windows_are_of_every_class_alike_and_two_at_once_say_so(pack):
    pieces = [piece for piece in load_pieces(pack) if piece.split == "train"]
    batch = TextureLoom(pieces, 0).batch(200, 256)
    assert batch.clean.shape == (200, BANDS, 256)
    assert np.isfinite(batch.clean).all()
    assert np.allclose(batch.label.sum(1), 1)
    counts = (batch.label > 0).sum(0)
    assert counts[1:].min() >= 8
    assert 10 <= ((batch.label[:, 1:] > 0).sum(1) == 2).sum() <= 50
    assert 10 <= batch.label[:, 0].sum() <= 45, "null label"
    told = batch.style[:, -1] > 0
    assert (batch.conditions[~told, 1:] == -1).all(), "no contour without a style"
    assert (np.ptp(batch.conditions[told, 1:4], axis=-1) > 0).any(-1).all()
    assert (batch.conditions[:, 4] == -1).all()
    same = TextureLoom(pieces, 0).batch(200, 256)
    assert np.array_equal(batch.clean, same.clean)


def test_the_loss_falls(pack):
    torch.manual_seed(0)
    weights = texture_train.MATERIAL.band_weights
    run = begin(SMALL, torch.device("cpu"), weights)
    batch = TextureLoom(load_pieces(pack), 0, Habits(no_past=0)).batch(6, 128)
    t, noise = torch.linspace(0.1, 0.9, 6), torch.randn(batch.clean.shape)
    before = float(objective(run.net, batch, t, noise, weights).detach())
    for _ in range(60):
        run.step = voice_train.WARM_UP_STEPS  # no warm-up in so short a run
        learn(run, batch, 0.0)
    assert float(objective(run.net, batch, t, noise, weights).detach()) < 0.9 * before


def test_training_ends_with_a_model_that_sings_and_goes_on_where_it_stopped(pack, data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(texture_train, "MATERIAL", replace(texture_train.MATERIAL, shape=SMALL))
    monkeypatch.setattr(texture_train, "train_voice", partial(voice_train.train_voice, sizes=((3, 256),)))
    out = tmp_path / "voice-texture"
    out.mkdir()
    (out / "clips.npz").write_bytes(pack.read_bytes())
    weights = texture_train.train_texture(data_dir, out, 0.02, threads=1)
    model = read_model(out / "model")
    assert model.weights == weights
    assert model.card["labels"] == list(TEXTURES)
    assert "by rain http://x/0 (CC-BY)" in model.card["credits"]
    bank = load_net(weights)
    assert bank.net.shape == SMALL
    train = [piece for piece in load_pieces(pack) if piece.split == "train" and piece.speed == 1]
    assert len(bank.styles) == len(bank.contours) == len(train)
    step = torch.load(out / "checkpoint.pt", weights_only=True)["step"]
    texture_train.train_texture(data_dir, out, 0.04, threads=1)
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] > step


def test_figures_tell_a_likeness_from_another_class(pack):
    sounds = {label: [texture(label, seed=n).astype(np.float32) for n in range(4)] for label in ("storm", "breath")}
    own = compare(sounds["storm"][:2], sounds["storm"][2:3], sounds["storm"][3:])
    other = compare(sounds["breath"][:2], sounds["storm"][2:3], sounds["storm"][3:])
    assert own["distance_db"] < 3 < 10 < other["distance_db"]
    assert own["against"] == "val"
    assert compare(sounds["storm"], sounds["storm"][:2], [])["against"] == "train"
    assert distance_db(hear(sounds["storm"][0]), hear(5 * sounds["storm"][0])) < 0.1
    assert recognised(sounds, sounds)["all"] == 1
    swapped = {"storm": sounds["breath"], "breath": sounds["storm"]}
    assert recognised(swapped, sounds)["all"] == 0


def test_a_voice_that_sings_is_measured_and_drawn(pack, data_dir, tmp_path, monkeypatch):
    from heart.learning import texture_evaluate

    monkeypatch.setattr(texture_evaluate, "SUNG_S", 0.8)
    monkeypatch.setattr(texture_evaluate, "SPEED_STEPS", (1,))
    voice = Duet(untrained(tmp_path) / "voice", threads=1)
    out = tmp_path / "spectra.png"
    figures = evaluate_texture(data_dir, pack, out, voice, seeds=1, minute_s=1.5)
    assert set(figures["classes"]) == set(TEXTURES)
    assert all(row["finite"] for row in figures["classes"].values())
    assert figures["realtime"]["1 steps"] > 0
    assert "rain, a minute" in figures["text"]
    assert out.read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setenv("HEART_MODELS", str(tmp_path / "empty"))
    with pytest.raises(FileError, match="voice-texture: no such model"):
        evaluate_texture(data_dir, pack)


def untrained(folder):
    """Two models that were never trained."""
    from heart.cards import sha256, write_card
    from heart.sounding.net import NetShape, VoiceNet
    from heart.sounding.weights import save_net

    for name, shape in (("voice-heart", NetShape(widths=(16, 16, 32, 32), embedding=32)), ("voice-texture", SMALL)):
        (folder / name).mkdir()
        weights = folder / name / "voice.safetensors"
        styles = np.zeros((len(shape.labels), shape.styles), np.float32)
        contours = np.zeros((len(styles), ROWS, PHRASE), np.float32) if shape.levelled else None
        save_net(VoiceNet(shape), styles, np.arange(len(shape.labels)), weights, contours)
        card = {"name": name, "kind": "voice", "class": "x", "sample_rate": RATE, "licence": "MIT"}
        write_card(weights.parent, {**card, "weights": weights.name, "sha256": sha256(weights)})
    return folder
