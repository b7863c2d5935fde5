"""`heart score`: a score as a table of what happens when."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import click

from heart.records import SAMPLE_RATE_HZ
from heart.stage.score_reader import read_score


def print_score(path: Path, as_json: bool, seed: int | None, given: Collection[str]) -> None:
    """Every event, with the time at which it is heard when no cue keeps anybody waiting. Raises FileError."""
    score = read_score(path, seed, given)
    begin = 0
    if not as_json:
        click.echo(
            f"{score.title}: {clock(score.seconds)}, {len(score.cues)} cues, {score.voices} voices,"
            f" seed {score.seed}"
        )
    for number, cue in enumerate(score.cues, 1):
        if not as_json:
            waits = ", waits for /heart/cue/go" if cue.waits else ""
            click.echo(f"\n{clock(begin / SAMPLE_RATE_HZ)}  {number} {cue.name} ({cue.seconds:g} s{waits})")
        for event in cue.events:
            at_s = (begin + event.frame) / SAMPLE_RATE_HZ
            if as_json:
                says = {
                    "at": round(at_s, 6),
                    "cue": number,
                    "address": event.address,
                    "args": event.args,
                    "line": event.line,
                }
                click.echo(json.dumps(says))
            else:
                click.echo(f"  {clock(at_s)}  {event.address} {' '.join(map(_shown, event.args))}")
        begin += cue.frames


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds // 60)}:{seconds % 60:05.2f}"


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
