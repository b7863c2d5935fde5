"""What a canvas is made of: boxes with ports, wired as `a >> b`, and texts as a .pd file writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pd_patches.canvas import Canvas


def escape(text: str) -> str:
    """As a .pd file writes it: dollars, commas and semicolons with a backslash, the last two as words."""
    text = text.replace("$", "\\$")
    text = re.sub(r"\s*(?<!\\);\s*", r" \\; ", text)
    return re.sub(r"\s*(?<!\\),\s*", r" \\, ", text).strip()


def words(text: str) -> str:
    """One symbol that has spaces and commas in it, for a message box."""
    return text.replace(",", "\\,").replace(" ", "\\ ")


@dataclass(frozen=True)
class Port:
    """Outlet `number` of a box on the left of >>, inlet `number` on the right."""

    box: Box
    number: int

    def __rshift__(self, to: Box | Port) -> Box:
        target = to if isinstance(to, Port) else Port(to, 0)
        wire = (self.box.index, self.number, target.box.index, target.number)
        assert self.box.canvas is target.box.canvas, f"a wire from {self.box.name} into another canvas"
        assert wire not in self.box.canvas.wires, f"{self.box.name} is wired to {target.box.name} already"
        self.box.canvas.wires.append(wire)
        return target.box


@dataclass(eq=False)
class Box:
    canvas: Canvas
    index: int
    x: int
    y: int
    width: int
    height: int
    name: str = ""
    solid: bool = True
    """False for the coloured cards that lie under others."""

    def __getitem__(self, number: int) -> Port:
        return Port(self, number)

    def __rshift__(self, to: Box | Port) -> Box:
        return Port(self, 0) >> to

    def covers(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )
