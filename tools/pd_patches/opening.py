"""heart.pd, the patch to open first: hear the heart, turn it, record it."""

from __future__ import annotations

from pd_patches.canvas import CARD, PAPER, RED, Canvas
from pd_patches.panel import HEIGHT, WIDTH


def opening() -> Canvas:
    c = Canvas("heart", 1040, 670)
    c.card(0, 0, 1010, 60, "Sounds of the Heart", CARD, 26, RED)
    c.text(
        440,
        14,
        "A heart that sings, streamed into Pure Data. Start the engine (heart live), open this patch, listen. "
        "Vanilla Pd 0.53 or later, nothing to install.",
        78,
    )
    c.window(20, 80, "heart.panel", (WIDTH, HEIGHT))
    c.card(600, 80, 390, 236, "the sound", PAPER)
    c.obj(620, 106, "heart.engine")
    sound = c.obj(620, 140, "heart.receive~ 1")
    level, out = c.obj(620, 260, "*~"), c.obj(620, 288, "dac~ 1 2")
    sound >> level >> out
    level >> out[1]
    volume = c.slider(760, 204, 110, 0, 1, label="volume", start=9000, load=True)
    volume >> c.msg(760, 232, "$1 20") >> c.obj(760, 260, "line~") >> level[1]
    meter = c.obj(660, 176, "env~ 4096")
    sound >> meter
    meter >> c.obj(660, 204, "- 100") >> c.obj(660, 232, "s heart-level")
    c.meter(955, 110, "heart-level")
    c.text(770, 140, "take it from here", 20)
    c.column(880, 232, "loadbang", "( dsp 1", "s pd")
    c.card(600, 326, 390, 146, "record what arrives, exactly", PAPER)
    c.bang(620, 360, 30, send="heart-record-as", label="record to a wav file")
    c.bang(620, 410, 30, send="heart-record-stop", label="stop")
    sound >> c.obj(750, 168, "s~ $0-sound")
    c.sub(850, 415, _record())
    c.card(20, 482, 970, 140, "in your own patch (each has a help: right-click it there)", PAPER)
    for n, (name, what) in enumerate(OBJECTS):
        x, y = 30 + n % 2 * 480, 508 + n // 2 * 28
        c.text(x + 140, y, what, 46)
        c.text(x, y, name, 18)
    return c


OBJECTS = (
    ("heart.engine", "connection, words, every parameter"),
    ("heart.receive~ 2", "one to eight channels of sound"),
    ("heart.send~ 1", "your sound to the ear"),
    ("heart.beat", "a bang when S1 sounds, phase, bpm"),
    ("heart.heard", "beats, rate and verdicts of the ear"),
    ("heart.morph 4", "a pad over the loaded sounds"),
    ("heart.cues", "the cues of a score: go, to, where it is"),
    ("heart.panel", "what you see above"),
)


def _record() -> Canvas:
    """A recorder of its own signal inlet, led by heart-record-as, heart-record FILE and heart-record-stop."""
    c = Canvas("record", 520, 300)
    c.head("Exactly what arrives, before the volume, as 32-bit floats.", 60)
    ask = c.column(140, 50, "r heart-record-as", "savepanel")
    both, file = c.obj(140, 120, "t b s"), c.obj(20, 250, "writesf~ 1")
    ask[1] >> both
    c.obj(300, 78, "r heart-record") >> both
    both[1] >> c.msg(180, 160, "open -wave -bytes 4 $1") >> file
    both >> c.msg(120, 200, "start") >> file
    c.obj(300, 220, "r heart-record-stop") >> c.msg(300, 250, "stop") >> file
    c.obj(20, 50, "r~ $0-sound") >> file
    return c
