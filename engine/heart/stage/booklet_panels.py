"""The panels of a booklet page, each on axes it is given: see `heart.stage.booklet.draw`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heart.stage import booklet_sound
from heart.stage.picture import BLUE, GREY, INK, RED

PALE, GROUND, GRID, FINE = "#d9dce1", "#f3f4f6", "#efb9b6", "#f8e2e0"
DEEP_DB = 75.0
"""From the loudest pitch down to here there is colour."""
QUIET_DB = -70.0
"""The brightest colour is at least this level, so that silence is dark."""
PITCHES_HZ = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
LETTER_INCH = 0.075
"""Mean width of a letter of a movement's name."""
STEPS_S = (15, 30, 60, 120, 300, 600, 1_800, 7_200)
"""Between two marks of a long time axis."""


@dataclass(frozen=True)
class Strip:
    """A piece of an ECG, drawn on its squared paper: 0.2 s and 0.5 mV a square.

    samples float [n]; begin_s: where it begins, in the time of the marks; peaks_s: R peaks; names: one for each,
    written where it is not empty.
    """

    samples: np.ndarray
    rate_hz: float
    begin_s: float = 0.0
    peaks_s: Sequence[float] = ()
    names: Sequence[str] = ()
    unit: str = "mV"


@dataclass(frozen=True)
class Rhythm:
    """Beats: s1_s float64 [beats]; rr_ms [at most beats], NaN in gaps; ectopic bool [beats]."""

    s1_s: np.ndarray
    rr_ms: np.ndarray
    ectopic: np.ndarray

    @classmethod
    def of(cls, s1_s: Sequence[float], rr_s: Sequence[float] | None, ectopic: Sequence[bool] | None) -> Rhythm:
        moments = np.asarray(s1_s, float)
        rr_ms = 1_000 * np.asarray(np.diff(moments) if rr_s is None else rr_s, float)[: len(moments)]
        flags = np.zeros(len(moments), bool) if ectopic is None else np.asarray(ectopic, bool)
        return cls(moments, rr_ms, flags)

    @property
    def known(self) -> bool:
        """Are there enough intervals to show?"""
        return bool(np.isfinite(self.rr_ms).sum() > 1)

    @property
    def touched(self) -> np.ndarray:
        """bool as rr_ms: intervals that an ectopic beat begins or ends."""
        after = np.append(self.ectopic[1:], False)
        return np.asarray((self.ectopic | after)[: len(self.rr_ms)])


def wave(axis: Any, sound: np.ndarray, rate_hz: float, rhythm: Rhythm, beat_word: str) -> None:
    """Between the extremes blue, the root mean square dark; under it a stroke for each beat."""
    found = booklet_sound.envelope(sound, rate_hz)
    peak = max(float(np.abs(sound).max()), 1e-6)
    axis.fill_between(found.times_s, found.least, found.most, color=BLUE, alpha=0.45, linewidth=0.3)
    axis.fill_between(found.times_s, -found.rms, found.rms, color=INK, linewidth=0)
    dense = max(0.3, min(1.0, 150 / max(1, len(rhythm.s1_s))))
    for chosen, colour in ((~rhythm.ectopic, INK), (rhythm.ectopic, RED)):
        axis.vlines(rhythm.s1_s[chosen], -1.42 * peak, -1.18 * peak, color=colour, linewidth=dense)
    axis.set(ylim=(-1.5 * peak if len(rhythm.s1_s) else -1.1 * peak, 1.1 * peak), ylabel="amplitude")
    axis.set_yticks([-peak, 0, peak], [f"{-peak:.2g}", "0", f"{peak:.2g}"])
    if len(rhythm.s1_s):
        axis.text(
            -0.007, -1.3 * peak, beat_word, size=7, color=GREY, ha="right", va="center",
            transform=axis.get_yaxis_transform(),
        )  # fmt: skip


