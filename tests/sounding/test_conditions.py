"""Companding and the beat track."""

from __future__ import annotations

import numpy as np

from heart.records import Beat
from heart.sounding.conditions import BANDS, beat_channels, compand, expand
from heart.sounding.filterbank import HOP

BEATS = (Beat(0, 16_000, 32_000, 1_000.0), Beat(1, 60_100, 75_000, 1_000.0))


def test_companding_is_undone():
    frames = np.random.default_rng(0).standard_normal((BANDS, 200)).astype(np.float32) * np.logspace(-4, 0, 200)
    again = expand(compand(frames))
    assert again.dtype == np.float32
    assert np.abs(again / frames - 1).max() < 1e-4


def test_a_small_error_in_silence_stays_inaudible():
    silent = np.full((BANDS, 1), 0.05, np.float32)
    assert 20 * np.log10(np.abs(expand(silent)).max() / 2) < -55  # 2: a coefficient of a loud S1


def test_a_runaway_net_is_held():
    assert np.abs(expand(np.full((BANDS, 1), 1e6, np.float32))).max() < 10


def test_pulses_stand_at_the_onsets():
    track = beat_channels(BEATS, 500, 5_000)
    assert abs(int(np.argmax(track[0, :2_000])) + 500 - 16_000 // HOP) <= 1
    assert abs(int(np.argmax(track[1, :2_000])) + 500 - 32_000 // HOP) <= 1
    assert 0.99 < track[:2].max() <= 1.01


def test_ramps_run_through_systole_and_diastole():
    track = beat_channels(BEATS, 0, 5_000)
    middle = 24_000 // HOP
    assert abs(track[2, middle] - 0.5) < 0.01
    assert track[3, middle] == 0
    middle = (32_000 + 60_100) // 2 // HOP
    assert abs(track[3, middle] - 0.5) < 0.01
    assert track[2, middle] == 0
    assert track[2:].min() >= 0
    assert track[2:].max() <= 1


def test_a_window_cut_elsewhere_has_the_same_track():
    whole = beat_channels(BEATS, 0, 5_000)
    assert np.allclose(beat_channels(BEATS, 1_234, 700), whole[:, 1_234:1_934])


def test_before_the_first_given_beat_stands_another_diastole():
    track = beat_channels(BEATS[1:], 60_100 // HOP - 400, 500)
    assert track[3, 0] > 0.5
    assert np.all(np.diff(track[3, :399]) >= 0)


def test_no_beats_are_the_null_track():
    assert np.array_equal(beat_channels((), 0, 7), np.full((4, 7), -1, np.float32))
