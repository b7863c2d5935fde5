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
    "lamp": (24, 18, 20, 20), "words": (54, 12, 770, 32),
    "number": (20, 54, 400, 40), "name": (20, 94, 810, 82), "state": (20, 178, 810, 66),
    "time": (20, 254, 380, 112), "left": (420, 254, 400, 112),
    "next": (82, 376, 570, 50), "how": (664, 384, 160, 34),
    "GO": (24, 440, 380, 150), "PANIC": (424, 440, 190, 150), "SILENCE": (632, 440, 190, 70),
    "RESUME": (632, 520, 190, 70),
    "sound": (24, 614, 62, 62), "master": (106, 622, 230, 54), "fill": (364, 626, 64, 26),
    "reserve": (364, 658, 162, 14),
    "underruns": (462, 626, 64, 26), "fade": (558, 626, 56, 26),
    "record": (632, 614, 190, 40), "recording": (634, 660, 16, 16), "file": (654, 658, 172, 22),
    "trouble": (20, 684, 804, 30),
    "picture": (848, 16, *PICTURE), "bpm": (844, 324, 200, 68), "label": (1050, 324, 206, 68),
    "heard": (926, 396, 90, 36), "trust": (1126, 396, 90, 36),
    "list": (848, 440, 408, 236), "choose": (848, 684, 250, 28), "elsewhere": (1112, 684, 144, 28),
}  # fmt: skip
"""x, y, width, height in presentation."""

CAPTIONS = (
    ("next", 20, 390, 56), ("master", 106, 600, 80), ("reserve, ms", 364, 600, 92), ("underruns", 458, 600, 92),
    ("fade, s", 554, 600, 70), ("ear hears", 848, 404, 76), ("trust", 1078, 404, 46),
)  # fmt: skip
"""Small words beside the faces: text, x, y, width."""


def large(
    s: Section, name: str, text: str, dx: float, row: float, size: float, colour: Colour, w: float = 150
) -> Node:
    """Words to be read from afar."""
    note = s.note(text, dx, row, w)
    note.box._kwds.update(fontsize=size, textcolor=colour, varname=name, linecount=1)
    note.box.patching_rect = note.box.patching_rect._replace(h=round(size * 1.3) + 6.0)
    return note


def coloured(colour: Colour) -> str:
    """As numbers in a message."""
    return " ".join(f"{round(part, 2):g}" for part in colour)


def in_bytes(colour: Colour) -> str:
    """As drawing wants it: three numbers 0 to 255."""
    return " ".join(str(round(255 * part)) for part in colour[:3])
