"""100,000 malformed and hostile datagrams against a whole running engine that is streaming meanwhile."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from heart.namespace import ROWS
from heart.plumbing.client import HeartClient
from heart.plumbing.osc import decode, encode
from heart.stage.rehearsal import running_engine

pytestmark = pytest.mark.alone

SEED = 20_261_121
COUNT = 100_000
BURST = 100
GROWTH_BYTES = 10e6


def padded(data: bytes) -> bytes:
    return data + b"\0" * (4 - len(data) % 4)


def bundle(*elements: bytes, timetag: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(e)) + e for e in elements)


def nested(depth: int) -> bytes:
    packet = encode("/heart/ping", 1)
    for _ in range(depth):
        packet = bundle(packet)
    return packet


def valid(dice: random.Random) -> bytes:
    """A message of the table with arguments that are mostly wrong: value, type, number."""
    row = dice.choice([row for row in ROWS.values() if row.direction != "out" and row.path not in SPARED])
    odd = [0, -1, 2**31 - 1, float("nan"), float("inf"), -1e38, 0.5, "", "N", "x" * 300, 72]
    return encode(row.path, *(dice.choice(odd) for _ in range(dice.choice([0, 1, 1, 2, 5]))))


SPARED = {"/heart/quit", "/heart/panic", "/heart/hello"}
KILLERS = [
    b"#bundle\0" + struct.pack(">Qi", 1, -4),
    b"#bundle\0" + struct.pack(">Qi", 1, 0),
    b"#bundle\0" + struct.pack(">Qi", 1, 2**31 - 1),
    bundle(encode("/heart/ping", 1), timetag=2**63),
    padded(b"/" + b"*" * 30 + b"x") + padded(b","),
    nested(5),
    nested(400),
    bundle(*[encode("/heart/get/bpm")] * 1_000),
    padded(b"/heart/set/bpm") + padded(b"," + b"f" * 4_000),
    padded(b"/heart/set/bpm") + b",[[[",
    padded(b"/\xff\xfe/bad") + padded(b",s") + b"\xff\xff\xff\xff",
    padded(b"/heart/set/label") + padded(b",b") + struct.pack(">i", -1),
    b"",
    b"\0" * 65_000,
    encode("/heart/no/such/address", 1),
]


def hostile(dice: random.Random) -> bytes:
    kind = dice.randrange(5)
    if kind == 0:
        return dice.randbytes(dice.randrange(200))
    if kind == 1:
        return dice.choice(KILLERS)
    packet = bytearray(valid(dice))
    if kind == 2:
        return bytes(packet)
    for _ in range(dice.randrange(1, 5)):
        packet[dice.randrange(len(packet))] = dice.randrange(256)
    return bytes(packet) if kind == 3 else bytes(packet[: dice.randrange(len(packet))])


def timed(door: socket.socket, to: tuple[str, int], number: int) -> float:
    """Seconds until this ping is answered."""
    asked_s = time.monotonic()
    assert pinged(door, to, number)
    return time.monotonic() - asked_s


def pinged(door: socket.socket, to: tuple[str, int], number: int) -> bool:
    """Whether this ping is answered within a second."""
    door.sendto(encode("/heart/ping", number), to)
    until_s = time.monotonic() + 1.0
    while time.monotonic() < until_s:
        try:
            if ("/heart/pong", (number,)) in decode(door.recv(65_536)):
                return True
        except TimeoutError:
            return False
    return False


@pytest.mark.case("R01")
def test_a_hundred_thousand_hostile_datagrams_change_nothing(
    tmp_path: Path, reached: Callable[[str], None]
) -> None:
    print("seed", SEED)
    dice = random.Random(SEED)
    with running_engine(tmp_path, "--voice", "pulse") as engine, HeartClient("127.0.0.1", engine.port) as client:
        client.wait_until(lambda: client.fill_ms > 100, 5)
        process, to = psutil.Process(engine.process.pid), ("127.0.0.1", engine.port)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as honest,
        ):
            honest.settimeout(1.0)
            attacker.setblocking(False)
            before, unanswered, waits_s = 0, 0, []
            for number in range(COUNT // BURST):
                for _ in range(BURST):
                    attacker.sendto(hostile(dice), to)
                asked_s = time.monotonic()
                unanswered += not pinged(honest, to, number + 1)
                waits_s.append(time.monotonic() - asked_s)
                drain(attacker)
                if number == COUNT // BURST // 5:
                    before = process.memory_info().rss
            grown = process.memory_info().rss - before
            burst_ms = 1000 * sorted(waits_s)[int(0.99 * len(waits_s))]
            alone_ms = 1000 * max(timed(honest, to, number) for number in range(100))
            reached(f"{unanswered} of {len(waits_s)} pings unanswered, memory {grown / 1e6:+.1f} MB")
            reached(f"ping p99 {burst_ms:.0f} ms behind bursts of {BURST}, at most {alone_ms:.1f} ms right after")
            assert unanswered == 0
            assert grown < GROWTH_BYTES
            assert alone_ms < 100
        assert client.underruns == 0
        assert client.silent_frames == 0
        client.send("/heart/set/lead_ms", 200.0)  # some of the messages were whole, and turned it
        assert client.wait_until(lambda: client.fill_ms > 100, 2)


def drain(door: socket.socket) -> None:
    """Take the answers, so that they do not pile up."""
    try:
        while True:
            door.recv(65_536)
    except BlockingIOError:
        return


@pytest.mark.case("R04")
def test_each_readable_mistake_is_answered_once_and_in_measure(tmp_path: Path) -> None:
    with running_engine(tmp_path, "--voice", "pulse") as engine, HeartClient("127.0.0.1", engine.port) as client:
        client.send("/heart/set/bpm", 500)
        code, address, text = client.wait_for("/heart/error", 2)[:3]
        assert (code, address) == ("range", "/heart/set/bpm")
        assert "500" in text
        assert "30" in text
        assert "220" in text
        client.send("/heart/set/label", "XYZ")
        assert "XYZ" in client.wait_for("/heart/error", 2)[2]
        client.send("/heart/set/bmp", 90)
        assert "/heart/set/bpm" in client.wait_for("/heart/error", 2)[2]
        for _ in range(200):
            client.send("/heart/set/bpm", 501)
        client.send("/heart/get/bpm")
        assert client.wait_for("/heart/value/bpm", 2) == (72.0,)
        assert len([error for error in client.errors if "501" in error[2]]) < 20
