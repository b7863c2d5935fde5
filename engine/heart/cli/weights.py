"""The models that are here."""

from __future__ import annotations

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
def models_check() -> None:
    """Compare every model's weights with the checksum on its card."""
    from heart.cards import list_models

    for model in list_models():
        files = [model.weights, *map(model.few_step_weights, model.few_steps)]
        click.echo(f"{model.name}: {', '.join(path.name for path in files)} is whole")


for command in COMMANDS:
    models.add_command(command)
