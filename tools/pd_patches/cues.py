"""heart.cues: the cues of the engine's score: go, to, names, and where it stands."""

from __future__ import annotations

from pd_patches.canvas import Canvas

BETWEEN_GO_MS = 300
"""Between two go: a finger that bounces, or a key that repeats, must not skip a cue."""


def cues() -> Canvas:
    c = Canvas("heart.cues", 900, 470)
    c.head(
        "heart.cues NAME MS: the cues of the score that heart live --score plays. In: go (or a bang), to and the "
        "number of a cue, names. Out: the cue that is played (n count name), state (none waiting playing ended), "
        f"seconds, seconds left, next, 1 when the next waits for go, one of the cues (number count name seconds "
        f"waits). A second go within MS ({BETWEEN_GO_MS}) is held back.",
        110,
    )
    words = c.column(20, 90, "inlet", "route bang go to names")[1]
    gate = c.obj(20, 160, "spigot 1")
    words >> gate
    words[1] >> gate
    passed = c.obj(20, 188, "t b b b")
    gate >> passed
    passed[2] >> c.msg(120, 220, "0") >> gate[1]
    wait = c.obj(170, 220, f"del {BETWEEN_GO_MS}")
    passed[1] >> wait >> c.msg(170, 250, "1") >> gate[1]
    given = c.column(260, 118, "loadbang", "f $2", f"expr if($f1 > 0, $f1, {BETWEEN_GO_MS})")
    given[2] >> wait[1]
    to = c.obj(20, 300, "inside/to $1 tell")
    passed >> c.msg(20, 250, "/heart/cue/go") >> to
    words[2] >> c.obj(240, 250, "list prepend /heart/cue/to") >> to
    fresh = c.column(640, 90, "inside/from $1 fresh", "del 100")
    listing = c.msg(640, 250, "/heart/cue/list")
    words[3] >> listing
    fresh[1] >> listing >> to
    kind = c.column(20, 340, "inside/from $1 said", "route cue", "route name")[2]
    now = c.obj(20, 424, "unpack f f s s f f s f")
    kind[1] >> now
    current = c.obj(20, 460, "pack f f s")
    for n in range(3):
        now[n] >> current[n]
    current >> c.obj(20, 490, "outlet")
    for n in range(3, 8):
        now[n] >> c.obj(20 + 80 * (n - 2), 490, "outlet")
    kind >> c.obj(520, 490, "outlet")
    return c
