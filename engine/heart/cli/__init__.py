"""The door: each command parses, calls one function, and prints. Heavy imports wait inside the commands."""

from __future__ import annotations

import logging
import sys

import click

from heart import __version__
from heart.cli.about import bench, doctor, max_, osc
from heart.cli.dance import prepare
from heart.cli.door import DISCLAIMER, Door
from heart.cli.ecg import ecg
from heart.cli.learn import data, evaluate, train
from heart.cli.perform import demo, listen, live
from heart.cli.score import render, score
from heart.cli.sing import continue_, generate, inpaint, morph, vary
from heart.cli.sounds import sounds
from heart.cli.weights import models


@click.group(cls=Door, epilog=DISCLAIMER, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="heart")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug logging.")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens.")
def main(debug: bool, verbose: bool) -> None:
    """Sounds of the Heart: listens to a heart and sings it back, live over OSC or offline."""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    form = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=form, stream=sys.stderr)
    if not (debug or verbose):
        # What happens to a worker is told in a line of its own; its log and traceback are for -v.
        for worker in ("voice", "ear", "sound", "recorder"):
            logging.getLogger(f"heart.{worker}").setLevel(logging.CRITICAL)


for _command in (
    *(live, demo, listen),
    *(generate, vary, morph, continue_, inpaint, prepare, ecg),
    *(score, render, sounds),
    *(models, data, train, evaluate),
    *(osc, bench, max_, doctor),
):
    main.add_command(_command)