def pitches(axis: Any, beside: Any, sound: np.ndarray, rate_hz: float) -> None:
    """The spectrogram with even octaves, and beside it the mean of its columns."""
    found = booklet_sound.spectrogram(sound, rate_hz)
    top = max(float(np.percentile(found.level_db, 99.9)), QUIET_DB)
    low, high = np.log10(found.low_hz), np.log10(found.high_hz)
    axis.imshow(
        found.level_db, origin="lower", aspect="auto", cmap="magma", extent=(0, len(sound) / rate_hz, low, high),
        vmin=top - DEEP_DB, vmax=top,
    )  # fmt: skip
    ticks = [hz for hz in PITCHES_HZ if found.low_hz <= hz <= found.high_hz]
    axis.set_yticks(np.log10(ticks), [f"{hz // 1000}k" if hz >= 1_000 else str(hz) for hz in ticks])
    axis.set(ylabel="pitch in Hz")
    mean_db = 10 * np.log10(np.mean(10 ** (found.level_db / 10), axis=1)) - top
    heights = np.linspace(low, high, len(mean_db))
    beside.fill_betweenx(heights, -DEEP_DB, mean_db.clip(-DEEP_DB), color=BLUE, alpha=0.45, linewidth=0)
    beside.set(xlim=(-DEEP_DB, 3), ylim=(low, high), xlabel="mean in dB")
    beside.set_xticks([-60, -30, 0])
    beside.tick_params(labelleft=False)


def movements(above: Any, below: Any, marks: Any, seconds: float, width_inch: float) -> None:
    """Every second movement on a pale ground, names above the panel: in two lines where they would meet, and left
    out where both are full."""
    inside = [(float(at), name) for at, name in marks if 0 <= at < seconds]
    ends_inch = [-1.0, -1.0]
    for number, (begin, name) in enumerate(inside):
        end = inside[number + 1][0] if number + 1 < len(inside) else seconds
        if number % 2 == 0:
            above.axvspan(begin, end, color=GROUND, linewidth=0, zorder=-2)
        for axis, colour in ((above, RED), (below, "white")):
            axis.axvline(begin, color=colour, linewidth=0.7, alpha=0.85)
        at_inch = begin / seconds * width_inch
        line = next((line for line, end_inch in enumerate(ends_inch) if at_inch > end_inch), None)
        if line is not None:
            ends_inch[line] = at_inch + LETTER_INCH * (len(name) + 1)
            height = 1.03 + 0.11 * line
            above.text(begin, height, name, color=RED, size=8.5, transform=above.get_xaxis_transform())


def figures(axis: Any, rhythm: Rhythm) -> None:
    """Rate and variability of the beats in numbers (Task Force of ESC and NASPE, Circulation 1996)."""
    rr_ms = rhythm.rr_ms[np.isfinite(rhythm.rr_ms)]
    steps = np.diff(rhythm.rr_ms)
    steps = steps[np.isfinite(steps)]
    rmssd = f"{np.sqrt(np.mean(steps**2)):.0f}" if len(steps) else "-"
    rows = [
        (f"{60_000 / rr_ms.mean():.0f}", "beats a minute"),
        (f"{rr_ms.std(ddof=1):.0f}", "ms SDNN"),
        (rmssd, "ms RMSSD"),
        (f"{len(rhythm.s1_s)}", "beats" + (f", {rhythm.ectopic.sum()} ectopic" if rhythm.ectopic.any() else "")),
    ]
    axis.axis("off")
    for place, (value, name) in enumerate(rows):
        height = 0.9 - 0.24 * place
        axis.text(0.26, height, value, size=13, color=RED, ha="right", va="center", transform=axis.transAxes)
        axis.text(0.34, height, name, color=INK, va="center", transform=axis.transAxes)


def tachogram(axis: Any, rhythm: Rhythm, seconds: float, marks: Any) -> None:
    """RR intervals by time; those beside an ectopic beat red."""
    times_s = rhythm.s1_s[: len(rhythm.rr_ms)]
    axis.plot(times_s, rhythm.rr_ms, color=INK, linewidth=0.5, alpha=0.6, zorder=1)
    for chosen, colour in ((~rhythm.touched, INK), (rhythm.touched, RED)):
        axis.plot(
            times_s[chosen], rhythm.rr_ms[chosen], "o", color=colour, markersize=_dot(rhythm), markeredgewidth=0
        )
    for begin, _ in marks:
        axis.axvline(float(begin), color=RED, linewidth=0.7, alpha=0.5)
    axis.set(xlim=(0, seconds), ylim=_limits(rhythm), ylabel="RR in ms")
    clock(axis, seconds)


