"""inside/client.pd: one client of the engine: its socket, its clock, and the words for how it stands.

Argument 1 is the name that all objects of this client share (0 when nobody named it), 2 and 3 where the
engine is. Four rooms: `says` (everything that goes out), `hears` (everything that comes in), `clock` (frames
since the welcome, and new streams), `watch` (is there still sound? and the words).
"""

from __future__ import annotations

from pd_patches.boxes import words
from pd_patches.canvas import Canvas
from pd_patches.clock import clock
from pd_patches.watch import watch
from pd_patches.wire import hears, says

WHO = "$1"

SHARED = [
    "b",
    "f",
    "nb",
    "block",
    "run",
    "epoch",
    "want",
    "have",
    "newest",
    "newest_seq",
    "seg",
    "seq",
    "ds",
    "rb",
    "fits",
    "ahead",
    "top",
    "gap_at",
    "gap_n",
    "asked",
    "quiet",
    "still",
    "sr",
    "since_hello",
    "since_welcome",
    "got_epoch",
    "got_block",
    "underruns",
    "channels",
    "up",
]
"""What the expr boxes share; each needs a value object."""


def client() -> Canvas:
    c = Canvas("client", 1160, 500, who=WHO)
    c.head(
        "ONE CLIENT OF THE ENGINE. Argument 1: the name that its objects share. 2 and 3: where the engine "
        "is. One UDP socket speaks and listens, so there is no port to choose and nothing to open.",
        110,
    )
    out, socket, into = c.sub(20, 70, says(WHO)), c.obj(20, 105, "netsend -u -b"), c.sub(125, 140, hears(WHO))
    out >> socket
    socket >> c.obj(20, 140, "v @up")
    socket[1] >> into
    c.sub(20, 190, clock(WHO))
    c.sub(120, 190, watch(WHO))
    c.text(420, 70, "1 Where the engine is: arguments, or the message connect HOST PORT OWN_PORT.", 56)
    load, given = c.obj(420, 110, "loadbang"), c.obj(420, 138, "list $2 $3")
    here, there = c.obj(420, 166, "route 0"), c.msg(420, 204, "127.0.0.1 9700")
    load >> given >> here
    here >> there
    split, port = c.obj(560, 204, "unpack s f"), c.obj(640, 232, "expr if($f1 == 0, 9700, $f1)")
    both, to = c.obj(560, 260, "pack s f"), c.obj(420, 288, "s &connect")
    here[1] >> split[0]
    split[1] >> port >> both[1]
    split >> both >> to
    there >> to
    c.text(20, 230, "2 What the expr boxes share, a value object for each.", 56)
    c.sub(20, 252, values())
    c.text(20, 300, "3 After a moment, so that every object is there:", 56)
    c.column(20, 322, "loadbang", "del 100", "( 1", "s &go")
    c.text(420, 330, "4 Two of one name would hear each other: each says that it is here, and counts who does.", 60)
    c.column(420, 370, "loadbang", "s &here")
    twice = c.column(540, 370, "r &here", "f 0", "+ 1")
    twice[2] >> twice[1][1]
    two = c.column(690, 370, "sel 2", f"( symbol {words('two heart.engine have the same name: give one another')}")
    twice[2] >> two[0]
    two[1] >> c.obj(690, 440, "s &trouble")
    two[1] >> c.obj(850, 440, "print heart.engine")
    return c


def values() -> Canvas:
    c = Canvas("values", 820, 520, who=WHO)
    c.head("Values that the expr boxes of this client share, and what they are before the first welcome.", 90)
    for n, name in enumerate(SHARED):
        c.obj(20 + n % 4 * 195, 50 + n // 4 * 28, f"v @{name}")
    load = c.obj(20, 300, "loadbang")
    first = c.obj(
        20,
        328,
        "expr @quiet = 1000; @since_welcome = 1000; @since_hello = 1000; @nb = 256; @block = 256; "
        "@channels = max(@channels, 1)",
        70,
    )
    load >> first
    c.obj(20, 460, "array define &zeros 1024")
    ramp = c.msg(300, 400, "0 " + " ".join(str(n) for n in range(64)), 70)
    c.obj(20, 488, "array define &ramp 64")
    load >> ramp >> c.obj(300, 500, "s &ramp")
    return c
