"""The room of inside/client that says hello until somebody answers, and tells in words how it stands."""

from __future__ import annotations

from pd_patches.boxes import words
from pd_patches.canvas import Canvas

WORDS = (
    "no answer from the engine: is it running? (heart live)",
    "connected, waiting for sound",
    "playing",
    "the sound stopped coming: asking again",
    "audio is off in Pd: Media > DSP On",
    "not connected: send connect 127.0.0.1 9700",
)


def watch(who: str) -> Canvas:
    c = Canvas("watch", 1280, 770, who=who)
    c.head(
        "THE WATCH, ten times a second: no sound for a second and no welcome: say hello, every half "
        "second, until somebody answers.",
        76,
    )
    each = c.column(20, 60, "r &go", "metro 100", "t b b b b")
    grow = c.obj(
        300,
        88,
        "expr @quiet = @quiet + 100; @since_hello = @since_hello + 100; @since_welcome = @since_welcome + 100; "
        "@still = @still + 100",
        70,
    )
    each[2][3] >> grow
    due = c.column(
        110, 180, "expr @quiet >= 1000 && @since_welcome >= 1000 && @since_hello >= 500", "sel 1", "s &hello"
    )
    each[2][2] >> due[0]
    ready = c.column(110, 285, "expr @epoch > 0", "s &ready")
    each[2][1] >> ready[0]

    c.text(640, 150, "the engine has started, or does not know us", 46)
    soon = c.column(640, 178, "r &hello-soon", "t b b", "expr @since_hello >= 200 && @sr > 0", "sel 1", "s &hello")
    soon[1][1] >> c.obj(740, 206, "s &forget-stream")
    c.text(640, 350, "forget-stream: it is over. forget: and a new one is wanted at once", 70)
    forget = c.obj(880, 378, "r &forget")
    now = c.obj(940, 440, "expr @quiet = 1000; @since_welcome = 1000; @since_hello = 1000", 40)
    over = c.column(640, 378, "r &forget-stream", "t b b b")
    both = c.obj(880, 410, "t b b")
    forget >> both
    both[1] >> now
    both >> over[1]
    over[1][2] >> c.obj(740, 440, "s &close")
    over[1][1] >> c.obj(680, 510, "expr @epoch = 0; @want = 0; @run = 0", 40)
    over[1] >> c.msg(640, 470, "1000") >> c.obj(700, 470, "v @quiet")

    c.text(20, 340, "IN WORDS: 0 no answer, 1 waiting, 2 playing, 3 stopped, 4 audio off, 5 not connected", 60)
    state = c.obj(
        20,
        386,
        "expr if(@up == 0, 5, if(@still >= 500, 4, if(@quiet < 300, 2, if(@since_welcome < 1000, 1, "
        "if(@epoch > 0 && @quiet < 4000, 3, 0)))))",
        66,
    )
    each[2] >> state
    changed = c.column(20, 440, "change -1", "sel 0 1 2 3 4 5")
    state >> changed[0]
    out, said = c.obj(20, 720, "s &words"), c.obj(150, 720, "print heart-$1")
    gather = c.obj(20, 690, "t a a")
    gather >> out
    gather[1] >> said
    made = []
    for n, text in enumerate(WORDS):
        made.append(c.msg(20 + n * 20, 500 + n * 32 + 16 * (n > 0), f"symbol {words(text)}"))
        changed[1][n] >> made[-1] >> gather
    return c
