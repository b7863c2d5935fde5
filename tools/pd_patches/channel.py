"""inside/channel~.pd: one channel of the stream, from the block that arrives to the sound at the outlet.

Arguments: 1 which channel, 2 the engine's name. heart.receive~ makes one for each channel it was asked for.
A block is written into a ring of 65,536 frames where its own offset says; each block of the ring has a
number in `got` that says whether it is there.
"""

from __future__ import annotations

from pd_patches.boxes import Box
from pd_patches.canvas import Canvas

WHO = "$2"
WRAP, HALF = "(1024*1024)", "(512*1024)"
"""Where counts of blocks begin again, as products: Pd keeps six digits of a number that it saves."""


def wrapped(difference: str) -> str:
    """An expr for a difference of two such counts, -2^19 to 2^19."""
    return f"({difference} + {WRAP} + {WRAP} + {HALF}) % {WRAP} - {HALF}"


def channel() -> Canvas:
    c = Canvas("channel~", 1420, 800, who=WHO)
    c.head(
        "ONE CHANNEL OF THE STREAM. Arguments: which channel, the engine's name. The clock (b: block now "
        "playing, modulo 2^20, f: frame in it) lives in inside/client.",
        120,
    )
    _arrays(c)
    _block_in(c)
    _block_over(c)
    gate = _fades(c)
    _sound(c, gate)
    c.text(1210, 640, "6 Ask again for what is missing.", 34)
    c.sub(1210, 668, missing())
    return c


def _arrays(c: Canvas) -> None:
    c.text(20, 535, "2 The ring, and for each block of it whether it is there.", 50)
    c.obj(20, 568, "array define $0-ring 65536")
    c.obj(240, 568, "array define $0-got 1024")
    clear = c.column(20, 612, "r &clear", "( const 0")
    clear[1] >> c.obj(20, 668, "s $0-got")
    clear[1] >> c.obj(110, 668, "s $0-ring")


def _block_in(c: Canvas) -> None:
    c.text(
        20,
        50,
        "1 A block comes in: epoch seq offset samples. [pd place] says whether it is of "
        "this epoch and still to be played, and where.",
        100,
    )
    block = c.column(20, 110, "r &audio-$1", "t l l")
    head, tail = c.obj(150, 160, "list split 3"), c.obj(20, 216, "list split 3")
    block[1][1] >> head
    block[1] >> tail
    put, taken = c.sub(150, 200, place()), c.obj(150, 236, "t f f")
    head >> put
    sound = c.obj(20, 400, "spigot")
    tail[1] >> sound
    at, yes = c.obj(320, 236, "f"), c.obj(240, 272, "sel 1")
    put >> taken >> sound[1]
    put[1] >> at[1]
    taken[1] >> yes >> at
    both, write = c.obj(320, 300, "t f f"), c.obj(20, 440, "array set $0-ring")
    at >> both
    both[1] >> c.obj(360, 328, "expr $f1 * @block") >> write[1]
    sound >> write
    mark, there = c.obj(320, 362, "t b f"), c.obj(320, 440, "tabwrite $0-got")
    both >> mark
    mark >> c.msg(320, 400, "1") >> there
    mark[1] >> there[1]
    c.text(
        20,
        476,
        "[pd place] shares its landmark between the channels: blocks of all channels have the same seq.",
        50,
    )


def _block_over(c: Canvas) -> None:
    c.text(500, 476, "3 A block is over: silence in its place, so that nothing is ever heard twice.", 50)
    over = c.column(500, 520, "r &passed", "expr $f1 % @nb", "t b f b f")
    frames, zeros = c.obj(700, 576, "expr $f1 * @block"), c.obj(500, 660, "array get &zeros")
    clean = c.obj(500, 700, "array set $0-ring")
    over[2][3] >> frames >> clean[1]
    size = c.obj(580, 604, "v @block")
    over[2][2] >> size >> zeros[1]
    gone, mark = c.obj(700, 612, "t b f"), c.obj(700, 680, "tabwrite $0-got")
    over[2][1] >> gone
    gone[1] >> mark[1]
    gone >> c.msg(700, 644, "0") >> mark
    over[2] >> c.obj(500, 632, "bang") >> zeros >> clean


def _fades(c: Canvas) -> Box:
    c.text(
        860,
        60,
        "4 Each 64 frames: is the block that plays 128 frames from now here? If not: fade out before the hole. "
        "After it, or at a start: open again at the first frame.",
        60,
    )
    look = c.column(
        860, 118, "r &tick", "expr (@b + int((@f + 128)/@block)) % @nb", "tabread $0-got", "sel 0 1", "t b b"
    )
    shut, seen = c.msg(980, 258, "0"), c.obj(1080, 230, "f 0")
    look[4][1] >> shut >> seen[1]
    more, full = c.obj(1130, 230, "+ 1"), c.obj(1180, 230, "sel 3")
    look[3][1] >> seen >> more >> seen[1]
    more >> full
    state = c.obj(860, 320, "change")
    look[4] >> c.msg(860, 286, "0") >> state
    full >> c.msg(1180, 262, "1") >> state
    turn = c.column(860, 350, "sel 0 1", "t b b")
    state >> turn[0]
    gate = c.obj(1020, 590, "line~")
    turn[1][1] >> c.obj(960, 378, "expr @underruns = @underruns + ( $1 == 1)")
    turn[1] >> c.obj(860, 420, "expr 140800/@sr") >> c.msg(860, 448, "0 $1") >> gate
    c.text(1060, 402, "a start is soft already, after a hole fade in, 5 ms", 56)
    soft = c.column(1060, 434, "expr @b == @seg && @f == 0", "sel 0 1")
    turn[0][1] >> soft[0]
    soft[1] >> c.msg(1060, 500, "1 5") >> gate
    soft[1][1] >> c.msg(1120, 500, "1") >> gate
    close = c.column(1260, 500, "r &close", "t b b b")
    close[1][2] >> c.msg(1370, 556, "0") >> seen[1]
    close[1][1] >> c.msg(1310, 556, "set 0") >> state
    close[1] >> c.msg(1240, 556, "0 3") >> gate
    return gate


