"""How every command of `heart` fails: in one line, with an exit code."""

from __future__ import annotations

from typing import Any

import click

from heart.errors import HeartError

DISCLAIMER = "An instrument, not a medical device."


class Door(click.Group):
    """Turns an expected error into one line and an exit code, and lists commands in the order written."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeartError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"heart: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            ctx.exit(130)
