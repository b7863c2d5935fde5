"""patches/concert/SoundsOfTheHeart.pd: the score on stage, dark and large, played with three keys.

Three clicks: open it, SOUND, GO. What is seen is here; how it works is in the room "works"
(concert_works.py, concert_picture.py).
"""

from __future__ import annotations

from pd_patches.canvas import Canvas
from pd_patches.concert_picture import heart_pad
from pd_patches.concert_works import ROWS, elsewhere, works

WIDTH, HEIGHT = 1280, 724
EDGE = 16
"""Pixels of the window around the stage."""

NIGHT, DUSK, PAPER, DIM, AMBER = "#120c0e", "#241a1d", "#f6eee8", "#a89a95", "#ffb02e"
GREEN, RED, PANIC = "#1d8f4f", "#8b1e2d", "#d6001c"

SHOWN = (
    ("words", 54, 12, 770, 34, 20, PAPER, "no answer from the engine: is it running? (heart live)"),
    ("number", 20, 50, 400, 40, 26, DIM, "cue"),
    ("name", 20, 92, 816, 80, 48, PAPER, "Sounds of the Heart"),
    ("state", 20, 176, 816, 70, 38, DIM, "no score (heart live --score FILE)"),
    ("time", 20, 256, 390, 106, 80, PAPER, "0:00"),
    ("left", 420, 256, 410, 106, 80, DIM, "-0:00"),
    ("next", 82, 374, 570, 50, 30, PAPER, ""),
    ("how", 664, 380, 166, 38, 20, AMBER, ""),
    ("bpm", 844, 322, 220, 64, 40, PAPER, "-- bpm"),
    ("label", 1070, 322, 190, 64, 40, PAPER, ""),
    ("heard", 944, 392, 90, 36, 22, DIM, "-"),
    ("trust", 1130, 392, 110, 36, 22, DIM, "-"),
    ("choose", 884, 684, 140, 30, 18, PAPER, "choose a cue"),
    ("file", 612, 562, 224, 26, 11, DIM, ""),
    ("trouble", 16, 688, 820, 30, 16, AMBER, ""),
)
"""Words that change: name, x, y, width, height, size, colour, first text."""

CAPTIONS = (
    ("next", 20, 386), ("ear hears", 844, 398), ("trust", 1070, 398), ("sound", 94, 630), ("master", 190, 604),
    ("reserve, ms", 440, 604), ("underruns", 560, 604), ("fade, s", 680, 604), ("keys", 770, 604),
)  # fmt: skip
"""Small words that stay: text, x, y."""

BUTTONS = (
    ("go", "GO", 24, 436, 160, GREEN, 60, (38, 80)), ("panic", "PANIC", 212, 436, 130, PANIC, 30, (20, 65)),
    ("silence", "SILENCE", 384, 436, 76, RED, 22, (88, 38)), ("resume", "RESUME", 384, 520, 76, DUSK, 22, (88, 38)),
    ("leap", "", 848, 684, 28, DUSK, 12, (0, 0)), ("page", "", 1232, 656, 24, DUSK, 12, (0, 0)),
)  # fmt: skip
"""Send name, words, x, y, size, ground, size and place of the words."""


def concert() -> Canvas:
    c = Canvas("SoundsOfTheHeart", WIDTH + EDGE, HEIGHT + EDGE, who="0", path="../pd")
    c.obj(500, 300, f"declare -path {c.path}")
    c.sub(1084, 690, elsewhere())
    c.sub(1190, 690, works())
    c.card(0, 0, WIDTH, HEIGHT, "", NIGHT)
    c.card(848, 440, 408, 240, "", DUSK)
    for name, x, y, width, height, size, ink, text in SHOWN:
        c.card(x, y, width, height, text, NIGHT, size, ink, receive=f"$0-{name}", middle=height // 2)
    for text, x, y in CAPTIONS:
        c.card(x - 4, y, 8 * len(text) + 10, 20, text, NIGHT, 12, DIM, middle=10)
    for name, x, width in (("engine ...", 1066, 112), ("works", 1190, 66)):
        c.card(x, 684, width, 30, name, DUSK, 16, PAPER, middle=15)  # a click goes through it, to the room below
    for row in range(ROWS):
        c.card(872, 442 + 21 * row, 250, 20, "", DUSK, 15, PAPER, receive=f"$0-row{row}", middle=10)
        c.card(1122, 442 + 21 * row, 108, 20, "", DUSK, 15, PAPER, receive=f"$0-end{row}", middle=10)
    c.card(24, 18, 20, 20, "", PANIC, receive="$0-lamp")
    c.sub(848, 14, heart_pad())
    c.column_of_cells(850, 442, ROWS, 21, "$0-chosen", DUSK, AMBER)
    for send, words, x, y, size, ground, font, at in BUTTONS:
        c.bang(x, y, size, f"$0-{send}", f"$0-{send}-face", words, PAPER, ground, PAPER, font, at)
    _switches(c)
    return c


def _switches(c: Canvas) -> None:
    """What is turned and measured in the two lowest rows."""
    c.toggle(24, 612, 62, "$0-sound", "$0-sound-is", ground=DUSK, ink="#22b868")
    c.slider(190, 630, 220, 0, 1, "$0-master", start=21_900, load=True, ground=DUSK)
    for n, (name, chars) in enumerate((("reserve", 5), ("underruns", 5))):
        c.card(444 + 120 * n, 630, 54, 24, "", DIM)
        c.number(444 + 120 * n, 630, chars, receive=f"$0-{name}", size=16)
    c.card(684, 630, 54, 24, "", DIM)
    c.number(684, 630, 5, send="$0-fade-s", receive="$0-fade-is", size=16)
    c.toggle(774, 630, 24, "$0-keys", on=True, ground=DUSK, ink=AMBER)
    c.toggle(580, 436, 76, "$0-record", "$0-record-is", ground=DUSK, ink=PANIC)
    c.card(664, 450, 124, 46, "RECORD", NIGHT, 22, PAPER, middle=24)
    c.card(584, 566, 18, 18, "", DUSK, receive="$0-recording")
    for n in range(2):
        c.meter(796 + 22 * n, 436, f"$0-level{n + 1}")
