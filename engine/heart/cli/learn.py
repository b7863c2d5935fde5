"""Recordings, training and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from heart.cli.door import Door
from heart.cli.options import DATA

RANGES = {"bpm": "bpm", "snr_db": "snr", "rmssd_ms": "rmssd"}
"""Ranges of `heart data synth`: the recipe's word and the option's."""


@click.group(cls=Door, invoke_without_command=True)
@click.pass_context
def data(ctx: click.Context) -> None:
    """Recordings to train and measure with: what to fetch from where, or hearts made from arithmetic."""
    if ctx.invoked_subcommand is None:
        from heart.learning.data_sources import guide

        click.echo(guide())


@data.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="DATABASE/RECORD ...")
@click.option("--base", metavar="URL", help="A mirror with the same folders (or HEART_PHYSIONET).")
@click.option("--timeout", "timeout_s", default=20.0, show_default=True, type=click.FloatRange(0.1, 600))
def data_fetch(names: tuple[str, ...], base: str | None, timeout_s: float) -> None:
    """Fetch ECG records from PhysioNet: mitdb/100 nsrdb/16265, or all of mitdb. Broken off, it goes on.

    Afterwards they are known by these names: heart ecg mitdb/100.
    """
    from heart.stage.record_fetch import fetch_records

    for path in fetch_records(names, base, timeout_s):
        click.echo(path)


@data.command("synth")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder.")
@click.option("--count", default=1000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same bytes.")
@click.option("--bpm-low", default=50.0, show_default=True)
@click.option("--bpm-high", default=120.0, show_default=True)
@click.option("--snr-low", default=5.0, show_default=True, help="Heart over noise, in dB.")
@click.option("--snr-high", default=25.0, show_default=True)
@click.option("--rmssd-low", default=5.0, show_default=True, help="Variability in ms.")
@click.option("--rmssd-high", default=80.0, show_default=True)
@click.option("--seconds", default=5.0, show_default=True)
@click.option("--rate", "rate_hz", default=1000, show_default=True, help="Sample rate in Hz.")
@click.option(
    "--ectopics", default=0.0, show_default=True, type=click.FloatRange(0, 0.5), help="Early beats, 0..0.5."
)
@click.option("--murmurs", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share with a murmur.")
@click.option("--kind", default="flac", show_default=True, type=click.Choice(["flac", "wav"]))
def data_synth(out: Path, count: int, seed: int, kind: str, **wish: Any) -> None:
    """Make hearts with known beats, rate and variability: sounds, tables of states, manifest.csv."""
    from heart.learning.ear_progress import Telling
    from heart.learning.synth import Recipe
    from heart.learning.synth_files import write_set

    ranges: dict[str, Any] = {
        name: (wish.pop(f"{part}_low"), wish.pop(f"{part}_high")) for name, part in RANGES.items()
    }
    recipe = Recipe(**ranges, **wish)
    with Telling() as tell:
        manifest = write_set(out, count, seed, recipe, kind, tell)
    click.echo(manifest)


@data.command("notes")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder.")
@click.option("--count", default=5000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same bytes.")
def data_notes(out: Path, count: int, seed: int) -> None:
    """Make notes of instruments in NSynth's layout: additive, FM, plucked, bowed, blown, struck."""
    from heart.learning.ear_progress import Telling
    from heart.learning.notes_files import write_notes

    with Telling() as tell:
        path = write_notes(out, count, seed, tell)
    click.echo(path)


@click.command()
@click.argument("model")
@DATA
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("build/train"), show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0.1), help="Of training; else as long as it needs.")
@click.option("--seed", default=0, show_default=True)
@click.option("--fresh", is_flag=True, help="Begin anew instead of resuming from the last checkpoint.")
@click.option("--from", "start", type=click.Path(path_type=Path), help="dance-heart: the checkpoint to fine-tune.")
@click.option("--name", "own", help="Of a voice of your own sounds; else the folder's.")
def train(model: str, data: Path | None, out: Path, own: str | None, fresh: bool, **wishes: Any) -> None:
    """Train MODEL (voice-heart, voice-texture, notes-ae, ear-valve or just valve), resuming where it stopped.

    With voice-heart or voice-texture and a folder of your own sound files as --data (no manifest.csv, no labels)
    the shipped voice learns from them, in half an hour, and becomes a new one: heart generate --voice NAME.
    """
    from heart.learning import train_model

    given = {key: value for key, value in wishes.items() if value is not None}
    train_model(model, data, out, own, not fresh, given)


@click.command()
@click.argument("name")
@DATA
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the confusion matrix as a PNG.")
def evaluate(name: str, data: Path | None, as_json: bool, picture: Path | None) -> None:
    """Measure model NAME on the validation recordings (valve is short for ear-valve)."""
    from heart.learning import data_of
    from heart.learning.measure import measure

    figures = measure(name, data_of(name, data), picture)
    text = figures.pop("text", None)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(text or json.dumps(figures, indent=2))
