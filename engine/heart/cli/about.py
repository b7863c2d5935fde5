"""The namespace, this machine, and the Max package."""

from __future__ import annotations

import json
from pathlib import Path

import click

from heart.cli.options import DEVICE
from heart.errors import UsageError


@click.command()
@click.option("--markdown", "form", flag_value="markdown", help="As a page (this is docs/osc.md).")
@click.option("--json", "form", flag_value="json", help="In OSCQuery's vocabulary.")
@click.option("--check", metavar="HOST:PORT", help="Ask a running engine whether it answers.")
def osc(form: str | None, check: str | None) -> None:
    """Every OSC address of the engine, with arguments, units and ranges."""
    from heart import namespace

    if check:
        from heart.stage.report import check_engine

        click.echo(check_engine(check))
        return
    pages = {"markdown": namespace.as_markdown, "json": namespace.as_json, None: namespace.as_text}
    page = pages[form]()
    click.echo(page if isinstance(page, str) else json.dumps(page, indent=2))


@click.command()
@click.argument("what", required=False, type=click.Choice(["dance-diffusion"]))
@click.option("--seconds", default=20.0, show_default=True, help="Sound to sing for each step count.")
@click.option("--voice", default="voice", show_default=True)
@click.option("--threads", default=0, show_default=True, help="Threads of the voice; 0 takes half the cores.")
@DEVICE
def bench(what: str | None, seconds: float, voice: str, threads: int, device: str) -> None:
    """How fast this machine sings: p50 and p95 of real time for each step count, and what to set.

    dance-diffusion: what a step of Dance Diffusion's full net takes here instead, in time and memory.
    """
    from heart.stage.dance_bench import bench_dance
    from heart.stage.report import bench_voice

    for line in bench_dance(threads) if what else bench_voice(voice, seconds, threads, device):
        click.echo(line)


@click.command("max")
@click.option("--install", is_flag=True, help="Copy it where Max looks: Documents/Max 9/Packages, or Max 8.")
@click.option("--to", type=click.Path(path_type=Path), help="With --install: another folder of packages.")
def max_(install: bool, to: Path | None) -> None:
    """Where the Max package and the concert patch are; --install copies them into Max."""
    from heart.stage import max_package

    if not install:
        click.echo(f"{max_package.folder()}\n{max_package.concert()}")
        click.echo(
            "the package, and the patch for a concert; heart max --install copies both into Max (docs/max.md)"
        )
        return
    click.echo(f"{max_package.install(to)}\nrestart Max; then Extras > Sounds of the Heart")
    click.echo(f"on stage: Extras > {max_package.CONCERT}")


@click.command()
@click.option("--port", default=9700, show_default=True, help="Of an engine that may be running, and is asked too.")
def doctor(port: int) -> None:
    """What is wrong with this machine's set-up, and how to mend it."""
    from heart.stage.report import examine

    well = True
    for ok, line in examine(port):
        click.echo(f"{'ok ' if ok else 'NO '} {line}")
        well = well and ok
    if not well:
        raise UsageError("the lines marked NO say what to do")
