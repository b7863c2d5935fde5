"""Notes: a set in NSynth's layout, its reader, what is measured, and every training for a moment."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from heart.audio import read_audio, write_audio
from heart.cards import read_model, write_card
from heart.cli import main
from heart.config import models_dir
from heart.errors import FileError
from heart.learning import train_model
from heart.learning.notes_ae import objective, train_on
from heart.learning.notes_data import read_nsynth, read_piano, split_of
from heart.learning.notes_evaluate import apart, evaluate_ae, evaluate_gan, held_out
from heart.learning.notes_faders import encode_all, turn_latents
from heart.learning.notes_files import write_notes
from heart.learning.notes_fronts import front_figures
from heart.learning.notes_gan import fight, plain_duel
from heart.learning.notes_judge import cents, log_spectral_distance, share_within
from heart.learning.notes_pack import PLAYED, Pack, pack_notes
from heart.learning.notes_school import steps_of
from heart.learning.notes_seed import pack_grids, train_plain_ae
from heart.learning.notes_synth import make_instrument, make_play, render
from heart.learning.notes_table import as_text
from heart.sounding.notes.kinds import FAMILIES, HIGHEST, LOWEST, SAMPLES
from heart.sounding.notes.net import Autoencoder
from heart.sounding.notes.pitch import find_pitch

COUNT, SEED = 70, 4
"""Of its seven instruments two are held out."""
MOMENT = 0.002
"""Minutes: a step or a few."""
ROW = '{"a": {"note_str": "a", "instrument_str": "b", "pitch": %s, "velocity": 1, "instrument_family_str": "%s"}}'


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    write_notes(folder, COUNT, SEED)
    return folder


@pytest.fixture(scope="module")
def pack(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_notes(read_nsynth(folder), tmp_path_factory.mktemp("pack"), lambda name, share, text: None)


def test_notes_lie_in_nsynths_layout(folder: Path) -> None:
    rows = json.loads((folder / "examples.json").read_text())
    assert len(rows) == COUNT
    for name, row in rows.items():
        assert row["note_str"] == name
        assert {"pitch", "velocity", "instrument", "instrument_family", "qualities", "sample_rate"} <= set(row)
        assert LOWEST <= row["pitch"] <= HIGHEST
    sound, rate = read_audio(folder / "audio" / f"{name}.wav")
    assert (len(sound), rate) == (SAMPLES, 16_000)
    assert {row["instrument_family_str"] for row in rows.values()} == set(FAMILIES)


def test_the_same_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(
        main, ["data", "notes", "-o", str(tmp_path / "again"), "--count", "12", "--seed", str(SEED)]
    )
    assert made.exit_code == 0
    for path in (tmp_path / "again" / "audio").iterdir():
        same = hashlib.sha256(path.read_bytes()).digest()
        assert same == hashlib.sha256((folder / "audio" / path.name).read_bytes()).digest()


def test_notes_are_at_the_pitch_they_say(folder: Path) -> None:
    off = [100 * abs(find_pitch(note.sound()) - note.pitch) for note in read_nsynth(folder)]
    assert share_within(off, 20) >= 0.97


@pytest.mark.parametrize("family", range(len(FAMILIES)))
def test_brighter_play_has_more_above(family: int) -> None:
    instrument = make_instrument(0, family)
    play = make_play(instrument, 0, family, 0)
    part = []
    for brightness in (0.1, 0.9):
        how = {**play.facts(), "brightness": brightness, "pitch": 50, "noise": 0.0, "decay_s": 2.0}
        power = np.abs(np.fft.rfft(render(instrument, type(play)(**how)))) ** 2
        part.append(power[SAMPLES // 20 :].sum() / power.sum())
    assert part[1] > part[0]


def test_a_timbre_is_on_one_side_only(folder: Path) -> None:
    notes = read_nsynth(folder)
    sides = {
        note.instrument: {other.split for other in notes if other.instrument == note.instrument} for note in notes
    }
    assert all(len(side) == 1 for side in sides.values())
    names = [f"bass_acoustic_{number:03d}" for number in range(1000)]
    assert 0.07 < np.mean([split_of(name) == "val" for name in names]) < 0.13


def test_real_nsynth_rows_are_read_and_what_is_missing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    row = {
        "note_str": "guitar_acoustic_010-066-100",
        "instrument_str": "guitar_acoustic_010",
        "pitch": 66,
        "velocity": 100,
        "instrument_family_str": "guitar",
        "qualities_str": ["dark"],
    }
    rows = {row["note_str"]: row, "vocal_acoustic_000-120-050": {**row, "pitch": 120}}
    (tmp_path / "examples.json").write_text(json.dumps(rows))
    with pytest.raises(FileError, match="none of the 2 notes"):
        read_nsynth(tmp_path)
    for name in rows:
        write_audio(tmp_path / "audio" / f"{name}.wav", np.zeros(48_000, np.float32), 16_000, "PCM_16")
    (note,) = read_nsynth(tmp_path)
    assert (note.pitch, FAMILIES[note.family], dict(note.synthesis)) == (66, "plucked", {})
    assert note.sound().shape == (SAMPLES,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no such file"),
        ("{", "cannot be read"),
        ("[1]", "must map names"),
        ('{"a": {"pitch": 60}}', "note a lacks note_str"),
        (
            ROW % ('"x"', "bass"),
            "note a: invalid literal",
        ),
        (
            ROW % (60, "drum"),
            "family 'drum'",
        ),
    ],
)
def test_broken_sets_are_refused_in_words(tmp_path: Path, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / "examples.json").write_text(text)
    with pytest.raises(FileError, match=why):
        read_nsynth(tmp_path)


def test_piano_notes_come_from_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,source,label\na.wav,salamander,pitch_45\nb.wav,jazz,x\n")
    (note,) = read_piano(tmp_path)
    assert (note.pitch, FAMILIES[note.family]) == (45, "struck")
    assert read_piano(tmp_path / "nowhere") == []


def test_distances_are_nothing_to_itself_and_grow(folder: Path) -> None:
    sound = read_nsynth(folder)[0].sound()
    noisy = sound + 0.02 * np.random.default_rng(0).standard_normal(SAMPLES).astype(np.float32)
    assert log_spectral_distance(2 * sound, sound) == pytest.approx(0, abs=1e-3)
    assert log_spectral_distance(noisy, sound) > 5
    assert cents(sound, sound) == 0
    assert share_within([1, 30, float("nan")], 20) == pytest.approx(1 / 3)
    heap = np.random.default_rng(0).standard_normal((500, 4))
    assert apart(heap, heap) == pytest.approx(0, abs=1e-6)
    assert apart(heap + np.array([2, 0, 0, 0]), heap) == pytest.approx(4, abs=0.1)


def test_front_ends_rank_as_they_must(folder: Path) -> None:
    rows = front_figures(read_nsynth(folder)[:1])
    assert rows["magnitude, frequency"]["snr_db"] > 100
    assert rows["magnitude, Griffin-Lim"]["distance_db"] > rows["magnitude, frequency"]["distance_db"]
    assert "Griffin-Lim" in as_text(rows)


def test_an_autoencoder_learns_goes_on_and_is_turned(pack: Pack, tmp_path: Path) -> None:
    train_on(pack, tmp_path, MOMENT, 0, True, 16)
    first, _ = steps_of(tmp_path)
    net = train_on(pack, tmp_path, 0.03, 0, True, 16)
    torch.manual_seed(0)
    with torch.no_grad():
        losses = [float(objective(pack, one, pack.val, False)) for one in (Autoencoder(16, PLAYED).eval(), net)]
    assert 0 < first < steps_of(tmp_path)[0]
    assert losses[1] < 0.85 * losses[0]

    levels, pitch, family, _ = pack.batch(pack.val[:4])
    with torch.no_grad():
        before = net.decoder(net.encode(levels, pitch), pitch, family), net.tell(net.encode(levels, pitch))
        faders = turn_latents(net, pack)
        after = net.decoder(net.encode(levels, pitch), pitch, family), net.tell(net.encode(levels, pitch))
    for one, other in zip(before, after):
        assert torch.allclose(one, other, atol=0.05)
    z = encode_all(net, pack, pack.train)
    assert np.abs(np.cov(z.T) - np.eye(16)).max() < 0.1
    assert sorted(fader.word for fader in faders) == sorted(PLAYED)
    for number, fader in enumerate(faders):  # a step up is a rise of the word
        assert np.corrcoef(z[:, number], pack.played[pack.train][:, PLAYED.index(fader.word)])[0, 1] > 0


def test_plain_nets_learn_alike(pack: Pack, tmp_path: Path) -> None:
    grids = pack_grids(pack.notes, tmp_path)
    assert grids.shape == (COUNT, 2, 128, 128)
    train_plain_ae(pack, grids, tmp_path / "ae", MOMENT, 0, True)
    fight(plain_duel(grids), pack, tmp_path / "gan", MOMENT, 0, True)
    assert steps_of(tmp_path / "ae")[0] > 0
    assert steps_of(tmp_path / "gan")[0] > 0


def test_training_makes_models_that_can_be_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heart.learning.notes_gan_train.EAR_MINUTES", MOMENT)
    monkeypatch.setenv("HEART_MODELS", str(tmp_path / "models"))
    for name in ("notes-ae", "notes-gan"):
        train_model(name, folder, tmp_path / "out", None, True, {"minutes": MOMENT, "seed": 1})
        shutil.copytree(tmp_path / "out" / name / "model", tmp_path / "models" / name)
    card = read_model(tmp_path / "models" / "notes-ae").card
    assert card["training"]["steps"] > 0
    assert card["figures"]["lsd_db"] == pytest.approx(evaluate_ae(folder)["lsd_db"], abs=0.01)
    assert evaluate_gan(folder)["recorded"]["frechet"] == pytest.approx(0, abs=1e-3)
    gan = tmp_path / "models" / "notes-gan"
    write_card(gan, {**read_model(gan).card, "decoder_sha256": "0" * 64})
    with pytest.raises(FileError, match="made for another notes-ae"):
        evaluate_gan(folder)


def test_shipped_models_hold_their_figures(folder: Path) -> None:
    figures = evaluate_ae(folder)
    assert figures["pitch_kept_20_cents"] >= 0.9
    assert figures["lsd_db"] < 7
    heaps = evaluate_gan(folder)
    made, random = heaps["gan"], heaps["random_latents"]
    assert made["pitch_right_50_cents"] >= 0.85
    assert made["family_right"] > max(0.5, 1.5 * random["family_right"])  # two families that are easily mixed up
    assert made["frechet"] < 0.7 * random["frechet"]


def test_what_cannot_be_measured_says_why(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="heart data notes"):
        held_out(None)
    write_notes(tmp_path, 1)
    with pytest.raises(FileError, match="held-out"):
        held_out(tmp_path)
    with pytest.raises(FileError, match="too few instruments"):
        train_model("notes-ae", tmp_path, tmp_path / "out", None, True, {})
    told = CliRunner().invoke(main, ["evaluate", "notes-table", "--data", str(tmp_path)])
    assert (told.exit_code, "heart train notes-table" in told.output) == (1, True)


def test_all_note_models_are_small() -> None:
    files = [path for name in ("notes-ae", "notes-ae-64", "notes-gan") for path in (models_dir() / name).iterdir()]
    assert sum(path.stat().st_size for path in files) < 4e6
