"""What the parts of the concert patch share: large words, and where each face lies on the stage."""

from __future__ import annotations

from max.build.sheet import Node, Section
from max.build.style import Colour

Faces = dict[str, Node]
"""What is shown, by its name in PLACES."""

Place = tuple[float, float, float, float]

SIZE = (1280.0, 720.0)
"""Of the presentation: the screen of a small laptop."""

PICTURE = (408.0, 300.0)

PLACES: dict[str, Place] = {
    "lamp": (24, 16, 22, 22), "words": (56, 11, 760, 32),
    "number": (20, 58, 400, 42), "name": (20, 96, 810, 84), "state": (20, 182, 810, 62),
    "time": (20, 262, 380, 100), "left": (420, 262, 400, 100),
    "next": (76, 378, 590, 50), "how": (680, 386, 140, 34),
    "GO": (24, 440, 380, 160), "PANIC": (424, 440, 190, 160), "SILENCE": (632, 440, 190, 74),
    "RESUME": (632, 526, 190, 74),
    "sound": (24, 620, 60, 60), "master": (104, 626, 240, 52), "reserve": (364, 654, 150, 14),
    "fill": (364, 624, 60, 24), "underruns": (446, 624, 60, 24), "fade": (536, 624, 60, 24),
    "record": (632, 620, 190, 36), "recording": (632, 664, 16, 16), "file": (652, 660, 172, 22),
    "trouble": (20, 688, 800, 28),
    "picture": (848, 16, *PICTURE), "bpm": (844, 322, 190, 72), "label": (1040, 322, 216, 72),
    "heard": (914, 398, 90, 36), "trust": (1096, 398, 90, 36),
    "list": (848, 440, 408, 240), "choose": (848, 688, 240, 26), "elsewhere": (1104, 688, 152, 26),
}  # fmt: skip
"""x, y, width, height in presentation."""

CAPTIONS = (
    ("next", 20, 388), ("reserve, ms", 364, 602), ("underruns", 446, 602), ("fade, s", 536, 602),
    ("master", 104, 602), ("heard", 848, 406), ("trust", 1040, 406),
)  # fmt: skip
"""Small words beside the faces: text, x, y."""


def large(s: Section, name: str, text: str, dx: float, row: float, size: float, colour: Colour) -> Node:
    """Words to be read from afar; on the sheet the box is as small as any other."""
    note = s.note(text, dx, row, 150)
    note.box._kwds.update(fontsize=size, textcolor=colour, varname=name)
    note.box.patching_rect = note.box.patching_rect._replace(h=22.0)
    return note


def coloured(colour: Colour) -> str:
    """As numbers in a message."""
    return " ".join(f"{part:g}" for part in colour)


def in_bytes(colour: Colour) -> str:
    """As drawing wants it: three numbers 0 to 255."""
    return " ".join(str(round(255 * part)) for part in colour[:3])
