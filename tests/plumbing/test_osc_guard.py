"""Datagrams that kill other parsers cost ours a few microseconds and one error."""

from __future__ import annotations

import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heart.errors import WireError
from heart.plumbing import osc, osc_guard

SEED = 20_260
MUTATIONS = 100_000


def message(address: bytes = b"/x", tags: bytes = b",", data: bytes = b"") -> bytes:
    def padded(text: bytes) -> bytes:
        return text + b"\0" * (4 - len(text) % 4)

    return padded(address) + padded(tags) + data


def bundle(*elements: bytes, when: int = 1) -> bytes:
    body = b"".join(struct.pack(">i", len(e)) + e for e in elements)
    return b"#bundle\0" + struct.pack(">Q", when) + body


def sized_bundle(size: int) -> bytes:
    return bundle() + struct.pack(">i", size)


def nested(depth: int) -> bytes:
    datagram = message()
    for _ in range(depth):
        datagram = bundle(datagram)
    return datagram


IN_AN_HOUR = int(time.time() + 2_208_988_800 + 3600) << 32

KILLERS = {
    "element of size -4": sized_bundle(-4),
    "element of size 0": sized_bundle(0),
    "element of size 2^31-1": sized_bundle(2**31 - 1),
    "thirty stars": message(b"/" + b"*" * 30 + b"x"),
    "nested 5 deep": nested(5),
    "nested 400 deep": nested(400),
    "nested 3000 deep": nested(3000),
    "8000 elements": bundle(*[message()] * 8000),
    "200 elements": bundle(*[message()] * 200),
    "8000 empty elements": bundle() + b"\0\0\0\0" * 8000,
    "bad UTF-8": message(tags=b",s", data=b"\xff\xfe\xfd\0"),
    "bad UTF-8 address": message(b"/\xff\xfe"),
    "negative blob": message(tags=b",b", data=struct.pack(">i", -4)),
    "huge blob": message(tags=b",b", data=struct.pack(">i", 2**31 - 1)),
    "60000 tags": message(tags=b"," + b"i" * 60_000),
    "4000 tags": message(tags=b"," + b"T" * 4000),
    "unknown tags": message(tags=b"," + b"Z" * 30),
    "empty": b"",
    "65507 bytes": b"/" * 65_507,
    "text without end": b"/abc" * 2000,
    "tags without comma": b"/x\0\0iiii\0\0\0\0",
    "too few bytes": message(tags=b",iif", data=b"\0" * 8),
    "too many bytes": message(tags=b",i", data=b"\0" * 8),
    "dirty padding": b"/x\0!,\0\0\0",
    "arrays": message(tags=b"," + b"[" * 500),
    "not OSC": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.case("R02")
@pytest.mark.parametrize("name", KILLERS)
def test_a_killer_is_refused_within_20_ms(name: str) -> None:
    start = time.process_time()
    with pytest.raises(WireError) as caught:
        osc.decode(KILLERS[name])
    assert time.process_time() - start < 0.020
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "when",
    [0, 1, IN_AN_HOUR, IN_AN_HOUR + (3600 * 24 * 36_525 << 32) & (2**64 - 1)],
    ids=["zero", "now", "in an hour", "in a hundred years"],
)
def test_a_bundle_is_for_now_whatever_its_date(when: int) -> None:
    datagram = bundle(osc.encode("/a", 1), bundle(osc.encode("/b", 2.5), when=when), osc.encode("/c"), when=when)
    start = time.perf_counter()
    assert osc.decode(datagram) == [("/a", (1,)), ("/b", (2.5,)), ("/c", ())]
    assert time.perf_counter() - start < 0.020


def test_bundles_up_to_the_limits_are_opened() -> None:
    assert len(osc.decode(nested(4))) == 1
    assert len(osc.decode(bundle(*[message()] * 128))) == 128
    assert osc.decode(bundle()) == []


@pytest.mark.parametrize("pattern", [b"/heart/*", b"/heart/p?ng", b"/heart/[a-z]", b"/{a,b}", b"/#"])
def test_patterns_are_named_and_refused(pattern: bytes) -> None:
    with pytest.raises(WireError, match="patterns are not matched") as caught:
        osc.decode(message(pattern))
    assert caught.value.code == "pattern"


