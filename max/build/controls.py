"""A knob, a menu or a number for each parameter of the table: what is added there appears here by a rebuild."""

from __future__ import annotations

from typing import Any

from max.build.sheet import Node, Sheet
from max.build.style import INK, RED, ROSE, WHITE

from heart.namespace import PARAMS, Param, range_text

DIAL, MENU = (48.0, 50.0), (112.0, 18.0)
TILE = (360.0, 250.0)
"""Of one parameter's boxes in the patching view."""

UNITS = {"bpm": "%.0f bpm", "ms": "%.0f ms", "dB": "%.1f dB", "s": "%.2f s"}


def dials() -> list[Param]:
    """Parameters with a fader, without those of the mixture."""
    return [p for p in PARAMS.values() if p.continuous and not p.name.startswith("mix_")]


def mixture() -> list[Param]:
    return [p for p in PARAMS.values() if p.name.startswith("mix_")]


def others() -> list[Param]:
    """Words and whole numbers."""
    return [p for p in PARAMS.values() if not p.continuous]


def short(param: Param) -> str:
    return param.name.removeprefix("mix_")


def control(sheet: Sheet, param: Param, x: float, y: float) -> Node:
    """The parameter's face at (x, y) with what it hears above it and what it says below: one tile."""
    local = sheet.local
    told = sheet.obj("r heart.from", x, y)
    match = told >> sheet.obj(f"route /heart/value/{param.name}", x, y + 32)
    face = _face(sheet, param, x, y + 100)
    words = param.type == "s"
    match >> sheet.obj("prepend setsymbol" if words else "prepend set", x, y + 64) >> face
    say = sheet.obj(f"prepend /heart/set/{param.name}", x, y + 164)
    face[1 if words else 0] >> say
    say >> sheet.obj("s heart.to", x, y + 196)
    hello = sheet.obj(f"r {local}ask", x + 215, y) >> sheet.obj("t b b", x + 215, y + 32)
    to = sheet.obj("s heart.to", x + 130, y + 132)
    hello >> sheet.msg(f"/heart/get/{param.name}", x + 130, y + 98) >> to
    hello[1] >> sheet.msg(f"/heart/listen/{param.name} 1", x + 160, y + 64) >> to
    return face


def ask_all(sheet: Sheet, x: float, y: float) -> None:
    """At each welcome every control asks for its value, and to be told when somebody else turns it."""
    s = sheet.section(
        "",
        "At each welcome",
        "Every control asks for its value and wants to be told when somebody else turns it.",
        x,
        y,
        560,
    )
    (s("r heart.from", 10, 0) >> s("route /heart/welcome", 10, 1) >> s("t b", 10, 2)) >> s(
        f"s {sheet.local}ask", 10, 3
    )


def _face(sheet: Sheet, param: Param, x: float, y: float) -> Node:
    make = {"f": _dial, "s": _menu, "i": _number}[param.type]
    return make(sheet, param, x, y)


def _about(param: Param, kind: int, **more: Any) -> dict[str, Any]:
    values = {
        "parameter_longname": param.name,
        "parameter_shortname": short(param),
        "parameter_type": kind,
        "parameter_info": f"{param.words}: {range_text(param.arg())}",
        **more,
    }
    return {"valueof": values}


def _dial(sheet: Sheet, param: Param, x: float, y: float) -> Node:
    log = param.scale == "log" and param.low and param.high
    more: dict[str, Any] = {
        "parameter_mmin": param.low,
        "parameter_mmax": param.high,
        "parameter_initial": [param.default],
    }
    if log:
        more["parameter_exponent"] = 3.0
    if param.unit in UNITS:
        more |= {"parameter_unitstyle": 9, "parameter_units": UNITS[param.unit]}
    else:
        more["parameter_unitstyle"] = 1
    return sheet.ui(
        "live.dial", x, y, *DIAL, varname=param.name, parameter_enable=1,
        saved_attribute_attributes=_about(param, 0, **more), activedialcolor=RED, activeneedlecolor=INK,
    )  # fmt: skip


def _menu(sheet: Sheet, param: Param, x: float, y: float) -> Node:
    choices = [str(c) for c in param.choices or ()]
    more = {
        "parameter_enum": choices,
        "parameter_mmax": len(choices) - 1,
        "parameter_initial": [choices.index(str(param.default))],
    }
    return sheet.ui(
        "live.menu", x, y, *MENU, varname=param.name, parameter_enable=1,
        saved_attribute_attributes=_about(param, 2, **more), textcolor=INK, bgcolor=ROSE, tricolor=RED,
    )  # fmt: skip


def _number(sheet: Sheet, param: Param, x: float, y: float) -> Node:
    more = {
        "parameter_mmin": float(param.low or 0),
        "parameter_mmax": float(param.high or 0),
        "parameter_initial": [param.default],
        "parameter_unitstyle": 0,
    }
    return sheet.ui(
        "live.numbox", x, y, *MENU, varname=param.name, parameter_enable=1,
        saved_attribute_attributes=_about(param, 1 if (param.high or 0) < 256 else 0, **more), textcolor=INK,
    )  # fmt: skip


def grid(sheet: Sheet, params: list[Param], x: float, y: float, columns: int) -> dict[str, Node]:
    """Tiles, `columns` in a row; the faces by name."""
    faces = {}
    for n, param in enumerate(params):
        faces[param.name] = control(sheet, param, x + n % columns * TILE[0], y + n // columns * TILE[1])
    return faces


def rows(params: list[Param], columns: int) -> int:
    return -(-len(params) // columns)


def button(
    sheet: Sheet,
    text: str,
    x: float,
    y: float,
    w: float,
    h: float,
    colour: list[float],
    size: float = 12.0,
    **more: Any,
) -> Node:
    """A push button that bangs."""
    return sheet.ui(
        "live.text", x, y, w, h, text=text, parameter_enable=0, fontsize=size, rounded=4.0,
        activebgcolor=colour, activetextcolor=WHITE, bgcolor=colour, textcolor=WHITE, **{"mode": 0, **more},
    )  # fmt: skip
