"""Time tags: done when they say, within limits; late ones once, and told."""

from __future__ import annotations

import struct
import time

import pytest
from wire_rig import Engine, Plain

from heart.errors import WireError
from heart.plumbing.agenda import MOST_WAITING, NTP_TO_UNIX_S, Agenda, seconds_ahead
from heart.plumbing.osc import encode


def dated(ahead_s: float, *messages: bytes) -> bytes:
    """A bundle for so many seconds from now."""
    tag = int((time.time() + ahead_s + NTP_TO_UNIX_S) * 2**32)
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


@pytest.mark.case("R06")
def test_a_bundle_is_done_at_its_time(reached) -> None:
    errors_ms = []
    with Engine() as engine, Plain(engine.port) as plain:
        for ahead_s in (0.5, 0.1, 0.3, 0.02, 0.2):
            asked = time.monotonic() + ahead_s
            plain.throw(dated(ahead_s, encode("/heart/ping", 7)))
            assert plain.hear("/heart/pong", 1.5) == (7,)
            errors_ms.append(1000 * (time.monotonic() - asked))
    reached(f"done {min(errors_ms):+.1f} to {max(errors_ms):+.1f} ms beside its time")
    assert all(-2 < error < 50 for error in errors_ms)
    assert sorted(errors_ms)[2] < 5


@pytest.mark.case("R06")
def test_so_many_wait_and_no_more(reached) -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        for number in range(5_000 // 50):
            plain.throw(dated(1.0, *[encode("/heart/ping", number)] * 50))
            if number % 10 == 0:
                time.sleep(0.005)
        code, _, text = plain.hear("/heart/error")
        assert code == "full"
        assert str(MOST_WAITING) in text
        assert engine.wait(lambda: len(engine.wire._agenda) == 0, 3)
        answered = sum(b"/heart/pong" in packet for packet in plain.all(0.3))
    reached(f"{answered} of 5,000 waited, the others were refused as full")
    assert 0 < answered <= MOST_WAITING


@pytest.mark.case("R06")
def test_what_is_late_is_done_once_and_told() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.throw(dated(-1.0, encode("/heart/ping", 3)))
        code, text = plain.hear("/heart/alarm")
        assert code == "late"
        assert "1.0" in text
        assert plain.hear("/heart/pong") == (3,)
        assert plain.all() == []
        assert engine.wire._post.counts["late"] == 1


@pytest.mark.case("R06")
def test_what_is_too_far_ahead_is_refused_and_never_done() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.throw(dated(3600.0, encode("/heart/ping", 3)))
        code, address, text = plain.hear("/heart/error")
        assert (code, address) == ("time", "/heart/ping")
        assert "10 s" in text
        assert len(engine.wire._agenda) == 0


def test_tags_without_a_date_are_for_now() -> None:
    for tag in (0, 1, 2**62):
        assert seconds_ahead(tag, 1e9) == 0
    assert seconds_ahead(int((1e9 + 2 + NTP_TO_UNIX_S) * 2**32), 1e9) == pytest.approx(2, abs=1e-3)


def test_of_two_for_one_time_the_first_comes_first() -> None:
    agenda = Agenda()
    for name in "abc":
        agenda.put("/x", 1.0, 0.0, name)
    agenda.put("/x", 0.5, 0.0, "early")
    assert agenda.next_s == 0.5
    assert agenda.due(0.4) == []
    assert agenda.due(1.0) == ["early", "a", "b", "c"]
    with pytest.raises(WireError, match="at most 10 s"):
        agenda.put("/x", 10.5, 0.0, "far")
