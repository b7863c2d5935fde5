"""A page for a programme booklet, A4 across: the sound with its movements and beats, its pitches, its rhythm.

`draw` is all: `heart ecg --plot` and the renderer call it. A few seconds or ten minutes, it holds no more points
than the page has dots. matplotlib is loaded on first use.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import shown
from heart.errors import FileError, UsageError
from heart.stage import booklet_panels as panels
from heart.stage.booklet_sound import mono
from heart.stage.picture import GREY, INK

PAGE_INCH = (11.69, 8.27)
TYPE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.hashsalt": "heart",
}
SUFFIXES = (".png", ".pdf", ".svg")
TITLE_FONT = "DejaVu Serif"
"""Comes with matplotlib, so a page looks the same everywhere."""
LEFT, RIGHT, TOP, BOTTOM = 0.065, 0.975, 0.865, 0.07
WIDTHS = (4.6, 1.0)
"""Time goes over the wide column; beside it stands what has no time."""


def draw(
    path: str | os.PathLike[str],
    sound: np.ndarray,
    rate_hz: float,
    *,
    title: str = "",
    note: str = "",
    s1_s: Sequence[float] = (),
    rr_s: Sequence[float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    ectopic: Sequence[bool] | None = None,
    strip: panels.Strip | None = None,
    beat_word: str = "S1",
    dpi: int = 200,
) -> None:
    """Draw the page into `path` (PNG, PDF or SVG by its suffix): all of it or nothing.

    Args:
        sound: float32 [n] or [n, channels], n > 0.
        rate_hz: its sample rate.
        title, note: a line each above the page.
        s1_s: [beats] when each beat's first sound begins, in seconds, ascending.
        rr_s: [beats] or [beats - 1] time from each beat to the next; None takes the differences of `s1_s`. A value
            that is no number breaks the line: there is a gap.
        marks: (second, name) of each movement, ascending.
        ectopic: [beats] which beats are out of the order; they are red.
        strip: a piece of ECG to show as well.
        beat_word: what `s1_s` is, where it is no first sound.

    Raises:
        FileError: there is no sound, or the picture cannot be written.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not len(sound):
        raise FileError(f"{shown(path)}: no sound to draw")
    rhythm = panels.Rhythm.of(s1_s, rr_s, ectopic)
    with matplotlib.rc_context(TYPE):
        figure = Figure(figsize=PAGE_INCH)
        FigureCanvasAgg(figure)
        _heading(figure, title, note, len(sound) / rate_hz)
        rows = _rows(figure, rhythm.known, strip is not None)
        _sound(figure, rows[0], mono(sound), rate_hz, rhythm, marks, beat_word)
        if rhythm.known:
            line, cloud = (figure.add_subplot(cell) for cell in rows[1].subgridspec(1, 2, width_ratios=WIDTHS))
            panels.tachogram(line, rhythm, len(sound) / rate_hz, marks)
            panels.poincare(cloud, rhythm)
        if strip is not None:
            panels.electrocardiogram(figure.add_subplot(rows[-1]), strip)
        _save(figure, Path(path), dpi)


def check_picture(path: Path) -> None:
    """Raises UsageError, before long work, when no picture can have this name."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{shown(path)}: a picture's name must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise UsageError(f"{shown(path.parent)}: no such folder")


def _rows(figure: Any, rhythm: bool, strip: bool) -> list[Any]:
    """The rows of the page: the sound always, its rhythm and the strip of ECG where there are any."""
    heights = [2.9] + [1.15] * rhythm + [1.15] * strip
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM, hspace=0.26
    )
    return [grid[row] for row in range(len(heights))]


def _heading(figure: Any, title: str, note: str, seconds: float) -> None:
    figure.text(LEFT, 0.957, title or "Sounds of the Heart", font=TITLE_FONT, size=17, color=INK, va="center")
    whole = round(seconds)
    length = f"{whole // 60} min {whole % 60} s" if seconds >= 90 else f"{seconds:.1f} s"
    figure.text(LEFT, 0.924, f"{note}  ·  {length}" if note else length, size=9, color=GREY, va="center")


def _sound(
    figure: Any, row: Any, sound: np.ndarray, rate_hz: float, rhythm: panels.Rhythm, marks: Any, beat_word: str
) -> None:
    """Amplitude with beats and movements, pitch below it; beside them the figures and the mean of the pitches."""
    seconds = len(sound) / rate_hz
    grid = row.subgridspec(2, 2, height_ratios=(1.0, 1.45), width_ratios=WIDTHS, hspace=0.06)
    above = figure.add_subplot(grid[0, 0])
    panels.wave(above, sound, rate_hz, rhythm, beat_word)
    below = figure.add_subplot(grid[1, 0], sharex=above)
    beside = figure.add_subplot(grid[1, 1], sharey=below)
    panels.pitches(below, beside, sound, rate_hz)
    panels.movements(above, below, marks, seconds, PAGE_INCH[0] * (RIGHT - LEFT) * WIDTHS[0] / sum(WIDTHS))
    above.set_xlim(0, seconds)
    above.tick_params(labelbottom=False, bottom=False)
    panels.clock(below, seconds)
    if rhythm.known:
        panels.figures(figure.add_subplot(grid[0, 1]), rhythm)


def _save(figure: Any, path: Path, dpi: int) -> None:
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        figure.savefig(part, dpi=dpi)
        os.replace(part, path)
    except (OSError, ValueError) as error:
        part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise FileError(f"{shown(path)}: picture cannot be written ({reason}); name a .png, .pdf or .svg") from None
