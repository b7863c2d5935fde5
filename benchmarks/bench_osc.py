"""What a message costs: microseconds for packing, guarding, decoding and checking; medians of several runs.

    PYTHONPATH=engine python benchmarks/bench_osc.py

Prints one JSON object; python-osc's own figures stand beside ours.
"""

from __future__ import annotations

import json
import platform
import statistics
import timeit
from collections.abc import Callable

import numpy as np
from pythonosc.osc_message import OscMessage

from heart import namespace
from heart.plumbing import osc, osc_guard

RUNS, COUNT = 7, 2000


def median_us(call: Callable[[], object]) -> float:
    runs = timeit.repeat(call, repeat=RUNS, number=COUNT)
    return round(statistics.median(runs) / COUNT * 1e6, 2)


def main() -> None:
    block = np.random.default_rng(1).uniform(-1, 1, 256).astype(np.float32)
    floats = [float(x) for x in block]
    sound, sound_in = osc.pack_audio(1, 5, 6, 512, block), osc.pack_in(1, 6, block)
    credit, label = osc.encode("/heart/credit", 5, 6, 7, 8), osc.encode("/heart/set/label", "AS")
    hostile = b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc"
    assert osc.encode("/heart/audio/1", 5, 6, 512, *floats) == sound

    def refused() -> None:
        try:
            osc_guard.split(hostile)
        except osc_guard.WireError:
            return
        raise AssertionError("a bundle element of size -4 was accepted")

    calls: dict[str, Callable[[], object]] = {
        "pack 256 frames": lambda: osc.pack_audio(1, 5, 6, 512, block),
        "decode 256 frames": lambda: osc.decode(sound),
        "decode and check 256 frames of /heart/in": lambda: [namespace.check(*m) for m in osc.decode(sound_in)],
        "decode credit": lambda: osc.decode(credit),
        "decode and check credit": lambda: [namespace.check(*m) for m in osc.decode(credit)],
        "decode a text message (python-osc behind the guard)": lambda: osc.decode(label),
        "guard alone, text message": lambda: osc_guard.split(label),
        "refuse a hostile bundle": refused,
        "encode pong": lambda: osc.encode("/heart/pong", 5),
        "python-osc: parse 256 frames": lambda: OscMessage(sound).params,
        "python-osc: build 256 frames": lambda: osc.encode("/heart/audio/1", 5, 6, 512, *floats),
    }
    figures = {name: median_us(call) for name, call in calls.items()}
    machine = f"{platform.machine()} {platform.system()} Python {platform.python_version()}"
    print(json.dumps({"us": figures, "machine": machine}, indent=1))


if __name__ == "__main__":
    main()
