"""Colours and measures of all patches. Few: paper, ink, one red, one grey."""

from __future__ import annotations

Colour = list[float]


def hex_colour(code: str, alpha: float = 1.0) -> Colour:
    """`#8b1e2d` as Max's [red, green, blue, alpha], each 0..1."""
    return [round(int(code[i : i + 2], 16) / 255, 4) for i in (1, 3, 5)] + [alpha]


RED = hex_colour("#8b1e2d")
ROSE = hex_colour("#f0d4ce")
PAPER = hex_colour("#f6eee8")
INK = hex_colour("#3a2a28")
GREY = hex_colour("#8a7d78")
WHITE = hex_colour("#ffffff")
PANIC = hex_colour("#d6001c")

LINE = 22.0
"""Height of an object box."""

STEP = 34.0
"""From one row of boxes to the next: room for a cord."""

MARGIN = 20.0

NIGHT = hex_colour("#120c0e")
"""The concert patch: dark as the hall."""

DUSK = hex_colour("#241a1d")
DIM = hex_colour("#a89a95")
AMBER = hex_colour("#ffb02e")
GREEN = hex_colour("#1d8f4f")
LEAF = hex_colour("#22b868")
