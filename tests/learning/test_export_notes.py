"""The notes' decoder in a process without us: gates open notes, and they sound as the engine's do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from test_export_stream import Host

from heart.cards import find_model
from heart.learning.export import notes, plain
from heart.learning.export.files import export_model
from heart.learning.export.note_stream import RATIO, Raise
from heart.sounding.notes.model import NoteVoice, Said

BUFFER = 4_096


@pytest.fixture(scope="module")
def playing(tmp_path_factory):
    root = tmp_path_factory.mktemp("notes")
    host = Host(export_model("notes-ae", "nn~", root / "notes.ts").path, root)
    yield NoteVoice(find_model("notes-ae")), host
    host.close()


def controls(voice: NoteVoice, buffers: int, notes: dict[int, tuple[int, float, float]]) -> np.ndarray:
    """[1, 2 + L, samples] with notes {frame: (velocity, pitch, first latent)}, each gate open for 2,048 frames."""
    given = np.zeros((1, 2 + voice.latents, buffers * BUFFER), np.float32)
    for frame, (velocity, pitch, z) in notes.items():
        given[0, :, frame : frame + 2_048] = 0
        given[0, :3, frame : frame + 2_048] = np.array([velocity / 127, pitch, z])[:, None]
    return given


def engine(voice: NoteVoice, buffers: int, notes: dict[int, tuple[int, float, float]], **said) -> np.ndarray:
    sound = np.zeros(buffers * BUFFER + 200_000, np.float32)
    for frame, (velocity, pitch, z) in notes.items():
        note = Raise()(torch.from_numpy(voice.decode([z], Said(pitch, velocity=velocity, **said)))[None])[0].numpy()
        sound[frame : frame + len(note)] += note
    return sound[: buffers * BUFFER]


def test_notes_that_overlap_are_the_engines(playing):
    voice, host = playing
    notes = {512: (100, 57.0, 0.5), 6_144: (40, 64.0, -1.5), 8_192 + 2 * RATIO: (127, 40.0, 9.0)}
    host("set", "reset", "1")
    ours = host.perform("forward", controls(voice, 12, notes), BUFFER)[0, 0]
    theirs = engine(voice, 12, notes)
    assert np.abs(theirs).max() > 0.3
    assert np.abs(ours - theirs).max() < 1e-4
    assert host("about")["methods"]["forward"] == [2 + voice.latents, RATIO, 1, 1]


def test_family_and_vibrato_are_told_and_what_cannot_be_is_refused(playing):
    voice, host = playing
    host("set", "reset", "1")
    assert host("set", "family", "bowed") == host("set", "vibrato", "30") == 0
    assert host("set", "family", "organ") == host("set", "vibrato", "999") == -1
    notes = {1_024: (90, 60.0, 0.0)}
    ours = host.perform("forward", controls(voice, 3, notes), BUFFER)[0, 0]
    assert np.abs(ours - engine(voice, 3, notes, family="bowed", vibrato_cents=30.0)).max() < 1e-4
    assert host("set", "family", "none") == host("set", "vibrato", "0") == 0


def test_after_a_reset_nothing_rings_and_rubbish_is_no_note(playing):
    voice, host = playing
    host.perform("forward", controls(voice, 1, {0: (100, 60.0, 0.0)}), BUFFER)
    host("set", "reset", "1")
    given = controls(voice, 2, {})
    assert not host.perform("forward", given, BUFFER).any()
    given[:, :, 1_000:3_000] = np.nan
    given[:, 0, 5_000:] = 0.5
    given[:, 1, 5_000:] = 1e9
    assert np.abs(host.perform("forward", given, BUFFER)).max() < 1.5


def test_a_flood_of_gates_is_cut_and_four_instances_play_apart(playing):
    voice, host = playing
    given = np.repeat(controls(voice, 1, {0: (100, 60.0, 0.0)}), 4, 0)
    given[1:] = 0
    given[2, 0] = np.arange(BUFFER) // RATIO % 2
    sound = host.perform("forward", given, BUFFER)
    assert sound.shape == (4, 1, BUFFER)
    assert sound[0].any()
    assert not sound[1].any()


def test_the_rate_is_raised_without_harm():
    time = np.arange(64_000) / 16_000
    raised = Raise()(torch.from_numpy(np.sin(2 * np.pi * 1_000 * time).astype(np.float32))[None])[0].numpy()
    expected = np.sin(2 * np.pi * 1_000 * np.arange(len(raised)) / 44_100)
    assert np.abs(raised - expected)[200:-200].max() < 2e-3


def test_the_decoder_leaves_as_torchscript(tmp_path):
    assert plain.write_script(notes.decoder(find_model("notes-ae")), tmp_path / "decoder.ts") < 1e-4


@pytest.mark.stage
@pytest.mark.parametrize("name", ["notes-ae", "notes-ae-64"])
def test_the_decoder_leaves_as_a_graph(name, tmp_path):
    assert export_model(name, "onnx", tmp_path / "decoder.onnx").difference < 1e-4
