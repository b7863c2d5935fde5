"""liblo, an OSC library that is not ours, as judge of everything a live stream consists of."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections import Counter

import numpy as np
import pytest

from heart import namespace as ns
from heart.plumbing.osc import encode
from rig.engine import Engine
from rig.pd import free_port

SECONDS = 2.0


class Dump:
    """oscdump on a free port; `lines` are its (address, tags, values) so far."""

    def __init__(self) -> None:
        self.port = free_port()
        self.lines: list[list[str]] = []
        self._process = subprocess.Popen(["oscdump", "-L", str(self.port)], stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.split(" ")[1:])  # the first word is liblo's time tag

    def wait_for(self, address: str, tries: int = 100) -> list[str]:
        for _ in range(tries):
            for words in self.lines:
                if words[0] == address:
                    return words
            time.sleep(0.05)
        raise AssertionError(f"liblo never saw {address}; it saw {Counter(w[0] for w in self.lines)}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(5)
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


def stream_to(dump: Dump, engine: Engine) -> None:
    """Say hello for liblo's port, and give credit by the clock for two seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", engine.port))
        time.sleep(0.3)  # until oscdump has its socket
        sock.send(encode("/heart/hello", "liblo", dump.port, 1, 44_100, 1))
        epoch = int(dump.wait_for("/heart/welcome")[8])
        start = time.monotonic()
        while (now := time.monotonic() - start) < SECONDS:
            sock.send(encode("/heart/credit", epoch, int(now * 44_100), 100, 0))
            time.sleep(0.02)
        sock.send(encode("/heart/ping", 77))
        sock.send(encode("/heart/set/bpm", 999))
        sock.send(encode("/heart/nonsense"))
        dump.wait_for("/heart/pong")
        dump.wait_for("/heart/error")


@pytest.mark.case("R12")
def test_liblo_reads_every_message_of_a_stream_and_agrees_with_the_table() -> None:
    dump = Dump()
    try:
        with Engine(seed=3) as engine:
            stream_to(dump, engine)
            for client in list(engine.wire.clients) if engine.wire else []:
                assert client.name == "liblo"
        sent = engine.sent()
        dump.wait_for("/heart/bye")
    finally:
        dump.close()
    for address, tags, *_ in (words if len(words) > 1 else [*words, ""] for words in dump.lines):
        row = ns.find(address.strip())
        assert row is not None, address
        wanted = "".join(a.type for a in row.args)
        assert tags.strip() == wanted + ("f" * 256 if "audio" in address else ""), address
    blocks = [words for words in dump.lines if words[0] == "/heart/audio/1"]
    assert len(blocks) > SECONDS * 44_100 / 256 * 0.9
    assert [int(words[3]) for words in blocks] == list(range(len(blocks)))
    heard = " ".join(" ".join(words[5:]) for words in blocks).split()
    # liblo prints six decimals; so do we, of what the wire says it sent
    count = min(len(heard), len(sent))
    assert count > SECONDS * 44_100 * 0.9
    assert heard[:count] == [f"{x:f}" for x in np.asarray(sent[:count], np.float64)]
