"""Every address of the table in the help of heart.engine: what can be said, and what is heard."""

from __future__ import annotations

from max.build.sheet import Sheet
from max.build.style import INK

from heart.namespace import PARAMS, Arg, Param, Row, families, range_text, value_to_norm

ROW = 44.0


def example(arg: Arg) -> str:
    """A value that the table allows."""
    if arg.choices:
        return str(arg.choices[0])
    if arg.type == "s":
        return arg.name
    low = arg.low if arg.low is not None else 0
    return (
        f"{int(low)}" if arg.type == "i" else f"{float(low) + (0.5 if arg.high is None or arg.high > low else 0):g}"
    )


def said(address: str, *args: str) -> str:
    """The text of a message box that sends it to the engine by itself."""
    return ";\rheart.to " + " ".join((address, *args))


def message(sheet: Sheet, text: str, x: float, y: float) -> float:
    """Such a box; the x after it."""
    shown = text.split("\r")[1]
    w = sheet.width_of(shown) + 6
    box = sheet.msg(text, x, y, w)
    box.box.patching_rect = box.box.patching_rect._replace(h=36.0)
    box.box._kwds["linecount"] = 2
    return x + w + 8


def parameters(sheet: Sheet) -> Sheet:
    """One row a parameter: set, norm, get, listen; what it is."""
    sheet.note(
        "Every parameter: click to set it, to set it as a fader 0..1, to ask for it, to be told when it changes.",
        20,
        14,
        900,
        14,
        INK,
    )
    for n, p in enumerate(PARAMS.values()):
        y = 50 + n * ROW
        message(sheet, said(f"/heart/set/{p.name}", _value(p)), 20, y)
        if p.continuous:
            message(sheet, said(f"/heart/norm/{p.name}", f"{value_to_norm(p, float(p.default)):.3g}"), 260, y)
        message(sheet, said(f"/heart/get/{p.name}"), 500, y)
        message(sheet, said(f"/heart/listen/{p.name}", "1"), 700, y)
        sheet.note(f"{p.words}: {range_text(p.arg())}", 930, y, 620)
    return sheet


def _value(p: Param) -> str:
    return f"{p.default:g}" if isinstance(p.default, float) else str(p.default)


def _fixed(direction: tuple[str, ...]) -> list[Row]:
    """One row of each family that belongs to no parameter."""
    return [rows[0] for rows in families().values() if rows[0].direction in direction and not rows[0].param]


def commands(sheet: Sheet) -> Sheet:
    """What can be said besides parameters."""
    sheet.note(
        "Everything else that the engine takes. heart.engine, heart.receive~ and heart.send~ say "
        "most of it by themselves.",
        20,
        14,
        900,
        14,
        INK,
    )
    for n, row in enumerate(_fixed(("in", "both"))):
        y = 50 + n * ROW
        args = [example(a) for a in row.args] + ([example(row.rest)] if row.rest else [])
        message(sheet, said(row.path, *args), 20, y)
        names = [a.name for a in row.args] + ([f"{row.rest.name} ..."] if row.rest else [])
        sheet.note(f"{row.words}. {', '.join(names)}", 420, y, 760)
    return sheet


def answers(sheet: Sheet) -> Sheet:
    """What the engine says, each shown as it comes."""
    sheet.note(
        "Everything the engine says, as it comes. Sound (/heart/audio/...) is heart.receive~'s.",
        20,
        14,
        900,
        14,
        INK,
    )
    said_by_engine = [row for row in _fixed(("out", "both")) if not row.path.startswith("/heart/audio")]
    for n, row in enumerate(said_by_engine):
        x, y = 20 + n % 3 * 430, 56 + n // 3 * 178
        sheet.note(f"{row.words}: {', '.join(a.name for a in row.args) or 'nothing'}", x + 150, y, 250, 11)
        route = sheet.obj("r heart.from", x, y) >> sheet.obj(f"route {row.path}", x, y + 74)
        route >> sheet.obj("prepend set", x, y + 106) >> sheet.msg("", x, y + 138, 400)
    return sheet
