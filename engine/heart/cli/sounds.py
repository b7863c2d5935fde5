"""The sounds that come with it."""

from __future__ import annotations

from pathlib import Path

import click

from heart.cli.door import Door


@click.group(cls=Door, invoke_without_command=True)
@click.pass_context
def sounds(ctx: click.Context) -> None:
    """The sounds that come with it: what is there, and how to make them anew."""
    if ctx.invoked_subcommand is None:
        from heart.config import shipped
        from heart.stage.sound_library import listed

        for line in listed(shipped("sounds")):
            click.echo(line)


@sounds.command("build")
@click.argument("names", metavar="[NAME ...]", nargs=-1)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="sounds",
    show_default=True,
    help="Folder for the files and their README.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**24 - 1),
    help="Another of each; 0: the shipped.",
)
def build(names: tuple[str, ...], out: Path, seed: int) -> None:
    """Make the sounds NAME ..., or all: hearts by the voice, the rest by arithmetic. CC0."""
    from heart.stage.sound_library import build

    build(names, out, seed)
