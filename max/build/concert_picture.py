"""The heart that beats in the concert patch: drawn by jit.lcd, 30 times a second, from heart.beat.

Each S1 swells it and sends a ring out; its colour is that of the label.
"""

from __future__ import annotations

import colorsys
import math

from max.build.concert_faces import PICTURE, Faces, in_bytes, large
from max.build.sheet import Node, Section, Sheet
from max.build.style import DIM, NIGHT, PAPER, RED

from heart.namespace import PARAMS

FRAME_MS = 33
SWELL_MS = 420
"""From the beat until the heart is as small as before."""

REST, SWELL = 4.6, 2.2
"""Size of the heart at rest and what a beat adds, in pixels for each of the curve's 32."""

RING = (60, 200)
"""Pixels of the ring's radius at the beat, and how far it goes."""

POINTS = 32
CURVE = (
    "16*pow(sin({turn}*$i1),3)",
    "5*cos(2*{turn}*$i1)+2*cos(3*{turn}*$i1)+cos(4*{turn}*$i1)-13*cos({turn}*$i1)",
)
"""x and y (downward, as on a screen) of a heart around 0, 0, of a point's number."""


def label_colours() -> dict[str, tuple[int, int, int]]:
    """A colour for each label, 0 to 255: hearts red to violet, textures around the rest of the wheel."""
    labels = [str(label) for label in PARAMS["label"].choices or ()]
    hues = ((0.97 + 0.86 * n / len(labels)) % 1 for n in range(len(labels)))
    return {
        label: tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.72, 0.95))  # type: ignore[misc]
        for label, hue in zip(labels, hues)
    }


def build(sheet: Sheet, x: float, y: float) -> Faces:
    faces: Faces = {}
    _beat(sheet, x, y, faces)
    _drawn(sheet, x, y + 410, faces)
    _curve(sheet, x, y + 1100)
    _colour(sheet, x, y + 1480)
    return faces


def _beat(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(
        13, "The beat", "On the sample from heart.beat; what the ear hears, from the status.", x, y, 560
    )
    local = sheet.local
    beat = s("heart.beat", 10, 0, 330)
    beat >> s(f"(1., 0. {SWELL_MS})", 10, 1.2) >> s(f"line 0. {FRAME_MS}", 10, 2.2) >> s(f"s {local}swell", 10, 3.2)
    faces["bpm"] = large(s, "bpm", "-- bpm", 160, 2.2, 46, PAPER, 190)
    beat[2] >> s("sprintf set %.0f bpm", 160, 1.2) >> faces["bpm"]
    label = beat[3] >> s("unpack 0 0 0. 0. 0. s", 10, 4.4, 200)
    two = label[5] >> s("t s s", 200, 5.4)
    faces["label"] = large(s, "label", "", 10, 7.6, 46, PAPER, 300)
    two >> s("prepend set", 200, 6.4) >> faces["label"]
    two[1] >> s(f"s {local}label", 260, 5.4)
    status = (
        s("r heart.from", 370, 0) >> s("route /heart/status", 370, 1) >> s("unpack s s s 0. 0. 0.", 370, 2, 180)
    )
    for name, outlet, dx, form in (("heard", 4, 370, "%.0f"), ("trust", 5, 460, "%.2f")):
        faces[name] = large(s, name, "-", dx, 5.6, 24, DIM, 80)
        status[outlet] >> s(f"sprintf set {form}", dx, 3.2 + (outlet - 4)) >> faces[name]


def _drawn(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(14, "The picture", "Thirty times a second: night, the ring, the heart.", x, y, 560)
    local = sheet.local
    width, height = (round(side) for side in PICTURE)
    each = s("loadbang", 10, 0) >> s("(1)", 90, 0) >> s(f"qmetro {FRAME_MS}", 140, 0) >> s("t b b b b", 10, 1, 400)
    each[3] >> s(f"(brgb {in_bytes(NIGHT)}, clear, pensize 4 4)", 260, 2) >> s(f"s {local}draw", 490, 2)
    ring, swell = s("f 0.", 270, 4), s("f 0.", 100, 4)
    each[2] >> ring
    each[1] >> swell
    now = s(f"r {local}swell", 340, 3) >> s("t f f", 420, 3)
    now[1] >> ring[1]
    now >> swell[1]
    _ring(s, ring, width // 2, height // 2)
    heart = swell >> s("t f b", 100, 5)
    heart[1] >> (colour := s("(frgb 220 60 80)", 130, 6)) >> s(f"s {local}draw", 160, 7)
    s(f"r {local}colour", 10, 3) >> s("prepend set frgb", 10, 6.9) >> colour
    size = heart >> s(f"expr {REST}+{SWELL}*$f1", 10, 8) >> s("t f f", 10, 9)
    across = s(f"vexpr int($f1*$f2+{width // 2}) @scalarmode 1", 10, 10)
    down = s(f"vexpr int($f1*$f2+{height // 2}) @scalarmode 1", 270, 10)
    whole = s("zl.lace @zlmaxsize 256", 10, 11)
    size >> across >> whole
    size[1] >> down >> whole[1]
    whole >> s("prepend paintpoly", 10, 12) >> s(f"s {local}draw", 150, 12)
    for name, to in (("across", across), ("down", down)):
        s(f"r {local}{name}", 220 if to is across else 480, 9) >> to[1]
    faces["picture"] = s.ui("jit.pwindow", 270, 13.4, 204, 150, varname="picture", border=0)
    lcd = s(f"jit.lcd 4 char {width} {height}", 10, 14.4)
    each >> s("t b", 10, 2) >> s(f"s {local}draw", 50, 2)
    s(f"r {local}draw", 10, 13.4) >> lcd >> faces["picture"]


def _ring(s: Section, radius: Node, x: int, y: int) -> None:
    four = radius >> s(f"expr {RING[0]}+{RING[1]}*(1-$f1)", 270, 5) >> s("t f f f f", 270, 6, 260)
    corners = s("pack 0 0 0 0", 270, 8)
    for n, (sign, middle) in enumerate((("-", x), ("-", y), ("+", x), ("+", y))):
        four[n] >> s(f"{sign} {middle}" if sign == "+" else f"expr {middle}-$f1", 270 + 90 * n, 7) >> corners[n]
    corners >> s(f"(frameoval $1 $2 $3 $4 {in_bytes(RED)})", 360, 7.9) >> s(f"s {s.sheet.local}draw", 560, 7.9)


def _curve(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(15, "The heart's curve", f"{POINTS} points, computed once.", x, y, 560)
    point = s("loadbang", 10, 0) >> s(f"uzi {POINTS + 1} 0", 10, 1)
    two = point[2] >> s("t i i", 45, 2)
    for outlet, name in enumerate(("across", "down")):
        formula = CURVE[outlet].format(turn=round(2 * math.pi / POINTS, 6))
        row = 3.2 + 3.2 * outlet
        points = two[outlet] >> s(f"expr {formula}", 10, row)
        (
            points
            >> s(f"zl.group {POINTS + 1} @zlmaxsize 256", 10, row + 1)
            >> s(f"s {sheet.local}{name}", 10, row + 2)
        )


def _colour(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(16, "Its colour", "One for each label of the engine's table.", x, y, 560)
    colours = label_colours()
    which = s(f"r {sheet.local}label", 10, 0) >> s("sel " + " ".join(colours), 10, 1, 620)
    to = s(f"s {sheet.local}colour", 10, 7)
    for n, colour in enumerate(colours.values()):
        which[n] >> s("({} {} {})".format(*colour), 10 + n % 5 * 108, 2.4 + n // 5) >> to
