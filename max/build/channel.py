"""heart.channel~: one channel of the stream. Blocks go into a ring where they say; each bears the stamp of its lap.

A stamp is 16 * stream + lap: `played` counts 16 laps of the ring, and each welcome begins a stream with a number of
its own. The player compares the stamp of what it is about to play with the one it expects. So nothing is ever
cleared: old sound bears an old stamp and stays silent.
"""

from __future__ import annotations

from max.build.sheet import Sheet

from heart.namespace import RING_FRAMES, SEQ_MODULO

LAPS = SEQ_MODULO // RING_FRAMES
AHEAD = 128
"""Frames the player looks ahead: time to fade out before a hole."""

RISE = 220
"""Frames of the fade-in after one, about 5 ms."""

LATE = 57_344
"""A place farther ahead than this (of 65,536) lies behind: its block came too late."""

CAME = 1024
"""Block numbers remembered, to know which never came."""

STREAMS = 15
"""Numbers of streams that a memory of block numbers tells apart: a float32 holds 16 times 2^20 exactly."""

FIRST_MS, AGAIN_MS, TRIES = 10, 25, 8
WAYS = ("array", "funnel", "js")
"""How a block gets into the ring; heart.receive~ takes these words."""

_LIST = "@zlmaxsize 2048"


def build(sheet: Sheet, ways: tuple[str, ...] = WAYS) -> Sheet:
    """`ways`: those of WAYS that shall be in it."""
    sheet.title(
        "One channel of the stream: a ring of 65,536 frames and its player. heart.receive~ holds eight of them.",
        900,
    )
    _play(sheet, 20, 84)
    _stream(sheet, 20, 770)
    _take(sheet, 500, 84)
    _place(sheet, 500, 390)
    _write(sheet, 500, 850, ways)
    _stamp(sheet, 500, 1150)
    _gaps(sheet, 1000, 84)
    _ask(sheet, 1000, 600)
    return sheet


def _play(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        1,
        "The player",
        "Is the block that plays 128 frames from now here? Fade out before a hole, in after it.",
        x,
        y,
        440,
    )
    played = s("receive~ heart.played", 10, 0)
    soon, count = s.down(150, 1, f"+~ {AHEAD}", f"%~ {SEQ_MODULO}")
    played >> soon
    place, blocks, _, stamp, same = s.down(
        150, 3, f"%~ {RING_FRAMES}", "/~ 256", "trunc~", f"index~ {local}got", "==~"
    )
    count >> place
    s(f"r {local}block", 226, 3) >> blocks[1]
    lap, whole, wanted = s.down(320, 3, f"/~ {RING_FRAMES}", "trunc~", f"+~ {LAPS}")
    count >> lap
    wanted >> same[1]
    s(f"r {local}lap0", 370, 4) >> wanted[1]
    before, both, gate = s.down(150, 8, f"delay~ {AHEAD} {AHEAD}", "*~", f"rampsmooth~ {RISE} {AHEAD}")
    same >> before
    same >> both[1]
    frame, ring, out, faded = s.down(10, 9, f"%~ {RING_FRAMES}", f"index~ {local}ring", "*~", "*~")
    played >> frame
    gate >> out[1]
    fade, line = s.down(376, 9.4, "r heart.fade", "line~ 1")
    line >> faded[1]
    hole = s("edge~", 290, 9.4)
    both >> hole
    hole[1] >> s(f"s {local}hole", 290, 10.6)
    faded >> s.outlet(10, 13.4, "(signal) the sound")
    s(f"r {local}newest", 130, 13.4) >> s.outlet(130, 14.4, "(int) frame after the newest block")
    s(f"r {local}hole", 250, 13.4) >> s.outlet(250, 14.4, "(bang) a hole began: an underrun")


