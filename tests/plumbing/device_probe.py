"""Runs one back end through the contract on one device, in a process of its own, and prints what happened.

The same probe runs for every back end and card; test_device.py judges the figures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from heart.errors import DeviceError
from heart.plumbing.device import Format, list_devices, open_input, open_output


def signal(seconds: float, format: Format) -> np.ndarray:
    """Seeded noise, no frame of it zero."""
    frames = round(seconds * format.rate_hz)
    return np.random.default_rng(7).uniform(0.1, 0.5, (frames, format.channels)).astype(np.float32)


def complaint(action: Callable[[], Any]) -> str:
    """The DeviceError that `action` must end in."""
    try:
        action()
    except DeviceError as error:
        return str(error)
    return ""


def probe(backend: str, name: str, rate_hz: int, seconds: float) -> dict[str, Any]:
    """Every promise of the contract, as figures."""
    format = Format(rate_hz, channels=2, block=256, latency_s=0.1)
    output, source = open_output(name, format, backend), open_input(name, format, backend)
    facts: dict[str, Any] = {
        "devices": [str(device) for device in list_devices(backend)],
        "unknown": complaint(lambda: open_output("no such card", format, backend)),
        "unknown_input": complaint(lambda: open_input("no such card", format, backend)),
        "number_999": complaint(lambda: open_output("999", format, backend)),
        "too_many": complaint(lambda: open_output(name, Format(rate_hz, channels=2000), backend)),
        "write_before_start": complaint(lambda: output.write(np.zeros((256, 2), np.float32))),
        "read_before_start": complaint(lambda: source.read(256)),
    }
    facts |= play(output, signal(seconds, format), rate_hz)
    facts["write_after_stop"] = complaint(lambda: output.write(np.zeros((256, 2), np.float32)))
    facts["played_after_stop"] = output.played
    output.start()
    facts["played_after_restart"] = output.played
    output.stop()
    facts |= listen(source, round(seconds * rate_hz))
    return facts


def play(output: Any, sound: np.ndarray, rate_hz: int) -> dict[str, Any]:
    output.start()
    begin_s = time.monotonic()
    for at in range(0, len(sound), 256):
        output.write(sound[at : at + 256])
    spent_s = time.monotonic() - begin_s
    latency_s = output.latency_s
    output.write(np.zeros((rate_hz // 4, 2), np.float32))
    output.stop()
    output.stop()
    return {"play_s": spent_s, "latency_s": latency_s, "played": output.played, "underruns": output.underruns}


def listen(source: Any, frames: int) -> dict[str, Any]:
    source.start()
    begin_s = time.monotonic()
    shapes, kinds = set(), set()
    while source.captured < frames:
        block = source.read(256)
        shapes.add(block.shape)
        kinds.add(str(block.dtype))
    spent_s = time.monotonic() - begin_s
    source.stop()
    source.stop()
    return {"listen_s": spent_s, "shapes": sorted(shapes), "kinds": sorted(kinds), "captured": source.captured}


def main(backend: str, name: str, rate_hz: int, seconds: float) -> None:
    """Entry for the process that a card's environment is given to."""
    print("FACTS" + json.dumps(probe(backend, name, rate_hz, seconds)))


def play_only(backend: str, name: str, rate_hz: int, seconds: float) -> None:
    """Play the signal once and nothing else, so that what a card recorded can be compared."""
    format = Format(rate_hz, channels=2, block=256, latency_s=0.1)
    print("FACTS" + json.dumps(play(open_output(name, format, backend), signal(seconds, format), rate_hz)))
