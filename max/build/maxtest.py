"""tests/max/*.maxtest.maxpat, for Cycling '74's max-test: what only Max itself can say.

Each patch asserts by name and then terminates. The first needs nothing but Max; the second a running engine.
"""

from __future__ import annotations

from max.build.channel import LAPS
from max.build.engine import STATES
from max.build.sheet import Node, Section, Sheet

LISTEN_MS = 8000
STAMP = 16_384.0
"""Larger than 1: peek~ must not clip it."""


def build() -> dict[str, Sheet]:
    return {"heart-objects": _objects(Sheet("heart-objects")), "heart-stream": _stream(Sheet("heart-stream"))}


def _assert(s: Section, value: Node | tuple[Node, int], wanted: str, name: str, dx: float, row: float) -> None:
    """The value must equal `wanted`."""
    node, outlet = value if isinstance(value, tuple) else (value, 0)
    equals = s(f"test.equals {wanted}", dx, row, numinlets=2, numoutlets=1)
    node[outlet] >> equals >> s(f"test.assert {name}", dx, row + 1, numinlets=1, numoutlets=1)


def _objects(sheet: Sheet) -> Sheet:
    sheet.title(
        "Do Max's objects do what heart.channel~ takes from their reference pages? Needs max-test, and audio on.",
        900,
    )
    s = Section(sheet, 20, 90)
    start = s("loadbang", 10, 0) >> s("delay 500", 10, 1) >> s("t b b b b b b b", 10, 2, 1500)
    start >> s("delay 1500", 10, 3) >> s("test.terminate", 10, 4, numinlets=1, numoutlets=0)
    s.note("1  A list is in the buffer~ at once after array.tobuffer, at frameoffset.", 10, 5.4, 220)
    write = start[1] >> s("t b b b", 10, 7.4)
    array = s("array.tobuffer #0.ring @resize 0", 40, 10.4)
    write[2] >> s("(frameoffset 100)", 130, 8.4) >> array
    write[1] >> s("(0.25 0.5 -0.75)", 70, 9.4) >> array
    read = write >> s("(101)", 10, 11.6) >> s("peek~ #0.ring", 10, 12.6)
    _assert(s, read, "0.5", "array_tobuffer_writes_at_once", 10, 13.8)
    s("buffer~ #0.ring @samps 65536", 10, 16.4)
    s.note("2  peek~ NAME 1 0 does not clip: a stamp stays whole.", 290, 5.4, 220)
    stamp = start[2] >> s("t b b", 290, 7.4)
    peek = s("peek~ #0.got 1 0", 290, 10.4)
    stamp[1] >> s(f"(3 {STAMP:g})", 350, 8.4) >> peek
    stamp >> s("(3)", 290, 9.4) >> peek
    _assert(s, peek, f"{STAMP:g}.", "peek_keeps_a_stamp", 290, 13.8)
    s("buffer~ #0.got @samps 1024", 290, 16.4)
    s.note("3  zl.slice with @zlmaxsize 2048 lets a block of 1,024 pass whole.", 530, 5.4, 220)
    many = start[3] >> s("uzi 1027 0", 530, 7.4)
    size = many[2] >> s("zl.group 1027 @zlmaxsize 2048", 590, 8.4) >> s("zl.slice 3 @zlmaxsize 2048", 530, 9.4)
    _assert(s, size[1] >> s("zl.len @zlmaxsize 2048", 560, 11.6), "1024", "zl_slice_keeps_a_block", 530, 13.8)
    s.note(
        "4  A list into expr's left inlet fills its inlets from the left; a later one keeps its value.",
        780,
        5.4,
        220,
    )
    give = start[4] >> s("t b b", 780, 7.4)
    sum_ = s("expr $i1+$i2*10+$i3*100+$i4*1000", 780, 10.4)
    give[1] >> s("(4)", 900, 8.4) >> sum_[3]
    give >> s("(1 2 3)", 780, 8.4) >> sum_
    _assert(s, sum_, "4321", "expr_takes_a_list", 780, 13.8)
    s.note("5  pipe gives both numbers back, right before left.", 1030, 5.4, 220)
    later = s("loadbang", 1030, 7.4) >> s("(7 8)", 1030, 8.4) >> s("pipe 0 0 100", 1030, 9.4)
    pair = s("pack 0 0", 1030, 10.4)
    later >> pair
    later[1] >> pair[1]
    _assert(s, pair >> s("expr $i1*10+$i2", 1030, 11.6), "78", "pipe_gives_both", 1030, 13.8)
    s.note("6  sprintf takes a list, as the date of a recording does.", 1280, 5.4, 220)
    date = start[5] >> s("(1 2 3)", 1280, 7.4) >> s("sprintf %ld%ld%ld", 1280, 9.4)
    _assert(s, date, "123", "sprintf_takes_a_list", 1280, 13.8)
    s.note("7  vexpr @scalarmode 1 goes with every item, as the heart in the picture does.", 1530, 5.4, 220)
    swell = start[6] >> s("t b b", 1530, 7.4)
    each = s("vexpr int($f1*$f2+1) @scalarmode 1", 1530, 10.4)
    swell[1] >> s("(1 2 3)", 1650, 8.4) >> each[1]
    swell >> s("(2.)", 1530, 8.4) >> each
    _assert(s, each >> s("zl.nth 3 @zlmaxsize 256", 1530, 11.6), "7", "vexpr_scales_a_list", 1530, 13.8)
    s.note(f"The player counts {LAPS} laps: see heart.channel~.", 1030, 16.4, 220)
    return sheet


def _stream(sheet: Sheet) -> Sheet:
    sheet.title(
        "Eight seconds of the real stream. Needs max-test, this package, audio on, and a running "
        "engine: heart live.",
        900,
    )
    s = Section(sheet, 20, 90)
    engine, receive = s("heart.engine", 10, 0), s("heart.receive~ 1", 260, 0, 200)
    beat = s("heart.beat", 560, 0)
    after = s("loadbang", 10, 2) >> s(f"delay {LISTEN_MS}", 10, 3) >> s("t b b b b b", 10, 4, 700)
    after >> s("delay 200", 10, 5) >> s("test.terminate", 10, 6, numinlets=1, numoutlets=0)
    state = s("i", 160, 6)
    after[1] >> state
    engine[1] >> state[1]
    _assert(s, state, str(STATES.index("playing")), "it_plays", 160, 7.2)
    holes = s("i", 320, 6)
    after[2] >> holes
    receive[9] >> holes[1]
    _assert(s, holes, "0", "no_underruns", 320, 7.2)
    fill = s("i", 480, 6)
    after[3] >> fill
    receive[8] >> fill[1]
    _assert(s, fill >> s("> 20", 480, 7), "1", "there_is_a_reserve", 480, 8.2)
    count, beats = s("i", 690, 6), s("t b", 560, 1)
    beat >> beats
    beats >> s("t 1", 560, 2) >> count[1]
    after[4] >> count
    _assert(s, count, "1", "a_beat_was_heard", 690, 7.2)
    return sheet
