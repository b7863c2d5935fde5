"""How each kind of box looks, as SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import Any

from py2max.core.common import text_width

Box = dict[str, Any]
Face = Callable[[Box, float, float, float, float], str]
RED, INK, EDGE, CREAM, ROSE = "#8b1e2d", "#2b2120", "#9a8f8a", "#fffaf7", "#f0d4ce"


def colour(value: Any, default: str) -> str:
    """Max's [red, green, blue, alpha] as CSS."""
    if not value:
        return default
    alpha = value[3] if len(value) > 3 else 1
    return "rgba({},{},{},{:g})".format(*(round(255 * v) for v in value[:3]), alpha)


def rect(x: float, y: float, w: float, h: float, fill: str, edge: str = EDGE, corner: float = 3) -> str:
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{corner}" fill="{fill}" stroke="{edge}"/>'


def path(d: str, stroke: str = RED, width: float = 2, more: str = "", fill: str = "none") -> str:
    return f'<path d="{d}" fill="{fill}" stroke="{stroke}" stroke-width="{width}" {more}/>'


def circle(x: float, y: float, r: float, fill: str, edge: str = RED, more: str = "") -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{fill}" stroke="{edge}" {more}/>'


def words(
    text: str, x: float, y: float, size: float = 12, fill: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    weight = "bold" if bold else "normal"
    style = f'font-size="{size:g}" fill="{fill}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{html.escape(text)}</text>'


def port_at(box: Box, index: int, below: bool) -> tuple[float, float]:
    """Where an outlet (below) or inlet of a box is."""
    x, y, w, h = box["patching_rect"]
    ports = max(1, int(box.get("numoutlets" if below else "numinlets", 1)))
    at = x + 7 + ((w - 14) * index / (ports - 1) if ports > 1 else 0)
    return at, y + h if below else y


def draw(box: Box, place: list[float]) -> str:
    """The box at `place`: x, y, width, height."""
    return _FACES.get(box["maxclass"], _object)(box, *place)


def _about(box: Box) -> dict[str, Any]:
    about: dict[str, Any] = box.get("saved_attribute_attributes", {}).get("valueof", {})
    return about


def _object(box: Box, x: float, y: float, w: float, h: float) -> str:
    text = box.get("text") or box["maxclass"]
    return rect(x, y, w, h, ROSE if text.startswith(("heart.", "p ")) else "#ffffff") + words(
        text, x + 6, y + h / 2 + 4.3
    )


def _message(box: Box, x: float, y: float, w: float, h: float) -> str:
    lines = box.get("text", "").split("\r")
    first = y + h / 2 + 4.3 - 7 * (len(lines) - 1)
    shown = "".join(words(line, x + 6, first + 14 * n) for n, line in enumerate(lines))
    return rect(x, y, w, h, "#ece4df", corner=7) + shown


def _comment(box: Box, x: float, y: float, w: float, h: float) -> str:
    size, fill = float(box.get("fontsize", 12)), colour(box.get("textcolor"), INK)
    lines: list[str] = []
    for paragraph in box.get("text", "").split("\n"):
        line = ""
        for word in paragraph.split():
            if line and text_width(f"{line} {word}", size) > w - 8:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    bold = bool(box.get("fontface"))
    return "".join(
        words(line, x + 4, y + 3 + size + i * (size + 2.6), size, fill, bold=bold) for i, line in enumerate(lines)
    )


def _panel(box: Box, x: float, y: float, w: float, h: float) -> str:
    fill = colour(box.get("bgcolor"), "#dddddd")
    return rect(x, y, w, h, fill, fill, box.get("rounded", 2))


def _cells(box: Box, x: float, y: float, w: float, h: float) -> str:
    """A list with some rows in it, the third of them marked."""
    high, out = box["rowheight"], rect(x, y, w, h, colour(box.get("bgcolor"), CREAM), "none")
    out += rect(x, y + 2 * high, w, high, colour(box.get("hcellcolor"), RED), "none", 0)
    for n, row in enumerate(SOME_CUES[: int(h // high)]):
        for text, left in zip((str(n + 1), *row), (8, 52, 276, 344)):
            out += words(text, x + left, y + high * n + high / 2 + 6, 17, colour(box.get("textcolor"), INK))
    return out


def _lit(box: Box, x: float, y: float, w: float, h: float) -> str:
    """The picture of the concert patch at a beat."""
    cx, cy = x + w / 2, y + h / 2
    turns = [2 * math.pi * n / 32 for n in range(33)]
    heart = " L".join(
        f"{cx + 5.6 * 16 * math.sin(t) ** 3:.1f} "
        f"{cy - 5.6 * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)):.1f}"
        for t in turns
    )
    ring = circle(cx, cy, h * 0.43, "none", RED, 'stroke-width="4"')
    return rect(x, y, w, h, "#120c0e", "none", 0) + ring + path(f"M{heart} z", "none", 0, fill="#f25444")


def _door(box: Box, x: float, y: float, w: float, h: float) -> str:
    up = box["maxclass"] == "outlet"
    tip, way = (y + h - 6, -5) if up else (y + 6, 5)
    arrow = path(f"M{x + w / 2 - 5} {tip} h10 l-5 {way} z", "none", 0, fill=RED)
    return rect(x, y, w, h, "#f6dcd8") + arrow + words(str(box["index"]), x + w / 2, y + h / 2 + 6, anchor="middle")


def _button(box: Box, x: float, y: float, w: float, h: float) -> str:
    return rect(x, y, w, h, CREAM) + circle(x + w / 2, y + h / 2, min(w, h) / 2 - 3, "none")


def _led(box: Box, x: float, y: float, w: float, h: float) -> str:
    return circle(x + w / 2, y + h / 2, min(w, h) / 2 - 2, colour(box.get("oncolor"), RED), "none")


def _toggle(box: Box, x: float, y: float, w: float, h: float) -> str:
    lines = f"M{x + 6} {y + 6} L{x + w - 6} {y + h - 6} M{x + w - 6} {y + 6} L{x + 6} {y + h - 6}"
    return rect(x, y, w, h, CREAM) + path(lines)


def _number(box: Box, x: float, y: float, w: float, h: float) -> str:
    mark = path(f"M{x + 4} {y + h / 2 - 4} v8 l5 -4 z", "none", 0, fill=RED)
    fill, ink = colour(box.get("bgcolor"), CREAM), colour(box.get("textcolor"), INK)
    return rect(x, y, w, h, fill) + mark + words("0", x + 14, y + h / 2 + 4.3, fill=ink)


def _live_number(box: Box, x: float, y: float, w: float, h: float) -> str:
    value = _about(box).get("parameter_initial", ["0"])[0]
    return rect(x, y, w, h, CREAM) + words(str(value), x + w / 2, y + h / 2 + 4, 11, anchor="middle")


def _dial(box: Box, x: float, y: float, w: float, h: float) -> str:
    about = _about(box)
    low, high = about["parameter_mmin"], about["parameter_mmax"]
    value = about["parameter_initial"][0]
    share, r, cx, cy = (value - low) / (high - low or 1), 12.0, x + w / 2, y + 28

    def at(turn: float) -> str:
        angle = math.radians(135 + 270 * turn)
        return f"{cx + r * math.cos(angle):.1f} {cy + r * math.sin(angle):.1f}"

    arc = path(f"M{at(0)} A{r} {r} 0 1 1 {at(1)}", "#cdbfb8", 3)
    arc += path(f"M{at(0)} A{r} {r} 0 {int(share > 2 / 3)} 1 {at(share)}", RED, 3) if share else ""
    name = about["parameter_shortname"]
    needle = path(f"M{cx} {cy} L{at(share)}", "#3a2a28")
    return (
        arc
        + needle
        + words(name, cx, y + 11, 9.5, anchor="middle")
        + words(f"{value:g}", cx, y + h - 2, 9.5, anchor="middle")
    )


def _live_text(box: Box, x: float, y: float, w: float, h: float) -> str:
    fill, ink = colour(box.get("activebgcolor"), ROSE), colour(box.get("activetextcolor"), INK)
    size = float(box.get("fontsize", 11))
    return rect(x, y, w, h, fill) + words(
        box.get("text", ""), x + w / 2, y + h / 2 + 0.36 * size, size, ink, "middle", True
    )


def _menu(box: Box, x: float, y: float, w: float, h: float) -> str:
    first = str(_about(box).get("parameter_enum", [""])[0])
    mark = path(f"M{x + w - 14} {y + h / 2 - 3} h8 l-4 6 z", "none", 0, fill=RED)
    return rect(x, y, w, h, CREAM) + words(first, x + 8, y + h / 2 + 4, 11) + mark


def _tabs(box: Box, x: float, y: float, w: float, h: float) -> str:
    names = _about(box)["parameter_enum"]
    cell, out = w / len(names), ""
    for i, name in enumerate(names):
        fill, ink = (RED, "#ffffff") if not i else (ROSE, INK)
        out += rect(x + i * cell, y, cell - 2, h, fill)
        out += words(str(name), x + i * cell + cell / 2, y + h / 2 + 4, 11, ink, "middle")
    return out


def _fader(box: Box, x: float, y: float, w: float, h: float) -> str:
    if w > 2 * h:
        dark = colour(box.get("bgcolor"), "#241a1d" if box.get("slidercolor") else "#e3d7d0")
        bright = colour(box.get("knobcolor"), "#a44b57")
        return rect(x, y, w, h, dark, "none") + rect(x, y, w * 0.62, h, bright, "none")
    return rect(x, y, w, h, "#e3d7d0") + rect(x, y + h * 0.4, w, h * 0.6, "#a44b57", "none")


def _nodes(box: Box, x: float, y: float, w: float, h: float) -> str:
    out = rect(x, y, w, h, CREAM)
    for i, (nx, ny, size) in enumerate(zip(box["xplace"], box["yplace"], box["nsize"], strict=True), 1):
        cx, cy = x + nx * w, y + (1 - ny) * h
        out += circle(cx, cy, size * min(w, h) / 2, RED, more='opacity="0.16"')
        out += words(str(i), cx, cy + 4, 12, RED, "middle", True)
    return out + circle(x + w / 2, y + h / 2, 6, INK, "none")


def _bpatcher(box: Box, x: float, y: float, w: float, h: float) -> str:
    return rect(x, y, w, h, "#f6eee8", RED) + words(box["name"], x + w / 2, y + h / 2, 13, RED, "middle")


def _loudspeaker(box: Box, x: float, y: float, w: float, h: float) -> str:
    cx, cy = x + w / 2 - 8, y + h / 2
    horn = path(f"M{cx - 8} {cy - 5} h7 l9 -8 v26 l-9 -8 h-7 z", "none", 0, fill=RED)
    return (
        rect(x, y, w, h, colour(box.get("bgcolor"), CREAM), corner=8)
        + horn
        + path(f"M{cx + 14} {cy - 8} q6 8 0 16")
    )


SOME_CUES = (
    ("A heart alone", "1:05", "GO"), ("Breath and rain", "1:10", "-"), ("Arrhythmia", "1:24", "GO"),
    ("Valve by valve", "1:40", "GO"), ("Storm", "0:50", "-"), ("The fall", "0:20", "-"), ("Recovery", "1:15", "GO"),
    ("Coda", "0:40", "-"), ("Silence", "0:10", "-"),
)  # fmt: skip
"""For pictures of a list of cues."""

_FACES: dict[str, Face] = {
    "jit.cellblock": _cells,
    "jit.pwindow": _lit,
    "message": _message,
    "comment": _comment,
    "panel": _panel,
    "led": _led,
    "live.numbox": _live_number,
    "live.dial": _dial,
    "live.text": _live_text,
    "live.menu": _menu,
    "live.tab": _tabs,
    "nodes": _nodes,
    "bpatcher": _bpatcher,
    **dict.fromkeys(("inlet", "outlet"), _door),
    **dict.fromkeys(("button", "live.button"), _button),
    **dict.fromkeys(("toggle", "live.toggle"), _toggle),
    **dict.fromkeys(("number", "flonum", "textedit"), _number),
    **dict.fromkeys(("slider", "live.gain~", "live.meter~"), _fader),
    **dict.fromkeys(("ezdac~", "ezadc~"), _loudspeaker),
}
