"""One patch on squared paper: boxes where a hand put them, cords drawn with `>>`.

    sheet = Sheet("heart.send~")
    part = sheet.section(1, "The clock", "Counts samples.", 20, 90, 300)
    clock = part("metro 5", 10, 0)                                # 10 right, on the first row
    clock >> part("snapshot~", 10, 1)                             # outlet 1 to inlet 1
    unpack[2] >> store[1]                                         # third outlet to second inlet
    sheet.save(folder / "patchers" / "heart.send~.maxpat")

py2max holds the patch (strict: a cord to a port that is not there raises) and writes it.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from max.build.style import GREY, INK, LINE, MARGIN, PAPER, RED, STEP, Colour
from py2max import Patcher
from py2max.core.common import Rect, box_width_for, text_width
from py2max.m4l import pack_amxd

Ports = tuple[int, list[str]]
"""Inlets of an object, and the types of its outlets: "signal" or ""."""

PACKAGE: dict[str, Ports] = {}
"""The ports of our own objects, known once their sheet is saved."""

VERSION = {"major": 8, "minor": 6, "revision": 0, "architecture": "x64", "modernui": 1}
"""Of Max: the oldest that has `array.tobuffer`."""


class Port:
    """One inlet or outlet of a node, counted from 0."""

    def __init__(self, node: Node, index: int) -> None:
        self.node, self.index = node, index

    def __rshift__(self, to: Node | Port) -> Node:
        target = to if isinstance(to, Port) else to[0]
        self.node.sheet.patcher.add_patchline(self.node.box.id, self.index, target.node.box.id, target.index)
        return target.node


class Node:
    """A box on a sheet."""

    def __init__(self, sheet: Sheet, box: Any) -> None:
        self.sheet, self.box = sheet, box

    def __getitem__(self, index: int) -> Port:
        return Port(self, index)

    def __rshift__(self, to: Node | Port) -> Node:
        return self[0] >> to

    @property
    def below(self) -> float:
        """y of the first free line under this box."""
        rect = self.box.patching_rect
        return float(rect.y + rect.h) + (STEP - LINE)

    def present(self, x: float, y: float, w: float, h: float) -> Node:
        """Show it in presentation mode, there."""
        self.box.presentation = 1
        self.box.presentation_rect = [x, y, w, h]
        return self


class Section:
    """A part of a sheet with rows of its own: `section("metro 20", 40, 3)` puts a box 40 right, on row 3."""

    def __init__(self, sheet: Sheet, x: float, y: float) -> None:
        self.sheet, self.x, self.y = sheet, x, y

    def __call__(self, text: str, dx: float, row: float, w: float | None = None, **more: Any) -> Node:
        """An object box; a message box when the text stands in parentheses."""
        make = self.sheet.msg if text.startswith("(") else self.sheet.obj
        return make(text[1:-1] if text.startswith("(") else text, self.x + dx, self.row(row), w, **more)

    def row(self, row: float) -> float:
        return round(self.y + row * STEP)

    def down(self, dx: float, row: float, *texts: str) -> list[Node]:
        """Boxes one under the other, each joined to the next (outlet 1 to inlet 1)."""
        nodes = [self(text, dx, row + i) for i, text in enumerate(texts)]
        for above, below in pairwise(nodes):
            above >> below
        return nodes

    def ui(self, maxclass: str, dx: float, row: float, w: float, h: float, **more: Any) -> Node:
        return self.sheet.ui(maxclass, self.x + dx, self.row(row), w, h, **more)

    def note(self, text: str, dx: float, row: float, w: float = 220) -> Node:
        return self.sheet.note(text, self.x + dx, self.row(row), w)

    def inlet(self, dx: float, row: float, words: str) -> Node:
        return self.sheet.inlet(self.x + dx, self.row(row), words)

    def outlet(self, dx: float, row: float, words: str) -> Node:
        return self.sheet.outlet(self.x + dx, self.row(row), words)


class Sheet:
    """A patcher being laid out. `local` begins the names that belong to one instance: `#0.`, or `---` in Live."""

    def __init__(self, name: str, local: str = "#0.", parent: Sheet | None = None) -> None:
        self.name, self.local = name, local
        self.presentation = (0.0, 0.0)
        """Width and height of its face, where it has one."""
        self.window: tuple[float, float] | None = None
        """Of its window, where that is not as large as what is on it."""
        self.dark: Colour = PAPER
        """Its ground while it is locked."""
        self.patcher: Any = Patcher(
            parent=parent.patcher if parent else None, on_invalid="raise", validate_attrs=True, strict=True
        )
        self.patcher.appversion = dict(VERSION)
        self.doors: list[tuple[str, str]] = []
        """("inlet" or "outlet", what it is), in the order they were made, which is that of their x."""

    # --- boxes

    def obj(self, text: str, x: float, y: float, w: float | None = None, **more: Any) -> Node:
        """An object box; our own objects get the ports their sheets have."""
        ins, outs = PACKAGE.get(text.split()[0], (None, None))
        if outs is not None:
            more = {"numinlets": ins, "numoutlets": len(outs), "outlettype": outs, **more}
        box = self.patcher.add_textbox(text, patching_rect=Rect(x, y, w or 60, LINE), **more)
        if w is None:
            box.patching_rect = Rect(x, y, self.width_of(text, max(box.numinlets, box.numoutlets)), LINE)
        return Node(self, box)

    @staticmethod
    def width_of(text: str, ports: int = 1) -> float:
        return float(max(34.0, round(box_width_for(text, ports, 12.0))))

    def msg(self, text: str, x: float, y: float, w: float | None = None, **more: Any) -> Node:
        width = w or max(32.0, round(text_width(text, 12.0)) + 14.0)
        return Node(self, self.patcher.add_message(text, patching_rect=Rect(x, y, width, LINE), **more))

    def ui(self, maxclass: str, x: float, y: float, w: float, h: float, **more: Any) -> Node:
        """A box with a face: `button`, `live.dial`, `umenu`, ..."""
        label = more.pop("text", None)
        node = Node(self, self.patcher.add_textbox(maxclass, patching_rect=Rect(x, y, w, h), **more))
        if label is not None:
            node.box._kwds["text"] = label
        return node

    def note(
        self, text: str, x: float, y: float, w: float = 220, size: float = 12, colour: Colour = GREY, **more: Any
    ) -> Node:
        """A comment as wide as `w`, as high as its text needs."""
        rows = max(1, lines_of(text, w, size))
        rect = Rect(x, y, w, round(rows * (size + 2.6)) + 6.0)
        more = {"fontsize": size, "textcolor": colour, **more}
        if rows > 1:
            more["linecount"] = rows
        return Node(self, self.patcher.add_comment(text, rect, **more))

    def section(self, number: int | str, title: str, words: str, x: float, y: float, w: float) -> Section:
        """A heading with a line under it and a sentence; boxes are then put on its rows."""
        self.note(f"{number}  {title}" if number else title, x, y, w, 14, RED, fontface=1)
        self.ui("panel", x, y + 24, w, 2, bgcolor=RED, border=0)
        top = self.note(words, x, y + 29, w).box.patching_rect if words else Rect(x, y + 20, w, 10)
        return Section(self, x, top.y + top.h + 8)

    def title(self, words: str, w: float = 620) -> None:
        """Name and purpose of the patch, at its top."""
        self.note(self.name, MARGIN, 12, 260, 22, RED, fontface=1)
        self.note(words, MARGIN, 44, w, 13, INK)

    def inlet(self, x: float, y: float, words: str) -> Node:
        return self._door("inlet", x, y, words)

    def outlet(self, x: float, y: float, words: str) -> Node:
        return self._door("outlet", x, y, words)

    def _door(self, maxclass: str, x: float, y: float, words: str) -> Node:
        self.doors.append((maxclass, words))
        door = self.ui(maxclass, x, y, 30, 30, index=sum(kind == maxclass for kind, _ in self.doors))
        door.box.comment = words  # what Max shows over the port; py2max's own `comment` is a text beside the box
        return door

    def sub(self, text: str, x: float, y: float, inner: Sheet, ports: Ports | None = None, **more: Any) -> Node:
        """`p something` with `inner` inside."""
        inner.fit()
        ins, outs = ports or inner.ports()
        return Node(
            self,
            self.patcher.add_subpatcher(
                text,
                patcher=inner.patcher,
                patching_rect=Rect(x, y, self.width_of(text, max(ins, len(outs))), LINE),
                numinlets=ins,
                numoutlets=len(outs),
                outlettype=outs or [""],
                **more,
            ),
        )

    # --- the finished sheet

    def ports(self) -> Ports:
        """What a box of this patch has. An outlet carries sound where its words begin with (signal)."""
        outs = ["signal" if words.startswith("(signal)") else "" for kind, words in self.doors if kind == "outlet"]
        return sum(kind == "inlet" for kind, _ in self.doors), outs

    def fit(self, least: tuple[float, float] = (200.0, 120.0)) -> None:
        """Make the window as large as what is on it, and warm as paper."""
        rects = [box.patching_rect for box in self.patcher._boxes]
        right = max([r[0] + r[2] for r in rects] + [least[0]]) + MARGIN
        bottom = max([r[1] + r[3] for r in rects] + [least[1]]) + MARGIN
        width, height = self.window or (round(right), round(bottom))
        self.patcher.rect = Rect(80.0, 100.0, float(width), float(height))
        self.patcher.editing_bgcolor = PAPER
        self.patcher.locked_bgcolor = self.dark

    def save(self, path: Path) -> None:
        """Write .maxpat or .maxhelp, and let other sheets use it as an object."""
        self.fit()
        if path.suffix == ".maxpat":
            PACKAGE[path.stem] = self.ports()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.json(), encoding="utf-8")

    def save_device(self, path: Path) -> None:
        """Write .amxd (an audio effect), the same bytes each time."""
        from py2max.m4l import ensure_amxd_project_block

        self.fit()
        whole = self.whole()
        ensure_amxd_project_block(whole, device_type="audio_effect", mtime=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            pack_amxd(compact_json(whole), device_type="audio_effect", patcher_filename=path.name, mtime=0)
        )

    def json(self) -> str:
        return compact_json(self.whole())

    def whole(self) -> dict[str, Any]:
        """The patch as Max reads it. py2max forgets which outlets of a subpatcher carry sound."""
        whole: dict[str, Any] = self.patcher.to_dict()
        _mark_signals(whole["patcher"])
        return whole


def _mark_signals(patcher: dict[str, Any]) -> None:
    for entry in patcher["boxes"]:
        inner = entry["box"].get("patcher")
        if inner:
            outlets = [e["box"] for e in inner["boxes"] if e["box"]["maxclass"] == "outlet"]
            entry["box"]["outlettype"] = ["signal" if o["comment"].startswith("(signal)") else "" for o in outlets]
            _mark_signals(inner)


def compact_json(whole: dict[str, Any]) -> str:
    """Indented JSON in which each box and each cord is a line of its own, so that a diff reads like the patch."""
    import json

    def walk(value: Any, depth: int) -> str:
        pad = "\t" * depth
        if isinstance(value, dict) and ("patcher" in value or "boxes" in value or "box" in value):
            if "box" in value and "patcher" not in value["box"]:
                return json.dumps(value, ensure_ascii=False)
            inner = ",\n".join(f"{pad}\t{json.dumps(k)}: {walk(v, depth + 1)}" for k, v in value.items())
            return "{\n" + inner + "\n" + pad + "}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n" + ",\n".join(f"{pad}\t{walk(v, depth + 1)}" for v in value) + "\n" + pad + "]"
        return json.dumps(value, ensure_ascii=False)

    return walk(whole, 0) + "\n"


def lines_of(text: str, width: float, size: float) -> int:
    """Lines that Max breaks `text` into, `width` pixels wide; a little on the safe side."""
    rows = 0
    for paragraph in text.split("\n"):
        rows, used = rows + 1, 0.0
        for word in paragraph.split():
            w = text_width(word + " ", size) * 1.04
            if used and used + w > width - 10:
                rows, used = rows + 1, 0.0
            used += w
    return rows
