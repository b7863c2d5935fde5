"""`heart listen --live` and `--in`: what the ear hears as it hears it, a line a second."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import numpy as np

from heart.listening.stream import EarStream
from heart.plumbing.device import Format, open_input
from heart.records import SAMPLE_RATE_HZ, Heard, HeardBeat
from heart.stage.hearing import FILE_BLOCK, load_heart

LINE_S = 1.0


def overhear_file(path: Path, as_json: bool) -> None:
    """Play a file to the ear as if it were live, in real time. Raises FileError when it cannot be heard."""
    _tell(_in_real_time(load_heart(path)), SAMPLE_RATE_HZ, as_json)


def overhear_device(name: str, backend: str, seconds: float | None, as_json: bool) -> None:
    """Listen on a sound device, for `seconds` or until Ctrl-C. Raises DeviceError when it cannot be opened."""
    source = open_input(name, Format(rate_hz=SAMPLE_RATE_HZ), backend)
    source.start()
    blocks = iter(int, 1) if seconds is None else range(int(seconds * SAMPLE_RATE_HZ / source.format.block))
    try:
        _tell((source.read(source.format.block)[:, 0] for _ in blocks), source.format.rate_hz, as_json)
    finally:
        source.stop()


def lines(blocks: Iterable[np.ndarray], rate_hz: int, as_json: bool) -> Iterator[str]:
    """A line for every second of sound: rate, trust, and the beats that became certain in it."""
    ear, due_s = EarStream(rate_hz), LINE_S
    beats: list[HeardBeat] = []
    for block in blocks:
        for heard in ear.push(block):
            beats.extend(heard.beats)
            if heard.time_s >= due_s - 1e-6:
                due_s += LINE_S
                yield _as_json(heard, beats) if as_json else _as_words(heard, beats)
                beats = []


def _tell(blocks: Iterable[np.ndarray], rate_hz: int, as_json: bool) -> None:
    for line in lines(blocks, rate_hz, as_json):
        click.echo(line)


def _in_real_time(sound: np.ndarray) -> Iterator[np.ndarray]:
    began_s = time.monotonic()
    for at in range(0, len(sound), FILE_BLOCK):
        block = sound[at : at + FILE_BLOCK]
        time.sleep(max(0.0, began_s + (at + len(block)) / SAMPLE_RATE_HZ - time.monotonic()))
        yield block


def _as_json(heard: Heard, beats: list[HeardBeat]) -> str:
    record = dataclasses.asdict(dataclasses.replace(heard, beats=tuple(beats)))
    return json.dumps(
        {name: round(value, 3) if isinstance(value, float) else value for name, value in record.items()}
    )


def _as_words(heard: Heard, beats: list[HeardBeat]) -> str:
    rate = "no rhythm yet" if heard.bpm is None else f"{heard.bpm:5.1f} bpm (trust {heard.trust:.2f})"
    sounds = " ".join(f"{beat.s1_s:.2f}" for beat in beats)
    return f"{heard.time_s:6.1f} s  {rate:26}  S1 at {sounds or 'none'}"