def poincare(axis: Any, rhythm: Rhythm) -> None:
    """Each RR interval against the one before (Brennan et al., IEEE Trans. Biomed. Eng. 2001)."""
    rr_ms, limits = rhythm.rr_ms, _limits(rhythm)
    axis.plot(limits, limits, color=PALE, linewidth=0.8, zorder=0)
    touched = rhythm.touched[:-1] | rhythm.touched[1:]
    for chosen, colour in ((~touched, INK), (touched, RED)):
        before, after = rr_ms[:-1][chosen], rr_ms[1:][chosen]
        axis.plot(before, after, "o", color=colour, markersize=_dot(rhythm), alpha=0.55, markeredgewidth=0)
    axis.set(xlim=limits, ylim=limits, xlabel="RR in ms", ylabel="next RR")
    axis.locator_params(nbins=4)
    axis.set_aspect("equal", adjustable="box")


def electrocardiogram(axis: Any, strip: Strip) -> None:
    """ECG on its paper, a small triangle above each R peak, named and red where it is no normal beat."""
    samples = np.asarray(strip.samples, float)
    end_s = strip.begin_s + len(samples) / strip.rate_hz
    known = samples[np.isfinite(samples)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (-1.0, 1.0)
    room = max(0.25 * (high - low), 0.05)
    bottom, top = low - 0.4 * room, high + 1.4 * room
    for step_s, step_mv, colour, width in ((0.04, 0.1, FINE, 0.35), (0.2, 0.5, GRID, 0.5)):
        axis.vlines(_every(step_s, strip.begin_s, end_s), bottom, top, color=colour, linewidth=width, zorder=0)
        if strip.unit == "mV":
            axis.hlines(_every(step_mv, bottom, top), strip.begin_s, end_s, color=colour, linewidth=width, zorder=0)
    axis.plot(strip.begin_s + np.arange(len(samples)) / strip.rate_hz, samples, color=INK, linewidth=0.9)
    for at_s, name in zip(strip.peaks_s, [*strip.names, *[""] * len(strip.peaks_s)]):
        axis.plot(at_s, high + 0.3 * room, "v", color=RED if name else BLUE, markersize=4, markeredgewidth=0)
        axis.text(at_s, high + 0.5 * room, name, color=RED, size=7.5, ha="center", va="bottom")
    axis.set(xlim=(strip.begin_s, end_s), ylim=(bottom, top), ylabel=f"ECG in {strip.unit}")
    axis.set_xlabel("s", labelpad=1)


def clock(axis: Any, seconds: float) -> None:
    """Time below a panel: seconds, or minutes and seconds of a long sound."""
    axis.set_xlabel("s" if seconds < 90 else "min:s", labelpad=1)
    if seconds >= 90:
        step = next((step for step in STEPS_S if seconds / step <= 16), STEPS_S[-1])
        ticks = np.arange(0, seconds, step)
        axis.set_xticks(ticks, [f"{int(at) // 60}:{int(at) % 60:02d}" for at in ticks])


def _every(step: float, low: float, high: float) -> np.ndarray:
    """Multiples of `step` from low to high; none where they would be a grey wall."""
    return np.arange(np.ceil(low / step), high / step) * step if high - low <= 500 * step else np.zeros(0)


def _limits(rhythm: Rhythm) -> tuple[float, float]:
    low, high = float(np.nanmin(rhythm.rr_ms)), float(np.nanmax(rhythm.rr_ms))
    room = max(25.0, 0.12 * (high - low))
    return low - room, high + room


def _dot(rhythm: Rhythm) -> float:
    return float(np.clip(60 / np.sqrt(len(rhythm.rr_ms)), 1.2, 3.5))
