"""How the concert patch works: engine, keys, score and its list. Sound, panic and recording: concert_sound.py."""

from __future__ import annotations

from pd_patches.boxes import Box, Port
from pd_patches.canvas import Canvas
from pd_patches.concert_picture import picture
from pd_patches.concert_sound import panic, record, sound

ROWS = 11
"""Cues that the list shows at once; the page turns with the score."""

NIGHT, DUSK, PAPER, DIM, AMBER, RED = "#120c0e", "#241a1d", "#f6eee8", "#a89a95", "#ffb02e", "#8b1e2d"
GREEN, LEAF, PANIC = "#1d8f4f", "#22b868", "#d6001c"
SPACE, ESCAPE, BACKSPACE, DELETE = 32, 27, 8, 127
"""As `key` tells them."""

PUSHED, TURNED = ("go", "panic", "silence", "resume"), ("sound", "record", "fade")
"""Faces that another patch may push, and those it may turn."""

STATES = {
    "none": ("no score (heart live --score FILE)", DIM),
    "waiting": ("WAITING for GO", AMBER),
    "playing": ("playing", PAPER),
    "ended": ("the end", DIM),
}
"""What each state of the score is called on stage, and its colour."""


def works() -> Canvas:
    c = Canvas("works", 620, 260)
    c.head("HOW IT WORKS: a room for each part, joined to the stage by names that begin with $0.", 70)
    for n, room in enumerate((engine(), keys(), score(), names(), sound(), panic(), record(), picture())):
        c.sub(20 + n % 4 * 140, 70 + n // 4 * 50, room)
    return c


def label(c: Canvas, x: int, y: int, source: Box | Port, name: str, words: str = "$1") -> None:
    """Shows what comes from `source` on the stage."""
    source >> c.msg(x, y, f"label {words}") >> c.obj(x, y + 30, f"s $0-{name}")


def engine() -> Canvas:
    c = Canvas("engine", 900, 420, who="0")
    c.head("THE ENGINE, here or on another machine: its address, its pass phrase, a lamp and its own words.", 100)
    host = c.column(20, 60, "r $0-host", "symbol 127.0.0.1", "( connect $1 9700")
    phrase, typed = c.column(240, 60, "r $0-phrase", "t b a"), c.msg(320, 120, "phrase $1")
    phrase[1][1] >> typed
    phrase[1] >> c.obj(240, 120, "del 300") >> c.obj(240, 148, "s &hello-soon")
    core = c.obj(20, 180, "heart.engine")
    host[2] >> core
    typed >> core
    both = c.obj(20, 220, "t a a")
    core >> both
    label(c, 20, 260, both[0], "words")
    label(c, 130, 260, core[1], "trouble")
    c.text(
        300, 180, "The lamp: green while it plays, red without an engine (the words begin with n), else amber.", 60
    )
    lamp = c.column(300, 220, "list fromsymbol", "list split 1", "sel 112 110")
    both[1] >> lamp[0]
    to = c.obj(300, 350, "s $0-lamp")
    for n, colour in enumerate((LEAF, PANIC, AMBER)):
        lamp[2][n] >> c.msg(300 + 220 * n, 315, f"color {colour} {colour} {colour}") >> to
    return c


def elsewhere() -> Canvas:
    """The window for an engine on another machine. Pd tells `key` what is typed there, too, so the keys ask it."""
    c = Canvas("elsewhere", 600, 320)
    c.head("WHERE THE ENGINE RUNS. Type, press return. The concert's keys sleep while this window is open.", 70)
    for n, (name, words) in enumerate(
        (
            ("host", "address of its machine (this one: 127.0.0.1)"),
            ("phrase", "its pass phrase, if it asks for one"),
        )
    ):
        c.symbol(20, 72 + 40 * n, 24, send=f"$0-{name}", size=14)
        c.text(250, 74 + 40 * n, words, 44)
    c.column(20, 160, "r $0-typed", "( isvisible", "pdcontrol", "== 0", "s $0-awake", step=26)
    return c


def keys() -> Canvas:
    c = Canvas("keys", 900, 460)
    c.head(
        "THE KEYS: space is GO, escape the panic that fades, backspace silence at once. And from your own patch (a "
        "pedal, MIDI): send heart-concert go, panic, silence, resume, sound 1, record 1, fade 5.",
        110,
    )
    both = c.column(20, 60, "key", "t f b")[1]
    both[1] >> c.obj(120, 88, "s $0-typed")
    awake, wanted = c.obj(20, 130, "spigot 1"), c.obj(20, 160, "spigot 1")
    c.obj(120, 116, "r $0-awake") >> awake[1]
    c.obj(120, 144, "r $0-keys") >> wanted[1]
    typed = c.obj(20, 190, f"sel {SPACE} {ESCAPE} {BACKSPACE} {DELETE}")
    both >> awake >> wanted >> typed
    for n, what in enumerate(("go", "panic", "silence", "silence")):
        typed[n] >> c.obj(20 + 130 * n, 230, f"s $0-{what}")
    asked = c.column(20, 290, "r heart-concert", "route " + " ".join((*PUSHED, *TURNED)))[1]
    for n, what in enumerate((*PUSHED, *TURNED)):
        to = f"{what}-{'face' if what in PUSHED else 'is'}"
        asked[n] >> c.obj(20 + 150 * (n % 4), 360 + 34 * (n // 4), f"s $0-{to}")
    return c


def score() -> Canvas:
    c = Canvas("score", 1200, 620)
    c.head("THE SCORE: GO and leaps to the engine, and where it stands, in large letters.", 80)
    cues = c.obj(20, 130, "heart.cues")
    for n, (name, words) in enumerate((("go", "go"), ("to", "to $1"), ("names", "names"))):
        c.obj(20 + 100 * n, 50, f"r $0-{name}") >> c.msg(20 + 100 * n, 84, words) >> cues
    now = c.column(20, 170, "t a a", "unpack f f s")
    cues >> now[0]
    now[0][1] >> c.obj(160, 170, "s $0-now")
    pair = c.obj(20, 228, "pack f f")
    now[1] >> pair
    now[1][1] >> pair[1]
    label(c, 20, 260, pair[0], "number", "cue\\ $1\\ of\\ $2")
    label(c, 210, 260, now[1][2], "name")
    label(c, 300, 260, cues[4], "next")
    fitted(c, 900, 240, now[1][2], "name", 48, 1355)
    fitted(c, 900, 500, cues[4], "next", 30, 940)
    begins = c.obj(420, 170, "sel 1 0")
    cues[5] >> begins
    for n, words in enumerate(("at\\ GO", "by\\ itself")):
        begins[n] >> c.msg(420 + 110 * n, 200, f"label {words}") >> c.obj(420 + 110 * n, 230, "s $0-how")
    cues[6] >> c.obj(560, 130, "s $0-entry")
    for n, (name, sign) in enumerate((("time", ""), ("left", "-"))):
        clock = minutes(c, 700 + 230 * n, 60, cues[2 + n])
        label(c, 700 + 230 * n, 170, clock, name, f"{sign}$1:$2$3")
    _state(c, cues[1])
    return c


def fitted(c: Canvas, x: int, y: int, words: Port, name: str, largest: int, room: int) -> None:
    """A long name in smaller letters: `room` is the width for it in letters of one pixel."""
    size = c.column(x, y, "list fromsymbol", "list length", f"expr int(min({largest}, {room}/max($f1, 1)))")
    words >> size[0]
    size[2] >> c.msg(x + 150, y, "label_font 0 $1") >> c.obj(x + 150, y + 28, f"s $0-{name}")


def _state(c: Canvas, told: Port) -> None:
    both = c.obj(20, 340, "t a a")
    told >> both
    which, waits = c.obj(20, 370, "sel " + " ".join(STATES)), c.obj(700, 370, "sel waiting")
    both >> which
    both[1] >> waits
    to = c.obj(20, 580, "s $0-state")
    for n, (words, colour) in enumerate(STATES.values()):
        said = words.replace(" ", "\\ ")
        which[n] >> c.msg(20, 400 + 42 * n, f"label {said}, color {NIGHT} {NIGHT} {colour}") >> to
    face = c.obj(700, 470, "s $0-go-face")
    for n, colour in enumerate((LEAF, GREEN)):
        waits[n] >> c.msg(700 + 210 * n, 410, f"color {colour} {PAPER} {PAPER}") >> face


def minutes(c: Canvas, x: int, y: int, seconds: Port) -> Port:
    """Minutes, tens of seconds, seconds: a list."""
    split = c.obj(x, y, "expr int($f1/60); int($f1%60/10); int($f1)%10", 30)
    packed = c.obj(x, y + 60, "pack f f f")
    seconds >> split
    for n in range(3):
        split[n] >> packed[n]
    return packed[0]


def names() -> Canvas:
    c = Canvas("names", 1250, 760)
    c.head(
        f"THE LIST, {ROWS} cues a page. It shows the page on which the score is, another one by the small button, "
        "and asks for the names again when the page turns. It only chooses: the button below it leaps.",
        110,
    )
    _entries(c)
    _pages(c)
    c.text(860, 532, "A row is chosen, then the button goes there.", 50)
    chosen, hold = c.obj(860, 560, "r $0-chosen"), c.obj(860, 650, "f")
    number = c.obj(860, 588, f"expr $f1 + 1 + {ROWS}*$f2")
    c.obj(980, 560, "r $0-page-is") >> number[1]
    both = c.obj(860, 616, "t f f")
    chosen >> number >> both
    both[1] >> hold[1]
    label(c, 960, 650, both[0], "choose", "go\\ to\\ $1")
    go = c.obj(860, 680, "moses 1")
    c.obj(760, 620, "r $0-leap") >> c.obj(760, 650, "t b") >> hold >> go
    go[1] >> c.obj(900, 710, "s $0-to")
    return c


def _entries(c: Canvas) -> None:
    """Each name to its row, if that is on this page."""
    entry = c.column(20, 90, "r $0-entry", "unpack f f s f f")[1]
    row = c.obj(20, 340, f"expr if($f1 > 0 && int(($f1 - 1)/{ROWS}) == $f2, int($f1 - 1)%{ROWS}, -1)", 70)
    c.obj(460, 310, "r $0-page-is") >> row[1]
    number = c.obj(20, 150, "t f f")
    entry >> number
    number >> row
    name, end = c.obj(20, 480, "pack f s"), c.obj(250, 480, "pack s s")
    kept, length = c.obj(20, 450, "f"), c.obj(250, 450, "symbol")
    number[1] >> kept[1]
    entry[2] >> name[1]
    minutes(c, 250, 120, entry[3]) >> c.msg(250, 230, "symbol $1:$2$3") >> length[1]
    begins = c.obj(400, 200, "sel 1 0")
    entry[4] >> begins
    for n, word in enumerate(("GO", "-")):
        begins[n] >> c.msg(400 + 100 * n, 230, f"symbol {word}") >> end[1]
    here, send = c.obj(20, 390, "moses 0"), c.obj(60, 420, "t b b f f")
    row >> here
    here[1] >> send
    send >> kept >> name
    send[1] >> length >> end
    for n, (text, what) in enumerate(((name, "row"), (end, "end"))):
        to = c.obj(20 + 230 * n, 570, "send")
        send[2 + n] >> c.obj(90 + 230 * n, 540, f"makefilename $0-{what}%d") >> to[1]
        text >> c.msg(20 + 230 * n, 510, "label $1\\ \\ $2") >> to


def _pages(c: Canvas) -> None:
    """The page turns when the score leaves it, or by hand; then the names are asked for anew."""
    now = c.column(560, 60, "r $0-now", "unpack f f")[1]
    cue = c.obj(560, 116, "change -1")
    now >> cue
    both = c.obj(560, 144, "t f f")
    cue >> both
    page = c.column(640, 172, f"expr max(0, int(($f1 - 1)/{ROWS}))", "s $0-page-to")
    both[1] >> page[0]
    by_hand = c.obj(900, 116, f"expr ($f2 + 1) % max(1, int(($f1 + {ROWS - 1})/{ROWS}))")
    count = c.column(900, 60, "r $0-page", "f")[1]
    now[1] >> count[1]
    count >> by_hand >> c.obj(900, 144, "s $0-page-to")
    c.obj(1080, 60, "r $0-page-is") >> by_hand[1]
    turn = c.column(900, 200, "r $0-page-to", "change", "t b b f")
    turn[2][2] >> c.obj(1000, 286, "s $0-page-is")
    rows = c.msg(900, 322, ", ".join(map(str, range(ROWS))))
    turn[2][1] >> rows
    turn[2] >> c.obj(840, 286, "s $0-names")
    each, empty = c.obj(900, 350, "t b f f"), c.msg(900, 440, "label empty")
    rows >> each
    for n, what in enumerate(("row", "end")):
        to = c.obj(900 + 160 * n, 480, "send")
        each[1 + n] >> c.obj(1020 + 130 * n, 400 + 28 * n, f"makefilename $0-{what}%d") >> to[1]
        empty >> to
    each >> empty
    c.text(700, 242, "The row that sounds is red.", 30)
    paint = c.msg(560, 270, ", ".join(map(str, range(ROWS))))
    both >> c.obj(600, 242, "t b f")
    start = c.boxes[-1]
    lit = c.obj(560, 334, f"expr $f1 == int($f2 - 1)%{ROWS} && $f2 > 0")
    start >> paint
    start[1] >> lit[1]
    one, colours = c.obj(560, 300, "t f f f"), []
    paint >> one >> lit
    which = c.obj(560, 362, "sel 1 0")
    lit >> which
    for n, ground in enumerate((RED, DUSK)):
        colours.append(c.msg(560 + 230 * n, 390, f"color {ground} {PAPER} {PAPER}"))
        which[n] >> colours[n]
    for n, what in enumerate(("row", "end")):
        to = c.obj(560 + 160 * n, 600, "send")
        one[1 + n] >> c.obj(560 + 170 * n, 430, f"makefilename $0-{what}%d") >> to[1]
        for colour in colours:
            colour >> to
