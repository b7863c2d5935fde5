"""The objects that a patch uses: heart.engine, heart.receive~, and the two plugs that bind all others to them.

An argument that nobody gave is 0, so all objects without a name belong together.
"""

from __future__ import annotations

from pd_patches.canvas import Canvas

CHANNELS = 8


def from_engine() -> Canvas:
    c = Canvas("from", 420, 160, who="$1")
    c.head("What the engine named by argument 1 has to tell about argument 2.", 50)
    c.obj(20, 60, "r &$2") >> c.obj(20, 90, "outlet")
    return c


def to_engine() -> Canvas:
    c = Canvas("to", 420, 160, who="$1")
    c.head("To the engine named by argument 1, for argument 2.", 50)
    c.obj(20, 60, "inlet") >> c.obj(20, 90, "s &$2")
    return c


def engine() -> Canvas:
    c = Canvas("heart.engine", 860, 400)
    c.head(
        "heart.engine NAME HOST PORT: the connection to the engine. In: a parameter and its value (bpm "
        "90), any address of docs/osc.md (/heart/ramp bpm 120 10), connect HOST PORT OWN_PORT, "
        "disconnect, phrase WORDS.",
        110,
    )
    into = c.obj(20, 70, "inlet")
    kind = c.obj(20, 98, "route connect disconnect phrase")
    into >> kind
    kind >> c.obj(20, 130, "inside/to $1 connect")
    kind[1] >> c.obj(200, 130, "inside/to $1 disconnect")
    kind[2] >> c.obj(20, 160, "inside/to $1 phrase")
    c.text(420, 64, "An address begins with a slash (47), anything else is a parameter.", 70)
    whole, copies = c.obj(420, 98, "list append"), c.obj(420, 126, "t a a")
    kind[3] >> whole >> copies
    first = c.column(560, 126, "list split 1", "list fromsymbol", "list split 1", "== 47", "t f f")
    copies[1] >> first[0]
    to, other, no = c.obj(420, 300, "spigot"), c.obj(520, 300, "spigot"), c.obj(520, 266, "== 0")
    first[4][1] >> no >> other[1]
    first[4] >> to[1]
    copies >> to
    copies >> other
    to[0] >> c.obj(420, 440, "inside/to $1 tell")
    again = c.obj(520, 328, "t a a")
    other >> again
    name, rest, value = (
        c.obj(640, 328, "list split 1"),
        c.obj(520, 356, "list split 1"),
        c.obj(560, 412, "list prepend"),
    )
    again[1] >> name >> c.obj(640, 356, "makefilename /heart/set/%s") >> value[1]
    again >> rest
    rest[1] >> value >> c.obj(590, 440, "inside/to $1 tell")
    c.obj(20, 190, "inside/client $1 $2 $3")
    c.text(
        20,
        230,
        "Out: how it stands, in words, the last trouble, in words, values (bpm 90), everything else it says.",
        54,
    )
    tell = [
        c.obj(20 + n * 100, 290 + n % 2 * 34, f"inside/from $1 {what}")
        for n, what in enumerate(("words", "trouble"))
    ]
    said = c.obj(240, 290, "inside/from $1 said")
    value = c.obj(320, 330, "route value")
    said >> value
    for n, port in enumerate((tell[0][0], tell[1][0], value[0], value[1])):
        port >> c.obj(20 + n * 80, 460, "outlet")
    return c


def receive() -> Canvas:
    c = Canvas("heart.receive~", 900, 330)
    c.head(
        "heart.receive~ CHANNELS NAME: the sound of the engine, one to eight channels. Outlets 1 to 8: "
        "the channels (those above CHANNELS are silent). 9: reserve in ms. 10: underruns since the stream "
        "began.",
        110,
    )
    count = c.column(20, 60, "loadbang", "f $1", "expr max(1, min($f1 , 8))", "t f b f")
    c.text(330, 56, "As many inside/channel~ as were asked for, made and wired when the patch opens.", 60)
    count[3] >> c.obj(20, 210, "inside/to $2 channels")
    wrong = c.column(330, 88, "expr $f1 < 0 || $f1 > 8", "sel 1")
    count[1] >> wrong[0]
    (
        wrong[1]
        >> c.msg(330, 144, "channels are 1 to 8: asked for fewer or more")
        >> c.obj(330, 172, "print heart.receive~")
    )
    made = c.sub(200, 180, _make())
    count[3][2] >> made
    count[3][1] >> c.msg(200, 210, "loadbang") >> c.obj(200, 238, "s pd-$0-channels")
    sound = c.sub(20, 290, _channels())
    for n in range(CHANNELS):
        sound[n] >> c.obj(20 + n * 70, 340, "outlet~")
    c.obj(600, 240, "inside/from $2 fill") >> c.obj(600, 340, "outlet")
    c.obj(670, 280, "inside/from $2 underruns") >> c.obj(670, 340, "outlet")
    return c


def _channels() -> Canvas:
    """Empty but for its outlets: objects 0 to 7, so that what is made later has numbers from 8 on."""
    c = Canvas("$0-channels", 700, 330)
    for n in range(CHANNELS):
        c.obj(20 + n * 80, 280, "outlet~")
    return c


def _make() -> Canvas:
    c = Canvas("make", 620, 400)
    c.head("inside/channel~ 1 to N into the canvas below, each wired to its outlet.", 70)
    start = c.column(20, 48, "inlet", "t f b")
    loop = c.column(20, 116, "until", "f", "+ 1", "t f f f")
    start[1] >> loop[0]
    start[1][1] >> c.msg(120, 98, "0") >> loop[1][1]
    loop[2] >> loop[1][1]
    place, whole = c.obj(380, 200, "expr $f1 * 26"), c.obj(260, 270, "list prepend")
    loop[3][2] >> place >> whole[1]
    to = c.obj(20, 360, "s pd-$0-channels")
    (
        loop[3][1]
        >> c.obj(260, 240, "list append $2")
        >> whole
        >> c.msg(260, 300, "obj 20 $1 inside/channel~ $2 $3")
        >> to
    )
    pair = c.obj(20, 236, "expr $f1 + 7; $f1 - 1")
    wire = c.obj(20, 270, "pack f f")
    loop[3] >> pair
    pair[1] >> wire[1]
    pair >> wire >> c.msg(20, 330, "connect $1 0 $2 0") >> to
    return c
