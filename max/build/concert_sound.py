"""What is heard in the concert patch: the master, the panic that fades, the recording, and the two keys."""

from __future__ import annotations

from max.build import controls
from max.build.concert_faces import Faces, coloured, large
from max.build.sheet import Sheet
from max.build.style import AMBER, DIM, DUSK, LEAF, PANIC, PAPER, RED

from heart.namespace import PARAMS

SPACE, ESCAPE, BACKSPACE, MAC_BACKSPACE = 32, 27, 8, 127
"""As `key` tells them."""

FADE_S = 3
SIDES = 2
RESERVE_MS = 500.0
"""Where the bar of the reserve ends."""

SOFTEST_DB = PARAMS["gain"].low
AFTER_MS = 300
"""From the end of the fade to /heart/panic: the ramp is heard one lead later."""


def build(sheet: Sheet, x: float, y: float) -> Faces:
    faces: Faces = {}
    _sound(sheet, x, y, faces)
    _keys(sheet, x, y + 380)
    _panic(sheet, x + 620, y, faces)
    _resume(sheet, x, y + 590)
    _record(sheet, x + 620, y + 610, faces)
    return faces


def _sound(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(
        8, "The sound", "Left and right, faded by panic, then the master, then the loudspeakers.", x, y, 560
    )
    local = sheet.local
    sound, fade = s(f"heart.receive~ {SIDES}", 10, 0, 330), s("line~ 1", 120, 2)
    s(f"r {local}fade", 120, 1) >> fade
    master = s.ui(
        "live.gain~", 10, 4.2, 200, 48, varname="master", orientation=1, channels=SIDES, parameter_enable=0,
        numinlets=SIDES, numoutlets=5, outlettype=["signal", "signal", "", "float", "list"], textcolor=PAPER,
        slidercolor=DIM, tricolor=PAPER,
    )  # fmt: skip
    dac = s.ui("ezdac~", 10, 7, 60, 60, varname="sound", bgcolor=DUSK, color=LEAF)
    for side in range(SIDES):
        faded = s("*~", 10 + 50 * side, 3)
        sound[side] >> faded >> master[side]
        fade >> faded[1]
        master[side] >> dac[side]
        master[side] >> s(f"send~ {local}heard{side + 1}", 120, 7 + side)
    faces |= {"master": master, "sound": dac}
    number = {"ignoreclick": 1, "fontsize": 14.0, "bgcolor": DUSK, "textcolor": PAPER, "tricolor": DUSK}
    two = sound[8] >> s("t i i", 280, 1)
    faces["fill"] = two[1] >> s.ui("number", 340, 2, 60, 24, varname="fill", **number)
    faces["reserve"] = two >> s.ui(
        "slider", 280, 4.2, 150, 14, varname="reserve", size=RESERVE_MS, orientation=1, ignoreclick=1, bgcolor=DUSK,
        elementcolor=DUSK, knobcolor=LEAF,
    )  # fmt: skip
    faces["underruns"] = sound[9] >> s.ui("number", 440, 2, 60, 24, varname="underruns", **number)


def _keys(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        9, "The keys", "Space, escape, backspace: only while this window is the front one.", x, y, 560
    )
    local = sheet.local
    typed = s("key", 10, 0) >> s(f"sel {SPACE} {ESCAPE} {BACKSPACE} {MAC_BACKSPACE}", 10, 1, 300)
    for n, word in enumerate(("go", "panic", "silence", "silence")):
        typed[n] >> s("t b", 10 + 96 * n, 2) >> s(f"s {local}{word}", 10 + 96 * n, 3)


def _panic(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(
        10,
        "Panic",
        "The engine's gain and this patch's own line go down together: a message that is lost does not matter. "
        "Then silence, until RESUME.",
        x,
        y,
        560,
    )
    local = sheet.local
    for name, word, dx, size, colour in (
        ("PANIC", "panic", 10, 34.0, PANIC), ("SILENCE", "silence", 160, 26.0, RED),
        ("RESUME", "resume", 310, 26.0, DUSK)
    ):  # fmt: skip
        faces[name] = controls.button(sheet, name, s.x + dx, s.row(1), 140, 50, colour, size, varname=name)
        faces[name] >> s("t b", dx, 2.8) >> s(f"s {local}{word}", dx + 40, 2.8)
    s(f"r {local}RESUME", 310, 0) >> faces["RESUME"]
    faces["fade"] = seconds = s.ui(
        "flonum", 470, 2.8, 60, 24, varname="fade", fontsize=14.0, bgcolor=DUSK, textcolor=PAPER, tricolor=DIM,
        minimum=0.1, maximum=60.0, format=6, numdecimalplaces=1,
    )  # fmt: skip
    s("loadbang", 470, 0.8) >> s(f"({FADE_S}.)", 470, 1.8) >> seconds
    began = s(f"r {local}panic", 10, 4.2) >> s("t b b", 10, 5.2)
    began[1] >> s(f"s {local}faded", 110, 5.2)
    length = s(f"f {FADE_S}.", 10, 6.2)
    began >> length
    seconds >> length[1]
    both = length >> s("t f f", 10, 7.2)
    both[1] >> s(f"(/heart/ramp gain {SOFTEST_DB:g} $1)", 240, 8.2) >> s("s heart.to", 240, 9.2)
    ms = both >> s("* 1000.", 10, 8.2) >> s("t f f", 10, 9.2)
    ms[1] >> s("(0. $1)", 110, 9.2) >> s(f"s {local}fade", 110, 10.2)
    later = ms >> s(f"+ {AFTER_MS}", 10, 10.2) >> s(f"delay {1000 * FADE_S}", 10, 11.4)
    later >> s(f"s {local}mute", 10, 12.4)
    s(f"r {local}stop", 110, 11.2) >> s("(stop)", 190, 11.2) >> later
    s(f"r {local}mute", 260, 11.2) >> s("(/heart/panic)", 260, 12.2) >> s("s heart.to", 260, 13.2)
    at_once = s(f"r {local}silence", 400, 6.2) >> s("t b b b b", 400, 7.2, 140)
    at_once[3] >> s(f"s {local}faded", 480, 8.2)
    at_once[2] >> s(f"s {local}stop", 480, 9.2)
    at_once[1] >> s("(0. 20)", 400, 10.2) >> s(f"s {local}fade", 480, 10.2)
    at_once >> s(f"s {local}mute", 400, 11.2)


def _resume(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        11,
        "Resume",
        "The gain goes back to what it was before the panic; what comes during a panic is not kept.",
        x,
        y,
        560,
    )
    local = sheet.local
    back = s(f"r {local}resume", 10, 0) >> s("t b b b b", 10, 1, 200)
    back >> s("(1. 50)", 10, 2) >> s(f"s {local}fade", 10, 3)
    back[2] >> s("(/heart/resume)", 170, 2) >> s("s heart.to", 170, 3)
    back[3] >> s(f"s {local}stop", 230, 1)
    once = s("onebang", 76, 4)
    back[1] >> once
    faded = s(f"r {local}faded", 300, 2.2) >> s("t b 0 b", 300, 3.2)
    faded[2] >> once[1]
    faded[1] >> s(f"s {local}keep", 400, 3.2)
    faded >> s(f"(activebgcolor {coloured(AMBER)})", 300, 4.4) >> s(f"s {local}RESUME", 300, 5.4)
    done = once >> s("t 1 b b", 76, 5)
    done >> s(f"s {local}keep", 10, 6)
    done[2] >> s(f"(activebgcolor {coloured(DUSK)})", 300, 6.8) >> s(f"s {local}RESUME", 300, 7.8)
    gain = s("f 0.", 96, 7)
    done[1] >> gain >> s("(/heart/set/gain $1)", 96, 8) >> s("s heart.to", 96, 9)
    told = s("r heart.from", 10, 10.4) >> s("route /heart/value/gain /heart/welcome", 10, 11.4, 250)
    gate = s("gate 1 1", 10, 13.4)
    s(f"r {local}keep", 60, 12.4) >> gate
    told >> gate[1]
    gate >> s(f"expr $f1*($f1>{SOFTEST_DB:g})", 10, 14.4) >> gain[1]
    ask = told[1] >> s("t b b", 300, 11.4)
    to = s("s heart.to", 300, 14.4)
    ask >> s("(/heart/get/gain)", 300, 13.4) >> to
    ask[1] >> s("(/heart/listen/gain 1)", 320, 12.4) >> to


def _record(sheet: Sheet, x: float, y: float, faces: Faces) -> None:
    s = sheet.section(
        12,
        "The recording",
        "What is heard, after the master, beside this patch, named by date and time.",
        x,
        y,
        560,
    )
    local = sheet.local
    faces["record"] = button = controls.button(
        sheet, "RECORD", s.x + 10, s.row(0), 100, 24, DUSK, 20.0, mode=1, texton="STOP RECORDING", varname="record",
        activebgoncolor=RED, activetextoncolor=PAPER,
    )  # fmt: skip
    switch = button >> s("sel 1 0", 10, 1)
    start = switch >> s("t b b b", 10, 2, 200)
    folder = start >> s("(path)", 10, 3) >> s("thispatcher", 10, 4, 90)
    calendar, clock = s("(date)", 107, 3), s("(time)", 204, 3)
    start[1] >> calendar
    start[2] >> clock
    date = s("date", 150, 4, 110)
    calendar >> date
    clock >> date
    name = s("sprintf symout heart-%04ld-%02ld-%02ld-%02ld%02ld%02ld.wav", 150, 7, 380)
    date >> s("($3 $1 $2)", 150, 5.4) >> name  # it comes as month, day, year
    hour = date[1] >> s("unpack 0 0 0", 250, 5.4, 120)
    for n in range(3):
        hour[n] >> name[3 + n]
    whole, named = s("sprintf symout %s%s", 10, 9.4, 140), s("t s s", 150, 8)
    name >> named
    named >> whole[1]
    faces["file"] = large(s, "file", "", 320, 9.4, 13, DIM)
    named[1] >> s("prepend set", 230, 8) >> faces["file"]
    folder[1] >> whole
    begin = whole >> s("t 1 s", 10, 10.4)
    file = s(f"sfrecord~ {SIDES}", 10, 13, numinlets=SIDES)
    begin[1] >> s("(open $1 wave)", 90, 11.4) >> file
    begin >> file
    switch[1] >> s("(0)", 240, 11.4) >> file
    s("loadbang", 300, 10.4) >> s("(samptype float32)", 300, 11.4) >> file
    for side in range(SIDES):
        s(f"receive~ {local}heard{side + 1}", 430, 10.4 + side) >> file[side]
    elapsed = s("snapshot~", 120, 14.4)
    s("loadbang", 240, 12.4) >> s("(1)", 240, 13.4) >> s("metro 300", 300, 13.4) >> elapsed
    file >> elapsed
    two, grows = elapsed >> s("t f f", 120, 15.4), s("expr $f1!=$f2", 120, 16.4)
    two[1] >> grows
    two >> grows[1]
    faces["recording"] = s.ui("led", 120, 17.4, 20, 20, varname="recording", oncolor=PANIC, offcolor=DUSK)
    grows >> faces["recording"]
