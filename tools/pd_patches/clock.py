"""The clock of a client: whole 64-frame vectors counted since the welcome, and what a welcome begins."""

from __future__ import annotations

from pd_patches.canvas import Canvas


def clock(who: str) -> Canvas:
    c = Canvas("clock", 1020, 600, who=who)
    c.head(
        "THE CLOCK: 64 frames a tick, counted since the welcome as block b (modulo 2^20) and frame f in "
        "it. Whole numbers only: exact for ever.",
        60,
    )
    _ticks(c)
    c.text(
        540,
        14,
        "WELCOME: protocol version sample_rate channels block ring epoch voice. A new epoch is a new stream: "
        "close, wait for the fade, clear, begin at frame 0.",
        62,
    )
    _welcome(c)
    c.text(20, 470, "50 times a second: credit", 40)
    c.column(20, 498, "r &go", "metro 20", "s &credit")
    return c


def _ticks(c: Canvas) -> None:
    tick = c.column(20, 72, "bang~", "t b b", "v @run", "sel 1", "t b b b b")
    tick[1][1] >> c.msg(120, 100, "0") >> c.obj(170, 100, "v @still")
    tick[4][3] >> c.obj(170, 156, "expr @f = @f + 64")
    full = c.column(170, 210, "expr @f >= @block", "sel 1", "t b b b")
    tick[4][2] >> full[0]
    full[2][2] >> c.obj(330, 238, "v @b") >> c.obj(330, 266, "s &passed")
    full[2][1] >> c.obj(200, 326, "expr @b = (@b + 1) % (1024*1024)")
    full[2] >> c.obj(170, 294, "expr @f = 0")
    at = c.column(120, 376, "expr (@b % @nb)*@block + @f", "s &offset")
    tick[4][1] >> at[0]
    tick[4] >> c.obj(20, 430, "s &tick")


def _welcome(c: Canvas) -> None:
    welcome = c.column(540, 72, "r &welcome", "unpack f s f f f f f s", "t b b")
    welcome[1][4] >> c.obj(650, 156, "v @got_block")
    welcome[1][6] >> c.obj(820, 156, "v @got_epoch")
    welcome[2][1] >> c.obj(620, 184, "expr @since_welcome = 0")
    fresh = c.column(540, 216, "expr @got_epoch != @want", "sel 1", "t b b b")
    welcome[2] >> fresh[0]
    fresh[2][2] >> c.obj(760, 300, "expr @want = @got_epoch; @epoch = 0; @run = 0", 30)
    fresh[2][1] >> c.obj(640, 300, "s &close")
    begin = c.column(540, 350, "del 6", "t b b b b")
    fresh[2] >> begin[0]
    begin[1][3] >> c.obj(
        640,
        370,
        "expr @nb = 65536/@got_block; @block = @got_block; @b = 0; @f = 0 - 64; @have = 0; "
        "@underruns = 0; @newest = 0; @seg = 0",
        46,
    )
    begin[1][2] >> c.obj(620, 452, "s &clear")
    begin[1][1] >> c.obj(620, 484, "expr @run = 1; @epoch = @want")
    last = c.obj(540, 520, "t b b")
    begin[1] >> last
    last[1] >> c.obj(660, 548, "s &credit")
    last >> c.obj(540, 548, "s &fresh")
