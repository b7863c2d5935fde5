"""Notes over a tape: added where it is read, eight at once, without a click, the same for every reader."""

from __future__ import annotations

import numpy as np
import pytest

from heart.plumbing.overlay import POLYPHONY, RELEASE, STOLEN, Overlaid, Overlay
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ

SECOND = SAMPLE_RATE_HZ
STEP = 0.06
"""Largest step between neighbouring samples of a tone of 441 Hz at amplitude 0.5, and some."""


def tone(seconds: float = 2.0, hz: float = 441.0) -> np.ndarray:
    return (0.5 * np.cos(2 * np.pi * hz * np.arange(int(seconds * SECOND)) / SECOND)).astype(np.float32)


def heard(overlay: Overlay, frames: int, block: int = 256) -> np.ndarray:
    blocks = [overlay.mix(start, block) for start in range(0, frames, block)]
    return np.concatenate([np.zeros(block, np.float32) if part is None else part for part in blocks])


def test_a_note_is_heard_from_its_frame_on_and_not_written() -> None:
    tape, overlay = Tape(seconds=3, channels=2), Overlay()
    tape.lay(0, np.zeros((2 * SECOND, 2), np.float32))
    overlay.add(60, 1000, tone(0.5))
    read = Overlaid(tape, overlay).read(0, 2 * SECOND)
    assert not read[:1000].any()
    assert np.abs(read[1000:20_000, 0]).max() == pytest.approx(0.5, abs=0.01)
    assert not read[:, 1].any()
    assert not tape.read(0, 2 * SECOND).any()


def test_begin_end_release_and_theft_never_click() -> None:
    overlay = Overlay()
    overlay.add(60, 500, tone(0.3))
    overlay.add(61, 20_000, tone(2))
    overlay.release(61, 30_000)
    for number in range(POLYPHONY + 1):
        overlay.add(70 + number, 60_000 + 50 * number, tone(1) / 9)
    sound = heard(overlay, 3 * SECOND)
    assert np.abs(np.diff(sound, prepend=0)).max() < STEP
    assert np.abs(sound[30_000 + RELEASE : 60_000]).max() == 0


def test_the_ninth_note_takes_the_place_of_the_first() -> None:
    overlay = Overlay()
    for number in range(30):
        overlay.add(number, 100 * number, tone(2))
    assert overlay.sounding(3_000) == POLYPHONY
    assert not overlay.release(0, 3_000)
    assert overlay.release(29, 3_000)
    assert overlay.sounding(3_001) == POLYPHONY - 1
    overlay.clear(4_000)
    assert overlay.sounding(4_000) == 0
    assert overlay.mix(4_000 + max(STOLEN, RELEASE), 100) is None


def test_block_sizes_and_later_notes_change_nothing_that_was_read() -> None:
    overlay = Overlay()
    overlay.add(1, 300, tone(1))
    overlay.add(2, 700, tone(1, 330))
    overlay.release(1, 9_000)
    whole = heard(overlay, SECOND, SECOND)
    assert np.abs(whole - heard(overlay, SECOND, 64)[:SECOND]).max() < 1e-6
    overlay.add(3, 20_000, tone(1, 550))
    overlay.release(2, 20_000)
    assert np.abs(whole[:20_000] - heard(overlay, SECOND, SECOND)[:20_000]).max() < 1e-6


def test_what_ended_long_ago_is_forgotten() -> None:
    overlay = Overlay()
    overlay.add(1, 0, tone(0.1))
    overlay.forget(10 * SECOND)
    assert overlay.mix(0, 1_000) is not None
    overlay.forget(100 * SECOND)
    assert overlay.mix(0, 1_000) is None
