"""Pure Data canvases written from Python: boxes at chosen places, wires as `a >> b`, one canvas inside another.

    c = Canvas("example", 400, 200)
    a, b = c.obj(20, 20, "loadbang"), c.msg(20, 50, "1")
    a >> b                      # outlet 0 to inlet 0
    a[0] >> b[1]                # outlet 0 to inlet 1
    c.text_of()                 # the lines of the .pd file

A canvas knows how large its boxes are, so that `overlaps` can tell which cover each other.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field

from pd_patches.boxes import Box, escape, words

CHAR, LINE = 7, 15
"""Pixels of a character and of a line at Pd's font size 12."""

WRAP = 60
"""Characters after which Pd breaks the line of a box without a width of its own."""

RED, INK, PAPER, CARD = "#8b1e2d", "#333333", "#f6eee8", "#f0d4ce"


@dataclass(eq=False)
class Canvas:
    """A patch, or a subpatch once it is given to `sub`. Sizes in pixels."""

    name: str
    width: int
    height: int
    lines: list[str] = field(default_factory=list)
    wires: list[tuple[int, int, int, int]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    inside: list[Canvas] = field(default_factory=list)
    graph: tuple[int, int, int, int] | None = None
    """Of a graph-on-parent canvas: x, y, width, height of what its parent shows."""
    whole: tuple[int, int, int, int] = (0, -1, 1, 1)
    """The coordinates of that graph: left, top, right, bottom; Pd's own default is one unit a pixel."""
    who: str = ""
    """The argument that names the engine, as "$1": `&tell` means heart-$1-tell, `@epoch` heart_epoch_$1."""

    path: str = ""
    """A folder, as seen from the patch, in which Pd looks for objects, too."""

    # --- boxes

    def add(self, x: int, y: int, line: str, size: tuple[int, int], name: str = "", solid: bool = True) -> Box:
        box = Box(self, len(self.boxes), x, y, *size, name or line, solid)
        self.lines.append(line)
        self.boxes.append(box)
        return box

    def _text_box(self, kind: str, x: int, y: int, text: str, chars: int, margin: int) -> Box:
        text = self._named(text) if kind != "text" else text
        tail = f", f {chars}" if chars else ""
        shown = max(len(line) for line in _wrapped(text, chars or WRAP))
        height = len(_wrapped(text, chars or WRAP)) * LINE + margin
        width = max(3, shown if kind == "text" else chars or shown) * CHAR + margin
        return self.add(x, y, f"#X {kind} {x} {y} {escape(text)}{tail};", (width, height), text)

    def _named(self, text: str) -> str:
        """Names with the engine's own in them: `&x` for sends, `@x` for the values that expr boxes share."""
        text = re.sub(r"@(?=[a-z])(\w+)", rf"heart_\1_{self.who}", text)
        text = re.sub(r"&(?=[a-z$])([\w$-]+)", rf"heart-{self.who}-\1", text)
        mixed = [w for w in text.split() if re.search(r"\$f\d", w) and re.search(r"\$\d", w)]
        assert not mixed, f"Pd expands only one kind of dollar in a word: {mixed}"
        return text

    def obj(self, x: int, y: int, text: str, chars: int = 0) -> Box:
        return self._text_box("obj", x, y, text, chars, 5)

    def msg(self, x: int, y: int, text: str, chars: int = 0) -> Box:
        return self._text_box("msg", x, y, text, chars, 7)

    def text(self, x: int, y: int, text: str, chars: int = WRAP) -> Box:
        assert ";" not in text, "Pd begins a new line after a semicolon"
        return self._text_box("text", x, y, text, chars, 2)

    def head(self, text: str, chars: int = WRAP) -> Box:
        """What this canvas is, at its top."""
        return self.text(20, 14, text, chars)

    @staticmethod
    def height_of(text: str, chars: int) -> int:
        """Pixels of a comment that is broken after so many characters."""
        return len(_wrapped(text, chars)) * LINE + 2

    def column(self, x: int, y: int, *texts: str, step: int = 28) -> list[Box]:
        """Boxes under each other, each wired to the next; "( text" makes a message box."""
        made: list[Box] = []
        for text in texts:
            make = self.msg if text.startswith("( ") else self.obj
            made.append(make(x, y, text.removeprefix("( ")))
            y = max(y + step, y + made[-1].height + 8)
            if len(made) > 1:
                made[-2] >> made[-1]
        return made

    def sub(self, x: int, y: int, canvas: Canvas) -> Box:
        """`canvas` as a box, or as a window of its own where it is graph-on-parent."""
        self.inside.append(canvas)
        size = canvas.graph[2:] if canvas.graph else ((len(canvas.name) + 3) * CHAR + 5, LINE + 5)
        line = "\n".join(canvas.text_of(inner=True)) + f"\n#X restore {x} {y} pd {escape(canvas.name)};"
        return self.add(x, y, line, size, f"pd {canvas.name}")

    # --- what hands touch and eyes see

    def window(self, x: int, y: int, text: str, size: tuple[int, int]) -> Box:
        """An object that shows a part of itself here."""
        return self.add(x, y, f"#X obj {x} {y} {escape(text)};", size, text)

    def meter(self, x: int, y: int, receive: str) -> Box:
        return self.add(
            x, y, f"#X obj {x} {y} vu 15 120 {receive} empty -1 -8 0 10 #404040 {INK} 0 0;", (20, 120), "vu"
        )

    def card(
        self,
        x: int,
        y: int,
        width: int,
        height: int,
        label: str = "",
        colour: str = PAPER,
        font: int = 12,
        ink: str = "#5a3030",
        receive: str = "empty",
        middle: int = 0,
    ) -> Box:
        """A coloured ground with words; `middle`: pixels from its top to their middle."""
        label, middle = _label(label), middle or (font if font < 20 else 30)
        line = (
            f"#X obj {x} {y} cnv 12 {width} {height} empty {escape(receive)} {label} 8 {middle} "
            f"0 {font} {colour} {ink} 0;"
        )
        return self.add(x, y, line, (width, height), f"cnv {label}", solid=False)

    def bang(
        self,
        x: int,
        y: int,
        size: int,
        send: str = "empty",
        receive: str = "empty",
        label: str = "",
        colour: str = RED,
        ground: str = "#ffffff",
        ink: str = INK,
        font: int = 11,
        at: tuple[int, int] | None = None,
    ) -> Box:
        """A button; its label is at its right, or `at` pixels from its corner."""
        dx, dy = at or (size + 6, size // 2)
        line = (
            f"#X obj {x} {y} bng {size} 120 50 0 {escape(send)} {escape(receive)} {_label(label)} "
            f"{dx} {dy} 0 {font} {ground} {colour} {ink};"
        )
        return self.add(x, y, line, _with_label(size + 1, size + 1, "" if at else label), f"bng {label}")

    def toggle(
        self,
        x: int,
        y: int,
        size: int = 19,
        send: str = "empty",
        receive: str = "empty",
        label: str = "",
        on: bool = False,
        ground: str = "#ffffff",
        ink: str = RED,
    ) -> Box:
        line = (
            f"#X obj {x} {y} tgl {size} {int(on)} {escape(send)} {escape(receive)} {_label(label)} "
            f"{size + 6} {size // 2} 0 11 {ground} {ink} {INK} {int(on)} 1;"
        )
        return self.add(x, y, line, _with_label(size + 1, size + 1, label), f"tgl {label}")

    def slider(
        self,
        x: int,
        y: int,
        width: int,
        low: float,
        high: float,
        send: str = "empty",
        receive: str = "empty",
        label: str = "",
        log: bool = False,
        start: int = 0,
        load: bool = False,
        ground: str = "#ffffff",
    ) -> Box:
        """`start` in hundredths of a pixel, as Pd keeps it; told when the patch opens if `load`."""
        line = (
            f"#X obj {x} {y} hsl {width} 17 {low:g} {high:g} {int(log)} {int(load)} {escape(send)} "
            f"{escape(receive)} {_label(label)} {width + 8} 8 0 11 {ground} {RED} {INK} {start} 1;"
        )
        return self.add(x, y, line, _with_label(width + 5, 18, label), f"hsl {label}")

    def column_of_cells(self, x: int, y: int, cells: int, size: int, send: str, ground: str, ink: str) -> Box:
        line = (
            f"#X obj {x} {y} vradio {size} 1 0 {cells} {escape(send)} empty empty 0 -9 0 11 {ground} {ink} {INK} 0;"
        )
        return self.add(x, y, line, (size + 1, size * cells + 1), "vradio")

    def radio(
        self, x: int, y: int, cells: int, send: str = "empty", receive: str = "empty", label: str = ""
    ) -> Box:
        line = (
            f"#X obj {x} {y} hradio 19 1 0 {cells} {escape(send)} {escape(receive)} {_label(label)} "
            f"0 -9 0 11 #ffffff {RED} {INK} 0;"
        )
        size = max(19 * cells + 1, len(label) * CHAR), 20 + LINE
        return self.add(x, y - LINE, line, size, f"hradio {label}")

    def number(
        self,
        x: int,
        y: int,
        chars: int,
        label: str = "-",
        receive: str = "-",
        send: str = "-",
        size: int = 12,
        right: bool = False,
    ) -> Box:
        return self._atom("floatatom", x, y, chars, label, receive, send, size, right)

    def symbol(
        self,
        x: int,
        y: int,
        chars: int,
        label: str = "-",
        receive: str = "-",
        send: str = "-",
        size: int = 12,
        right: bool = False,
    ) -> Box:
        return self._atom("symbolatom", x, y, chars, label, receive, send, size, right)

    def _atom(
        self, kind: str, x: int, y: int, chars: int, label: str, receive: str, send: str, size: int, right: bool
    ) -> Box:
        label = words(label)
        line = f"#X {kind} {x} {y} {chars} 0 0 {1 if right else 2} {label} {escape(receive)} {escape(send)} {size};"
        wide, high = round(chars * size * 0.6) + 5, size + 8
        if right or label == "-":
            return self.add(x, y, line, _with_label(wide, high, label), f"{kind} {label}")
        return self.add(x, y - LINE, line, (max(wide, len(label) * CHAR), high + LINE), f"{kind} {label}")

    # --- the file

    def text_of(self, inner: bool = False) -> list[str]:
        """The lines of the .pd file."""
        head = f"#N canvas 60 60 {self.width} {self.height}" + (f" {escape(self.name)} 0;" if inner else " 12;")
        wires = [f"#X connect {a} {o} {b} {i};" for a, o, b, i in self.wires]
        coords = []
        if self.graph:
            x, y, width, height = self.graph
            coords = [f"#X coords {' '.join(map(str, self.whole))} {width} {height} 2 {x} {y};"]
        declared = [f"#X declare -path {self.path};"] if self.path else []
        return [head, *declared, *self.lines, *wires, *coords]

    def overlaps(self) -> list[str]:
        """Boxes that cover each other, here and inside."""
        solid = [box for box in self.boxes if box.solid]
        found = [
            f"{self.name}: {a.name!r} at {a.x} {a.y} and {b.name!r} at {b.x} {b.y}"
            for n, a in enumerate(solid)
            for b in solid[n + 1 :]
            if a.covers(b)
        ]
        return found + [line for canvas in self.inside for line in canvas.overlaps()]


def _with_label(width: int, height: int, label: str) -> tuple[int, int]:
    """The size of a control with its label at the right."""
    return width + (8 + len(label) * CHAR if label.strip("-") else 0), height


def _label(text: str) -> str:
    return words(text) or "empty"


def _wrapped(text: str, chars: int) -> list[str]:
    return textwrap.wrap(text, chars) or [""]
