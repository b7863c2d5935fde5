"""Whole sounds by the live loop."""

from __future__ import annotations

import numpy as np
import pytest

from heart.errors import UsageError
from heart.records import LABELS
from heart.sounding.offline import WORDS, find_label, generate
from heart.sounding.pulse import Pulse
from heart.sounding.voice import Voice


def test_same_seed_same_bytes_other_seed_other_bytes():
    one = generate(3, "MR", 80, 40, seed=5, voice="pulse")
    assert one.dtype == np.float32
    assert len(one) == 3 * 44_100
    assert np.array_equal(one, generate(3, "MR", 80, 40, seed=5, voice="pulse"))
    assert not np.array_equal(one, generate(3, "MR", 80, 40, seed=6, voice="pulse"))


def test_a_longer_sound_begins_like_a_shorter_one(voice_folder):
    voice = Voice(voice_folder, threads=1)
    long = generate(2.0, steps=2, voice=voice)
    short = generate(1.0, steps=2, voice=voice)
    hop = 16_384
    assert np.array_equal(long[: 2 * hop], short[: 2 * hop])


def test_progress_runs_to_the_end():
    seen: list[float] = []
    generate(1.5, voice="pulse", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.5)


@pytest.mark.parametrize(("word", "label"), [("normal", "N"), ("as", "AS"), ("Mitral Stenosis", "MS"), ("", "")])
def test_labels_are_understood(word, label):
    assert find_label(word) == label


def test_every_label_has_a_long_name():
    assert set(LABELS) | {""} == set(WORDS.values())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"label": "broken"}, "label 'broken'.*MVP"),
        ({"seconds": 0}, "seconds 0: must lie between"),
        ({"bpm": 1_000}, "bpm 1000"),
        ({"steps": 0}, "steps 0"),
        ({"rmssd": -1}, "rmssd -1"),
        ({"bpm": float("nan")}, "bpm nan"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_range(wrong, says):
    with pytest.raises(UsageError, match=says):
        generate(**{"voice": "pulse", **wrong})


def test_a_label_that_the_voice_does_not_sing_is_refused_also_when_it_is_open_already():
    for voice in ("pulse", Pulse()):
        with pytest.raises(UsageError, match="label rain: pulse sings N, AS, MR, MS, MVP"):
            generate(1, mix="N:1,rain:1", voice=voice)
        assert generate(1, mix="rain:0,MS:1", voice=voice).any()
