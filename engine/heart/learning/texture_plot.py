"""A picture to judge the textures by eye: of each class a recording and the voice, as spectrograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.records import SAMPLE_RATE_HZ

SHOWN_S = 4.0


def draw_spectra(
    sung: Mapping[str, Sequence[np.ndarray]],
    real: Mapping[str, tuple[Sequence[np.ndarray], Sequence[np.ndarray]]],
    out_png: Path,
) -> None:
    """Two rows of spectrograms (0 to 16 kHz, four seconds), a column a class: recorded above, sung below.

    sung: sounds of each class. real: (training, validation) recordings of each; a validation one is shown if any.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(sung), figsize=(1.7 * len(sung), 5), sharex=True, sharey=True)
    for column, label in enumerate(sung):
        train, val = real[label]
        _draw(axes[0, column], (val or train)[0])
        _draw(axes[1, column], sung[label][0])
        axes[0, column].set_title(label)
    for row, name in enumerate(("recorded", "sung")):
        axes[row, 0].set_ylabel(f"{name}, kHz")
    figure.tight_layout(pad=0.4)
    figure.savefig(out_png, dpi=90)
    pyplot.close(figure)


def _draw(axis: Any, sound: np.ndarray) -> None:
    from scipy.signal import spectrogram

    shown = sound[: int(SHOWN_S * SAMPLE_RATE_HZ)]
    hz, time, power = spectrogram(shown, SAMPLE_RATE_HZ, nperseg=1_024, noverlap=512)
    db = 10 * np.log10(power[hz < 16_000] + 1e-14)
    extent = (0, time[-1], 0, 16)
    axis.imshow(db, aspect="auto", origin="lower", vmin=-105, vmax=-45, extent=extent, cmap="magma")
    axis.set_xticks([])
