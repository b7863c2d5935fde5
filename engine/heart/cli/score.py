"""Scores: looked at, and rendered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from heart.cli.options import CLUSTER, DEVICE
from heart.errors import HeartError, UsageError


@click.command()
@click.argument("score", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.option("--seed", type=click.IntRange(0, 2**24 - 1), help="Instead of the score's own.")
@click.option("--if", "given", multiple=True, type=click.Choice(["heart", "beats"]), help="As if there were one.")
def score(score: Path, as_json: bool, seed: int | None, given: tuple[str, ...]) -> None:
    """Check a SCORE and show what it does when (docs/score.md)."""
    from heart.stage.score_table import print_score

    print_score(score, as_json, seed, given)


@click.command()
@click.argument("score", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="WAV or FLAC; of a folder, a folder."
)
@click.option(
    "--heart", type=click.Path(path_type=Path), help="A recording that is followed where the score follows one."
)
@click.option(
    "--beats",
    type=click.Path(path_type=Path),
    help="Beats for mode track: RR intervals, an ECG record, heart listen's JSON.",
)
@click.option("--ecg", metavar="RECORD", help="Beats for mode track: an ECG record, or the name of a fetched one.")
@click.option("--seed", type=click.IntRange(0, 2**24 - 1), help="Instead of the score's own.")
@click.option(
    "--steps",
    type=click.IntRange(1, 16),
    help="Diffusion steps, whatever the score says.  [default: 8, where it says nothing]",
)
@click.option(
    "--voice", default="", help="Which voice; `heart models` lists them.  [default: the score's, else voice]"
)
@click.option(
    "--sounds", type=click.Path(path_type=Path), help="Folder of the sounds it names.  [default: the shipped ones]"
)
@click.option(
    "--rate",
    default="44100",
    show_default=True,
    type=click.Choice(["44100", "48000", "88200", "96000"]),
    help="Hz.",
)
@click.option("--bits", default="24", show_default=True, type=click.Choice(["16", "24", "float"]))
@click.option(
    "--loudness", type=float, metavar="LUFS", help="Bring it to this integrated loudness (EBU R 128: -23)."
)
@click.option("--stems", is_flag=True, help="Also a file for each voice: OUT-voice-1.wav, ...")
@click.option(
    "--log", type=click.Path(path_type=Path), help="Note every chunk with all that decides it, for --again."
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Draw it: waveform, pitches, rhythm, movements (PNG, PDF, SVG)."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="Of a folder of scores: at once.  [default: 1; --cluster local: one a core]",
)
@CLUSTER
@click.option("--threads", default=0, show_default=True, help="Voices sung side by side; 0: one a core.")
@DEVICE
@click.option(
    "--again",
    type=click.Path(path_type=Path),
    help="Instead of a score: sing again what `heart live --log` "
    "or `heart render --log` noted: the tape itself, before gain and guard, bit for bit.",
)
@click.option(
    "--from", "from_s", default=0.0, show_default=True, type=click.FloatRange(0), help="With --again: seconds."
)
@click.option("--to", "to_s", type=click.FloatRange(0), help="With --again: seconds; else to the end.")
def render(
    score: Path | None,
    out: Path,
    again: Path | None,
    from_s: float,
    to_s: float | None,
    jobs: int | None,
    cluster: str | None,
    **options: Any,
) -> None:
    """Perform a SCORE into a sound file, faster than it sounds; or a folder of scores.

    What was interrupted goes on where it was when the same command is given again. Same seed, same bytes.
    """
    if (score is None) == (again is None):
        raise UsageError("name a SCORE, or the log of a live run with --again")
    if again is not None:
        _sing_again(again, out, from_s, to_s)
        return
    if options["beats"] and options["ecg"]:
        raise UsageError("--ecg and --beats: give one of them")
    assert score is not None
    from heart.stage.mixdown import Format
    from heart.stage.render import Wanted

    form = Format(int(options.pop("rate")), options.pop("bits"), options.pop("loudness"))
    wanted = Wanted(score, out, format=form, **options)
    if _render(wanted, jobs, cluster):
        sys.exit(1)


def _render(wanted: Any, jobs: int | None, cluster: str | None) -> int:
    """How many could not be rendered."""
    from heart.stage.offline import progress_bar
    from heart.stage.render import render as render_one
    from heart.stage.render_many import find_scores, render_all

    if not wanted.score.is_dir() and not cluster:
        with progress_bar(1.0, "rendering") as advance:
            told = render_one(wanted, advance)
        click.echo(_words(told), err=True)
        return 0
    failed = 0
    all_ = find_scores(wanted.score, wanted.out, wanted) if wanted.score.is_dir() else [wanted]
    with progress_bar(len(all_), "rendering") as advance:
        for done, (each, result) in enumerate(render_all(all_, jobs, cluster), 1):
            failed += isinstance(result, HeartError)
            click.echo(
                f"heart: {each.score}: {result}" if isinstance(result, HeartError) else _words(result), err=True
            )
            advance(done)
    return failed


def _words(told: Any) -> str:
    faster = told.seconds / told.work_s if told.work_s else 0.0
    how = "went on where it was; " if told.resumed else ""
    level = f"peak {told.level.peak_db:.1f} dBFS, DC {told.level.dc:.0e}"
    lines = [
        f"{told.out}: {told.seconds:.2f} s in {told.work_s:.1f} s ({how}{faster:.1f} times faster than it sounds);"
        f" {level}"
    ]
    return "\n".join([*lines, *(str(stem) for stem in told.stems), *told.remarks])


def _sing_again(log: Path, out: Path, from_s: float, to_s: float | None) -> None:
    from heart.stage.again import sing_again

    told = sing_again(log, out, from_s, to_s)
    same = "every one as it was, bit for bit" if not told.different else f"{told.different} of them in other bits"
    click.echo(f"{out}: {told.seconds:.2f} s; {told.chunks} chunks sung again, {same}", err=True)
