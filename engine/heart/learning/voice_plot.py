"""Pictures to judge a voice by eye: the mean spectrum of each label, sung and recorded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.errors import FileError
from heart.learning.voice_data import Clip
from heart.learning.voice_sung import Sung
from heart.records import LABELS, SAMPLE_RATE_HZ

INK, SUNG, REAL = "#22252b", "#c0392b", "#7f8c9b"
LOW_HZ, HIGH_HZ = 20, 2_000
PARTS = ("systole", "diastole")


def draw_spectra(sung: Sequence[Sung], clips: Sequence[Clip], out_png: Path) -> None:
    """Spectra of systole and of diastole by label, dB against S1: the sung's median over the recordings' ranges.

    Raises FileError where out_png cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.1 * len(LABELS), 5.6), layout="constrained")
    axes = figure.subplots(len(PARTS), len(LABELS), sharex=True, sharey=True)
    for column, label in enumerate(LABELS):
        ours = [(one.sound, one.cycles) for one in sung if one.label == label and len(one.cycles)]
        for row, part in enumerate(PARTS):
            for split, colour in (("train", REAL), ("val", INK)):
                real = [(c.sound, c.cycles) for c in clips if c.label == column and c.split == split]
                _draw(axes[row, column], real, part, colour, f"{split} recordings, middle half")
            _draw(axes[row, column], ours, part, SUNG, "sung, median", band=False)
            axes[row, column].set_title(f"{label}, {part}", color=INK, fontsize=10)
    for axis in axes[-1]:
        axis.set(xscale="log", xlim=(LOW_HZ, HIGH_HZ), ylim=(-100, 5), xlabel="Hz")
    for axis in axes[:, 0]:
        axis.set_ylabel("dB against S1's peak")
    axes[0, 0].legend(fontsize=7)
    save(figure, out_png)


def save(figure: Any, out_png: Path) -> None:
    """Write a figure. Raises FileError where that cannot be."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    try:
        FigureCanvasAgg(figure).print_figure(os.fspath(out_png), dpi=90)
    except (OSError, ValueError) as error:
        raise FileError(f"{out_png}: picture cannot be written ({error})") from None


def _draw(axis: Any, sounds: Sequence[Any], part: str, colour: str, words: str, band: bool = True) -> None:
    if not sounds:
        return
    hz, spectra = zip(*(spectrum(sound, cycles, part) for sound, cycles in sounds))
    low, middle, high = np.percentile(np.array(spectra), [25, 50, 75], axis=0)
    if band:
        axis.fill_between(hz[0], low, high, color=colour, alpha=0.3, linewidth=0, label=words)
    else:
        axis.plot(hz[0], middle, color=colour, linewidth=1.4, label=words)


def spectrum(sound: np.ndarray, cycles: np.ndarray, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Third-octave levels of a part of the beat, in dB against the loudest of S1: (hz [n], dB [n])."""
    ms = SAMPLE_RATE_HZ // 1_000
    s1 = [sound[a : a + 110 * ms] for a, _, _ in cycles]
    spans = {
        "systole": [sound[a + 120 * ms : max(b - 10 * ms, a + 150 * ms)] for a, b, _ in cycles],
        "diastole": [sound[b + 110 * ms : max(e - 50 * ms, b + 150 * ms)] for _, b, e in cycles],
    }
    hz = LOW_HZ * 2 ** (np.arange(21) / 3)
    reference = _levels(s1, hz).max()
    return hz, 10 * np.log10(_levels(spans[part], hz) / reference + 1e-9)


def _levels(parts: Sequence[np.ndarray], hz: np.ndarray) -> np.ndarray:
    """Mean power density in third octaves about hz."""
    size = 8_192
    powers = [
        np.abs(np.fft.rfft(part * np.hanning(len(part)), size)) ** 2 / len(part) for part in parts if len(part)
    ]
    bins = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    power = np.mean(powers, axis=0)
    edges = 2 ** (1 / 6)
    return np.array([power[(bins >= f / edges) & (bins < f * edges)].mean() for f in hz])
