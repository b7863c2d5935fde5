"""heart.panel, and the two plugs between a control and a parameter: inside/knob and inside/choice.

What can be turned, its range and its law come from the engine's one table (heart.namespace).
"""

from __future__ import annotations

from heart.namespace import PARAMS
from heart.records import LABELS, MIXTURES, TEXTURES
from pd_patches.canvas import CARD, INK, PAPER, RED, Canvas

FADERS = ("bpm", "rmssd", "systole", "balance", "ectopy", "strength", "gain", "lead_ms")
CHOICES = 10
"""Words that inside/choice has room for."""

WIDTH, HEIGHT = 560, 392


def knob() -> Canvas:
    c = Canvas("knob", 760, 330, who="$1")
    c.head(
        "Between a control and a parameter. Arguments: the engine's name, the parameter. In: a value, "
        "sent on. Out: set and the value, when the stream begins or somebody else has changed it.",
        90,
    )
    c.column(20, 70, "inlet", "list prepend /heart/set/$2", "s &tell")
    _listen(c, 330, 70)
    c.column(20, 180, "r &said", "route value", "route $2", "list prepend set", "list trim", "outlet")
    return c


def _listen(c: Canvas, x: int, y: int) -> None:
    fresh = c.column(x, y, "r &fresh", "t b b")
    (
        fresh[1][1]
        >> c.msg(x + 100, y + 60, "1")
        >> c.obj(x + 100, y + 88, "list prepend /heart/listen/$2")
        >> c.obj(x + 100, y + 116, "s &tell")
    )
    fresh[1] >> c.obj(x, y + 150, "list append /heart/get/$2") >> c.obj(x, y + 178, "s &tell")


def choice() -> Canvas:
    c = Canvas("choice", 900, 470, who="$1")
    c.head(
        "Between a row of buttons and a parameter of words. Arguments: the engine's name, the parameter, "
        f"then up to {CHOICES} words. In: number of a button. Out: set and the number, the word.",
        110,
    )
    words = " ".join(f"${n}" for n in range(3, 3 + CHOICES))
    pick = c.column(20, 70, "inlet", "t b f")
    every, cut = c.obj(20, 130, f"list append {words}"), c.obj(20, 158, "list split")
    pick[1][1] >> cut[1]
    pick[1] >> every >> cut
    one = c.column(20, 200, "list split 1", "list prepend /heart/set/$2", "s &tell")
    cut[1] >> one[0]
    _listen(c, 500, 70)
    said = c.column(20, 290, "r &said", "route value", "route $2", "list append", "t l l")
    said[4][1] >> c.obj(240, 400, "symbol") >> c.obj(240, 440, "outlet")
    which = c.obj(330, 320, f"sel {words}")
    said[4] >> which
    number = c.obj(330, 400, "list prepend set")
    for n in range(CHOICES):
        which[n] >> c.msg(330 + n * 40, 366, str(n)) >> number
    number >> c.obj(330, 428, "list trim") >> c.obj(20, 440, "outlet")
    return c


def panel() -> Canvas:
    c = Canvas("heart.panel", 1040, 900, graph=(20, 60, WIDTH, HEIGHT))
    c.head(
        "heart.panel NAME: how it stands, what is sung, and the parameters that are turned most. Other "
        "patches show the framed part. The wires are beside and below it.",
        110,
    )
    c.card(20, 60, WIDTH, HEIGHT, "", PAPER)
    c.card(20, 60, WIDTH, 30, "Sounds of the Heart", CARD, 16, RED)
    _state(c)
    _faders(c)
    _rows(c)
    stop, go = c.bang(450, 400, 34, colour="#ff0000"), c.bang(510, 400, 34)
    c.text(448, 380, "panic", 6)
    c.text(500, 380, "resume", 7)
    tell = c.obj(610, 560, "inside/to $1 tell")
    stop >> c.msg(610, 520, "/heart/panic") >> tell
    go >> c.msg(740, 520, "/heart/resume") >> tell
    return c


def _state(c: Canvas) -> None:
    """The words and the numbers at the top."""
    for n, (what, size) in enumerate((("words", 14), ("trouble", 11))):
        c.card(26, 96 + n * 26, WIDTH - 12, 22, "", PAPER, size, INK, receive=f"$0-{what}")
        c.column(610, 80 + n * 90, f"inside/from $1 {what}", "( label $1", f"s $0-{what}")
    flash, bpm = c.bang(30, 152, 46), c.number(88, 170, 6, "bpm", size=16)
    beat = c.obj(610, 270, "heart.beat $1")
    beat >> flash
    beat[2] >> bpm
    status = c.column(610, 300, "inside/from $1 said", "route status", "unpack s s s f f f f f f f f")
    for at, label, outlet in ((176, "heard", 4), (244, "load", 7)):
        status[2][outlet] >> c.number(at, 174, 5, label)
    for at, label, row in ((312, "reserve", 96), (380, "underruns", 176)):
        what = "fill" if label == "reserve" else label
        c.obj(830, row, f"inside/from $1 {what}") >> c.number(at, 174, 5, label)


def _faders(c: Canvas) -> None:
    """Two columns of sliders, each with its plug beside the panel."""
    for n, name in enumerate(FADERS):
        p = PARAMS[name]
        assert p.low is not None
        assert p.high is not None
        label = name if not p.unit or name.endswith(p.unit) else f"{name} {p.unit}"
        slider = c.slider(
            30 + n // 4 * 250, 214 + n % 4 * 24, 140, p.low, p.high, label=label, log=p.scale == "log"
        )
        plug = c.obj(610 + n // 4 * 220, 390 + n % 4 * 28, f"inside/knob $1 {name}")
        slider >> plug >> slider


def _rows(c: Canvas) -> None:
    """Labels, textures, mode and rhythm as rows of buttons."""
    rows = [("label", (*LABELS, *MIXTURES), 30, 330), ("label", TEXTURES, 30, 374)]
    at = {"mode": (300, 330), "pattern": (30, 418), "voice_mode": (440, 330)}
    rows += [(name, PARAMS[name].choices or (), *place) for name, place in at.items()]
    for n, (name, choices, x, y) in enumerate(rows):
        said = " ".join(map(str, choices))
        radio = c.radio(x, y, len(choices), label=said)
        plug = c.obj(20, 600 + n * 40, f"inside/choice $1 {name} {said}", 100)
        radio >> plug >> radio
        if n == 0:
            plug[1] >> c.symbol(450, 174, 8, "label")
