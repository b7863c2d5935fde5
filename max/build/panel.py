"""heart.panel: every parameter, how it stands, and the panic button, to be looked at in a bpatcher."""

from __future__ import annotations

from max.build import controls
from max.build.engine import STATES
from max.build.sheet import Node, Sheet
from max.build.style import GREY, INK, PANIC, RED, ROSE

WIDTH = 660.0
COLUMNS = 12
"""Dials in a row of the presentation."""

STATUS = "s s s 0. 0. 0. 0. 0. 0 0 0"


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "Every parameter of the engine, how it stands, and panic. For a bpatcher; open it in presentation mode.",
        900,
    )
    top = _standing(sheet, 20, 84)
    faces = _parameters(sheet, 20, 430)
    height = _arrange(sheet, top, faces)
    sheet.patcher.openinpresentation = 1
    sheet.presentation = (WIDTH, height)
    return sheet


def _standing(sheet: Sheet, x: float, y: float) -> dict[str, Node]:
    s = sheet.section(
        1,
        "How it stands",
        "Words from heart.engine, the beat from heart.beat, figures from /heart/status.",
        x,
        y,
        1160,
    )
    shown: dict[str, Node] = {}

    def words(name: str, first: str, dx: float) -> None:
        shown[name] = sheet.note(first, s.x + dx, s.row(2), 250, 12, INK)
        s(f"r heart.{name}", dx, 0) >> s("prepend set", dx, 1) >> shown[name]

    words("words", STATES[0], 10)
    words("trouble", "no trouble", 300)
    beat = s("heart.beat", 560, 0)
    shown["beat"] = s.ui("button", 560, 1.2, 40, 40, bgcolor=ROSE, blinkcolor=RED)
    beat >> shown["beat"]
    status = s("r heart.from", 720, 0) >> s("route /heart/status", 720, 1) >> s(f"unpack {STATUS}", 720, 2, 220)
    shown["label"] = sheet.note("label", s.x + 690, s.row(4.2), 110, 12, INK)
    status[2] >> s("prepend set", 690, 3.2) >> shown["label"]
    for name, outlet, dx, kind in (
        ("bpm", 3, 830, "flonum"),
        ("heard", 4, 900, "flonum"),
        ("reserve", 6, 970, "flonum"),
        ("underruns", 8, 1040, "number"),
    ):
        shown[name] = s.ui(
            kind,
            dx,
            3.6,
            56,
            22,
            **({"format": 6, "numdecimalplaces": 1} if kind == "flonum" and name != "reserve" else {}),
            ignoreclick=1,
        )
        status[outlet] >> shown[name]
    for text, dx, colour in (("PANIC", 10, PANIC), ("resume", 130, RED)):
        shown[text] = controls.button(sheet, text, s.x + dx, s.row(4.2), 100, 26, colour)
        shown[text] >> s("t b", dx, 5.4) >> s(f"(/heart/{text.lower()})", dx, 6.4) >> s("s heart.to", dx, 7.4)
    return shown


def _parameters(sheet: Sheet, x: float, y: float) -> dict[str, Node]:
    controls.ask_all(sheet, x, y)
    faces: dict[str, Node] = {}
    row = y + 210
    for number, (title, words, params) in enumerate(
        (
            ("Words and whole numbers", "", controls.others()),
            ("Dials", "", controls.dials()),
            ("The mixture: several at once", "All at 0: label is sung.", controls.mixture()),
        ),
        2,
    ):
        sheet.section(number, title, words, x, row, 2140)
        faces |= controls.grid(sheet, params, x + 10, row + 64, 6)
        row += 64 + controls.rows(params, 6) * controls.TILE[1] + 20
    return faces


def _arrange(sheet: Sheet, top: dict[str, Node], faces: dict[str, Node]) -> float:
    """Places in the presentation; its height. Its captions lie on the sheet to the right of all else."""
    captions = 0

    def caption(text: str, x: float, y: float, w: float, size: float = 10, colour: list[float] = GREY) -> None:
        nonlocal captions
        sheet.note(text, 1240 + captions % 4 * 150, 130 + captions // 4 * 22, 140, size, colour).present(
            x, y, w, size + 8
        )
        captions += 1

    sheet.note("Captions of the presentation", 1240, 84, 300, 14, RED, fontface=1)
    for key, rect in (
        ("words", (12, 40, 420, 22)), ("trouble", (12, 63, 420, 36)), ("beat", (444, 42, 50, 50)),
        ("PANIC", (560, 42, 88, 26)), ("resume", (560, 72, 88, 20)),
    ):  # fmt: skip
        top[key].present(*rect)
    sheet.ui("panel", 1240, 290, 40, 20, bgcolor=RED, border=0, background=1).present(0, 0, WIDTH, 36)
    sheet.note("Sounds of the Heart", 1300, 290, 220, 16, ROSE, fontface=1).present(12, 8, 220, 24)
    y = 108.0
    for n, (name, key) in enumerate(
        (
            ("sings", "label"),
            ("bpm", "bpm"),
            ("hears", "heard"),
            ("reserve ms", "reserve"),
            ("underruns", "underruns"),
        )
    ):
        caption(name, 12 + 128 * n, y, 66)
        top[key].present(78 + 128 * n, y - 2, 58, 22)
    y += 34
    for n, param in enumerate(controls.others()):
        px, py = 12 + n % 4 * 162, y + n // 4 * 44
        caption(controls.short(param), px, py, 150)
        faces[param.name].present(px + 2, py + 18, 146, 18)
    y += controls.rows(controls.others(), 4) * 44 + 12
    for params in (controls.dials(), controls.mixture()):
        lines = controls.rows(params, COLUMNS)
        columns = controls.rows(params, lines)
        for n, param in enumerate(params):
            faces[param.name].present(8 + n % columns * (WIDTH - 16) // columns, y + n // columns * 58, 50, 50)
        y += lines * 58 + 10
    return y + 4
