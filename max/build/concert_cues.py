"""The score in the concert patch: GO, the cue that sounds, its time, the next one, and the list to choose from."""

from __future__ import annotations

from max.build import controls
from max.build.concert_faces import Faces, coloured, in_bytes, large
from max.build.sheet import Sheet
from max.build.style import AMBER, DIM, DUSK, GREEN, LEAF, PAPER, RED

WORDS = {
    "none": ("no score (heart live --score FILE)", DIM),
    "waiting": ("WAITING for GO", AMBER),
    "playing": ("playing", PAPER),
    "ended": ("the end", DIM),
}
"""What each state of the score is called on stage, and the colour of that."""

NAME_SIZE, WHOLE = 58, 26
"""Of the name of a cue; letters of it that have room so, more make it smaller."""

COLUMNS = (44, 222, 68, 56)
"""Pixels of the list's columns: number, name, length, how it begins."""


def build(sheet: Sheet, x: float, y: float) -> Faces:
    faces: Faces = {}
    _score(sheet, x, y, faces)
    _state(sheet, x, y + 330, faces)
    _now(sheet, x, y + 740, faces)
    _times(sheet, x, y + 1190, faces)
    _list(sheet, x + 660, y)
    _choice(sheet, x + 660, y + 510, faces)
    return faces