def test_other_types_are_read_in_full() -> None:
    data = struct.pack(">q", 2**40) + struct.pack(">d", 0.1) + b"ab\0\0" + struct.pack(">i", 3) + b"xyz\0"
    [(_, args)] = osc.decode(message(tags=b",hdsbTFN", data=data))
    assert args == (2**40, 0.1, "ab", b"xyz", True, False, None)


def test_a_message_without_type_tags_has_no_arguments() -> None:
    assert osc.decode(b"/heart/bye\0\0") == [("/heart/bye", ())]


def mutants(seed: int, count: int) -> list[bytes]:
    """Datagrams near to valid ones: bytes flipped, cut, doubled, sizes replaced; some plain noise."""
    rng = np.random.default_rng(seed)
    sound = rng.uniform(-1, 1, 64).astype(np.float32)
    seeds = [
        osc.encode("/heart/hello", "me", 9701, 1, 44_100, 1),
        osc.encode("/heart/credit", 1, 2, 3, 4),
        osc.encode("/heart/set/bpm", 60.0),
        osc.encode("/heart/ping", 1),
        osc.pack_in(1, 2, sound),
        bundle(osc.encode("/heart/ping", 1), osc.encode("/heart/set/label", "AS")),
        message(tags=b",sbhdTFN", data=b"ab\0\0\0\0\0\3xyz\0" + b"\0" * 16),
        nested(3),
    ]
    return [_mutant(rng, seeds) for _ in range(count)]


def _mutant(rng: np.random.Generator, seeds: list[bytes]) -> bytes:
    data = bytearray(seeds[rng.integers(len(seeds))])
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(data) or 1))
        kind = rng.integers(6)
        if kind == 0 and data:
            data[at % len(data)] = rng.integers(256)
        elif kind == 1:
            data = data[:at]
        elif kind == 2:
            data = data[:at] + data
        elif kind == 3:
            word = int(rng.choice([-(2**31), -4, -1, 0, 3, 4, 2**31 - 1]))
            data[at & ~3 : (at & ~3) + 4] = struct.pack(">i", word)
        elif kind == 4:
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
        else:
            data[at:at] = bytes(rng.choice(list(b"*#,[]{}?/ifsbTZ\0"), 4))
    return bytes(data)


@pytest.mark.case("R03")
def test_a_hundred_thousand_mutants_are_read_or_refused_and_never_more() -> None:
    print(f"seed {SEED}")
    read = refused = 0
    slowest = 0.0
    for datagram in mutants(SEED, MUTATIONS):
        start = time.process_time()
        try:
            osc.decode(datagram)
            read += 1
        except WireError:
            refused += 1
        slowest = max(slowest, time.process_time() - start)
    assert read + refused == MUTATIONS
    assert read > 1000, "mutants that never pass test only the first check"
    assert refused > 10_000
    assert slowest < 0.1


@pytest.mark.case("R03")
@settings(max_examples=500, deadline=None)
@given(datagram=st.binary(max_size=9000))
def test_noise_is_refused(datagram: bytes) -> None:
    try:
        parts = osc_guard.split(datagram)
    except WireError:
        return
    assert parts == [] or all(part.address.startswith("/") for part in parts)


STOCK = """
import sys
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_packet import OscPacket
d = Dispatcher()
d.map("/" + "*" * 30 + "x", print)
d.map("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaay", print)
d.call_handlers_for_packet(bytes.fromhex(sys.argv[1]), ("127.0.0.1", 9))
"""


@pytest.mark.case("R01", "R02", control=True)
@pytest.mark.parametrize(
    "datagram",
    [KILLERS["element of size -4"], KILLERS["thirty stars"], bundle(osc.encode("/a", 1), when=IN_AN_HOUR)],
    ids=["element of size -4", "thirty stars", "in an hour"],
)
def test_the_same_datagrams_do_freeze_a_stock_parser(datagram: bytes) -> None:
    """The control: if this fails, the killers above no longer prove anything."""
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", STOCK, datagram.hex()], timeout=2, capture_output=True)
