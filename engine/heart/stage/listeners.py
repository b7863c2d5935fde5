"""`heart listen`: files, folders and standard input, as a table for people or a JSON object a line."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from heart.audio import shown
from heart.errors import FileError, HeartError, UsageError
from heart.listening import files as ear
from heart.listening.judgement import Bench, load_bench
from heart.listening.portrait import plot as draw
from heart.listening.weights import EarWeights, load_weights

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
"""What `heart listen FOLDER` picks up."""
STDIN = Path("-")
MAX_STDIN_BYTES = 1 << 30
NOTICE = "not a medical device: nothing here is a diagnosis"

COLUMNS = (
    ("bpm", 6, lambda r: _number(r["bpm"], 1)),
    ("trust", 5, lambda r: _number(r["trust"], 2)),
    ("SDNN", 5, lambda r: _number(r["sdnn_ms"], 0)),
    ("RMSSD", 5, lambda r: _number(r["rmssd_ms"], 0)),
    ("beats", 5, lambda r: str(len(r["beats"]))),
    ("heart", 5, lambda r: _number(r["heart"], 2)),
    ("scene", 14, lambda r: _verdict(r["scene"])),
    ("valve", 9, lambda r: _verdict(r["valve"])),
    ("condition", 14, lambda r: _verdict(r["condition"])),
    ("seconds", 7, lambda r: _number(r["seconds"], 1)),
)
"""Heading, width, and how a cell is read from a result; the file's name comes last, it may be long."""


def listen_to(paths: Sequence[Path], as_json: bool, picture: Path | None) -> int:
    """Print what the ear hears in each file (folders: in all their sound files; -: standard input).

    Returns how many could not be heard; each of those gets a line on standard error, and the rest goes on.
    """
    sounds = [sound for path in paths for sound in _sounds(path)]
    pictures = _picture_names(picture, sounds)
    weights, bench, failed = load_weights(), load_bench(), 0
    if not as_json:
        click.echo(heading())
    with _progress(len(sounds)) as advance:
        for sound, drawn in zip(sounds, pictures):
            try:
                result = _hear(sound, weights, bench, drawn)
                click.echo(json.dumps(result) if as_json else row(result))
            except HeartError as error:
                click.echo(f"heart: {error}", err=True)
                failed += 1
            advance()
    if not as_json:
        click.echo(NOTICE)
    return failed


def heading() -> str:
    """First line of the table."""
    return "  ".join([*(f"{name:>{width}}" for name, width, _ in COLUMNS), "file"])


def row(result: dict[str, Any]) -> str:
    """A line of the table: a dash where the ear cannot say; `?` stands before a class too unsure to be said."""
    cells = [f"{read(result):>{width}}" for _, width, read in COLUMNS]
    remark = "" if result["bpm"] is not None else "  (no trustworthy rhythm)"
    return "  ".join([*cells, shown(result["file"]) + remark])


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _verdict(verdict: dict[str, Any] | None) -> str:
    if not verdict:
        return "-"
    best = max(verdict["probabilities"], key=verdict["probabilities"].__getitem__)
    return f"{'' if verdict['label'] else '?'}{best} {verdict['probabilities'][best]:.2f}"


def _hear(sound: Path, weights: EarWeights, bench: Bench, picture: Path | None) -> dict[str, Any]:
    with _at_rest(sound) as path:
        result = {**ear.listen(path, weights, bench), "file": str(sound)}
        if picture:
            draw(path, result, picture)
    return result


@contextlib.contextmanager
def _at_rest(sound: Path) -> Iterator[Path]:
    """A path that can be read twice: standard input is put into a file of its own for as long as it is needed."""
    if sound != STDIN:
        yield sound
        return
    with tempfile.TemporaryDirectory(prefix="heart-") as folder:
        path = Path(folder) / "standard-input"
        data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
        if len(data) > MAX_STDIN_BYTES:
            raise FileError(f"-: more than {MAX_STDIN_BYTES >> 20} MB on standard input; listen to a file instead")
        path.write_bytes(data)
        try:
            yield path
        except FileError as error:
            raise FileError(str(error).replace(str(path), "-")) from None


def _sounds(path: Path) -> list[Path]:
    if path == STDIN or not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SOUND_SUFFIXES)
    if not found:
        raise UsageError(f"{path}: no sound files in this folder ({', '.join(SOUND_SUFFIXES)})")
    return found


def _picture_names(picture: Path | None, sounds: Sequence[Path]) -> Sequence[Path | None]:
    """One sound: the PNG that was named; several: a folder with a PNG for each, none over another."""
    if picture is None or (len(sounds) == 1 and picture.suffix):
        return [picture] * len(sounds)
    picture.mkdir(parents=True, exist_ok=True)
    stems = ["standard-input" if sound == STDIN else sound.stem for sound in sounds]
    alike = {stem for stem, count in Counter(stems).items() if count > 1}
    names = [f"{sound.parent.name}-{sound.name}" if stem in alike else stem for stem, sound in zip(stems, sounds)]
    return [picture / f"{name}.png" for name in names]


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on a terminal's standard error where there is more than one file, and the way to move it on."""
    console = Console(stderr=True)
    if total < 2 or not console.is_terminal:
        yield lambda: None
        return
    # rich would carry redirected output to the terminal: `heart listen ... > file` must reach the file
    with Progress(console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("listening", total=total)
        yield lambda: bar.advance(task)
