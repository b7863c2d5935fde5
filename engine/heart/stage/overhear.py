"""`heart listen --live` and `--in`: what the ear hears as it hears it, a line a second."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from heart.listening.judgement import load_classifiers
from heart.listening.opinions import Case, Opinions
from heart.listening.stream import EarStream
from heart.namespace import JUDGED
from heart.plumbing.device import Format, open_input
from heart.records import SAMPLE_RATE_HZ, Heard, Judged
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
    """A line for every second of sound: rate, trust, the beats told in it, and what the classifiers last said.

    Those whose models are missing are named in a line before.
    """
    classifiers, off = load_classifiers()
    if off and not as_json:
        yield f"not judged: {'; '.join(f'{what} ({why})' for what, why in off.items())}"
    ear, opinions, due_s = EarStream(rate_hz), Opinions(classifiers, rate_hz), LINE_S
    told: list[Heard] = []
    judged: dict[str, Judged] = {}
    for block in blocks:
        opinions.push(block)
        ear.gate = opinions.gate
        for heard in ear.push(block):
            told.append(heard)
            if heard.time_s >= due_s - 1e-6:
                due_s += LINE_S
                yield _as_json(told, judged) if as_json else _as_words(told, judged)
                told = []
        if (case := opinions.case(ear.net_heart)) is not None:
            judged[case.what] = opinions.take(case, case.probabilities()) if isinstance(case, Case) else case


def _tell(blocks: Iterable[np.ndarray], rate_hz: int, as_json: bool) -> None:
    for line in lines(blocks, rate_hz, as_json):
        click.echo(line)


def _in_real_time(sound: np.ndarray) -> Iterator[np.ndarray]:
    began_s = time.monotonic()
    for at in range(0, len(sound), FILE_BLOCK):
        block = sound[at : at + FILE_BLOCK]
        time.sleep(max(0.0, began_s + (at + len(block)) / SAMPLE_RATE_HZ - time.monotonic()))
        yield block


def _as_json(told: list[Heard], judged: dict[str, Judged]) -> str:
    gathered = dataclasses.replace(
        told[-1],
        s1_s=tuple(s1_s for heard in told for s1_s in heard.s1_s),
        beats=tuple(beat for heard in told for beat in heard.beats),
    )
    verdicts = {
        what: {"label": one.label, "probabilities": one.probabilities} if one.probabilities else None
        for what, one in judged.items()
    }
    return json.dumps(_rounded({**dataclasses.asdict(gathered), **verdicts}))


def _rounded(value: Any) -> Any:
    """The same with three decimals everywhere."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


def _as_words(told: list[Heard], judged: dict[str, Judged]) -> str:
    heard = told[-1]
    rate = "no rhythm yet" if heard.bpm is None else f"{heard.bpm:5.1f} bpm (trust {heard.trust:.2f})"
    sounds = " ".join(f"{s1_s:.2f}" for one in told for s1_s in one.s1_s)
    verdicts = "".join(f"  {what} {_verdict(judged[what])}" for what in JUDGED if what in judged)
    return f"{heard.time_s:6.1f} s  {rate:26}  S1 at {sounds or 'none':16}{verdicts}"


def _verdict(judged: Judged) -> str:
    if judged.what == "gate":
        return f"{judged.probabilities['heart']:.2f}"
    best = max(judged.probabilities.values(), default=0.0)
    return f"{judged.label} {best:.2f}" if judged.label else "unsure"
