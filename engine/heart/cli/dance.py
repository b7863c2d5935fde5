"""The door to Dance Diffusion: its models, and its options of commands that the live voices have too."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from heart.errors import UsageError

DEVICE = click.option(
    "--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"])
)
OPTIONS = (
    click.option(
        "--precision",
        default="float32",
        show_default=True,
        type=click.Choice(["float32", "bfloat16", "float16"]),
        help="Of the net's arithmetic.",
    ),
    click.option("--eta", default=0.0, show_default=True, type=float, help="Fresh noise at every step of ddim."),
    click.option(
        "--schedule",
        default="karras",
        show_default=True,
        type=click.Choice(["karras", "exponential", "polyexponential", "vp"]),
        help="Of k-diffusion's samplers.",
    ),
    click.option("--sigma-min", default=0.01, show_default=True, type=float, help="Least noise of that schedule."),
    click.option("--sigma-max", default=80.0, show_default=True, type=float, help="Most of it."),
    click.option("--rho", type=float, help="Its bend; 7 of karras, 1 of polyexponential."),
    click.option(
        "--chunk",
        type=float,
        metavar="SECONDS",
        help="Sing longer sounds in windows of so many; default: only what does not fit into the memory.",
    ),
)
"""Of all that is sampled with a Dance Diffusion net, and of nothing else."""
COUNT = click.option("--count", type=click.IntRange(1, 1_000), help="Make this many; -o names a folder.")
COMMON = ("out", "voice", "sampler", "steps", "device")
VERBS = {
    "generate": ("seconds", "seed", "count"),
    "vary": ("path", "strength", "seed", "count"),
    "morph": ("paths", "weights", "path", "seed", "count"),
    "continue": ("path", "seconds", "seed"),
    "inpaint": ("path", "from_s", "to_s", "seed"),
}
"""What each command takes with such a net."""


def or_dance(verb: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command of the live voices be done by a Dance Diffusion net where --voice names one."""
    more = OPTIONS if verb == "generate" else (*OPTIONS, DEVICE)  # generate has a device for every voice
    more = (*more, COUNT) if verb in ("vary", "morph") else more

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.pass_context
        @wraps(command)
        def run(ctx: click.Context, /, **given: Any) -> None:
            from heart.stage import dance

            said = {name for name in given if ctx.get_parameter_source(name) != ParameterSource.DEFAULT}
            if not dance.is_dance_voice(given["voice"]):
                _refuse(said & own, f"is for Dance Diffusion's nets, and {given['voice']} is none")
                return command(**{name: value for name, value in given.items() if name not in own})
            fitting = {*own, *COMMON, *VERBS[verb]}
            _refuse(said - fitting, f"means nothing to {given['voice']}, which knows no heart")
            usual = {"sampler", "steps", "device"} - said  # the live voices' defaults are not its own
            getattr(dance, f"{verb}_file{'s' if verb in ('generate', 'morph') else ''}")(
                **{name: value for name, value in given.items() if name in fitting - usual}
            )

        decorated: Callable[..., None] = run
        for option in reversed(more):
            decorated = option(decorated)
        own = {parameter.name for parameter in decorated.__click_params__}  # type: ignore[attr-defined]
        return decorated

    return decorate


def _refuse(names: set[str], why: str) -> None:
    if names:
        option = min(names).removesuffix("_s").replace("_", "-")
        raise UsageError(f"--{option} {why}; `heart models` lists them all")


PATH = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
NAME = click.option("--name", help="Of the model; default: the file's.")


@click.command("add")
@PATH
@NAME
@click.option("--rate", "rate_hz", type=int, help="Sample rate in Hz, where the file does not say it.")
@click.option("--samples", type=int, help="Native length; default: what the file says, else 65536.")
def add(path: Path, **wishes: Any) -> None:
    """Add a Dance Diffusion checkpoint or diffusers folder to the models. Nothing in it is run."""
    from heart.stage.dance_models import add_model

    click.echo(added(add_model(path, **wishes)))


@click.command("inspect")
@PATH
def inspect(path: Path) -> None:
    """What is in a checkpoint or diffusers folder."""
    from heart.stage.dance_models import inspect_lines

    for line in inspect_lines(path):
        click.echo(line)


@click.command("fetch")
@click.argument("name")
@click.option("--url", help="Another place that has it; the checksum must be the same.")
def fetch(name: str, url: str | None) -> None:
    """Fetch a published Dance Diffusion checkpoint: maestro-150k, glitch-440k, jmann-small-190k, jmann-large-580k,
    unlocked-250k, honk-140k."""
    from heart.stage.dance_fetch import fetch_model

    click.echo(added(fetch_model(name, url)))


@click.command("convert")
@click.argument("source", metavar="MODEL|FILE")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="NAME.safetensors, or a folder.")
@click.option("--half", is_flag=True, help="Write float16: half the size.")
def convert(source: str, out: Path, half: bool) -> None:
    """Write a Dance Diffusion net as safetensors, or as a folder in diffusers' layout."""
    from heart.stage.dance_models import convert_model

    click.echo(convert_model(source, out, half))


@click.command("prepare")
@PATH
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the sounds, for heart live --sounds; default: that of FILE.",
)
@DEVICE
def prepare(path: Path, out: Path | None, device: str) -> None:
    """Render what the list FILE asks of Dance Diffusion's nets, for a live morph to load. Once only."""
    from heart.stage.prepared import prepare_files

    prepare_files(path, out or path.parent, device)


def added(model: Any) -> str:
    """The line for a model that is new."""
    return f"{model.name}: {model.card['words']}"


COMMANDS = (add, inspect, fetch, convert)
"""Of `heart models`."""
