"""The models that are here."""

from __future__ import annotations

from pathlib import Path

import click

from heart.cli.dance import COMMANDS
from heart.cli.door import Door


@click.group(cls=Door, invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """The models that are here, and whether they are whole."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(models_list)


@models.command("list")
def models_list() -> None:
    """Every model, a line each."""
    from heart.cards import list_models

    for model in list_models():
        click.echo(f"{model.name:16} {model.card['kind']:10} {model.card.get('words', '')}")
    click.echo(f"{'pulse':16} {'voice':10} a heartbeat from arithmetic; needs no weights")


@models.command("show")
@click.argument("name")
def models_show(name: str) -> None:
    """The card of one model."""
    from heart.cards import find_model

    click.echo((find_model(name).path / "card.toml").read_text(encoding="utf-8"), nl=False)


@models.command("check")
@click.argument("files", metavar="[FILE.ts]...", nargs=-1, type=click.Path(path_type=Path))
def models_check(files: tuple[Path, ...]) -> None:
    """Compare every model's weights with the checksum on its card; or say of exported files whose they are.

    A file is looked at, never run.
    """
    from heart.cards import list_models
    from heart.sounding.torchscript import say

    for path in files:
        click.echo(say(path))
    for model in () if files else list_models():
        weights = [model.weights, *map(model.few_step_weights, model.few_steps)]
        click.echo(f"{model.name}: {', '.join(path.name for path in weights)} is whole")


@models.command("export")
@click.argument("name")
@click.option(
    "--format", "form", required=True, metavar="nn~|onnx|torchscript", help="nn~ for Max and Pd without Python."
)
@click.option("-o", "--out", required=True, metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def models_export(name: str, form: str, out: Path) -> None:
    """Write a model for other programs: docs/export.md says which leaves as what, and how it is used there."""
    from heart.learning.export.files import export_model

    click.echo(str(export_model(name, form, out)))


for command in COMMANDS:
    models.add_command(command)
