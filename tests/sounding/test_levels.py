"""S1 and S2 louder and softer, in what is really sung."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest

from heart.records import OVERLAP, SAMPLE_RATE_HZ, Beat, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.levels import LEAST, level_curve, with_levels, without_levels
from heart.sounding.offline import generate
from heart.sounding.registry import Singer, open_voice
from heart.sounding.rhythm import BALANCE_DB, ECTOPIC_LEVELS

RATE = SAMPLE_RATE_HZ


def beat(gain1: float = 1.0, gain2: float = 1.0, s1: int = 10_000, s2: int = 24_000) -> Beat:
    return Beat(0, s1, s2, 900.0, gain1, gain2)


def test_where_no_level_is_asked_for_nothing_is_done() -> None:
    assert level_curve((beat(), beat(s1=50_000, s2=64_000)), 0, 80_000) is None
    assert level_curve((), 0, 100) is None


def test_a_level_holds_over_its_own_sound_and_is_smooth() -> None:
    curve = level_curve((beat(gain2=0.25),), 0, 44_100)
    assert curve is not None
    assert np.allclose(curve[24_000 : 24_000 + 5_700], 0.25)
    assert np.all(curve[10_000:17_000] == 1)
    assert np.abs(np.diff(curve)).max() < 0.003


@pytest.mark.parametrize("start", [0, 9_000, 24_100, 40_000])
def test_a_curve_read_in_pieces_is_the_same(start: int) -> None:
    beats = (beat(0.5, 0.1), beat(0.5, 0.1, 50_000, 62_000))
    whole = level_curve(beats, 0, 80_000)
    piece = level_curve(beats, start, 20_000)
    assert whole is not None
    assert piece is not None
    assert np.array_equal(piece, whole[start : start + 20_000])


def test_what_a_net_continues_is_the_sound_before_its_levels() -> None:
    past = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    wish = Wish(1, 32_000, 6_400, past, (beat(0.5, 0.1),))
    begin = wish.start + OVERLAP - len(past)
    sung = with_levels(past, Wish(0, begin, len(past), past[:0], wish.beats))
    assert not np.allclose(sung, past, atol=0.1)
    assert np.allclose(without_levels(Wish(1, 32_000, 6_400, sung, wish.beats)).past, past, atol=1e-5)


@cache
def voice(name: str) -> Singer:
    return open_voice(name, 1)


def sung_db(name: str, balance: float = 0.0) -> dict[str, float]:
    """Median level of the sung S1 and S2, in dB."""
    sound = generate(5, "N", 72, 0, seed=1, steps=4, voice=voice(name), balance=balance)
    beats = BeatClock(72, 0, 1).beats_until(4 * RATE)
    onsets = {"s1": [b.s1 for b in beats], "s2": [b.s2 for b in beats]}
    return {
        which: float(np.median([20 * np.log10(sound[at : at + RATE // 11].std() + 1e-9) for at in frames[1:]]))
        for which, frames in onsets.items()
    }


@pytest.mark.parametrize("name", ["pulse", "voice-heart"])
@pytest.mark.parametrize("balance", [-0.4, -0.2, 0.3])
def test_balance_changes_what_is_sung_by_the_asked_decibels(name: str, balance: float) -> None:
    plain, tilted = sung_db(name), sung_db(name, balance)
    change = (tilted["s2"] - tilted["s1"]) - (plain["s2"] - plain["s1"])
    assert change == pytest.approx(BALANCE_DB * balance, abs=1.5)


def test_at_its_end_balance_leaves_one_sound_alone() -> None:
    plain, alone = sung_db("pulse"), sung_db("pulse", -1.0)
    assert alone["s1"] == pytest.approx(plain["s1"], abs=0.5)
    assert alone["s2"] == pytest.approx(plain["s2"] + 20 * np.log10(LEAST), abs=2)


@pytest.mark.parametrize("name", ["pulse", "voice-heart"])
def test_a_premature_beat_is_sung_with_a_weak_second_sound(name: str) -> None:
    sound = generate(8, "N", 60, 0, seed=1, steps=4, voice=voice(name), pattern="trigeminy")
    beats = BeatClock(60, 0, 1, pattern="trigeminy").beats_until(7 * RATE)
    weak = np.array([one.gain2 < 1 for one in beats[1:]])
    level = np.array([20 * np.log10(sound[one.s2 : one.s2 + RATE // 20].std()) for one in beats[1:]])
    weaker = np.median(level[weak]) - np.median(level[~weak])
    assert weaker == pytest.approx(20 * np.log10(ECTOPIC_LEVELS[1]), abs=5)


def test_a_sound_with_levels_is_sung_again_alike() -> None:
    sing = partial(generate, 3, "AS", 80, 30, seed=4, steps=2, voice=voice("voice-heart"), balance=0.5)
    assert np.array_equal(sing(), sing())
