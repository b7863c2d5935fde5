"""patches/concert/SoundsOfTheHeart.maxpat: the score on stage, read from two metres and played with three keys.

Three clicks: open it, the loudspeaker, GO. The score is in concert_cues.py, sound, panic and recording are in
concert_sound.py, the beating heart is in concert_picture.py; the engine, and where each face lies, are here.
"""

from __future__ import annotations

from typing import Any

from max.build import concert_cues, concert_picture, concert_sound, controls
from max.build.concert_faces import CAPTIONS, PLACES, SIZE, Faces, coloured, large
from max.build.engine import STATES
from max.build.sheet import Section, Sheet
from max.build.style import AMBER, DIM, DUSK, LEAF, NIGHT, PANIC, PAPER

from heart.namespace import DEFAULT_PORT

NAME = "SoundsOfTheHeart"
LAMP = (PANIC, AMBER, LEAF, AMBER, AMBER, PANIC)
"""Colours of heart.engine's states 0 to 5."""


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "The score on stage. 1 open it, 2 click the loudspeaker, 3 GO. Needs the package: heart max --install.", 900
    )
    faces = _engine(sheet, 20, 84)
    faces |= concert_cues.build(sheet, 20, 500)
    faces |= concert_sound.build(sheet, 1340, 84)
    faces |= concert_picture.build(sheet, 2580, 84)
    _arrange(sheet, faces)
    return sheet


def _engine(sheet: Sheet, x: float, y: float) -> Faces:
    s = sheet.section(
        1,
        "The engine",
        "On this machine, or elsewhere: then its address and its pass phrase. In words, with a lamp.",
        x,
        y,
        1220,
    )
    faces: Faces = {}
    faces["elsewhere"] = controls.button(
        sheet, "engine ...", s.x + 10, s.row(0), 80, 24, DUSK, 15.0, varname="open"
    )
    window = sheet.sub(
        "p elsewhere", s.x + 10, s.row(3.2), _elsewhere(Sheet("elsewhere", parent=sheet)), varname="elsewhere"
    )
    faces["elsewhere"] >> s("t b", 10, 1) >> s("(open)", 60, 1) >> s("pcontrol", 120, 1) >> window
    engine = window >> s("heart.engine", 10, 4.4, 560)
    faces["words"] = large(s, "words", STATES[0], 10, 6.6, 22, PAPER)
    engine >> s("prepend set", 10, 5.6) >> faces["words"]
    lamp = engine[1] >> s("sel " + " ".join(str(n) for n in range(len(LAMP))), 196, 5.6, 150)
    faces["lamp"] = s.ui("panel", 700, 8.6, 22, 22, varname="lamp", bgcolor=LAMP[0], rounded=11, border=0)
    for n, colour in enumerate(LAMP):
        lamp[n] >> s(f"(bgfillcolor {coloured(colour)})", 196 + 190 * (n % 3), 6.6 + n // 3) >> faces["lamp"]
    faces["trouble"] = large(s, "trouble", "", 900, 6.6, 18, AMBER)
    engine[2] >> s("prepend set", 900, 5.6) >> faces["trouble"]
    return faces


def _elsewhere(sheet: Sheet) -> Sheet:
    """The window for an engine on another machine: what is typed here is no key of the concert."""
    sheet.title(
        "Where the engine runs. Type, press return; the concert's keys sleep while this window is in front.", 560
    )
    s = Section(sheet, 20, 110)
    sheet.inlet(600, 20, "(open) from pcontrol")
    out = s.outlet(10, 13, "(anything) to heart.engine")
    typed: dict[str, Any] = {"keymode": 1, "lines": 1, "fontsize": 16.0, "outputmode": 1}
    for n, (name, words, first) in enumerate(
        (("host", "address of the engine's machine", "127.0.0.1"), ("phrase", "pass phrase, empty for none", ""))
    ):
        dx = 10 + 290 * n
        s.note(words, dx, 0, 240)
        box = s.ui("textedit", dx, 0.8, 240, 26, varname=name, text=first, **typed)
        both = box >> s("route text", dx, 2) >> s("t b a b" if name == "host" else "t b a", dx, 3)
        both[1] >> s(f"prepend {name}", dx + 30, 4) >> out
        both >> s("(hello)", dx, 5) >> out
        if name == "host":
            both[2] >> s("(bye)", dx + 110, 3) >> out
    for n, (name, words, first) in enumerate(
        (("engineport", "the engine's port", DEFAULT_PORT), ("myport", "our port", DEFAULT_PORT + 1))
    ):
        dx = 10 + 290 * n
        s.note(f"{words} ({first})", dx, 7, 200)
        (
            s.ui("number", dx, 7.8, 80, 24, varname=name, minimum=1024, maximum=65535, fontsize=16.0)
            >> s(f"prepend {name}", dx, 9)
            >> out
        )
    return sheet


def _arrange(sheet: Sheet, faces: Faces) -> None:
    """Places in the presentation, captions, and a window as large as it."""
    for name, place in PLACES.items():
        faces[name].present(*place)
    for n, (text, x, y, w) in enumerate(CAPTIONS):
        sheet.note(text, 20 + 130 * n, 2080, 120, 14, DIM).present(x, y, w, 22)
    patcher = sheet.patcher
    patcher.openinpresentation = 1
    patcher.toolbarvisible = 0
    sheet.window = SIZE
    sheet.dark = NIGHT


PLAYED = {
    "words": "playing", "number": "cue 3 of 9", "name": "Arrhythmia", "state": "WAITING for GO", "time": "1:24",
    "left": "-0:00", "next": "Valve by valve", "how": "at GO", "bpm": "67 bpm", "label": "AS", "heard": "66",
    "trust": "0.94", "file": "heart-2026-11-24-203512.wav",
}  # fmt: skip
"""What a picture of the patch shows: the moment before a GO."""


def played(patcher: dict[str, Any]) -> dict[str, Any]:
    """The patch as it looks on stage, for a picture of it."""
    for entry in patcher["boxes"]:
        box = entry["box"]
        name = box.get("varname", "")
        if name in PLAYED:
            box["text"] = PLAYED[name]
        if name == "state":
            box["textcolor"] = AMBER
        if name in ("lamp", "GO"):
            box["bgcolor" if name == "lamp" else "activebgcolor"] = LEAF
    return patcher
