"""A .maxhelp for each object: it in use, its ports and messages in words, and for heart.engine every address."""

from __future__ import annotations

from collections.abc import Callable

from max.build import addresses
from max.build.catalogue import Entry
from max.build.sheet import PACKAGE, Node, Section, Sheet
from max.build.style import GREY, INK, RED

Doors = list[tuple[str, str]]
"""("inlet" or "outlet", words) in order."""


def build(entry: Entry, doors: Doors, presented: tuple[float, float] = (0, 0)) -> Sheet:
    """The help patch: nothing but tabs."""
    top = Sheet(entry.name)
    tabs: list[tuple[str, Callable[[Sheet], object]]] = [
        ("basic", lambda sheet: _basic(sheet, entry, presented)),
        ("ports and messages", lambda sheet: _words(sheet, entry, doors)),
    ]
    if entry.name == "heart.engine":
        tabs += [
            ("parameters", addresses.parameters),
            ("commands", addresses.commands),
            ("answers", addresses.answers),
        ]
    for n, (name, fill) in enumerate(tabs):
        inner = Sheet(entry.name, parent=top)
        fill(inner)
        inner.patcher.showontab = 1
        top.sub(f'p "{name}"' if " " in name else f"p {name}", 20, 20 + n * 40, inner, ports=(0, []))
    top.patcher.showrootpatcherontab = 0
    top.patcher.showontab = 0
    return top


def _basic(sheet: Sheet, entry: Entry, presented: tuple[float, float]) -> None:
    sheet.title(entry.digest + ".", 760)
    sheet.note(entry.description, 20, 66, 760, 12, GREY)
    s = Section(sheet, 20, 130)
    _DEMOS[entry.name](s, presented)
    bottom = max(float(b.patching_rect[1] + b.patching_rect[3]) for b in sheet.patcher._boxes) + 20
    sheet.note(
        "See also: "
        + ", ".join(entry.see)
        + ".  The engine: heart live.  Every address: the help of heart.engine.",
        20,
        bottom,
        760,
        12,
        RED,
    )


def _words(sheet: Sheet, entry: Entry, doors: Doors) -> None:
    sheet.title(entry.digest + ".", 760)
    y = 80.0
    for title, rows in (
        ("Arguments", [f"{name}: {words}" for name, words in entry.args]),
        ("Inlets", [f"{n}  {words}" for n, words in enumerate((w for k, w in doors if k == "inlet"), 1)]),
        ("Messages", [f"{name}: {words}" for name, words in entry.messages]),
        ("Outlets", [f"{n}  {words}" for n, words in enumerate((w for k, w in doors if k == "outlet"), 1)]),
    ):
        if rows:
            sheet.note(title, 20, y, 200, 14, RED, fontface=1)
            y += 24
            for row in rows:
                y = sheet.note(row, 30, y, 720, 12, INK).below - 12
            y += 14


def shown(s: Section, source: Node, outlet: int, dx: float, row: float, w: float = 240) -> None:
    """What comes out there, in a message box."""
    source[outlet] >> s("prepend set", dx, row) >> s("()", dx, row + 1, w)


def loudspeaker(s: Section, source: Node, dx: float, row: float) -> None:
    """The first channel, with a volume, on both loudspeakers."""
    volume = s.ui(
        "live.gain~",
        dx,
        row,
        48,
        130,
        orientation=0,
        channels=1,
        parameter_enable=0,
        numinlets=1,
        numoutlets=4,
        outlettype=["signal", "", "float", "list"],
    )
    dac = s.ui("ezdac~", dx, row + 4.4, 45, 45)
    source >> volume >> dac
    volume >> dac[1]


def connection(s: Section, dx: float, row: float) -> None:
    """heart.engine and what it says."""
    engine = s("heart.engine", dx, row)
    engine >> s("prepend set", dx, row + 1) >> s("()", dx, row + 2, 330)


def _engine(s: Section, _: tuple[float, float]) -> None:
    engine = s("heart.engine 127.0.0.1 9700 9701", 10, 6)
    for n, text in enumerate(
        ("/heart/set/bpm 90", "/heart/set/label AS", "/heart/norm/gain 0.8", "/heart/panic", "/heart/resume")
    ):
        s(f"({text})", 10 + 30 * n, n) >> engine
    for n, text in enumerate(("hello", "myport 9711", "bye")):
        s(f"({text})", 250 + 60 * n + 40 * (n == 2), 4.9) >> engine
    s.note("any address of the engine", 200, 0.4, 160)
    s.note("about the connection", 470, 4.9, 160)
    shown(s, engine, 0, 10, 8.4, 330)
    engine[1] >> s.ui("number", 96, 7.4, 50, 22)
    shown(s, engine, 2, 360, 8.4, 330)
    shown(s, engine, 3, 360, 11, 330)
    s.note("how it stands, in words (and as a number)", 10, 10.6, 300)
    s.note("last error or alarm; below: everything it says", 480, 8.4, 280)


def _receive(s: Section, _: tuple[float, float]) -> None:
    connection(s, 360, 0)
    receive = s("heart.receive~ 1", 10, 2, 220)
    for n, text in enumerate(("array", "funnel", "js")):
        s(f"({text})", 10 + 60 * n, 0.4) >> receive
    loudspeaker(s, receive, 10, 4)
    receive[8] >> s.ui("number", 150, 5, 70, 22)
    receive[9] >> s.ui("number", 260, 5, 70, 22)
    s.note("reserve in ms", 150, 5.8, 100)
    s.note("underruns", 260, 5.8, 100)
    s.note("1. Start the engine: heart live.  2. Click the loudspeaker.", 360, 8, 340)


