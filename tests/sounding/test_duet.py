"""Hearts and textures behind one door, with small nets that were never trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_voice import SMALL, TEXTURE, wish, write_voice

from heart.errors import FileError
from heart.records import CROSSFADE, LABELS, OVERLAP, TEXTURES, Crossing
from heart.sounding.conditions import HEART
from heart.sounding.duet import Duet
from heart.sounding.offline import HOP, generate
from heart.sounding.registry import labels_of, models_of, open_voice
from heart.sounding.voice import Voice


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    write_voice(tmp_path / "voice-heart")
    write_voice(tmp_path / "voice-texture", 1, TEXTURE)
    return tmp_path


@pytest.fixture
def duet(models):
    return Duet(models / "voice", threads=1)


def sound(seed: int, length: int = 20_480 + OVERLAP) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(length + 64)
    return (0.2 * np.convolve(noise, np.hanning(65) / 8, "valid")).astype(np.float32)


@pytest.mark.parametrize("label", [*LABELS, "", "murmur", "heart"])
def test_hearts_are_sung_as_by_their_net_alone_byte_for_byte(duet, models, label):
    alone = Voice(models / "voice-heart", threads=1).sing(wish(label=label, past=sound(1)))
    both = duet.sing(wish(label=label, past=sound(1)))
    assert both.audio.tobytes() == alone.audio.tobytes()
    assert both.recipe == alone.recipe
    assert both.parts is None
    assert duet._textures is None, "the other net is not even read"


def test_a_label_alone_is_what_it_was_before_there_were_mixtures(models):
    voice = Voice(models / "voice-heart", threads=1)
    plain = voice.sing(wish(label="MR"))
    assert plain.audio.tobytes() == voice.sing(wish(label="x", mix=(("MR", 0.7),))).audio.tobytes()


@pytest.mark.parametrize("label", [*TEXTURES, "texture"])
def test_a_texture_is_sung_by_its_own_net_after_its_own_past(duet, models, label):
    parts = np.stack([sound(1), sound(2)], 1)
    chunk = duet.sing(wish(label=label, past=sound(3), parts=parts))
    own = replace(wish(label=label, past=sound(2)), beats=())
    alone = Voice(models / "voice-texture", threads=1).sing(own)
    assert chunk.audio.tobytes() == chunk.parts[:, 1].tobytes() == alone.audio.tobytes()
    assert not chunk.parts[:, 0].any()


def test_a_mixture_of_both_is_their_sum_with_equal_power(duet):
    parts = np.stack([sound(1), sound(2)], 1)
    chunk = duet.sing(wish(label="x", mix=(("N", 1.0), ("rain", 3.0)), past=parts.sum(1), parts=parts))
    heart = duet.hearts.sing(wish(label="N", past=sound(1)))
    assert np.array_equal(chunk.parts[:, 0], heart.audio)
    assert np.allclose(chunk.audio, 0.5 * chunk.parts[:, 0] + 0.75**0.5 * chunk.parts[:, 1], atol=1e-6)
    other = duet.sing(wish(label="x", mix=(("N", 1.0), ("rain", 2.0)), past=parts.sum(1), parts=parts))
    assert other.recipe != chunk.recipe


def test_weights_within_one_net_change_the_sound_and_scale_free(duet):
    def sing(*mix):
        return duet.sing(wish(label="x", mix=mix)).audio

    assert np.array_equal(sing(("rain", 0.2), ("bells", 0.2)), sing(("rain", 1.0), ("bells", 1.0)))
    assert not np.array_equal(sing(("rain", 0.2), ("bells", 0.8)), sing(("rain", 0.8), ("bells", 0.2)))
    assert np.array_equal(sing(("rain", 1.0), ("bells", 0.0)), duet.sing(wish(label="rain")).audio)


def test_in_a_crossing_the_heart_ends_and_the_texture_begins(duet):
    frame = 40_960 + 4_096
    chunk = duet.sing(wish(label="N", past=sound(1), crossing=Crossing(frame, (("sea", 1.0),))))
    before, after = slice(0, 4_096 - CROSSFADE), slice(4_096, None)
    assert np.allclose(chunk.audio[before], chunk.parts[before, 0], atol=1e-6)
    assert np.allclose(chunk.audio[after], chunk.parts[after, 1], atol=1e-6)
    back = duet.sing(wish(label="sea", crossing=Crossing(frame, (("N", 1.0),))))
    assert np.allclose(back.audio[after], back.parts[after, 0], atol=1e-6)


@pytest.mark.parametrize("mix", ["rain", "N,rain", "N:1,MR:1,bells:0.5,jazz:2"])
def test_a_stream_of_any_mix_does_not_click_where_chunks_meet(models, mix):
    sung = generate(3, mix=mix, seed=2, steps=2, voice="voice", threads=1)
    assert np.isfinite(sung).all()
    bend = np.abs(np.diff(sung.astype(float), 2))
    at_borders = np.zeros(len(bend), bool)
    for border in range(HOP, len(bend), HOP):
        at_borders[border - 16 : border + OVERLAP + 16] = True
    assert np.percentile(bend[at_borders], 99.5) < 1.6 * np.percentile(bend[~at_borders], 99.5)


def test_without_the_textures_model_hearts_are_sung_and_textures_refused_by_name(models, duet):
    assert set(TEXTURES) < set(labels_of("voice"))
    (models / "voice-texture" / "card.toml").unlink()
    assert np.isfinite(duet.sing(wish(label="AS")).audio).all()
    with pytest.raises(FileError, match=r"voice-texture.card\.toml"):
        duet.sing(wish(label="rain"))
    (models / "voice-texture" / "voice.safetensors").unlink()
    (models / "voice-texture").rmdir()
    assert models_of("voice") == ("voice-heart",)
    assert not set(TEXTURES) & set(labels_of("voice"))
    assert open_voice("voice", threads=1).sing(wish()).audio.any()


def test_a_textures_scale_follows_its_style(models):
    voice = Voice(models / "voice-texture", threads=1)
    quiet, loud = (voice.net.shape.scale(np.full(19, level, np.float32)) for level in (-1.0, 1.0))
    assert np.allclose(np.array(loud.knees) / np.array(quiet.knees), 10 ** (2 * 18 / 20))
    assert SMALL.scale(np.ones(6, np.float32)) == HEART
