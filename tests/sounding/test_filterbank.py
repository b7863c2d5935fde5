"""The front end: exact inverse, honest borders."""

from __future__ import annotations

import numpy as np
import pytest

from heart.sounding.filterbank import (
    AFTER,
    BANDS,
    BEFORE,
    HOP,
    KERNEL,
    LEAD,
    TAPS,
    analyse,
    analyse_span,
    certain_frames,
    first_whole_frame,
    prototype,
    synthesise,
)


def noise(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(length)


def snr_db(wanted: np.ndarray, got: np.ndarray) -> float:
    return float(10 * np.log10((wanted**2).sum() / (((wanted - got) ** 2).sum() + 1e-40)))


@pytest.mark.parametrize(("kind", "least_db"), [(np.float64, 250), (np.float32, 120)])
@pytest.mark.parametrize("length", [1, 100, 4_096, 44_101])
def test_any_sound_comes_back(kind, least_db, length):
    sound = noise(length).astype(kind)
    frames = analyse(sound)
    assert frames.dtype == kind
    assert snr_db(sound, synthesise(frames)[LEAD * HOP + BEFORE :][:length]) > least_db


def test_the_bank_is_orthonormal_so_white_noise_stays_white():
    sound = noise(64_000)
    frames = analyse(sound)
    assert frames.shape == (BANDS, 4_000 + 2 * LEAD)
    assert np.isclose((frames**2).sum(), (sound**2).sum())
    assert np.all(np.abs((frames**2).mean(1) - 1) < 0.1)
    assert np.allclose(KERNEL @ KERNEL.T, np.eye(BANDS), atol=1e-12)
    assert np.allclose(prototype(), prototype()[::-1])


def test_a_batch_is_analysed_like_each_of_it():
    sounds = noise(2_000).reshape(2, 1_000)
    assert np.allclose(analyse(sounds)[1], analyse(sounds[1]))


def test_a_heart_lives_in_the_lowest_bands():
    time = np.arange(22_050) / 44_100
    sound = np.sin(2 * np.pi * 70 * time) * np.hanning(len(time))
    frames = analyse(sound)
    frames[3:] = 0
    assert snr_db(sound, synthesise(frames)[LEAD * HOP + BEFORE :][: len(sound)]) > 50


@pytest.mark.parametrize("border", [256, 320, 1_000, 1_001, 1_015])
def test_certain_frames_do_not_depend_on_what_comes_after(border):
    one, two = noise(4_000), noise(4_000)
    two[border:] = noise(4_000 - border, 9)
    end = LEAD + certain_frames(border)
    a, b = analyse(one), analyse(two)
    assert np.array_equal(a[:, :end], b[:, :end])
    assert not np.array_equal(a[:, end], b[:, end])


def test_a_span_is_cut_from_the_whole():
    sound = noise(5_000)
    begin = 1_208
    first = first_whole_frame(begin)
    assert first * HOP - BEFORE >= begin
    span = analyse_span(sound[first * HOP - BEFORE :])
    assert span.shape[1] == (5_000 - (first * HOP - BEFORE) - TAPS) // HOP + 1
    assert np.allclose(span, analyse(sound)[:, LEAD + first : LEAD + first + span.shape[1]])
    assert analyse_span(sound[: TAPS - 1]).shape == (BANDS, 0)


def test_known_frames_give_the_known_sound_up_to_the_border():
    sound = noise(6_000)
    border = 4_096
    frames = analyse(sound)
    frames[:, LEAD + certain_frames(border) :] = 0
    again = synthesise(frames)[LEAD * HOP + BEFORE :]
    whole = certain_frames(border) * HOP - BEFORE
    assert whole == border - AFTER - BEFORE + HOP - (border - AFTER) % HOP
    assert np.allclose(again[:whole], sound[:whole])
