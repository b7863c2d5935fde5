"""The heartbeat from arithmetic."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from heart.records import LABELS, OVERLAP, Beat, Wish
from heart.sounding import pulse

BEATS = tuple(Beat(n, n * 36_000 + 2_000, n * 36_000 + 15_000, 816.3) for n in range(8))


def sing(start: int, frames: int, label: str = "N", past: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    past = np.zeros(0, np.float32) if past is None else past
    return pulse.sing(Wish(1, start, frames, past, BEATS, label, seed)).audio


def power(sound: np.ndarray, begin: int, end: int) -> float:
    return float((sound[begin:end].astype(float) ** 2).mean())


@pytest.mark.parametrize("label", [*LABELS, ""])
def test_every_label_sings_finite_sound_of_the_asked_length(label):
    audio = sing(0, 65_536, label)
    assert audio.shape == (65_536 + OVERLAP,)
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert 0.3 < np.abs(audio).max() < 0.95
    assert abs(audio.mean()) < 2e-3


@pytest.mark.parametrize("label", LABELS)
def test_pieces_are_the_same_as_the_whole(label):
    whole = sing(0, 65_536, label)
    for start in range(0, 65_536, 8_192):
        piece = sing(start, 8_192, label)
        assert np.abs(piece - whole[start : start + len(piece)]).max() < 1e-6


def test_murmurs_lie_where_the_textbook_puts_them():
    systole, diastole = (38_000 + 5_500, 38_000 + 12_000), (51_000 + 6_000, 51_000 + 20_000)
    quiet = sing(0, 98_304, "N")
    for label in ("AS", "MR", "MVP"):
        assert power(sing(0, 98_304, label), *systole) > 10 * power(quiet, *systole)
    assert power(sing(0, 98_304, "MS"), *diastole) > 10 * power(quiet, *diastole)
    assert power(sing(0, 98_304, "AS"), *diastole) < 10 * power(quiet, *diastole) + 1e-8


def test_it_leads_over_from_another_voice():
    past = np.full(OVERLAP, 0.2, np.float32)
    audio = sing(20_480, 4_096, past=past)
    assert abs(audio[0] - 0.2) < 1e-3
    assert np.abs(np.diff(audio)).max() < 0.02


def test_a_seed_varies_the_touch_a_little():
    one, two = sing(0, 65_536, seed=1), sing(0, 65_536, seed=2)
    assert np.array_equal(one, sing(0, 65_536, seed=1))
    assert 0 < np.abs(one - two).max() < 0.3


def test_it_is_quick_enough_for_the_engines_own_loop():
    spent = []
    for _ in range(15):
        began = time.perf_counter()
        sing(36_864, 16_384, "MS")
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.005


def test_the_engine_can_have_it_without_torch_or_scipy():
    code = "import sys, heart.sounding.pulse, heart.sounding.beats; print({'torch', 'scipy'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
