"""The picture of what the ear heard in a file: `plot`.

Above, the sound with its S1 and S2 and its spectrogram; below, the RR tachogram, the Poincaré plot (each RR against
the one before; Brennan et al., IEEE Trans. Biomed. Eng. 2001) and what the classifiers think.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.errors import FileError
from heart.listening import features

SHOWN_S = 60.0
"""Of a long sound this much is drawn; its RR are drawn all."""
MARKED_S = 20.0
"""Up to here the marks are lines with room between them; in longer sounds they fade."""
SHOWN_HZ = 600.0
QUIET_DB = -40.0
"""The brightest colour is at least this level, so that silence is dark."""
DITHER = 1e-6
"""Silence has no logarithm."""
INK, RED, BLUE, GREY, PALE = "#22252b", "#c8353c", "#2f6f9f", "#8d939c", "#d9dce1"
JUDGED = ("scene", "valve", "condition")


def plot(path: str | os.PathLike[str], result: dict[str, Any], out_png: str | os.PathLike[str]) -> None:
    """Draw `result`, what `listening.files.listen` found in the sound at `path`.

    Raises FileError where the sound cannot be read or the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    samples, _ = read_audio(path, rate_hz=features.RATE_HZ, max_seconds=4 * 3600.0)
    figure = Figure(figsize=(12, 8), layout="constrained")
    grid = figure.add_gridspec(3, 3, height_ratios=(1.0, 1.0, 1.2), width_ratios=(1.5, 1.0, 1.0))
    shown = samples[: int(SHOWN_S * features.RATE_HZ)]
    wave = figure.add_subplot(grid[0, :])
    _wave(wave, shown, result)
    _spectrogram(figure.add_subplot(grid[1, :], sharex=wave), shown)
    _tachogram(figure.add_subplot(grid[2, 0]), result)
    _poincare(figure.add_subplot(grid[2, 1]), result)
    _opinions(figure.add_subplot(grid[2, 2]), result)
    figure.suptitle(_headline(result), color=INK)
    figure.supxlabel("not a medical device: nothing here is a diagnosis", fontsize=8, color=GREY)
    try:
        FigureCanvasAgg(figure).print_figure(os.fspath(out_png), dpi=110)
    except (OSError, ValueError) as error:
        raise FileError(f"{out_png}: picture cannot be written ({error})") from None


def _headline(result: dict[str, Any]) -> str:
    name = Path(result["file"]).name
    if result["bpm"] is None:
        return f"{name}: no trustworthy rhythm (heart {result['heart']:.2f}, trust {result['trust']:.2f})"
    spread = [
        f"{word} {result[key]:.0f} ms"
        for word, key in (("SDNN", "sdnn_ms"), ("RMSSD", "rmssd_ms"))
        if result[key] is not None
    ]
    rate = f"{result['bpm']:.1f} bpm (trust {result['trust']:.2f})"
    return ", ".join([f"{name}: {rate}", *spread, f"heart {result['heart']:.2f}"])


def _wave(axes: Any, shown: np.ndarray, result: dict[str, Any]) -> None:
    times_s = np.arange(len(shown)) / features.RATE_HZ
    end_s = max(len(shown) / features.RATE_HZ, 0.1)
    peak = max(float(np.abs(shown).max(initial=0.0)), DITHER) * 1.05
    axes.plot(times_s, shown, color=INK, linewidth=0.5)
    alpha = 0.9 if end_s <= MARKED_S else 0.5
    for name, colour in (("s1", RED), ("s2", BLUE)):
        places_s = [beat[name] for beat in result["beats"] if beat[name] is not None and beat[name] <= end_s]
        axes.vlines(places_s, -peak, peak, color=colour, linewidth=0.9, alpha=alpha, label=name.upper())
    axes.set(ylim=(-peak, peak), xlim=(0, end_s), ylabel="sound")
    axes.tick_params(labelbottom=False)
    if result["beats"]:
        axes.legend(loc="upper right", ncols=2, fontsize=8)


def _spectrogram(axes: Any, shown: np.ndarray) -> None:
    """Power in dB, 64 ms windows every 16 ms, from the loudest moment down to 70 dB under it."""
    width, hop = 128, 32
    padded = np.pad(shown, (0, max(0, width - len(shown))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop] * np.hanning(width)
    level_db = 20 * np.log10(np.abs(np.fft.rfft(frames)) + DITHER).T
    end_s = len(padded) / features.RATE_HZ
    top = max(float(level_db.max()), QUIET_DB)
    axes.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, end_s, 0, features.RATE_HZ / 2),
        vmin=top - 70,
        vmax=top,
    )
    axes.set(ylabel="Hz", ylim=(0, SHOWN_HZ), xlabel="s")


def _tachogram(axes: Any, result: dict[str, Any]) -> None:
    axes.set(xlabel="s", ylabel="RR in ms", title="RR tachogram")
    s1_s = np.array([beat["s1"] for beat in result["beats"]])
    if len(s1_s) < 2:
        _nothing(axes)
        return
    axes.plot(s1_s[1:], np.diff(s1_s) * 1e3, "o-", color=INK, markersize=3, linewidth=0.8)


def _poincare(axes: Any, result: dict[str, Any]) -> None:
    axes.set(xlabel="RR in ms", ylabel="next RR in ms", title="Poincaré")
    rr_ms = np.array(result["rr_s"]) * 1e3
    if len(rr_ms) < 3:
        _nothing(axes)
        return
    low, high = float(rr_ms.min()), float(rr_ms.max())
    margin = max(20.0, 0.1 * (high - low))
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=PALE, linewidth=1)
    axes.plot(rr_ms[:-1], rr_ms[1:], "o", color=RED, markersize=4, alpha=0.7, markeredgewidth=0)
    axes.set(xlim=limits, ylim=limits)
    axes.set_box_aspect(1)


def _opinions(axes: Any, result: dict[str, Any]) -> None:
    """A bar a class, those of one classifier together; the one that is said is filled."""
    axes.set(title="classifiers", xlim=(0, 1), xlabel="probability")
    rows: list[tuple[str, float, bool]] = []
    for name in JUDGED:
        verdict = result[name] or {"label": None, "probabilities": {}}
        for label, share in verdict["probabilities"].items():
            rows.append((f"{name}  {label}", share, label == verdict["label"]))
    if not rows:
        _nothing(axes)
        return
    places = np.arange(len(rows))
    colours = [RED if said else PALE for _, _, said in rows]
    axes.barh(places, [share for _, share, _ in rows], color=colours)
    axes.set_yticks(places, [name for name, _, _ in rows], fontsize=8)
    axes.invert_yaxis()


def _nothing(axes: Any) -> None:
    axes.text(0.5, 0.5, "nothing to show", ha="center", va="center", color=GREY, transform=axes.transAxes)
    axes.set(xticks=[], yticks=[])
