"""The judge of beats, on envelopes whose onsets are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from heart.listening import judge

RATE = 4_000


def bursts(at_s, seconds=4.0, length_s=0.06, hz=70.0, level=1.0):
    """Short low tones with soft ends."""
    sound = np.zeros(int(seconds * RATE))
    time = np.arange(int(length_s * RATE)) / RATE
    for start in at_s:
        tone = level * np.sin(np.pi * time / length_s) ** 2 * np.sin(2 * np.pi * hz * time)
        sound[int(start * RATE) : int(start * RATE) + len(tone)] += tone
    return sound


S1 = np.arange(0.3, 3.6, 0.8)
S2 = S1 + 0.3


def test_onsets_are_found_in_order():
    found = judge.onsets(bursts(S1) + bursts(S2, level=0.5), RATE)
    score = judge.score(found, np.sort(np.concatenate([S1, S2])), 0.01)
    assert score.f1 == 1
    assert (np.diff(found) > 0).all()


def test_a_split_sound_is_one_and_begins_with_its_first_half():
    split = bursts(S1, level=0.7) + bursts(S1 + 0.04) + bursts(S2, level=0.6)
    score = judge.score(judge.onsets(split, RATE), np.sort(np.concatenate([S1, S2])), 0.02)
    assert score.f1 == 1


@pytest.mark.parametrize("first", [0.45, 0.6, 0.8])
def test_how_soft_the_first_half_is_moves_the_onset_little(first):
    found = judge.onsets(bursts(S1, level=first) + bursts(S1 + 0.035) + bursts(S2, level=0.9), RATE)
    near = found[np.abs(found[:, None] - S1).argmin(0)] - S1
    assert np.ptp(near) < 0.005
    assert np.abs(near).max() < 0.02


def test_a_murmur_that_fills_systole_does_not_hide_the_sounds():
    random = np.random.default_rng(1)
    murmur = np.zeros(4 * RATE)
    for start in S1:
        part = slice(int((start + 0.04) * RATE), int((start + 0.3) * RATE))
        murmur[part] = random.standard_normal(part.stop - part.start) * np.hanning(part.stop - part.start)
    high = sosfilt(butter(2, 150, "high", fs=RATE, output="sos"), murmur)
    sound = bursts(S1) + bursts(S2, level=0.6) + 0.4 * high / high.std()
    assert np.abs(high).max() * 0.4 / high.std() > 1
    score = judge.score(judge.onsets(sound, RATE), np.sort(np.concatenate([S1, S2])), 0.02)
    assert score.f1 > 0.9


def test_ripples_of_a_murmur_are_no_beats():
    random = np.random.default_rng(0)
    murmur = np.zeros(4 * RATE)
    for start in S1:
        part = slice(int((start + 0.08) * RATE), int((start + 0.28) * RATE))
        murmur[part] = 0.12 * random.standard_normal(part.stop - part.start)
    score = judge.score(
        judge.onsets(bursts(S1) + bursts(S2, level=0.6) + murmur, RATE), np.sort(np.concatenate([S1, S2])), 0.03
    )
    assert score.precision == 1
    assert score.recall > 0.9


def test_silence_and_nothing_have_no_onsets():
    assert len(judge.onsets(np.zeros(RATE), RATE)) == 0
    assert judge.score(np.zeros(0), S1).f1 == 0


@pytest.mark.parametrize("lag_s", [0.0, 0.03])
def test_a_common_lag_is_taken_out_and_told(lag_s):
    score = judge.score(S1 + lag_s, S1, 0.01)
    assert score.f1 == 1
    assert score.lag_ms == pytest.approx(1_000 * lag_s)
