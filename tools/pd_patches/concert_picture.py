"""The heart that beats in the concert patch: a scalar of Pd's data structures, swollen by heart.beat. No Gem."""

from __future__ import annotations

import colorsys
import math

from heart.namespace import PARAMS
from pd_patches.canvas import Canvas

PAD = (408, 300)
FRAME_MS, SWELL_MS = 33, 420
REST, SWELL = 4.6, 2.2
"""Size of the heart at rest and what a beat adds, in pixels for each of the curve's 32."""

RING = (92, 54)
"""Pixels of the ring's radius at the beat, and how far it goes: it stays on the pad."""

POINTS = 40


def heart_pad() -> Canvas:
    """The ground of the picture: one unit a pixel, y upward."""
    width, height = PAD
    return Canvas("$0-pad", width + 40, height + 40, graph=(0, 0, width, height), whole=(0, height, width, 0))


def label_colours() -> dict[str, int]:
    """A colour for each label as Pd's three digits: hearts red to violet, textures around the rest of the wheel."""
    labels = [str(label) for label in PARAMS["label"].choices or ()]
    hues = ((0.97 + 0.86 * n / len(labels)) % 1 for n in range(len(labels)))
    return {label: _digits(*colorsys.hsv_to_rgb(hue, 0.72, 0.95)) for label, hue in zip(labels, hues)}


def _digits(*parts: float) -> int:
    red, green, blue = (min(9, round(9 * part)) for part in parts)
    return 100 * red + 10 * green + blue


def picture() -> Canvas:
    c = Canvas("picture", 1100, 560, who="0")
    c.head(
        "THE PICTURE. On the sample of each S1 the heart swells and a ring goes out, in the label's colour.", 100
    )
    c.sub(20, 500, _shape())
    c.text(20, 50, "1 The heart, made when the patch opens.", 50)
    start = c.column(20, 78, "loadbang", "t b b b b")
    here = c.column(180, 78, "f $0", "( traverse pd-$1-pad, bang", "pointer")
    start[1][3] >> here[0]
    heart = c.obj(20, 200, "append $0-heart s r c")
    here[2] >> heart[3]
    start[1][2] >> c.msg(140, 166, str(label_colours()["N"])) >> heart[2]
    start[1][1] >> c.msg(80, 140, "1") >> heart[1]
    start[1] >> c.msg(20, 140, "0") >> heart
    c.text(420, 50, "2 A beat: it swells.", 30)
    beat = c.obj(420, 78, "heart.beat")
    moved = c.column(420, 106, "( 1, 0 $1", f"line 0 {FRAME_MS}", "t f f", "expr 1 - $f1")
    beat >> c.msg(560, 106, str(SWELL_MS)) >> moved[0]
    put = c.obj(420, 250, "set $0-heart s r c")
    moved[2] >> put
    moved[3] >> put[1]
    heart >> put[3]
    c.text(680, 50, "3 What it is, in words.", 50)
    rate = c.column(680, 280, "makefilename %.0f", "( label $1\\ bpm", "s $0-bpm")
    beat[2] >> rate[0]
    parts, label = c.obj(680, 78, "unpack f f f f s"), c.obj(680, 108, "t s s")
    beat[3] >> parts
    parts[4] >> label
    label >> c.msg(880, 78, "label $1") >> c.obj(880, 108, "s $0-label")
    colours = label_colours()
    which = c.obj(680, 150, "sel " + " ".join(colours), 50)
    label[1] >> which
    for n, colour in enumerate(colours.values()):
        which[n] >> c.msg(680 + n % 9 * 40, 200 + n // 9 * 28, str(colour)) >> put[2]
    status = c.column(880, 280, "r &said", "route status", "unpack s s s f f f")[2]
    heard = c.column(800, 380, "makefilename %.0f", "( label $1", "s $0-heard")
    status[4] >> heard[0]
    trust = c.column(960, 380, "makefilename %.2f", "( label $1", "s $0-trust")
    status[5] >> trust[0]
    return c


def _shape() -> Canvas:
    """The template: heart and ring are polygons whose corners all go by the fields s and r, 0 to 1."""
    c = Canvas("shape", 1160, 700)
    c.head("What the heart and its ring look like: s swells, r is how far the ring has gone, c is the colour.", 100)
    c.obj(20, 50, "struct $0-heart float s float r float c")
    middle_x, middle_y = (side // 2 for side in PAD)
    turns = [2 * math.pi * n / POINTS for n in range(POINTS + 1)]
    ring = [(math.cos(t), math.sin(t)) for t in turns]
    c.obj(20, 90, "drawpolygon 301 3 " + _moving("r", ring, *RING, middle_x, middle_y), 150)
    heart = [
        (16 * math.sin(t) ** 3, 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))
        for t in turns[:-1]
    ]
    c.obj(20, 400, "filledpolygon c c 1 " + _moving("s", heart, REST, SWELL, middle_x, middle_y), 150)
    return c


def _moving(field: str, curve: list[tuple[float, float]], least: float, more: float, x: float, y: float) -> str:
    """Each corner between where it lies at 0 and at 1 of the field, in pixels."""
    ends = ((part * least + at, part * (least + more) + at) for point in curve for part, at in zip(point, (x, y)))
    return " ".join(f"{field}(0:1)({low:.1f}:{high:.1f})" for low, high in ends)
