"""The overview in the Extras menu, and the examples."""

from __future__ import annotations

from max.build.addresses import message, said
from max.build.catalogue import OBJECTS
from max.build.helps import connection, loudspeaker, presented_box, shown
from max.build.sheet import Section, Sheet
from max.build.style import GREY, INK, RED

Size = tuple[float, float]
NAME = "Sounds of the Heart"


def overview() -> Sheet:
    """What there is, and a click to the help of each."""
    sheet = Sheet(NAME)
    sheet.note(NAME, 20, 14, 500, 28, RED, fontface=1)
    sheet.note(
        "A heart that sings, streamed into Max. Start the engine (heart live), open First sound, "
        "click the loudspeaker.",
        20,
        54,
        640,
        13,
        INK,
    )
    sheet.ui("panel", 20, 98, 640, 2, bgcolor=RED, border=0)
    opener = sheet.obj("pcontrol", 700, 60)
    y = 118.0
    for title, rows in (
        ("Objects", [(f"load {e.name}.maxhelp", e.name, e.digest) for e in OBJECTS if not e.inner]),
        ("Examples", [(f'load "{name}.maxpat"', name, words) for name, words, _ in EXAMPLES]),
    ):
        sheet.note(title, 20, y, 200, 14, RED, fontface=1)
        y += 28
        for text, _, words in rows:
            button = sheet.msg(text, 30, y)
            button >> sheet.obj("s #0.open", 30, y + 30)
            sheet.note(words, 240, y, 400)
            y += 62
        y += 10
    sheet.obj("r #0.open", 700, 24) >> opener
    sheet.note(
        "In Live: drag devices/SoundsOfTheHeart.amxd onto an audio track. Every address: the help "
        "of heart.engine, tabs parameters, commands, answers. Not a medical device.",
        20,
        y,
        640,
        12,
        GREY,
    )
    return sheet


def _first(sheet: Sheet, size: Size) -> None:
    s = Section(sheet, 20, 90)
    sheet.note(
        "1  Start the engine: heart live.   2  Click the loudspeaker.   3  Turn anything.", 20, 60, 700, 13, RED
    )
    connection(s, 10, 0)
    receive = s("heart.receive~ 1", 380, 0, 200)
    loudspeaker(s, receive, 380, 1.2)
    receive[8] >> s.ui("number", 490, 2, 60, 22)
    s.note("reserve, ms", 490, 2.8, 90)
    presented_box(s, "heart.panel", size, 7.2)


def _light(sheet: Sheet, size: Size) -> None:
    s = Section(sheet, 20, 90)
    sheet.note(
        "Each S1 flashes, plays a MIDI note, and gives a curve from 1 down to 0 for light or picture.",
        20,
        60,
        700,
        13,
        RED,
    )
    connection(s, 430, 0)
    receive = s("heart.receive~", 430, 4, 200)
    loudspeaker(s, receive, 430, 5.4)
    beat = s("heart.beat", 10, 0, 300)
    both = beat >> s("t b b b", 10, 1.4, 160)
    both >> s.ui("button", 10, 3, 60, 60)
    note = both[1] >> s("(36 100)", 100, 3)
    made, out = note >> s("makenote 36 100 120", 100, 4), s("noteout", 100, 5.4)
    made >> out
    made[1] >> out[1]
    both[2] >> s("(1., 0. 300)", 250, 3) >> s("line 0. 20", 250, 4) >> s.ui("flonum", 250, 5, 70, 22)
    s.note("a curve for your light: 1 at the beat, 0 after 300 ms", 250, 6, 160)


def _storm(sheet: Sheet, size: Size) -> None:
    s = Section(sheet, 20, 90)
    sheet.note("Several at once, a fader each; then a ramp of the tempo and a beat to order.", 20, 60, 700, 13, RED)
    connection(s, 530, 0)
    loudspeaker(s, s("heart.receive~", 530, 4, 200), 530, 5.4)
    for n, label in enumerate(("N", "storm", "rain", "sea")):
        fader = s.ui("slider", 10 + 96 * n, 0, 24, 130, size=1.0, floatoutput=1)
        (
            fader
            >> s(f"prepend /heart/norm/mix_{label}", 10 + 96 * n, 7.6 - 1.1 * n)
            >> s("s heart.to", 10 + 96 * n, 9)
        )
        s.note(label, 36 + 96 * n, 0, 60)
    message(sheet, said("/heart/ramp", "bpm", "120", "10"), 30, s.row(10))
    message(sheet, said("/heart/downbeat", "500"), 240, s.row(10))


def _stethoscope(sheet: Sheet, size: Size) -> None:
    s = Section(sheet, 20, 90)
    sheet.note("Your own heart leads: microphone or stethoscope to the ear, mode follow.", 20, 60, 700, 13, RED)
    connection(s, 430, 0)
    loudspeaker(s, s("heart.receive~", 430, 4, 200), 430, 5.4)
    source, ear = s.ui("ezadc~", 10, 0, 45, 45), s("heart.send~ 1", 10, 2.4)
    source >> ear
    heard = s("heart.heard", 10, 4, 300)
    heard >> s.ui("button", 10, 5.4, 50, 50)
    heard[4] >> s.ui("flonum", 150, 5.4, 70, 22)
    shown(s, heard, 9, 10, 8, 300)
    s.note("bpm heard", 226, 5.4, 100)
    s.note("how sure the ear is that this is a heart", 10, 10, 300)
    message(sheet, said("/heart/set/mode", "follow"), 30, s.row(11))
    message(sheet, said("/heart/set/mode", "lead"), 250, s.row(11))


CONTROLLERS = ("bpm", "gain", "mix_storm", "mix_sea", "strength")
"""What the faders 1 to 5 of a MIDI controller turn in the example."""


def _midi(sheet: Sheet, size: Size) -> None:
    s = Section(sheet, 20, 90)
    sheet.note(
        "The first faders of a MIDI controller, each as 0 to 1; change the numbers to yours.", 20, 60, 700, 13, RED
    )
    connection(s, 10, 0)
    loudspeaker(s, s("heart.receive~", 430, 0, 200), 430, 1.4)
    for n, name in enumerate(CONTROLLERS):
        fader = s(f"ctlin {n + 1}", 10 + 190 * n, 7.4)
        show = fader >> s("/ 127.", 10 + 190 * n, 8.4) >> s.ui("flonum", 10 + 190 * n, 9.4, 60, 22)
        show >> s(f"prepend /heart/norm/{name}", 10 + 190 * n, 10.4) >> s("s heart.to", 10 + 190 * n, 11.4)


EXAMPLES = (
    ("First sound", "engine, sound and panel", _first),
    ("Heart and light", "flash, MIDI and a curve at each beat", _light),
    ("A heart in a storm", "a mixture, a ramp, a beat to order", _storm),
    ("Faders over MIDI", "a controller turns the parameters", _midi),
    ("Stethoscope", "your own heart leads the voice", _stethoscope),
)


def example(name: str, size: Size) -> Sheet:
    """One of EXAMPLES; `size` of heart.panel in presentation."""
    fill = next(fill for title, _, fill in EXAMPLES if title == name)
    sheet = Sheet(name)
    sheet.note(name, 20, 14, 500, 22, RED, fontface=1)
    fill(sheet, size)
    return sheet