def _sound(c: Canvas, gate: Box) -> None:
    c.text(860, 620, "5 The ring as sound: whole numbers from the clock, and 0 to 63 inside each vector.", 46)
    step = c.column(860, 660, "r &offset", "sig~")
    ramp = c.obj(1000, 660, "tabreceive~ &ramp")
    index = c.obj(860, 720, "+~")
    step[1] >> index
    ramp >> index[1]
    play = c.obj(860, 748, "tabread~ $0-ring")
    level = c.obj(1020, 748, "*~")
    index >> play >> level
    gate >> level[1]
    level >> c.obj(1020, 776, "outlet~")


def place() -> Canvas:
    c = Canvas("place", 1040, 680, who=WHO)
    c.head(
        "WHERE DOES THIS BLOCK BELONG? Blocks are counted like the clock (b). The newest block so far is "
        "the landmark: newest_seq stands at newest. If seq and offset both fit it, that is the place. If "
        "not, the engine began anew further on, and the offset ahead of the clock is the place.",
        120,
    )
    into = c.column(20, 84, "inlet", "t l l")
    mine = c.obj(120, 112, "expr $f1 == @epoch && @run")
    only = c.column(20, 150, "spigot", "t b b b b l l l")
    into[1][1] >> mine >> only[0][1]
    into[1] >> only[0]
    steps = only[1]
    steps[6] >> c.obj(500, 150, f"expr @ds = if(@have, {wrapped('$f2 - @newest_seq')}, 1)", 70)
    steps[5] >> c.obj(420, 200, "expr @rb = $f3 / @block")
    steps[4] >> c.obj(340, 230, "expr @seq = $f2")
    find = c.obj(260, 260, "t b b")
    steps[3] >> find
    find[1] >> c.obj(340, 260, f"expr @fits = @have && (@newest + @ds + {WRAP}) % @nb == @rb", 70)
    find >> c.obj(
        260,
        310,
        f"expr @ahead = if(@fits, {wrapped('@newest + @ds - @b')}, "
        "if(@ds > 0, (@rb - @b % @nb + @nb + 8192/@block) % @nb - 8192/@block, -1))",
        90,
    )
    newer = c.column(180, 390, "expr @ds > 0", "sel 1", "t b b b b")
    steps[2] >> newer[0]
    newer[2][3] >> c.obj(420, 400, f"expr @newest = (@b + @ahead + {WRAP}) % {WRAP}", 70)
    newer[2][2] >> c.obj(
        380, 440, f"expr @seg = if(@fits, @seg, if(@have, @newest, (@newest - @seq + {WRAP}) % {WRAP}))", 80
    )
    newer[2][1] >> c.obj(340, 490, "expr @newest_seq = @seq")
    newer[2] >> c.obj(180, 520, "expr @have = 1")
    steps[1] >> c.obj(100, 560, f"expr (@b + @ahead + {WRAP}) % @nb") >> c.obj(100, 610, "outlet")
    steps >> c.obj(20, 640, "expr @ahead >= 1 && @ahead < @nb - 1") >> c.obj(20, 668, "outlet")
    c.text(400, 660, "outlets: taken 1 or 0, place in the ring in blocks", 56)
    return c


def missing() -> Canvas:
    c = Canvas("missing", 1060, 620, who=WHO)
    c.head(
        "Fifty times a second: which blocks before the newest never came? Each run of them goes out as "
        "one nack. The last three are left alone: they may just be out of order.",
        100,
    )
    head = c.column(20, 60, "r &scan", "v @have", "sel 1", "t b b b")
    head[3][2] >> c.obj(200, 60, f"expr @top = {wrapped('@newest - @b')}", 90)
    begin = c.column(200, 110, f"expr max(1, {wrapped('@seg - @b')})", "t f f")
    head[3][1] >> begin[0]
    count = c.column(20, 210, "f", "expr @top - 3 - $f1", "moses 1")
    each = c.obj(100, 310, "t b f")
    head[3] >> count[0]
    begin[1] >> count[0][1]
    count[2][1] >> each
    at = c.column(200, 280, "until", "f", "t f f", "t f f", "expr (@b + $f1 ) % @nb", "tabread $0-got", "sel 0 1")
    each[1] >> at[0]
    begin[1][1] >> at[1][1]
    at[2][1] >> c.obj(320, 336, "+ 1") >> at[1][1]
    gap = c.column(500, 364, "f", "t b f")
    at[3][1] >> gap[0][1]
    at[6] >> gap[0]
    gap[1][1] >> c.obj(
        580, 420, f"expr @gap_at = if(@gap_n == 0, (@newest_seq - @top + $f1 + {WRAP}) % {WRAP}, @gap_at)", 60
    )
    gap[1] >> c.obj(500, 480, "expr @gap_n = @gap_n + 1")
    run, over = c.column(20, 462, "v @gap_n", "moses 1"), c.obj(60, 520, "t b b b f")
    at[6][1] >> run[0]
    each >> run[0]
    run[1][1] >> over
    nack = c.obj(240, 560, "pack f f f")
    over[3] >> nack[2]
    over[2] >> c.obj(360, 520, "v @gap_at") >> nack[1]
    over[1] >> c.obj(240, 520, "v @epoch") >> nack
    over >> c.obj(20, 580, "expr @gap_n = 0")
    nack >> c.obj(240, 588, "s &nack")
    return c
