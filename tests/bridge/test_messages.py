"""Parameter messages at the rate of a whole bank of faders in motion; benchmarks/bench_messages.py goes further."""

from __future__ import annotations

import socket
import time

from heart.plumbing.osc import encode
from rig.engine import Engine

PER_SECOND, BURST = 5_000, 25


def test_five_thousand_parameter_messages_in_a_second_are_all_handled_in_order() -> None:
    with Engine() as engine, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", engine.port))
        start = time.monotonic()
        for n in range(PER_SECOND):
            sock.send(encode("/heart/set/seed", n))
            if n % BURST == BURST - 1:
                time.sleep(max(0.0, start + (n + 1) / PER_SECOND - time.monotonic()))
        end = time.monotonic() + 5
        while len(engine.messages) < PER_SECOND and time.monotonic() < end:
            time.sleep(0.01)
        print(f"sent in {time.monotonic() - start:.2f} s")
        assert engine.messages == [("/heart/set/seed", n) for n in range(PER_SECOND)]
