"""Sounds into files: new ones, and from given ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from heart.cli.dance import or_dance
from heart.cli.notes import or_notes
from heart.cli.options import CLUSTER, DEVICE, rhythm


@click.command()
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="WAV or FLAC; with --count a folder."
)
@click.option(
    "--label",
    default="normal",
    show_default=True,
    help="normal, AS, MR, MS, MVP (or their full names), murmur; or storm, rain, wind, sea, birds, fire, bells, "
    "jazz, piano, breath.",
)
@click.option("--mix", default="", metavar="LABEL:WEIGHT,...", help="Several at once instead: N:0.5,storm:0.5.")
@click.option("--bpm", type=click.FloatRange(30, 220), help="Rate; 72, or that of the --beats file.")
@click.option("--rmssd", default=30.0, show_default=True, type=click.FloatRange(0, 200), help="Variability in ms.")
@rhythm
@click.option("--loop", is_flag=True, help="Sing the --beats file again and again, for as long as --seconds.")
@click.option(
    "--ramp",
    "ramps",
    multiple=True,
    metavar="NAME:FROM:TO:SECONDS",
    help="Move bpm, rmssd, systole, balance or ectopy in the first seconds; repeat.",
)
@click.option("--seconds", type=click.FloatRange(0.5, 3600), help="Length; 10, or that of the --beats file.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**24 - 1))
@click.option("--steps", default=8, show_default=True, type=click.IntRange(1, 200))
@click.option("--guidance", default=1.0, show_default=True, type=click.FloatRange(0, 8))
@click.option("--voice", default="voice", show_default=True)
@click.option(
    "--sampler", default="ddim", show_default=True, help="ddim, or one of k-diffusion's (extra: k-diffusion)."
)
@DEVICE
@click.option("--count", type=click.IntRange(1, 10_000), help="Make this many, with seeds from --seed on.")
@click.option(
    "--batch",
    default=4,
    show_default=True,
    type=click.IntRange(1, 64),
    help="With --count: sung at once. By onnxruntime each has the very bits it has alone, by torch within 1e-4.",
)
@click.option("--jobs", type=click.IntRange(1, 64), help="With --count: batches at once.  [default: 1]")
@CLUSTER
@or_notes("generate")
@or_dance("generate")
def generate(out: Path, count: int | None, **wishes: Any) -> None:
    """Sing a new heart, a texture, or a note of an instrument, into a file."""
    from heart.stage.offline import generate_files

    generate_files(out, count, **wishes)


def sung(command: Callable[..., None]) -> Callable[..., None]:
    """The options of all that is sung from given sounds: those of generate, label and beat left to the sound."""
    options = (
        click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="WAV or FLAC."),
        click.option("--label", default="", help="Condition to sing; default: none, the sound brings its own."),
        click.option("--bpm", type=click.FloatRange(30, 220), help="Beat to sing; default: the sound's own."),
        click.option("--rmssd", default=0.0, show_default=True, type=click.FloatRange(0, 200), help="With --bpm."),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**24 - 1)),
        click.option("--steps", default=8, show_default=True, type=click.IntRange(1, 200)),
        click.option("--guidance", default=1.0, show_default=True, type=click.FloatRange(0, 8)),
        click.option("--voice", default="voice-heart", show_default=True),
        click.option("--sampler", default="ddim", show_default=True, help="As in heart generate."),
    )
    for option in reversed(options):
        command = option(command)
    return command


IN = click.argument("path", metavar="IN", type=click.Path(path_type=Path))


@click.command()
@IN
@sung
@click.option(
    "--strength", default=0.5, show_default=True, type=float, help="0: the sound itself, 1: nothing of it."
)
@click.option("--follow", is_flag=True, help="Keep the beats where the ear hears them in IN.")
@or_dance("vary")
def vary(path: Path, **wishes: Any) -> None:
    """Re-imagine the sound IN."""
    from heart.stage.remade import vary_file

    vary_file(path, **wishes)


@click.command()
@click.argument("paths", metavar="A B [C ...]", nargs=-1, required=True, type=click.Path(path_type=Path))
@sung
@click.option("--weights", help="One for each sound, 0..1, with commas between; default: all alike.")
@click.option("--path", type=click.Path(path_type=Path), help="Text file of rows time,weights: weights that move.")
@click.option(
    "--method",
    default="slerp",
    show_default=True,
    help="slerp: along the inverted noise of the sounds; fade: cross-fade of their coefficients.",
)
@click.option("--seconds", type=click.FloatRange(0.1, 1800), help="Default: as long as the longest sound.")
@or_notes("morph")
@or_dance("morph")
def morph(paths: tuple[Path, ...], **wishes: Any) -> None:
    """Sing between two sounds or more. With a model of notes each may also be latents: 0.5,-1,..."""
    from heart.stage.remade import morph_files

    morph_files(paths, **wishes)


@click.command("continue")
@IN
@sung
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 3600), help="To sing on.")
@or_dance("continue")
def continue_(path: Path, **wishes: Any) -> None:
    """Sing on where the sound IN ends; what was there stays as it is."""
    from heart.stage.remade import continue_file

    continue_file(path, **wishes)


@click.command()
@IN
@sung
@click.option("--from", "from_s", required=True, type=float, metavar="S", help="Begin of the span, in seconds.")
@click.option("--to", "to_s", required=True, type=float, metavar="S", help="Its end.")
@or_dance("inpaint")
def inpaint(path: Path, **wishes: Any) -> None:
    """Sing a span of the sound IN anew; all else stays bit for bit."""
    from heart.stage.remade import inpaint_file

    inpaint_file(path, **wishes)
