"""demo.png: what was played, with its beats; its spectrogram; and the tempo asked, sung and heard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from heart.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from heart.stage.demo import Take

INK, RED, BLUE, GREY = "#22252b", "#c8353c", "#2f6f9f", "#8d939c"
SHOWN_HZ = 4_000
DITHER = 1e-6
"""Silence has no logarithm."""


def draw(take: Take, figures: dict[str, Any], path: Path) -> None:
    """Write the picture of a run."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 9, "axes.edgecolor": GREY, "axes.labelcolor": INK})
    figure, axes = plt.subplots(
        4, 1, figsize=(12, 8.4), gridspec_kw={"height_ratios": (1.1, 1.1, 1.5, 1.3)}, layout="constrained"
    )
    seconds = len(take.sound) / SAMPLE_RATE_HZ
    _whole(axes[0], take, seconds)
    _close(axes[1], take)
    _spectrogram(axes[2], take, seconds)
    _tempo(axes[3], take, seconds)
    figure.suptitle(
        f"Sounds of the Heart: {seconds:.0f} s played over OSC, {figures['wrong_samples']} wrong samples, "
        f"{figures['underruns']} underruns, beats F1 {figures['beats_f1']:.3f}, "
        f"voice p95 {figures['voice_p95_of_real_time']:.2f} of real time",
        color=INK,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _whole(axis: Any, take: Take, seconds: float) -> None:
    """Envelope of the whole run, with the chapters named."""
    bin_frames = SAMPLE_RATE_HZ // 50
    bins = take.sound[: len(take.sound) // bin_frames * bin_frames].reshape(-1, bin_frames)
    times = (np.arange(len(bins)) + 0.5) / 50
    axis.fill_between(times, bins.min(1), bins.max(1), color=INK, linewidth=0)
    for name, frame in take.chapters:
        axis.axvline(frame / SAMPLE_RATE_HZ, color=RED, linewidth=0.8)
        axis.text(
            frame / SAMPLE_RATE_HZ + 0.2, 0.93, name, color=RED, va="top", transform=axis.get_xaxis_transform()
        )
    axis.set(xlim=(0, seconds), ylabel="played")


def _close(axis: Any, take: Take) -> None:
    """Five seconds of the first chapter, with each announced S1."""
    begin = take.chapters[0][1] / SAMPLE_RATE_HZ + 4
    piece = take.sound[int(begin * SAMPLE_RATE_HZ) : int((begin + 5) * SAMPLE_RATE_HZ)]
    axis.plot(begin + np.arange(len(piece)) / SAMPLE_RATE_HZ, piece, color=INK, linewidth=0.5)
    for beat in take.client.beats:
        if begin <= beat.frame / SAMPLE_RATE_HZ < begin + 5:
            axis.axvline(beat.frame / SAMPLE_RATE_HZ, color=RED, linewidth=1)
    axis.set(xlim=(begin, begin + 5), ylabel="S1 as announced")


def _spectrogram(axis: Any, take: Take, seconds: float) -> None:
    low = soxr.resample(take.sound, SAMPLE_RATE_HZ, 2 * SHOWN_HZ)
    axis.specgram(
        low + DITHER * np.random.default_rng(0).standard_normal(len(low)),
        NFFT=512,
        noverlap=384,
        Fs=2 * SHOWN_HZ,
        cmap="magma",
        vmin=-130,
        vmax=-45,
    )
    axis.set(xlim=(0, seconds), ylim=(0, 1_200), ylabel="Hz")


def _tempo(axis: Any, take: Take, seconds: float) -> None:
    asked = [(knob.frame / SAMPLE_RATE_HZ, float(knob.value)) for knob in take.knobs if knob.name == "bpm"]
    asked.append((take.follow_frame / SAMPLE_RATE_HZ, asked[-1][1]))
    axis.step(*zip(*asked), where="post", color=GREY, label="asked")
    beats = [beat for beat in take.client.beats if beat.frame < len(take.sound)]
    times, rates = [b.frame / SAMPLE_RATE_HZ for b in beats], [b.bpm for b in beats]
    axis.plot(times, rates, ".", color=RED, markersize=3, label="sung, beat by beat")
    heard = [(frame / SAMPLE_RATE_HZ, bpm) for frame, bpm, _ in take.heard if bpm > 0]
    if heard:
        axis.plot(*zip(*heard), color=BLUE, label="heard by the ear")
    axis.set(xlim=(0, seconds), xlabel="s", ylabel="bpm")
    axis.legend(loc="upper right", frameon=False, ncols=3)