def _send(s: Section, _: tuple[float, float]) -> None:
    connection(s, 360, 0)
    source, ear = s.ui("ezadc~", 10, 0, 45, 45), s("heart.send~ 1", 10, 3)
    source >> ear
    s.note("a microphone or stethoscope", 70, 0.3, 200)
    heard = s("heart.heard", 10, 5, 260)
    heard >> s.ui("button", 10, 6.4, 40, 40)
    heard[4] >> s.ui("flonum", 140, 6.4, 70, 22)
    s.note("bpm heard", 216, 6.4, 100)
    addresses.message(s.sheet, addresses.said("/heart/set/mode", "follow"), s.x + 360, s.row(4))
    addresses.message(s.sheet, addresses.said("/heart/set/mode", "lead"), s.x + 360, s.row(5.4))
    s.note("follow: sing the heart that is heard", 560, 4, 220)


def _beat(s: Section, _: tuple[float, float]) -> None:
    connection(s, 360, 0)
    receive = s("heart.receive~", 360, 4, 200)
    loudspeaker(s, receive, 360, 5.4)
    beat = s("heart.beat", 10, 0, 300)
    beat >> s.ui("button", 10, 2, 60, 60)
    beat[1] >> s("snapshot~ 50", 85, 2) >> s.ui("slider", 85, 3.2, 120, 20, size=1.0, floatoutput=1, orientation=1)
    beat[2] >> s.ui("flonum", 156, 1.1, 60, 22)
    shown(s, beat, 3, 216, 4.4, 140)
    s.note("phase", 85, 4, 60)
    s.note("bpm", 220, 1.1, 60)
    s.note(
        "Outlet 5: a click of one sample, exactly where S1 sounds. Record it beside the heart to see.", 10, 7, 320
    )


def _heard(s: Section, _: tuple[float, float]) -> None:
    connection(s, 430, 0)
    heard = s("heart.heard", 10, 0, 380)
    heard >> s.ui("button", 10, 2, 40, 40)
    shown(s, heard, 1, 10, 4, 300)
    heard[2] >> s.ui("button", 92, 2, 40, 40)
    heard[4] >> s.ui("flonum", 174, 2, 70, 22)
    for n in range(4):
        shown(s, heard, 6 + n, 10 + 40 * (6 + n), 6.4 + 2.4 * (3 - n), 330)
    s.note("beat, expected beat, bpm", 250, 2, 160)
    for n, what in enumerate(("scene", "valve", "condition", "gate: is it a heart?")):
        s.note(what, 350 + 40 * n, 6.4 + 2.4 * (3 - n), 160)


def presented_box(s: Section, name: str, presented: tuple[float, float], row: float, dx: float = 10) -> Node:
    """A bpatcher that shows one of our faces."""
    ins, outs = PACKAGE[name]
    box = s.sheet.patcher.add_bpatcher(f"{name}.maxpat", numinlets=ins, numoutlets=len(outs), outlettype=outs)
    box.patching_rect = box.patching_rect._replace(x=s.x + dx, y=s.row(row), w=presented[0], h=presented[1])
    return Node(s.sheet, box)


def _morph(s: Section, presented: tuple[float, float]) -> None:
    connection(s, 360, 0)
    pad = presented_box(s, "heart.morph", presented, 3)
    for n, text in enumerate(("load 1 rain.wav", "load 2 heart.wav", "clear 1", "0.5 0.86")):
        s(f"({text})", 10 + 76 * n, n % 2 * 1.1) >> pad
    shown(s, pad, 0, 10, 13, 330)
    s.note("the weights of the slots", 100, 13, 200)
    s.note("Start the engine with a folder of sounds: heart live --sounds folder/", 360, 4, 340)


def _panel(s: Section, presented: tuple[float, float]) -> None:
    connection(s, 10, 0)
    receive = s("heart.receive~", 380, 0, 200)
    loudspeaker(s, receive, 380, 1.2)
    presented_box(s, "heart.panel", presented, 7.2)


def _cues(s: Section, _: tuple[float, float]) -> None:
    connection(s, 430, 0)
    cues = s("heart.cues", 10, 2.4, 330)
    for n, text in enumerate(("go", "to 2", "names")):
        s(f"({text})", 10 + 60 * n, 0.6) >> cues
    for n, words in enumerate(
        ("now: number, count, name", "state", "seconds", "seconds left", "next", "it waits", "list")
    ):
        shown(s, cues, n, 10 + 45 * n, 4 + 2.4 * (6 - n), 330)
        s.note(words, 350 + 45 * n, 5 + 2.4 * (6 - n), 180)
    s.note("Start the engine with a score: heart live --score FILE", 200, 0.6, 220)


_DEMOS: dict[str, Callable[[Section, tuple[float, float]], None]] = {
    "heart.engine": _engine, "heart.receive~": _receive, "heart.send~": _send, "heart.beat": _beat,
    "heart.heard": _heard, "heart.morph": _morph, "heart.cues": _cues, "heart.panel": _panel,
}  # fmt: skip
