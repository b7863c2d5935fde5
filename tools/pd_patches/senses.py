"""heart.send~ (sound to the ear), heart.beat (beats to come), heart.heard (what the ear hears)."""

from __future__ import annotations

from pd_patches.canvas import Canvas

HEARD = ("next", "rate", "gate", "scene", "valve", "condition")
"""Outlets 2 to 7 of heart.heard: the last words of the addresses /heart/heard/..."""


def send() -> Canvas:
    c = Canvas("heart.send~", 900, 420)
    c.head(
        "heart.send~ CHANNEL NAME: any signal to the engine's ear, as /heart/in/CHANNEL in blocks of 256 "
        "frames. In: the signal, 0 stops sending, 1 goes on. Out: number of the block sent.",
        110,
    )
    block, gate = c.column(20, 70, "inlet~"), c.obj(20, 210, "spigot")
    whole = c.sub(20, 100, _block())
    block[0] >> whole >> gate
    c.text(330, 70, "only while the engine knows us, and nobody has said 0", 60)
    on, start = c.obj(330, 98, "inlet"), c.column(400, 98, "loadbang", "( 1")
    again = c.column(520, 98, "inside/from $2 ready", "t b f")[1]
    both = c.obj(330, 166, "expr $f1 != 0 && $f2 != 0")
    on >> both
    start[1] >> both
    again[1] >> both[1]
    again >> both >> gate[1]
    then = c.obj(20, 238, "t b b")
    gate >> then
    count = c.column(160, 238, "f -1", "expr ($f1 + 1) % (1024*1024)", "t f f")
    then[1] >> count[0]
    count[2][1] >> count[0][1]
    count[2] >> c.obj(240, 370, "outlet")
    samples, block_of = c.obj(20, 280, "array get $0-in"), c.obj(20, 322, "list prepend")
    then >> samples >> block_of
    count[2] >> block_of[1]
    packed = c.obj(20, 350, "oscformat heart in 1")
    block_of >> packed >> c.obj(20, 378, "inside/to $2 bytes")
    named = c.column(520, 210, "loadbang", "f $1", "max 1", "( set heart in $1")
    named[3] >> packed
    c.obj(520, 350, "array define $0-in 256")
    return c


def _block() -> Canvas:
    c = Canvas("block", 420, 200)
    c.head("256 frames at a time into the array, then a bang.", 50)
    c.obj(20, 50, "inlet~") >> c.obj(20, 90, "tabsend~ $0-in")
    c.obj(240, 50, "block~ 256")
    c.obj(240, 90, "bang~") >> c.obj(240, 130, "outlet")
    return c


def beat() -> Canvas:
    c = Canvas("heart.beat", 860, 480)
    c.head(
        "heart.beat NAME VOICE. Out: a bang when S1 sounds, in time for vline~, the phase as a signal, 0 at an "
        "S1 and 1 when the next is due, bpm, the list n bpm rr_ms rmssd_ms label trust.",
        100,
    )
    told = c.column(20, 60, "inside/from $1 beat-in", "t l l", "spigot", "t l l")
    voice, mine = c.obj(240, 60, "unpack f f"), c.obj(240, 88, "expr $f1 == max( $2 , 1)")
    told[1][1] >> voice
    voice[1] >> mine >> told[2][1]
    c.text(420, 88, "only of this voice (none: the first)", 50)
    delay, rest = c.obj(240, 144, "unpack f"), c.obj(20, 172, "unpack f f f f f f f s f")
    wait = c.obj(20, 220, "pipe f f f f s f 0")
    c.text(330, 144, "how many ms until the frame of the ring plays that the engine told: this first", 60)
    told[3][1] >> delay >> wait[6]
    told[3] >> rest
    for outlet, inlet in ((2, 0), (4, 1), (5, 2), (6, 3), (7, 4), (8, 5)):
        rest[outlet] >> wait[inlet]
    c.obj(330, 190, "inside/from $1 close") >> c.msg(240, 190, "clear") >> wait
    whole = c.obj(20, 270, "pack f f f f s f")
    for n in range(6):
        wait[n] >> whole[n]
    out = c.obj(20, 300, "t b l l l")
    whole >> out
    out >> c.obj(20, 420, "outlet")
    rr = c.obj(100, 330, "unpack f f f")
    out[1] >> rr
    rr[2] >> c.msg(100, 360, "0, 1 $1") >> c.obj(100, 390, "vline~") >> c.obj(100, 420, "outlet~")
    bpm = c.obj(240, 330, "unpack f f")
    out[2] >> bpm
    bpm[1] >> c.obj(240, 420, "outlet")
    out[3] >> c.obj(360, 420, "outlet")
    return c


def heard() -> Canvas:
    c = Canvas("heart.heard", 900, 320)
    c.head(
        "heart.heard NAME: what the ear hears. Out: a bang for each S1, next (offset in_ms bpm trust), "
        "rate (bpm rr_ms sdnn_ms rmssd_ms pnn50 trust), gate (0 to 1), scene, valve, condition (label, "
        "probability, then each label's), the beat (n offset bpm rr_ms rmssd_ms label trust).",
        110,
    )
    said = c.column(20, 90, "inside/from $1 said", "route heard", "route " + " ".join(HEARD))
    kinds, beat_list = said[2], c.obj(560, 200, "t l b")
    for n in range(len(HEARD)):
        kinds[n] >> c.obj(90 + n * 70, 270, "outlet")
    kinds[len(HEARD)] >> beat_list
    beat_list[1] >> c.obj(20, 270, "outlet")
    beat_list >> c.obj(560, 270, "outlet")
    return c
