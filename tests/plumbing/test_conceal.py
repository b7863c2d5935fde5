"""A hole is not a click: neither where it begins nor where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_rig import sine

from heart.plumbing.conceal import Concealer
from heart.records import SAMPLE_RATE_HZ
from rig.clicks import clicks

BLOCK = 256


def with_holes(sound: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A stream [n, 1] that lost a share of its blocks, and which frames came."""
    blocks = len(sound) // BLOCK
    lost = np.random.default_rng(seed).random(blocks) < share
    here = np.repeat(~lost, BLOCK)
    return (sound[: len(here)] * here)[:, np.newaxis].astype(np.float32), here


def played(sound: np.ndarray, here: np.ndarray, sizes: list[int]) -> np.ndarray:
    """All of it through a concealer, in pieces."""
    concealer, at, turn, out = Concealer(SAMPLE_RATE_HZ, sound.shape[1]), 0, 0, []
    while at < len(sound):
        end = at + sizes[turn % len(sizes)]
        out.append(concealer.process(sound[at:end], here[at:end]))
        at, turn = end, turn + 1
    return np.concatenate(out)


@pytest.mark.case("R14")
def test_a_minute_with_5_percent_lost_has_no_click(reached) -> None:
    clean = sine(60, 220.0, 0.5)
    broken, here = with_holes(clean, 0.05)
    mended = played(broken, here, [220, 221])
    found, lost = len(clicks(mended[:, 0], clean)), int((~here).sum() / BLOCK)
    reached(f"without resending: {found} clicks in 60 s, {lost} blocks lost")
    assert found == 0
    assert np.abs(mended).max() <= 0.891
    untouched = np.convolve(here, np.ones(2 * BLOCK), "same") == 2 * BLOCK
    assert np.array_equal(mended[untouched, 0], clean[: len(mended)][untouched])


@pytest.mark.case("R14", control=True)
def test_the_same_with_bare_silence_clicks(reached) -> None:
    clean = sine(60, 220.0, 0.5)
    broken, _ = with_holes(clean, 0.05)
    reached(f"zero-filled: {len(clicks(broken[:, 0], clean))} clicks")
    assert len(clicks(broken[:, 0], clean)) > 100


@given(
    sizes=st.lists(st.integers(2, 700), min_size=1, max_size=6),
    share=st.floats(0, 0.9),
    channels=st.integers(1, 2),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_it_is_bounded_and_does_not_hang_on_how_it_is_cut(sizes, share, channels, seed) -> None:
    sound, here = with_holes(sine(0.3, 300.0, 0.89), share, seed)
    sound = np.repeat(sound, channels, axis=1)
    out = played(sound, here, sizes)
    np.testing.assert_array_equal(out, played(sound, here, [len(sound)]))
    assert np.isfinite(out).all()
    assert np.abs(out).max(initial=0) <= 2 * 0.891


@pytest.mark.case("R15")
def test_a_long_hole_is_silent_after_5_ms_and_over_5_ms_after_its_end() -> None:
    clean = sine(3, 220.0, 0.5)
    here = np.ones(len(clean), bool)
    here[44_100:88_200] = False
    out = played((clean * here)[:, np.newaxis].astype(np.float32), here, [441])[:, 0]
    assert np.abs(out[44_100 + 221 : 88_200]).max() == 0
    np.testing.assert_array_equal(out[88_200 + 221 :], clean[88_200 + 221 :].astype(np.float32))
    assert len(clicks(out, clean)) == 0


def test_a_stream_without_holes_is_left_as_it_is() -> None:
    concealer, sound = Concealer(SAMPLE_RATE_HZ, 1), sine(1)[:, np.newaxis].astype(np.float32)
    sound[:441] *= 0.0
    assert concealer.process(sound, np.ones(len(sound), bool)) is sound or np.array_equal(
        played(sound, np.ones(len(sound), bool), [100]), sound
    )
    assert concealer.holes == 0
