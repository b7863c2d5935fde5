"""The diffusion voice's contract, on a small net that was never trained."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_voice import SMALL, wish, write_voice

from heart.errors import FileError, UsageError
from heart.records import LABELS, OVERLAP
from heart.sounding.filterbank import BEFORE, HOP, certain_frames
from heart.sounding.net import NetShape, VoiceNet
from heart.sounding.voice import PAST_FRAMES, TAIL_FRAMES, Voice, past_of, window_of
from heart.sounding.weights import load_net


def past_sound(length: int = 20_480 + OVERLAP) -> np.ndarray:
    time = np.arange(length) / 44_100
    return (0.3 * np.sin(2 * np.pi * 80 * time)).astype(np.float32)


@pytest.mark.parametrize(
    ("start", "frames", "past"), [*itertools.product((0, 64, 40_960), (64, 8_192), (0, 100, 256, 300, 20_736))]
)
def test_a_window_holds_the_past_the_new_and_a_tail(start, frames, past):
    w = wish(start, frames, np.zeros(min(past, start + OVERLAP), np.float32))
    window = window_of(w, 64)
    assert window.count % 64 == 0
    assert 0 <= window.known <= PAST_FRAMES
    last_needed = (start + frames + OVERLAP - 1 + BEFORE) // HOP
    assert window.first + window.count > last_needed + TAIL_FRAMES
    assert window.first * HOP - BEFORE <= start
    if window.known:
        assert window.first + window.known == certain_frames(start + OVERLAP)
        assert window.first * HOP - BEFORE >= start + OVERLAP - len(past_of(w))


@pytest.mark.parametrize("label", [*LABELS, ""])
def test_a_chunk_is_what_was_wished_for(voice_folder, label):
    chunk = Voice(voice_folder, threads=1).sing(wish(label=label, number=9, seed=3))
    assert chunk.audio.shape == (8_192 + OVERLAP,)
    assert chunk.audio.dtype == np.float32
    assert np.isfinite(chunk.audio).all()
    assert (chunk.number, chunk.start, chunk.seed, chunk.steps) == (9, 40_960, 3, 4)
    assert chunk.spent_s > 0


def test_the_same_wish_is_sung_again_bit_for_bit(voice_folder):
    one, two = Voice(voice_folder, threads=1), Voice(voice_folder, threads=1)
    first = one.sing(wish(past=past_sound()))
    one.sing(wish(start=81_920, seed=5))
    assert np.array_equal(first.audio, one.sing(wish(past=past_sound())).audio)
    assert np.array_equal(first.audio, two.sing(wish(past=past_sound())).audio)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"label": "AS"}, {"steps": 3}, {"guidance": 2.0}, {"start": 41_024}]
)
def test_whatever_decides_the_sound_changes_it_and_its_recipe(voice_folder, change):
    voice = Voice(voice_folder, threads=1)
    plain, other = voice.sing(wish()), voice.sing(replace(wish(), **change))
    assert plain.recipe != other.recipe
    assert not np.array_equal(plain.audio, other.audio)
    assert plain.recipe == voice.sing(wish()).recipe


def test_a_chunk_begins_as_its_past_ended(voice_folder):
    past = past_sound()
    audio = Voice(voice_folder, threads=1).sing(wish(past=past)).audio
    assert np.abs(audio[:112] - past[-OVERLAP:][:112]).max() < 2e-3
    assert np.abs(np.diff(audio, 2)[:200]).max() < 0.05


def test_only_the_past_that_is_looked_at_matters(voice_folder):
    voice = Voice(voice_folder, threads=1)
    long = np.concatenate([np.ones(30_000, np.float32), past_sound()])
    other = np.concatenate([np.zeros(30_000, np.float32), past_sound()])
    one, two = voice.sing(wish(80_000 // 64 * 64, past=long)), voice.sing(wish(80_000 // 64 * 64, past=other))
    assert np.array_equal(one.audio, two.audio)


def test_a_damaged_past_does_not_damage_the_chunk(voice_folder):
    past = past_sound()
    past[100:200] = np.nan
    assert np.isfinite(Voice(voice_folder, threads=1).sing(wish(past=past)).audio).all()


def test_a_seed_chooses_among_the_clean_recordings_of_the_label(voice_folder):
    voice = Voice(voice_folder, threads=1)
    bank = np.linspace(-1, 1, 60).reshape(10, 6)
    for label in range(5):
        for seed in range(4):
            assert np.allclose(voice.style(label, seed), bank[label], atol=1e-3)


def test_the_net_has_the_size_its_card_speaks_of():
    net = VoiceNet()
    assert 5.0e6 < sum(p.numel() for p in net.parameters()) < 6.5e6
    x = torch.randn(2, 3, 128)
    label, style = torch.tensor([0, 3]), torch.zeros(2, 7)
    v = net(x, torch.tensor([0.1, 0.9]), torch.zeros(2, 5, 128), label, style)
    assert v.shape == x.shape
    assert float(v.detach().abs().max()) == 0  # an untrained net says nothing


def test_weights_come_back_as_they_were_written(tmp_path):
    folder = write_voice(tmp_path / "v", seed=4, shape=SMALL)
    weights = load_net(folder / "voice.safetensors")
    assert weights.net.shape == SMALL
    assert weights.styles.shape == (10, 6)
    again = load_net(folder / "voice.safetensors").net
    for (name, one), two in zip(weights.net.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two), name
        assert one.dtype == torch.float32
    assert isinstance(NetShape().to_dict()["widths"], tuple)


def test_missing_and_damaged_weights_are_one_clear_line(voice_folder, tmp_path):
    with pytest.raises(FileError, match="no such card"):
        Voice(tmp_path / "nowhere")
    weights = voice_folder / "voice.safetensors"
    data = bytearray(weights.read_bytes())
    data[-50] ^= 0xFF
    weights.write_bytes(data)
    with pytest.raises(FileError, match="damaged or changed"):
        Voice(voice_folder)
    weights.unlink()
    with pytest.raises(FileError, match="missing"):
        Voice(voice_folder)
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(FileError, match="damaged or not a voice"):
        load_net(tmp_path / "x.safetensors")


def test_an_unknown_sampler_is_refused_before_any_weights_are_read(voice_folder):
    with pytest.raises(UsageError, match="no sampler called 'nope'"):
        Voice(voice_folder, sampler="nope")
