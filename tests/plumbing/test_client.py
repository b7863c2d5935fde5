"""The client's own side: its ring, its gaps, its inbox."""

import numpy as np
import pytest
from wire_rig import Plain

from heart.errors import DeviceError, HeartError
from heart.plumbing.client import HeartClient
from heart.plumbing.inbox import Inbox
from heart.plumbing.ring import BEHIND, GIVE_UP_S, PATIENCE_S, RETRY_S, RING_FRAMES, SEQ_WRAP, Gaps, PlayRing


def block(value: float, frames: int = 256) -> np.ndarray:
    return np.full(frames, value, dtype=np.float32)


def test_blocks_land_where_their_offset_says_in_any_order() -> None:
    ring = PlayRing()
    for seq in (2, 0, 1):
        assert ring.put(1, seq, 256 * seq, block(seq + 1), 0.0)
    np.testing.assert_array_equal(ring.play(768)[:, 0], np.repeat([1.0, 2.0, 3.0], 256))
    assert ring.underruns == 0


def test_a_hole_is_silence_counted_once_and_never_an_echo() -> None:
    ring = PlayRing()
    for lap in range(3):
        for seq in range(256):
            if (lap, seq) != (1, 100):
                ring.put(1, lap * 256 + seq, 256 * seq, block(lap + 1), 0.0)
            sound = ring.play(256)
            assert (sound == (0.0 if (lap, seq) == (1, 100) else lap + 1)).all()
    assert ring.underruns == 1
    assert ring.silent_frames == 256


def test_silence_before_the_first_block_is_no_underrun() -> None:
    ring = PlayRing()
    ring.play(1000)
    ring.put(1, 0, 1500, block(1.0), 0.0)
    ring.play(700)
    assert ring.underruns == 0
    assert ring.first_frame == 1500
    ring.play(100)
    assert (ring.underruns, ring.silent_frames) == (1, 44)


def test_one_long_hole_is_one_underrun_however_it_is_played() -> None:
    ring = PlayRing()
    ring.put(1, 0, 0, block(1.0), 0.0)
    for _ in range(20):
        ring.play(64)
    assert ring.underruns == 1
    assert ring.silent_frames == 20 * 64 - 256


def test_a_block_in_the_past_is_late_and_half_a_block_is_half_used() -> None:
    ring = PlayRing()
    ring.put(1, 0, 0, block(1.0), 0.0)
    ring.play(400)
    assert not ring.put(1, 0, 0, block(2.0), 0.0)
    assert ring.late == 1
    ring.put(1, 1, 256, block(3.0), 0.0)
    np.testing.assert_array_equal(ring.play(112)[:, 0], block(3.0, 112))


def test_a_block_sent_again_replaces_itself() -> None:
    ring = PlayRing()
    ring.put(1, 0, 0, block(1.0), 0.0)
    ring.put(1, 0, 0, block(0.0), 0.0)
    assert not ring.play(256).any()
    assert ring.underruns == 0


def test_what_lies_ahead_and_behind_is_told_apart_by_the_ring() -> None:
    ring = PlayRing()
    ring.play(RING_FRAMES + 100)
    assert ring.frames_ahead(100) == 0
    assert ring.frames_ahead(99) == -1
    assert ring.frames_ahead((100 - BEHIND) % RING_FRAMES) == RING_FRAMES - BEHIND
    assert ring.frames_ahead((101 - BEHIND) % RING_FRAMES) == 1 - BEHIND


@pytest.mark.parametrize(("channel", "offset"), [(0, 0), (2, 0), (1, RING_FRAMES - 100)])
def test_a_block_that_fits_nowhere_is_left_out(channel: int, offset: int) -> None:
    assert not PlayRing().put(channel, 0, offset, block(1.0), 0.0)


def test_gaps_are_asked_for_after_some_patience_again_and_not_for_ever() -> None:
    gaps = Gaps()
    gaps.came(2, 0.0)
    assert gaps.wanted(0.0) == []
    assert gaps.wanted(PATIENCE_S) == [0, 1]
    assert gaps.wanted(PATIENCE_S + 0.001) == []
    gaps.came(0, 0.02)
    assert gaps.wanted(PATIENCE_S + RETRY_S) == [1]
    assert gaps.wanted(GIVE_UP_S + 0.01) == []
    assert len(gaps) == 0


def test_gaps_are_found_across_the_wrap() -> None:
    ring = PlayRing()
    for seq in range(0, SEQ_WRAP, 500):
        ring.put(1, seq, 0, block(0.0), 0.0)
    ring = PlayRing()
    ring._gaps[0]._next = SEQ_WRAP - 2
    ring.put(1, 1, 0, block(0.0), 0.0)
    assert ring.wanted(1.0) == [(SEQ_WRAP - 2, 3)]


def test_missing_blocks_of_all_channels_are_asked_for_in_runs() -> None:
    ring = PlayRing(2)
    for channel, seqs in ((1, (0, 1, 2, 6)), (2, (0, 4, 5, 6))):
        for seq in seqs:
            ring.put(channel, seq, 256 * seq, block(1.0), 0.0)
    assert ring.wanted(0.5) == [(1, 5)]


def frame_of(offset: int, past: bool) -> int:
    return offset - 5 if past else offset + 5


def test_the_inbox_hands_out_each_message_once_in_order() -> None:
    inbox = Inbox()
    for n in (1, 2):
        inbox.take("/heart/pong", (n,), frame_of)
    inbox.take("/heart/value/bpm", (72.0,), frame_of)
    inbox.take("/heart/beat", (3, 100, 72.0, 833.0, 30.0, "N", 1.0), frame_of)
    assert [inbox.wait_for("/heart/pong", 0.1) for _ in range(2)] == [(1,), (2,)]
    with pytest.raises(HeartError, match="/heart/pong"):
        inbox.wait_for("/heart/pong", 0.01)
    assert inbox.values == {"bpm": 72.0}
    assert (inbox.beats[0].n, inbox.beats[0].frame, inbox.beats[0].label) == (3, 105, "N")


def test_a_taken_client_port_is_one_clear_line() -> None:
    with Plain(9) as holder, pytest.raises(DeviceError, match=rf"client port {holder.port}.*choose another"):
        HeartClient(port=9, reply_port=holder.port).start(timeout_s=None)
