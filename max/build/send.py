"""heart.send~: sound from Max to the ear, in blocks of 256."""

from __future__ import annotations

from max.build.sheet import Sheet
from max.build.stream import tally

from heart.namespace import SEQ_MODULO

BLOCK = 256
RING = 16_384
"""Frames kept: a scheduler that stalls for less than this loses nothing."""

_LIST = "@zlmaxsize 2048"


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "Sound from Max to the engine's ear: a stethoscope, a microphone, a recording. Argument: channel, 1 to 8.",
        900,
    )
    local = sheet.local
    s = sheet.section(1, "Into a ring", "poke~ writes where count~ stands.", 20, 84, 400)
    sound = s.inlet(10, 0, "(signal) what the ear shall hear")
    count = s(f"count~ 0 {RING} 1 0", 130, 0)
    poke = s(f"poke~ {local}heard", 10, 2)
    sound >> poke
    count >> poke[1]
    s(f"buffer~ {local}heard @samps {RING}", 190, 2)
    on = s("loadbang", 280, 3.2) >> s("t 1", 280, 4.2)
    look = s("snapshot~", 130, 6.2)
    count >> look
    on >> s("metro 3", 200, 5.2) >> look
    now = look >> s("i", 130, 7.2) >> s(f"/ {BLOCK}", 130, 8.2)
    s = sheet.section(2, "Whole blocks since last time", "", 460, 84, 400)
    now >> s.sheet.obj(f"s {local}at", 150, now.below)
    whole = s(f"r {local}at", 10, 0) >> s("t i i", 10, 1)
    new = s(f"expr ($i1-$i2+{RING // BLOCK})%{RING // BLOCK}", 110, 2.4)
    last = s("i", 10, 5.4)
    whole[1] >> new
    old = new[0] >> s("uzi 1 0", 110, 3.4)
    number = s("+ 0", 210, 4.8)
    old[2] >> number
    s(f"r {local}last", 250, 3.6) >> number[1]
    s(f"r {local}last", 270, 1.2) >> new[1]
    number >> s(f"% {RING // BLOCK}", 210, 5.8) >> s(f"s {local}block", 210, 6.8)
    whole >> last >> s(f"s {local}last", 10, 6.4)
    s = sheet.section(3, "Each block as a message", "Its number, then 256 samples.", 20, 490, 840)
    start = s(f"r {local}block", 10, 0) >> s(f"* {BLOCK}", 10, 1) >> s("t b i", 10, 2)
    index = s("+ 0", 60, 4)
    start[1] >> index[1]
    shots = start >> s(f"uzi {BLOCK} 0", 10, 3, 90)
    shots[2] >> index
    samples = index >> s(f"peek~ {local}heard", 60, 5) >> s(f"zl.group {BLOCK} {_LIST}", 60, 6) >> s("t b l", 60, 7)
    join = s(f"zl.join {_LIST}", 60, 9.4)
    samples[1] >> join[1]
    count_, seq = tally(s, 260, 5.4, f"% {SEQ_MODULO}")
    samples >> count_
    seq >> join
    name = (
        s("patcherargs 1", 430, 5) >> s("sprintf set /heart/in/%ld", 430, 6) >> s("prepend /heart/in/1", 430, 9.4)
    )
    join >> name
    name >> s("s heart.to", 430, 10.4)
    return sheet
