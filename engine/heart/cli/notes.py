"""The door to notes: options of commands that the heart's voices have too, where --voice names a note model."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from click.core import ParameterSource

from heart.errors import UsageError

OPTIONS = (
    click.option("--pitch", type=float, help="Notes: MIDI pitch, 21 to 108; 60."),
    click.option(
        "--family", help="Notes: additive, fm, plucked, bowed, blown or struck; notes-gan needs one, others may."
    ),
    click.option("--velocity", default=100, show_default=True, type=int, help="Notes: 1 to 127."),
    click.option("--vibrato", default=0.0, show_default=True, type=float, help="Notes: depth in cents, 0 to 100."),
)
LATENTS = click.option("--z", metavar="Z1,Z2,...", help="notes-ae: its latents, -3 to 3; else drawn by --seed.")
VERBS = {
    "generate": ("out", "voice", "seed", "count"),
    "morph": ("paths", "out", "voice", "weights", "count"),
}
"""What each command takes with a note model, besides the options here."""


def or_notes(verb: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command be done by a model of notes where --voice names one."""
    more = (LATENTS, *OPTIONS) if verb == "generate" else OPTIONS
    own = {"pitch", "family", "velocity", "vibrato", *(("z",) if verb == "generate" else ())}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.pass_context
        @wraps(command)
        def run(ctx: click.Context, /, **given: Any) -> None:
            from heart.stage import notes_files

            said = {name for name in given if ctx.get_parameter_source(name) != ParameterSource.DEFAULT}
            if not notes_files.is_notes_voice(given["voice"]):
                _refuse(said & own, f"is for notes, and {given['voice']} sings none; try --voice notes-ae")
                ctx.invoke(command, **{name: value for name, value in given.items() if name not in own})
                return
            fitting = {*own, *VERBS[verb]}
            _refuse(said - fitting, f"means nothing to {given['voice']}, which makes single notes of 4 s")
            work = notes_files.generate_notes if verb == "generate" else notes_files.morph_notes
            work(**{name: value for name, value in given.items() if name in fitting})

        decorated: Callable[..., None] = run
        for option in reversed(more):
            decorated = option(decorated)
        return decorated

    return decorate


def _refuse(names: set[str], why: str) -> None:
    if names:
        raise UsageError(f"--{min(names).removesuffix('_s').replace('_', '-')} {why}")
