"""Several clients with several rates at once, and clients that ask for what cannot be: words, and no sound lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import numpy as np
from wire_rig import Engine, Plain, sine

from heart.plumbing.client import HeartClient
from heart.plumbing.clients import MAX_CLIENTS
from heart.records import SAMPLE_RATE_HZ

RATES = (44_100, 48_000, 96_000, 192_000)


def pitch_hz(sound: np.ndarray, rate: int) -> float:
    """Of the last half second."""
    steady = sound[-rate // 2 :] * np.hanning(rate // 2)
    return float(np.argmax(np.abs(np.fft.rfft(steady)))) * 2


def test_four_rates_at_once_hear_the_same_pitch_and_no_hole() -> None:
    with Engine(sine(8, 1000.0, 0.3)) as engine, contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(HeartClient(port=engine.port, rate=rate, name=f"{rate} Hz")) for rate in RATES
        ]
        for client in clients:
            assert client.wait_until(lambda c=client: c.played >= 2 * c.rate, 15)
        assert [c.rate_hz for c in engine.wire.clients] == list(RATES)
        assert [client.underruns for client in clients] == [0] * len(RATES)
        for client in clients:
            assert pitch_hz(client.played_audio(), client.rate) == 1000.0
        exact = clients[0].played_audio()
        first = clients[0].ring.first_frame or 0
        np.testing.assert_array_equal(exact[first:], engine.heard()[: len(exact) - first])


ODD_HELLOS = [
    (("x", 0, 1, 384_000, 1), "sample_rate is 384000, must be whole number 8000 to 192000 Hz"),
    (("x", 0, 1, 44_100, 99), "channels is 99, must be whole number 1 to 8"),
    (("x", 0, 1, 44_100.5, 1), "sample_rate is 44100.5"),
    (("x", 0, 2, 44_100, 1), "protocol is 2, I speak 1"),
    (("x" * 600, 0, 1, 44_100, 1), "text of up to 512"),
    (("x\n", 0, 1, 44_100, 1), "printable"),
    (("x", 80, 1, 44_100, 1), "reply_port is 80, must be 1024"),
    (("x", 0, 1), "takes 5 arguments"),
]


def test_hellos_that_cannot_be_are_answered_with_words_and_the_others_play_on() -> None:
    with Engine() as engine, HeartClient(port=engine.port) as client, Plain(engine.port) as odd:
        assert client.wait_until(lambda: client.fill_ms > 100)
        for hello, words in ODD_HELLOS:
            odd.say("/heart/hello", *hello)
            error = odd.hear("/heart/error")
            assert error is not None, hello
            assert words in error[2]
        assert client.wait_until(lambda: client.played > SAMPLE_RATE_HZ // 2)
        assert (len(engine.wire.clients), client.underruns) == (1, 0)


def test_block_7_is_refused_with_the_sizes_there_are_and_the_stream_goes_on() -> None:
    with Engine() as engine, HeartClient(port=engine.port) as client:
        assert client.wait_until(lambda: client.fill_ms > 100)
        epoch = client.epoch
        client.send("/heart/block", 7)
        assert client.wait_until(lambda: bool(client.errors))
        assert "frames is 7, must be one of 64, 128, 256, 512, 1024" in client.errors[-1][2]
        assert client.wait_until(lambda: client.played > SAMPLE_RATE_HZ // 2)
        assert (client.epoch, client.underruns) == (epoch, 0)


def test_a_client_may_be_called_anything_that_can_be_read() -> None:
    names = ["Herz auf der Bühne 2", "心拍 – ステージ", "a" * 512, " ", "%s {0} \\"]
    with Engine() as engine, contextlib.ExitStack() as stack:
        for name in names:
            client = stack.enter_context(HeartClient(port=engine.port, name=name))
            assert client.wait_until(lambda c=client: c.fill_ms > 100)
        assert [c.name for c in engine.wire.clients] == names


def test_one_client_too_many_is_told_and_nobody_loses_a_place() -> None:
    with Engine() as engine, contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(HeartClient(port=engine.port, name=str(n), collect=False))
            for n in range(MAX_CLIENTS)
        ]
        for client in clients:
            assert client.wait_until(lambda c=client: c.fill_ms > 50, 10)
        odd = stack.enter_context(Plain(engine.port))
        odd.say("/heart/hello", "one more", 0, 1, 44_100, 1)
        assert odd.hear("/heart/error") == ("full", "/heart/hello", f"{MAX_CLIENTS} clients are connected already: "
                                            "end one first")  # fmt: skip
        assert len(engine.wire.clients) == MAX_CLIENTS


VANISHING = """
import sys, time
from heart.plumbing.client import HeartClient
client = HeartClient(port=int(sys.argv[1]), name="gone").start()
assert client.wait_until(lambda: client.fill_ms > 100)
print("playing", flush=True)
time.sleep(60)
"""


def test_a_client_that_vanishes_is_noticed_and_the_other_hears_no_hole() -> None:
    """kill -9: no bye, and its port is closed."""
    with Engine() as engine, HeartClient(port=engine.port, name="stays") as client:
        assert client.wait_until(lambda: client.fill_ms > 100)
        command = [sys.executable, "-c", VANISHING, str(engine.port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "playing\n"
            os.kill(other.pid, signal.SIGKILL)
        assert engine.wait(lambda: engine.events[-1] == "lost", 3.0)
        assert client.underruns == 0
        assert client.wait_until(lambda: client.fill_ms > 50)
