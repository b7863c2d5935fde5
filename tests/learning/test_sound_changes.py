"""Rooms and compressors: what they do to the chosen rows of a batch, and that they leave the others alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from heart.learning.sound_changes import compressed, roomy

RATE_HZ = 4000
Change = Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]


def clicks(count: int = 40) -> np.ndarray:
    """float32 [count, 8000]: one click at 0.25 s, silence else."""
    batch = np.zeros((count, 2 * RATE_HZ), np.float32)
    batch[:, RATE_HZ // 4] = 1.0
    return batch


@pytest.mark.parametrize("change", [roomy, compressed])
def test_only_the_asked_share_of_rows_changes(change: Change) -> None:
    batch = np.random.default_rng(1).normal(size=(200, 1000)).astype(np.float32)
    for share, least, most in ((0.0, 0, 0), (0.3, 30, 90), (1.0, 200, 200)):
        changed = change(batch, RATE_HZ, share, np.random.default_rng(0))
        assert changed.dtype == np.float32
        assert least <= (changed != batch).any(1).sum() <= most


@pytest.mark.parametrize("change", [roomy, compressed])
def test_silence_stays_silence(change: Change) -> None:
    assert not change(np.zeros((5, 1000), np.float32), RATE_HZ, 1.0, np.random.default_rng(0)).any()


def test_a_room_answers_after_the_click_and_dies_away() -> None:
    heard = roomy(clicks(), RATE_HZ, 1.0, np.random.default_rng(0))
    soon, late = (np.square(heard[:, a:b]).mean() for a, b in ((1100, 2000), (6500, 7500)))
    assert soon > 0
    assert late < 0.1 * soon


def test_a_compressor_brings_the_quiet_forward() -> None:
    batch = np.random.default_rng(2).normal(size=(20, 4000)).astype(np.float32)
    batch[:, 2000:] *= 0.05
    heard = compressed(batch, RATE_HZ, 1.0, np.random.default_rng(0))
    before, after = (x[:, 2500:].std(1) / x[:, 500:1900].std(1) for x in (batch, heard))
    assert (after > 1.5 * before).all()