def _score(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(
        2, "The score", "GO is a button and the space bar; heart.cues tells where it stands.", x, y, 560
    )
    local = sheet.local
    faces["GO"] = controls.button(sheet, "GO", s.x + 10, s.row(1), 150, 90, GREEN, 72.0, varname="GO")
    faces["GO"] >> s("t b", 10, 4) >> s(f"s {local}go", 60, 4)
    s(f"r {local}GO", 10, 0) >> faces["GO"]
    cues = s("heart.cues", 10, 5.4, 530)
    s(f"r {local}go", 200, 2.2) >> s("(go)", 200, 3.4) >> cues
    s(f"r {local}to", 300, 2.2) >> s("prepend to", 300, 3.4) >> cues
    for outlet, name in enumerate(("now", "state", "time", "left", "next", "waits", "entry")):
        cues[outlet] >> s(f"s {local}{name}", 10 + 78 * outlet, 6.6)


def _state(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(3, "Its state, large", "And GO lights up while the score waits.", x, y, 560)
    local = sheet.local
    two = s(f"r {local}state", 10, 0) >> s("t s s", 10, 1)
    told = two >> s("sel " + " ".join(WORDS), 10, 2, 200)
    for n, (words, colour) in enumerate(WORDS.values()):
        message = s(f'(set "{words}", textcolor {coloured(colour)})', 10, 3 + n)
        told[n] >> message >> s(f"s {local}shown", 400, 3 + n)
    lit = two[1] >> s("sel waiting", 350, 1, 100)
    lit >> s(f"(activebgcolor {coloured(LEAF)})", 350, 2) >> s(f"s {local}GO", 560, 2)
    lit[1] >> s(f"(activebgcolor {coloured(GREEN)})", 470, 0) >> s(f"s {local}GO", 470, 1)
    faces["state"] = large(s, "state", WORDS["none"][0], 10, 8, 46, DIM, 620)
    s(f"r {local}shown", 10, 7) >> faces["state"]


def _now(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(4, "Which cue", "The one that sounds, and the next.", x, y, 560)
    local = sheet.local
    now = s(f"r {local}now", 10, 0) >> s("unpack 0 0 s", 10, 1, 200)
    number = now >> s("sprintf set cue %ld of %ld", 10, 2.4)
    now[1] >> number[1]
    faces["number"] = large(s, "number", "cue", 10, 3.6, 28, DIM)
    number >> faces["number"]
    faces["name"] = large(s, "name", "Sounds of the Heart", 200, 3.6, NAME_SIZE, PAPER, 440)
    two = now[2] >> s("t s s", 230, 1)
    two >> s("prepend set", 200, 2.4) >> faces["name"]
    letters = two[1] >> s("atoi", 300, 0) >> s("zl.len @zlmaxsize 512", 300, 1)
    size = letters >> s(f"expr min({NAME_SIZE}.,{NAME_SIZE * WHOLE}./max($f1,1.))", 300, 1.9)
    size >> s("prepend fontsize", 300, 2.8) >> faces["name"]
    faces["next"] = large(s, "next", "-", 10, 8.4, 30, PAPER, 300)
    s(f"r {local}next", 10, 6.4) >> s("prepend set", 10, 7.4) >> faces["next"]
    how = s(f"r {local}waits", 340, 6.4) >> s("sel 1 0", 340, 7.4)
    faces["how"] = large(s, "how", "", 340, 9.6, 22, AMBER)
    for n, words in enumerate(('"at GO"', '"by itself"')):
        how[n] >> s(f"(set {words})", 340 + 110 * n, 8.4) >> faces["how"]


def _times(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(5, "Its time", "Since it began, and until it ends.", x, y, 560)
    for name, dx, sign, colour in (("time", 10, "", PAPER), ("left", 280, "-", DIM)):
        split = s(f"r {sheet.local}{name}", dx, 0) >> s("i", dx, 1) >> s("t i i", dx, 2)
        clock = s(f"sprintf set {sign}%ld:%02ld", dx, 4.2)
        split[1] >> s("% 60", dx + 100, 3.1) >> clock[1]
        split >> s("/ 60", dx, 3.1) >> clock
        faces[name] = large(s, name, f"{sign}0:00", dx, 5.4, 84, colour, 250)
        clock >> faces[name]


def _list(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        6, "The list", "A row for each cue: number, name, length, whether it waits for GO.", x, y, 560
    )
    local = sheet.local
    entry = s(f"r {local}entry", 10, 0) >> s("t l l", 10, 1)
    head = entry[1] >> s("unpack 0 0", 400, 1)
    begin, clear = head >> s("sel 0 1", 400, 2), s("(clear all)", 400, 3)
    begin >> clear
    begin[1] >> clear
    clear >> s(f"s {local}cells", 400, 4)
    head[1] >> s("maximum 1", 480, 2) >> s("(rows $1)", 480, 3) >> s(f"s {local}cells", 480, 4)
    parts = entry >> s("unpack 0 0 s 0. 0", 10, 2, 370)
    number = parts >> s("split 1 9999", 10, 3) >> s("t i i", 10, 4)
    row = number >> s("- 1", 10, 5) >> s("t i i i i", 10, 6, 370)
    columns = [s(f"pack 0 {kind}", 10 + 120 * n, 10) for n, kind in enumerate(("0", "s", "s", "s"))]
    number[1] >> columns[0][1]
    parts[2] >> columns[1][1]
    split = parts[3] >> s("i", 250, 7) >> s("t i i", 250, 7.9)
    length = s("sprintf symout %ld:%02ld", 200, 9, 150)
    split[1] >> s("% 60", 340, 7.9) >> length[1]
    split >> s("/ 60", 290, 7.9) >> length
    length >> columns[2][1]
    waits = parts[4] >> s("sel 1 0", 420, 7)
    for n, word in enumerate(("GO", "-")):
        waits[n] >> s(f"({word})", 420 + 50 * n, 7.9) >> columns[3][1]
    for n, column in enumerate(columns):
        row[n] >> column
        column >> s(f"prepend set {n}", 10 + 120 * n, 11) >> s(f"s {local}cells", 10 + 120 * n, 12)


def _choice(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(
        7, "To choose from it", "The list chooses, a button goes: a slip of the mouse must not leap.", x, y, 560
    )
    local = sheet.local
    faces["list"] = s.ui(
        "jit.cellblock", 10, 1, 240, 100, varname="list", cols=4, rows=1, rowheight=30, colwidth=COLUMNS[1],
        hscroll=0, selmode=3, readonly=1, outmode=0, colhead=0, rowhead=0, border=0, grid=0, fontsize=18.0,
        bgcolor=DUSK, hcellcolor=RED, textcolor=PAPER, stcolor=PAPER, sccolor=RED, sgcolor=RED,
    )  # fmt: skip
    s(f"r {local}cells", 10, 0) >> faces["list"]
    wide = s("loadbang", 110, 0) >> s("t " + "b " * len(COLUMNS), 180, 0)
    for n, pixels in enumerate(COLUMNS):
        wide[n] >> s(f"(col {n} width {pixels})", 270 + 8 * n, 1 + n) >> s(f"s {local}cells", 440, 1 + n)
    chosen = faces["list"] >> s("unpack 0 0", 10, 4.6)
    two = chosen[1] >> s("+ 1", 60, 5.6) >> s("t i i", 60, 6.5)
    hold = s("i", 60, 9)
    two >> hold[1]
    (
        two[1]
        >> s("sprintf symout go to %ld", 160, 6.5)
        >> s("prepend text", 160, 7.5)
        >> s(f"s {local}button", 160, 8.5)
    )
    faces["choose"] = controls.button(
        sheet, "choose a cue", s.x + 330, s.row(7.5), 120, 24, DUSK, 15.0, varname="choose"
    )
    s(f"r {local}button", 330, 6.5) >> faces["choose"]
    faces["choose"] >> s("t b", 330, 9) >> hold >> s("split 1 9999", 60, 10) >> s(f"s {local}to", 60, 11)
    now = s(f"r {local}now", 330, 10) >> s("unpack 0", 330, 11) >> s("split 1 9999", 330, 12) >> s("- 1", 330, 13)
    turn, old, new = now >> s("t i b", 330, 14), s("i", 400, 15), s("t i i", 330, 15)
    turn[1] >> old >> s(f"(row $1 brgb {in_bytes(DUSK)})", 400, 16) >> s(f"s {local}cells", 400, 17)
    turn >> new
    new[1] >> old[1]
    new >> s(f"(row $1 brgb {in_bytes(RED)})", 200, 16) >> s(f"s {local}cells", 200, 17)
