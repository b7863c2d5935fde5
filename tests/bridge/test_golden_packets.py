"""Our packets beside those of three libraries that are not ours: python-osc, liblo and npm's osc, byte for byte."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import numpy as np
from pythonosc.osc_message_builder import OscMessageBuilder

from heart import namespace as ns
from heart.plumbing import osc

NODE = Path(__file__).parent.parent / "rig" / "node"
TEXTS = ("", "N", "two", "rain", "a name with spaces", "Sturm über See")
Message = tuple[str, str, tuple[int | float | str, ...]]
"""Address, type letters, values."""


def example(arg: ns.Arg, n: int) -> int | float | str:
    """A value that the argument may have, another for another `n`; floats that 32 bits hold exactly."""
    if arg.choices:
        return arg.choices[n % len(arg.choices)]
    if arg.type == "s":
        return TEXTS[n % len(TEXTS)]
    low = arg.low if arg.low is not None else -1.5
    high = arg.high if arg.high is not None else 4096.0
    value = low + (high - low) * ((n * 5 + 3) % 16) / 16
    return int(value) if arg.type == "i" else float(np.float32(value))


def table() -> list[Message]:
    """Every row of the table with values, those of a stream aside."""
    found = []
    for n, (path, row) in enumerate(ns.ROWS.items()):
        args = [
            *row.args,
            *([row.rest] if row.rest and not row.path.startswith(("/heart/audio", "/heart/in")) else []),
        ]
        found.append((path, "".join(a.type for a in args), tuple(example(a, n + k) for k, a in enumerate(args))))
    return found


def sound() -> list[tuple[Message, bytes]]:
    """Blocks of every size, to and from the engine, and what our own packer makes of them."""
    rng = np.random.default_rng(7)
    found: list[tuple[Message, bytes]] = []
    for n, frames in enumerate(ns.BLOCKS):
        block = rng.uniform(-1, 1, frames).astype(np.float32)
        block[:4] = (0.0, -0.0, 1.0, np.float32(1e-38))
        floats = tuple(float(x) for x in block)
        epoch, seq, offset = 2**24 - 1 - n, 2**20 - 1 - n, 65_536 - frames
        audio = (f"/heart/audio/{n + 1}", "iii" + "f" * frames, (epoch, seq, offset, *floats))
        ear = (f"/heart/in/{n + 1}", "i" + "f" * frames, (seq, *floats))
        found.append((audio, osc.pack_audio(n + 1, epoch, seq, offset, block)))
        found.append((ear, osc.pack_in(n + 1, seq, block)))
    return found


GOLDEN: list[tuple[Message, bytes]] = [*((m, osc.encode(m[0], *m[2])) for m in table()), *sound()]


def test_every_packet_is_the_one_that_python_osc_builds() -> None:
    for (address, types, values), ours in GOLDEN:
        builder = OscMessageBuilder(address)
        for letter, value in zip(types, values):
            builder.add_arg(value, letter)
        assert builder.build().dgram == ours, address


def test_every_packet_is_the_one_that_liblo_sends() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        for (address, types, values), ours in GOLDEN:
            words = [address, *([types, *map(str, values)] if types else [])]
            subprocess.run(["oscsend", "127.0.0.1", str(sock.getsockname()[1]), *words], check=True, timeout=10)
            assert sock.recv(65_536) == ours, address


def test_every_packet_is_the_one_that_npms_osc_writes() -> None:
    assert (NODE / "node_modules").exists(), f"npm's osc is missing: npm install --prefix {NODE}"
    messages = [[address, list(zip(types, values))] for (address, types, values), _ in GOLDEN]
    done = subprocess.run(
        ["node", str(NODE / "pack.js")],
        input=json.dumps(messages),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for line, ((address, _, _), ours) in zip(done.stdout.split(), GOLDEN, strict=True):
        assert bytes.fromhex(line) == ours, address
