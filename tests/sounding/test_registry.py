"""One contract for every registered voice, with the weights that are shipped."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from small_voice import wish

from heart.errors import UsageError
from heart.listening import judge
from heart.records import OVERLAP, SAMPLE_RATE_HZ
from heart.sounding.beats import BeatClock
from heart.sounding.offline import generate
from heart.sounding.registry import VOICES, list_voices, open_voice


@pytest.fixture(scope="module", params=list_voices())
def voice(request):
    return open_voice(request.param, threads=1)


@pytest.fixture(scope="module")
def sung(voice):
    return generate(8, "N", 72, 20, seed=1, steps=4, voice=voice)


def test_shape_and_repeatability(voice):
    for frames in (64, 16_384):
        one, two = (voice.sing(wish(frames=frames)) for _ in range(2))
        assert one.audio.shape == (frames + OVERLAP,)
        assert one.audio.dtype == np.float32
        assert np.array_equal(one.audio, two.audio)
        assert one.recipe == two.recipe != ""


def test_beats_sound_where_they_were_asked(sung):
    beats = BeatClock(72, 20, 1).beats_until(len(sung) - 8_000)
    asked_s = np.sort([frame / SAMPLE_RATE_HZ for beat in beats for frame in (beat.s1, beat.s2)])
    asked_s = asked_s[asked_s < len(sung) / SAMPLE_RATE_HZ - 0.15]
    assert judge.score(judge.onsets(sung, SAMPLE_RATE_HZ), asked_s).f1 >= 0.98


def test_level_is_nominal_and_has_no_dc(sung):
    assert 0.25 < np.abs(sung).max() < 1
    assert abs(sung.mean()) < 2e-3


def test_no_click_where_chunks_meet(sung):
    bend = np.abs(np.diff(sung, 2))
    hops = range(16_384, len(sung) - 1_000, 16_384)
    at_hops = max(bend[hop - 64 : hop + OVERLAP + 64].max() for hop in hops)
    assert at_hops < 1.5 * bend.max()
    quiet = [hop for hop in hops if np.abs(sung[hop - 2_000 : hop + 2_000]).max() < 0.01]
    assert all(bend[hop - 64 : hop + OVERLAP + 64].max() < 2e-3 for hop in quiet)


def test_diastole_is_quiet(sung):
    pieces = sung[: len(sung) // 882 * 882].reshape(-1, 882)
    floor = np.percentile(np.sqrt((pieces.astype(float) ** 2).mean(1)), 10)
    assert 20 * np.log10(floor / np.abs(sung).max() + 1e-9) < -45


def test_an_unknown_voice_is_named_with_those_there_are():
    with pytest.raises(UsageError, match=r"'nobody'.*voice-heart, pulse"):
        open_voice("nobody")


def test_listing_loads_nothing_heavy():
    code = "import sys, heart.sounding.registry as r; r.list_voices(); print({'torch', 'scipy'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
    assert all(":" in target for target in VOICES.values())
