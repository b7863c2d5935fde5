"""One picture of the notes' nets: how they learned, what latents bring, and notes beside their remakes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning.notes_data import Note
from heart.learning.voice_plot import save
from heart.sounding.notes.kinds import FAMILIES, RATE_HZ
from heart.sounding.notes.spectra import FLOOR_DB, HOP, N_FFT, stft

INK, OURS, PLAIN = "#22252b", ("#f0a39a", "#e0695b", "#c0392b", "#7b241c"), "#7f8c9b"
SHOWN = ("plucked", "bowed", "struck")
SHOWN_S = 1.02
"""What the plain net has."""


def draw(
    curves: Mapping[str, Path],
    rows: Mapping[str, Mapping[str, Any]],
    examples: Sequence[tuple[Note, Mapping[str, np.ndarray]]],
    out_png: Path,
) -> None:
    """Learning curves, distance against latents, and notes.

    curves: loss.csv of each of our nets, by name. rows: figures by name ("ours, 16"). examples: notes with what
    was made of each, by name of the net. Raises FileError where out_png cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.2 + 2.1 * len(examples)), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3.2, 2.1 * len(examples)), squeeze=False)[:, 0]
    learned, sizes = above.subplots(1, 2)
    _curves(learned, curves)
    _sizes(sizes, rows)
    grid = below.subplots(len(examples), 1 + len(examples[0][1]), sharex=True, sharey=True, squeeze=False)
    for axes, (note, made) in zip(grid, examples):
        sounds = {f"{FAMILIES[note.family]}, pitch {note.pitch}, recorded": note.sound(), **made}
        for axis, (name, sound) in zip(axes, sounds.items()):
            _spectrogram(axis, sound, name)
    for axis in grid[-1]:
        axis.set_xlabel("s")
    save(figure, out_png)


def examples_of(notes: Sequence[Note]) -> list[Note]:
    """A note of each family that is shown, from the middle of the keyboard."""
    found = []
    for word in SHOWN:
        family = [note for note in notes if FAMILIES[note.family] == word]
        found.append(min(family, key=lambda note: (abs(note.pitch - 55), note.name)))
    return found


def _curves(axis: Any, curves: Mapping[str, Path]) -> None:
    for colour, (name, path) in zip(OURS, curves.items()):
        with path.open(newline="", encoding="utf-8") as file:
            steps = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        at = [row["minutes"] for row in steps]
        axis.plot(at, [row["validation"] for row in steps], color=colour, label=name)
        axis.plot(at, [row["loss"] for row in steps], color=colour, lw=0.6, ls=":")
    axis.set(xlabel="minutes of one CPU thread", ylabel="loss (dotted: training)", ylim=(4, 9))
    axis.legend(fontsize=8)


def _sizes(axis: Any, rows: Mapping[str, Mapping[str, Any]]) -> None:
    ours = [(int(name.split(", ")[1]), row["first_second_lsd_db"]) for name, row in rows.items() if "ours" in name]
    axis.plot(*zip(*sorted(ours)), "o-", color=OURS[2], label="ours")
    for marker, (name, row) in zip("xs", ((n, r) for n, r in rows.items() if "plain" in n)):
        axis.plot([16], [row["first_second_lsd_db"]], marker, color=PLAIN, label=name)
    axis.set(xscale="log", xlabel="latents", ylabel="log-spectral distance, first second, dB", ylim=(0, None))
    axis.set_xticks([16, 32, 64, 128], ["16", "32", "64", "128"])
    axis.minorticks_off()
    axis.legend(fontsize=8)


def _spectrogram(axis: Any, sound: np.ndarray, name: str) -> None:
    power = np.abs(stft(sound[: int(SHOWN_S * RATE_HZ)])) ** 2
    level = 10 * np.log10(power.T / power.max() + 1e-12)
    extent = (0, level.shape[1] * HOP / RATE_HZ, 0, level.shape[0] / N_FFT * RATE_HZ / 1000)
    axis.imshow(level, origin="lower", aspect="auto", extent=extent, vmin=FLOOR_DB, vmax=0, cmap="magma")
    axis.set_title(name, fontsize=8, color=INK)
    axis.set(ylim=(0, 5), ylabel="kHz")
    axis.label_outer()
