"""icon.png, 500 by 500: a heart whose outline is two heart sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIZE = 500


def draw(path: Path) -> None:
    """Write the picture. The same bytes each time on the same matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=SIZE / 5, facecolor="#f6eee8")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-20, 20)
    axes.set_ylim(-21, 19)
    t = np.linspace(0, 2 * np.pi, 400)
    x, y = 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    axes.fill(x, y, color="#8b1e2d")
    at = np.linspace(-13, 13, 900)
    wave = 5.2 * np.exp(-(((at + 5) / 1.7) ** 2)) * np.sin(7 * (at + 5)) + 3.4 * np.exp(
        -(((at - 5) / 1.2) ** 2)
    ) * np.sin(9 * (at - 5))
    axes.plot(at, wave + 1.5, color="#f6eee8", linewidth=5, solid_capstyle="round")
    figure.savefig(path, dpi=SIZE / 5, metadata={"Software": None})
