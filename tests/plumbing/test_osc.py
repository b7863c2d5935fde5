"""Bytes and messages: the same in both directions, and the same bytes as two encoders that are not ours."""

from __future__ import annotations

import shutil
import socket
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from heart import namespace as ns
from heart.errors import WireError
from heart.plumbing import osc

floats32 = st.floats(width=32, allow_nan=False)


def samples(frames: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, frames).astype(np.float32)


def distinct_args(row: ns.Row) -> list[ns.Value]:
    """A valid value for each argument, different from its neighbours', so that a swap shows."""
    args: list[ns.Value] = []
    for i, arg in enumerate(row.args):
        if arg.choices:
            args.append(arg.choices[i % len(arg.choices)])
        elif arg.type == "s":
            args.append(f"word {i}")
        else:
            low = 0 if arg.low is None else arg.low
            whole = min(int(low) + i + 1, int(arg.high or 2**24 - 1)) if arg.type == "i" else None
            args.append(float(np.float32(low + 0.125)) if whole is None else whole)  # the wire's own precision
    return args


@pytest.mark.parametrize("row", ns.ROWS.values(), ids=ns.ROWS)
def test_each_row_of_the_table_survives_both_directions(row: ns.Row) -> None:
    args = [*distinct_args(row)]
    if row.rest and row.rest.type == "f":
        least = -1.0 if row.rest.low is None else row.rest.low
        args += [float(x) for x in np.maximum(samples(min(64, row.most)), np.float32(least))]
    [(address, decoded)] = osc.decode(osc.encode(row.path, *args))
    clean = ns.check(address, decoded)
    assert address == row.path
    expected = ns.check(row.path, args)
    for got, want in zip(clean, expected, strict=True):
        assert np.array_equal(got, want)
        assert type(got) is type(want)


@pytest.mark.parametrize("frames", [1, 3, 64, 256, 1024])
def test_packed_sound_has_the_bytes_of_python_osc(frames: int) -> None:
    block = samples(frames)
    for channel, epoch, seq, offset in ((1, 2**24 - 1, 2**20 - 1, 65_535 - frames), (8, 1, 0, 0)):
        builder = OscMessageBuilder(f"/heart/audio/{channel}")
        for value in (epoch, seq, offset):
            builder.add_arg(value, "i")
        for value in block:
            builder.add_arg(float(value), "f")
        assert osc.pack_audio(channel, epoch, seq, offset, block) == builder.build().dgram
    [(_, args)] = osc.decode(osc.pack_in(2, 7, block))
    assert args[0] == 7
    assert np.array_equal(np.asarray(args[-1] if frames >= 16 else args[1:], np.float32), block)


@given(head=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5), tail=st.lists(floats32, max_size=40))
def test_fast_and_general_parsing_agree(head: list[int], tail: list[float]) -> None:
    datagram = osc.encode("/heart/any", *head, *tail)
    [(address, args)] = osc.decode(datagram)
    if args and isinstance(args[-1], np.ndarray):
        args = (*args[:-1], *(float(x) for x in args[-1]))
    assert (address, list(args)) == ("/heart/any", OscMessage(datagram).params)


@pytest.mark.parametrize("bad", [None, b"blob", [1], 2**31, 1e300, "a\0b", "\ud800"])
def test_what_max_and_pd_cannot_read_is_not_sent(bad: object) -> None:
    with pytest.raises(WireError):
        osc.encode("/heart/any", bad)


def test_numpy_scalars_and_truth_values_are_sent_as_plain_numbers() -> None:
    datagram = osc.encode("/x", np.float32(0.5), np.int64(3), True)
    assert OscMessage(datagram).params == [0.5, 3, 1]
    assert datagram[4:12] == b",fii\0\0\0\0"


def liblo(tool: str) -> str:
    path = shutil.which(tool)
    assert path, f"{tool} is missing; on Debian and Ubuntu: apt-get install liblo-tools"
    return path


def test_liblo_sends_the_bytes_we_send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        port = str(sock.getsockname()[1])
        block = np.array([0.5, -0.25, 1.0, 0.0, -1.0], np.float32)
        subprocess.run(
            [
                liblo("oscsend"),
                "127.0.0.1",
                port,
                "/heart/audio/1",
                "iii" + "f" * 5,
                "77",
                "5",
                "1280",
                *(str(float(x)) for x in block),
            ],
            check=True,
            timeout=10,
        )
        assert sock.recv(65_536) == osc.pack_audio(1, 77, 5, 1280, block)
        subprocess.run(
            [liblo("oscsend"), "127.0.0.1", port, "/heart/hello", "siiii", "my patch", "9701", "1", "44100", "2"],
            check=True,
            timeout=10,
        )
        assert sock.recv(65_536) == osc.encode("/heart/hello", "my patch", 9701, 1, 44_100, 2)


def test_liblo_reads_what_we_send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    dump = subprocess.Popen([liblo("oscdump"), "-L", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert dump.stdout is not None
        # oscdump prints six decimals: multiples of 1/64 stand there in full
        block = (np.arange(256, dtype=np.float32) % 129 - 64) / 64
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            line = first_line(dump, sock, port, osc.pack_audio(1, 77, 5, 1280, block))
            words = line.split()
            at = words.index("/heart/audio/1")
            assert words[at + 1] == "iii" + "f" * 256
            assert words[at + 2 : at + 5] == ["77", "5", "1280"]
            assert np.array_equal(np.array(words[at + 5 :], np.float32), block)
    finally:
        dump.kill()
        dump.communicate(timeout=5)


def first_line(dump: subprocess.Popen[str], sock: socket.socket, port: int, datagram: bytes) -> str:
    """What oscdump prints for `datagram`, sent again until it listens."""
    import selectors

    assert dump.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(dump.stdout, selectors.EVENT_READ)
        for _ in range(100):
            sock.sendto(datagram, ("127.0.0.1", port))
            if selector.select(timeout=0.1):
                return dump.stdout.readline()
    raise AssertionError("oscdump printed nothing for ten seconds")
