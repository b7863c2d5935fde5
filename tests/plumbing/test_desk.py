"""The mixing desk: voices onto channels, each with its fader."""

from __future__ import annotations

import numpy as np
import pytest

from heart.plumbing.desk import Desk, Faders
from heart.plumbing.feed import Feed
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ

FRAMES = 2_000


def tones(voices: int) -> np.ndarray:
    """A constant for each voice: 1, 10, 100, ..."""
    return np.ones((FRAMES, voices), np.float32) * 10 ** np.arange(voices, dtype=np.float32)


@pytest.mark.parametrize(
    ("voices", "channels", "heard"),
    [(1, 1, [1]), (1, 8, [1]), (2, 1, [11]), (4, 2, [101, 1010]), (3, 2, [101, 10]), (3, 3, [1, 10, 100])],
)
def test_voices_are_dealt_to_channels_in_turn(voices: int, channels: int, heard: list[float]) -> None:
    out = Desk(voices, channels, Faders()).process(tones(voices))
    assert out.shape == (FRAMES, len(heard))
    assert out[-1].tolist() == heard


def test_a_fader_moves_its_voice_alone_and_glides() -> None:
    desk = Desk(3, 3, Faders())
    desk.process(tones(3))
    desk.turn(Faders(levels_db={2: -20.0}))
    out = desk.process(tones(3))
    assert out[-1] == pytest.approx([1, 1, 100])
    assert np.abs(np.diff(out[:, 1])).max() < 0.1
    assert (out[:, [0, 2]] == tones(3)[:, [0, 2]]).all()


def test_a_voice_at_the_bottom_is_silent_and_comes_back() -> None:
    desk = Desk(2, 2, Faders(levels_db={2: -60.0}))
    assert desk.process(tones(2))[-1].tolist() == [1, 0]
    desk.turn(Faders())
    assert desk.process(tones(2))[-1].tolist() == [1, 10]


def test_a_broken_voice_does_not_spoil_the_channels_of_others() -> None:
    sound = tones(2)
    sound[500, 1] = np.nan
    assert np.isfinite(Desk(2, 2, Faders()).process(sound)[:, 0]).all()


def test_a_feed_deals_resamples_and_guards() -> None:
    tape = Tape(seconds=2, channels=4)
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tape.lay(0, np.stack([0.1 * np.sin(2 * np.pi * hz * time_s) for hz in (400, 500, 600, 700)], 1))
    heard = Feed(tape, 0, 0, 48_000, channels=2).take(40_000)
    assert heard.shape[1] == 2
    spectrum = np.abs(np.fft.rfft(heard[-24_000:] * np.hanning(24_000)[:, None], axis=0))
    hz = np.argsort(-spectrum, axis=0)[:8].T * 2
    assert [{round(f, -2) for f in column} for column in hz] == [{400, 600}, {500, 700}]
