"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

DATA = click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of recordings with a manifest.csv (or HEART_DATA)."
)

RHYTHM = (
    click.option(
        "--systole",
        default=1.0,
        show_default=True,
        type=click.FloatRange(0.7, 1.3),
        help="Time from S1 to S2, as a share of what the rate would have.",
    ),
    click.option(
        "--balance",
        default=0.0,
        show_default=True,
        type=click.FloatRange(-1, 1),
        help="-1: S1 alone, 0: as sung, 1: S2 alone.",
    ),
    click.option(
        "--pattern",
        default="sinus",
        show_default=True,
        type=click.Choice(["sinus", "pvc", "bigeminy", "trigeminy", "couplet", "skipped", "af"]),
        help="Rhythm: premature (pvc), skipped or fibrillating (af) beats.",
    ),
    click.option(
        "--ectopy",
        default=0.1,
        show_default=True,
        type=click.FloatRange(0, 0.33),
        help="Share of beats that pvc, couplet and skipped change.",
    ),
    click.option(
        "--beats",
        type=click.Path(path_type=Path),
        help="Sing the beats of this file: RR intervals (text), an ECG record (.hea), or heart listen's JSON.",
    ),
)
"""Options of `heart live` and `heart generate`."""

SETTINGS = ("systole", "balance", "pattern", "ectopy", "ear_hop", "ear_window")
"""Options of `heart live` that are parameters, and can be turned later."""


DEVICE = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "mps", "auto"]),
    default="cpu",
    show_default=True,
    help="Where the voice's nets run; `heart bench --device` tells whether it is faster there.",
)
"""Option of all who open a voice."""


CLUSTER = click.option(
    "--cluster",
    metavar="ADDRESS",
    help="On the workers of a Ray cluster there (HOST:PORT, auto), or of one started here: local (extra: cluster).",
)
"""Option of all who make many things at once."""


def rhythm(command: Any) -> Any:
    """The options of RHYTHM."""
    for option in reversed(RHYTHM):
        command = option(command)
    return command
