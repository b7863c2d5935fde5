"""Pictures to judge a voice by eye: each label sung beside a recording of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning.voice_data import Clip
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.sounding.registry import Singer


def draw_labels(voice: Singer, clips: Sequence[Clip], out_png: Path, steps: Sequence[int] = (4, 8)) -> None:
    """Waveforms and spectrograms (0-1.2 kHz): a row pair for each label, a recording and the voice beside it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2 * len(LABELS), 1 + len(steps), figsize=(6 * (1 + len(steps)), 28))
    for row, label in enumerate(LABELS):
        real = next(clip for clip in clips if clip.label == row)
        _draw(axes[2 * row, 0], axes[2 * row + 1, 0], real.sound, f"{label}: {real.path}")
        for column, count in enumerate(steps, 1):
            sung = generate(3.0, label, 72, 20, seed=row, steps=count, voice=voice)
            _draw(axes[2 * row, column], axes[2 * row + 1, column], sung, f"{label} sung, {count} steps")
    figure.tight_layout()
    figure.savefig(out_png, dpi=50)
    pyplot.close(figure)


def _draw(wave: Any, image: Any, sound: np.ndarray, title: str) -> None:
    from scipy.signal import spectrogram

    wave.plot(np.arange(len(sound))[::10] / SAMPLE_RATE_HZ, sound[::10], linewidth=0.4)
    wave.set_ylim(-1, 1)
    wave.set_title(title)
    low = sound[: len(sound) // 8 * 8].reshape(-1, 8).mean(1)
    hz, time, power = spectrogram(low, SAMPLE_RATE_HZ / 8, nperseg=128, noverlap=96, nfft=512)
    shown = 10 * np.log10(power[hz < 1_200] + 1e-14)
    image.imshow(shown, aspect="auto", origin="lower", vmin=-110, vmax=-35, extent=(0, time[-1], 0, 1_200))
