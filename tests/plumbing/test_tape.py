"""The tape against a naive model that keeps every frame for ever."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from heart.audio import rise
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ

CAPACITY = 64


def small_tape(channels: int = 1) -> Tape:
    return Tape(CAPACITY / SAMPLE_RATE_HZ, channels)


class TapeAgainstModel(RuleBasedStateMachine):
    """Any order of lay, seal and read gives what a growing list gives."""

    @initialize(channels=st.integers(1, 3))
    def begin(self, channels: int) -> None:
        self.tape = small_tape(channels)
        self.model = np.zeros((0, channels), dtype=np.float32)
        self.sealed = self.longest = self.number = 0

    def sound(self, frames: int) -> np.ndarray:
        self.number += 1
        return np.random.default_rng(self.number).random((frames, self.tape.channels), dtype=np.float32)

    @rule(part=st.floats(0, 1), frames=st.integers(0, CAPACITY), overlap=st.integers(0, 12))
    def lay(self, part: float, frames: int, overlap: int) -> None:
        start = self.sealed + round(part * (len(self.model) - self.sealed))
        sound = self.sound(frames)
        if start + frames - CAPACITY > self.sealed:
            with pytest.raises(ValueError, match="unsealed"):
                self.tape.lay(start, sound, overlap)
            return
        assert self.tape.lay(start, sound, overlap) == start + frames
        fade = min(overlap, len(self.model) - start, frames)
        for frame, weight in enumerate(rise(fade)):
            old = self.model[start + frame]
            sound[frame] = old + weight * (sound[frame] - old)
        self.model = np.concatenate((self.model[:start], sound))
        self.longest = max(self.longest, len(self.model))

    @rule(part=st.floats(0, 1))
    def seal(self, part: float) -> None:
        frame = round(part * len(self.model))
        self.tape.seal(frame)
        self.sealed = max(self.sealed, frame)

    @rule(part=st.floats(0, 1), frames=st.integers(0, CAPACITY + 8))
    def read(self, part: float, frames: int) -> None:
        tail = max(0, self.longest - CAPACITY)
        start = tail + round(part * (len(self.model) - tail))
        if start + frames > len(self.model):
            with pytest.raises(ValueError, match="not on the tape"):
                self.tape.read(start, frames)
            return
        np.testing.assert_allclose(self.tape.read(start, frames), self.model[start : start + frames], atol=1e-6)

    @rule()
    def read_what_is_gone(self) -> None:
        if self.longest > CAPACITY:
            with pytest.raises(ValueError, match="not on the tape"):
                self.tape.read(self.longest - CAPACITY - 1, 1)

    @invariant()
    def marks_agree(self) -> None:
        if hasattr(self, "tape"):
            assert self.tape.head == len(self.model)
            assert self.tape.sealed == self.sealed
            assert self.tape.tail == max(0, self.longest - CAPACITY)


TestTapeAgainstModel = TapeAgainstModel.TestCase
TestTapeAgainstModel.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_what_is_read_is_a_copy() -> None:
    tape = small_tape()
    tape.lay(0, np.ones(8, dtype=np.float32))
    tape.read(0, 8)[:] = 5
    assert np.array_equal(tape.read(0, 8)[:, 0], np.ones(8))


def test_what_was_laid_stays_when_the_source_changes() -> None:
    tape, source = small_tape(), np.ones(8, dtype=np.float32)
    tape.lay(0, source)
    source[:] = 7
    assert tape.read(0, 8).max() == 1


def test_sealed_frames_cannot_be_laid_again() -> None:
    tape = small_tape()
    tape.lay(0, np.ones(20, dtype=np.float32))
    tape.seal(10)
    with pytest.raises(ValueError, match=r"only 10\.\.20 may change"):
        tape.lay(9, np.ones(4, dtype=np.float32))


def test_nothing_may_be_left_out() -> None:
    with pytest.raises(ValueError, match=r"only 0\.\.0 may change"):
        small_tape().lay(1, np.ones(4, dtype=np.float32))


def test_silence_that_was_never_sung_cannot_be_sealed() -> None:
    with pytest.raises(ValueError, match="ends at 0"):
        small_tape().seal(1)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 1), (4,)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not fit 2 channels"):
        small_tape(channels=2).lay(0, np.zeros(shape))


@pytest.mark.parametrize(("seconds", "channels"), [(0, 1), (1, 0)])
def test_a_tape_that_holds_nothing_is_refused(seconds: float, channels: int) -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        Tape(seconds, channels)


def test_a_fade_between_equal_sounds_changes_nothing() -> None:
    """Old and new are correlated, so the weights add up to 1: equal power would swell by 3 dB here."""
    tape = Tape(1)
    tape.lay(0, np.full(1000, 0.5, dtype=np.float32))
    tape.lay(500, np.full(1000, 0.5, dtype=np.float32), overlap=256)
    assert np.array_equal(tape.read(0, 1500)[:, 0], np.full(1500, 0.5, dtype=np.float32))


def test_readers_in_other_threads_see_each_lay_whole_or_not_at_all() -> None:
    tape = Tape(1)
    tape.lay(0, np.zeros(4096, dtype=np.float32))
    torn: list[np.ndarray] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen = np.unique(tape.read(0, 4096))
            if len(seen) > 1:
                torn.append(seen)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1500):
        tape.lay(0, np.full(4096, number, dtype=np.float32))
    done.set()
    for reader in readers:
        reader.join()
    assert not torn
