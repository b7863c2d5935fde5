"""A patch as SVG, patching view or presentation: what a human will see, near enough to judge it without Max."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from max.build.faces import Box, colour, draw, path, port_at, rect
from max.build.lint import read

CORD, SIGNAL = "#6d625e", "#c08a00"
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"


def svg(patcher: dict[str, Any], presentation: bool = False, package: Path | None = None) -> str:
    """The patch (what stands under "patcher" in a .maxpat) drawn; with `package`, also what bpatchers show."""
    key = "presentation_rect" if presentation else "patching_rect"
    boxes = [entry["box"] for entry in patcher["boxes"] if entry["box"].get("presentation") or not presentation]
    boxes.sort(key=lambda box: box["maxclass"] != "panel")
    right = max(box[key][0] + box[key][2] for box in boxes) + 16
    bottom = max(box[key][1] + box[key][3] for box in boxes) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right:.0f}" height="{bottom:.0f}" font-family="{FONT}">',
        rect(
            0,
            0,
            right,
            bottom,
            colour(patcher.get("locked_bgcolor" if presentation else "editing_bgcolor"), "#e5e5e5"),
            "none",
        ),
        *(draw(box, box[key]) for box in boxes),
        *(_inside(box, box[key], package) for box in boxes if package and box["maxclass"] == "bpatcher"),
    ]
    if not presentation:
        parts += [_ports(box) for box in boxes] + _cords(patcher, {box["id"]: box for box in boxes})
    return "\n".join(parts) + "\n</svg>\n"


def _inside(box: Box, place: list[float], package: Path) -> str:
    """The face of the patch that a bpatcher shows, clipped to its frame."""
    face = svg(read(package / "patchers" / box["name"]), presentation=True)
    x, y, w, h = place
    return face.replace("<svg ", f'<svg x="{x}" y="{y}" viewBox="0 0 {w} {h}" ', 1).replace(
        face[face.index('width="') : face.index(" font-family")], f'width="{w}" height="{h}"', 1
    )


def _ports(box: Box) -> str:
    if box["maxclass"] in ("panel", "comment"):
        return ""
    places = [port_at(box, i, False) for i in range(int(box.get("numinlets", 0)))]
    places += [port_at(box, i, True) for i in range(int(box.get("numoutlets", 0)))]
    return "".join(rect(x - 3, y - 1, 6, 2, CORD, "none", 0) for x, y in places)


def _cords(patcher: dict[str, Any], boxes: dict[str, Box]) -> list[str]:
    cords = []
    for line in patcher["lines"]:
        (source, outlet), (target, inlet) = (line["patchline"][end][:2] for end in ("source", "destination"))
        x1, y1 = port_at(boxes[source], outlet, True)
        x2, y2 = port_at(boxes[target], inlet, False)
        types = boxes[source].get("outlettype") or []
        sound = outlet < len(types) and types[outlet] == "signal"
        bend = max(8.0, min(30.0, abs(y2 - y1) / 2))
        curve = f"M{x1:.1f} {y1:.1f} C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
        cords.append(path(curve, SIGNAL, 2.2, 'stroke-dasharray="5 2"') if sound else path(curve, CORD, 1.1))
    return cords
