"""Electrocardiograms: into sound, figures and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="WAV or FLAC; a folder for chunks. Without it: figures alone.",
)
@click.option(
    "--style",
    type=click.Choice(["raw", "pulse", "tone"]),
    default="raw",
    show_default=True,
    help="raw: the ECG itself; pulse: a heart sung on its R peaks; tone: a note a beat, pitch by RR, timbre by ST.",
)
@click.option("--from", "from_s", default=0.0, show_default=True, type=click.FloatRange(0), help="Seconds.")
@click.option("--to", "to_s", type=click.FloatRange(0), help="Seconds; else to the end.")
@click.option(
    "--chunk", "chunk_s", type=click.FloatRange(0.1, 3600), help="Seconds of the record a file, in a folder.  [15]"
)
@click.option("--channel", metavar="NAME", help="One channel alone, by name or counted from 1.  [the first two]")
@click.option(
    "--rate", "rate_hz", type=click.FloatRange(50, 10_000), help="Samples a second of a table without time."
)
@click.option(
    "--peaks",
    type=click.Choice(["auto", "annotated", "detected"]),
    default="auto",
    show_default=True,
    help="Beats of NAME.atr, or R peaks found in the first channel; auto: annotations where there are any.",
)
@click.option(
    "--transpose",
    "transpose_hz",
    type=click.FloatRange(0, 8_000),
    help="raw: every frequency so many Hz higher, in the record's own time.  [110; with --speed 0]",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.05, 1_000),
    help="raw: so many times faster and higher, and shorter.",
)
@click.option("--own-rate", is_flag=True, help="raw: the samples themselves, in a file of the record's own rate.")
@click.option(
    "--label", default="normal", show_default=True, help="pulse: the heart that is sung, as in heart generate."
)
@click.option("--plain", is_flag=True, help="pulse: ectopic beats keep the label, and are only softer.")
@click.option("--voice", default="voice-heart", show_default=True, help="pulse: which voice.")
@click.option("--steps", default=8, show_default=True, type=click.IntRange(1, 200), help="pulse: sampling steps.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**24 - 1), help="pulse: which heart.")
@click.option("--stepless", is_flag=True, help="tone: pitches between the steps of the scale as well.")
@click.option("--json", "as_json", is_flag=True, help="R peaks, rate and variability as one JSON object.")
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Draw a page: sound, spectrogram, rhythm, a strip of ECG."
)
def ecg(record: Path, plain: bool, out: Path | None, chunk_s: float | None, plot: Path | None, as_json: bool,
        **options: Any) -> None:  # fmt: skip
    """Turn an ECG RECORD into sound, figures, a picture.

    RECORD: a WFDB record (with or without .hea), an .edf, a .csv, or one that `heart data fetch mitdb/100` fetched,
    by its name. This is no medical device.
    """
    from heart.stage.ecg_files import Manner, convert

    span = {name: options.pop(name) for name in ("from_s", "to_s", "channel", "rate_hz", "peaks")}
    convert(record, out, Manner(coloured=not plain, **options), chunk_s, plot, as_json, **span)