def _stream(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(2, "A new stream", "number, epoch, block: each welcome brings them.", x, y, 440)
    told, both = s.down(10, 0, "r heart.stream", "t b l")
    parts = s("unpack 0 0 0", 10, 2)
    both[1] >> parts
    number = s("t i i", 10, 3)
    parts >> number
    parts[1] >> s(f"s {local}epoch", 110, 3)
    parts[2] >> s(f"s {local}block", 206, 3)
    number >> s(f"* {LAPS}", 10, 4) >> s(f"s {local}lap0", 10, 5)
    number[1] >> s(f"% {STREAMS}", 90, 4) >> s(f"* {SEQ_MODULO}", 90, 5) >> s(f"s {local}came0", 90, 6)
    both >> s(f"s {local}begin", 230, 1.9)


def _take(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        3,
        "A block comes",
        "epoch, seq, offset, samples. First its head is judged, then its samples may pass.",
        x,
        y,
        460,
    )
    block, both = s.inlet(10, 0, "(list) a block: epoch, seq, offset, samples"), s("t l l", 10, 1.2)
    block >> both
    head = s(f"zl.slice 3 {_LIST}", 230, 2.2)
    both[1] >> head
    head >> s(f"s {local}head", 230, 3.2)
    tail = s(f"zl.slice 3 {_LIST}", 10, 2.2)
    both >> tail
    gate, done = s("gate", 60, 4), s("t b l", 60, 5)
    tail[1] >> gate[1]
    s(f"r {local}good", 10, 3.2) >> gate
    gate >> done
    done >> s(f"s {local}stamp", 60, 6)
    done[1] >> s(f"s {local}samples", 150, 6)


def _place(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        4,
        "Where it belongs",
        "Ahead of the clock, in this stream: taken. Behind it, or of another stream: dropped.",
        x,
        y,
        460,
    )
    head, four = s.down(10, 0, f"r {local}head", "t l l l b")
    clock, position = s.down(290, 1.6, "v heart.position", "t i i")
    four[3] >> clock
    place = s(f"expr ($i3-$i4+{2 * RING_FRAMES})%{RING_FRAMES}", 190, 4)
    position >> place[3]
    four[2] >> place
    ahead = s("t i i", 190, 5)
    place >> ahead
    good = s(f"expr ($i1==$i4)&&($i5<{LATE})", 60, 7)
    s(f"r {local}epoch", 250, 5.8) >> good[3]
    ahead >> good[4]
    frame = s("+", 340, 6)
    ahead[1] >> frame
    position[1] >> frame[1]
    frame >> s(f"% {SEQ_MODULO}", 340, 7) >> s(f"s {local}frame", 340, 8)
    four[1] >> good
    open_ = s("t i i", 60, 8)
    good >> open_
    open_[1] >> s(f"s {local}good", 110, 9)
    gate, parts = s.down(10, 9.2, "gate", "unpack 0 0 0")
    open_ >> gate
    four >> gate[1]
    parts[1] >> s(f"s {local}seq", 110, 10.6)
    parts[2] >> s(f"s {local}offset", 190, 10.6)


def _write(sheet: Sheet, x: float, y: float, ways: tuple[str, ...]) -> None:
    local = sheet.local
    s = sheet.section(
        5,
        "Into the ring",
        "array: Max 8.6 and later. funnel, js: any Max (js waits for the screen: lead 300 ms or more).",
        x,
        y,
        460,
    )
    gate = s("gate 3 1", 60, 1.2, 120)
    s("r heart.way", 10, 0) >> gate
    s(f"r {local}samples", 100, 0) >> gate[1]
    if "array" in ways:
        array = s(f"array.tobuffer {local}ring @resize 0", 10, 4.6)
        s(f"r {local}offset", 10, 2.4) >> s("(frameoffset $1)", 10, 3.4) >> array
        gate >> array
    if "funnel" in ways:
        funnel = s("listfunnel", 230, 4.6)
        s(f"r {local}offset", 190, 2.4) >> s("(offset $1)", 190, 3.4) >> funnel
        gate[1] >> funnel >> s(f"peek~ {local}ring 1 0", 230, 5.6)
    if "js" in ways:
        script = s(f"js heart.ring.js {local}ring", 330, 4.6, numinlets=2, numoutlets=0, outlettype=[])
        gate[2] >> script
        s(f"r {local}offset", 330, 2.4) >> script[1]
    s(f"buffer~ {local}ring @samps {RING_FRAMES}", 10, 6)


def _stamp(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section("", "And its stamp", "The number of its stream and lap, at its place in blocks.", x, y, 460)
    where, blocks = s("i", 10, 2), s("/ 256", 90, 1)
    s(f"r {local}stamp", 10, 0) >> where
    s(f"r {local}offset", 90, 0) >> blocks
    s(f"r {local}block", 170, 0) >> blocks[1]
    blocks >> where[1]
    pack = where >> s("pack 0 0", 10, 3)
    pack >> s(f"peek~ {local}got 1 0", 10, 4)
    lap = s(f"r {local}frame", 250, 0) >> s(f"/ {RING_FRAMES}", 250, 1) >> s(f"+ {LAPS}", 250, 2)
    s(f"r {local}lap0", 330, 1) >> lap[1]
    lap >> pack[1]
    s(f"buffer~ {local}got @samps 1024", 190, 4)


def _gaps(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        6, "What is missing", "A step of more than one in seq: the numbers between are lost, or late.", x, y, 460
    )
    seq, three = s.down(10, 0, f"r {local}seq", "t i i i")
    both = s("t i i", 330, 2)
    three[2] >> both
    value, index = s("+ 0", 370, 3.4), s(f"% {CAME}", 310, 4.4)
    both[1] >> value
    both >> index
    s(f"r {local}came0", 390, 2.4) >> value[1]
    pack, came = s.down(310, 5.6, "pack 0 0", f"peek~ {local}came 1 0")
    index >> pack
    value >> pack[1]
    after, wrap = s.down(200, 2.4, "+ 1", f"% {SEQ_MODULO}")
    three[1] >> after
    step = s(f"expr ($i2>=0)*(($i1-$i2+{SEQ_MODULO + SEQ_MODULO // 2})%{SEQ_MODULO}-{SEQ_MODULO // 2})", 10, 5, 290)
    three >> step
    s(f"r {local}next", 120, 4) >> step[1]
    two = s("t i i", 10, 6)
    step >> two
    newer = s(f"split 0 {SEQ_MODULO // 2}", 10, 7.4)
    two >> newer
    new = s("t b b", 10, 8.4)
    newer >> new
    hold = s("i", 40, 9.8)
    new[1] >> s(f"s {local}fresh", 110, 9.4)
    new >> hold
    wrap >> hold[1]
    hold >> s(f"s {local}next", 20, 10.8)
    gap, shots = s.down(170, 7.4, "split 1 512", "uzi 1 0")
    two[1] >> gap
    lost = s("+ 0", 230, 10)
    shots[2] >> lost
    s(f"r {local}next", 270, 9) >> lost[1]
    lost >> s(f"% {SEQ_MODULO}", 230, 11) >> s(f"s {local}lost", 230, 12)
    s.down(110, 10.6, f"r {local}begin", "t -1", f"s {local}next")
    fresh = s(f"r {local}fresh", 370, 8.4)
    frame = s("i", 350, 9.8)
    fresh >> frame
    s(f"r {local}frame", 390, 7.4) >> frame[1]
    end = s("+ 256", 350, 10.8)
    frame >> end
    s(f"r {local}block", 400, 9.8) >> end[1]
    end >> s(f"% {SEQ_MODULO}", 350, 11.8) >> s(f"s {local}newest", 350, 12.8)


def _ask(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        7,
        "Ask again",
        f"After {FIRST_MS} ms, for it may be out of order; then every {AGAIN_MS} ms, {TRIES} times at most.",
        x,
        y,
        460,
    )
    lost, tries, wait = s.down(10, 0, f"r {local}lost", f"pack 0 {TRIES}", f"pipe 0 0 {FIRST_MS}")
    token, three = s.down(10, 4, "pack 0 0", "t l l l")
    wait >> token
    wait[1] >> token[1]
    begin, clear = s.down(190, 0, f"r {local}begin", "(clear)")
    first, both = s.down(200, 5, "unpack 0 0", "t i i")
    three[2] >> first
    value, index = s("+ 0", 290, 7.4), s(f"% {CAME}", 200, 8)
    both[1] >> value
    both >> index
    s(f"r {local}came0", 320, 6) >> value[1]
    read, number = s.down(200, 9, f"peek~ {local}came 1 0", "i")
    index >> read
    missing = s("expr ($i3!=$i4)&&($i2>0)", 60, 11.4, 240)
    three[1] >> missing
    value >> missing[2]
    number >> missing[3]
    gate, parts, again = s.down(10, 12.6, "gate", "unpack 0 0", "t i i")
    missing >> gate
    three >> gate[1]
    less = s("- 1", 90, 14.6)
    parts[1] >> less
    retry, later = s.down(10, 16, "pack 0 0", f"pipe 0 0 {AGAIN_MS}")
    again >> retry
    less >> retry[1]
    clear >> wait
    back = s("pack 0 0", 10, 18)
    later >> back
    later[1] >> back[1]
    back >> s(f"s {local}token", 10, 19)
    s(f"r {local}token", 100, 4) >> three
    s(f"r {local}begin", 140, 15) >> s("(clear)", 140, 16) >> later
    pair = s("pack 0 0", 230, 16)
    again[1] >> pair
    s(f"r {local}epoch", 300, 15) >> pair[1]
    pair >> s("(/heart/nack $2 $1 1)", 230, 17) >> s("s heart.to", 230, 18)
    s(f"buffer~ {local}came @samps {CAME}", 290, 12.4)
