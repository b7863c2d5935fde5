"""How the loudness of a texture moves."""

from __future__ import annotations

import numpy as np
import pytest

from heart.sounding import contour
from heart.sounding.contour import LOWEST_DB, PHRASE, POINT, ROWS
from heart.sounding.filterbank import BANDS


def bank(clips: int = 5) -> np.ndarray:
    return np.random.default_rng(0).uniform(-20, 10, (clips, ROWS, PHRASE)).astype(np.float32)


def test_a_contour_follows_the_loudness_of_each_register():
    random = np.random.default_rng(1)
    frames = random.standard_normal((BANDS, 40 * POINT))
    frames[0, 20 * POINT :] *= 10
    frames[5:, : 10 * POINT] *= 0.1
    points = contour.measure_contour(frames, np.zeros(BANDS))
    assert points.shape == (ROWS, 40)
    assert points[0, 25:].mean() - points[0, :15].mean() == pytest.approx(20, abs=1)
    assert np.abs(points[1]).max() < 2
    assert points[2, :9].mean() == pytest.approx(-20, abs=1)
    assert np.allclose(contour.measure_contour(10 * frames, np.full(BANDS, 20.0)), points, atol=1e-4)
    assert (contour.measure_contour(0 * frames, np.zeros(BANDS)) == LOWEST_DB).all()


def test_frames_relative_to_their_contour_are_even():
    time = np.arange(60 * POINT)
    swell = 1.2 + np.sin(2 * np.pi * time / (20 * POINT))
    frames = np.random.default_rng(2).standard_normal((BANDS, len(time))) * swell
    moves = contour.at_frames(contour.measure_contour(frames, np.zeros(BANDS)), 0, len(time))
    even = (frames / contour.amplitude(moves))[:, POINT:-POINT].reshape(BANDS, -1, 2 * POINT).std(-1)
    assert even.std() / even.mean() < 0.15
    assert np.allclose(even.mean(), 1, atol=0.1)


def test_a_stream_is_one_whatever_windows_it_is_asked_in():
    whole = contour.sung(bank(), (7, 2), -100, 60_000)
    for first, count in ((-100, 500), (16_000, 1_000), (40_000, 2_208)):
        part = contour.sung(bank(), (7, 2), first, count)
        assert np.allclose(part, whole[:, first + 100 : first + 100 + count], atol=1e-4)
    assert np.abs(np.diff(whole)).max() <= 30 / POINT + 1e-3, "no jump where phrases meet"
    assert not np.array_equal(whole, contour.sung(bank(), (8, 2), -100, 60_000))
    assert len({whole[0, n * POINT * PHRASE + 5_000] for n in range(3)}) > 1, "phrases differ"


def test_a_mixture_adds_powers_and_beyond_a_sound_there_is_silence():
    loud, silent = np.zeros((ROWS, 4), np.float32), np.full((ROWS, 4), LOWEST_DB, np.float32)
    assert np.allclose(contour.mixed([loud, silent], [0.5, 0.5]), -3, atol=0.1)
    assert np.allclose(contour.mixed([loud], [1.0]), loud)
    outside = contour.at_frames(np.zeros((ROWS, 3), np.float32), -10 * POINT, 5 * POINT)
    assert (outside == LOWEST_DB).all()


def test_the_net_is_told_in_the_beat_tracks_place():
    told = contour.told(np.full((ROWS, 8), 10.0, np.float32))
    assert told.shape == (4, 8)
    assert (told[:ROWS] == 0.5).all()
    assert (told[ROWS] == -1).all()
