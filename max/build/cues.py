"""heart.cues: the cues of the engine's score: go, to, names, and where it stands."""

from __future__ import annotations

from max.build.sheet import Sheet

from heart.namespace import ROWS

BETWEEN_GO_MS = 300
"""Between two go: a finger that bounces, or a key that repeats, must not skip a cue."""

STATES = ROWS["/heart/cue"].args[3].choices or ()
"""none (there is no score), waiting, playing, ended."""


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "The cues of the engine's score (heart live --score FILE): go, to and names, and where it stands.", 900
    )
    _ask(sheet, 20, 84)
    _told(sheet, 20, 430)
    return sheet


def _ask(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        1,
        "To the engine",
        "One go passes, the next one after the time of the argument. The list is asked for at each welcome.",
        x,
        y,
        900,
    )
    words = s.inlet(10, 0, "(anything) go, to and the number of a cue, names") >> s(
        "route bang go to names", 10, 1.2
    )
    local = sheet.local
    one = s("onebang 1", 10, 3.6)
    words >> one
    words[1] >> one
    s(f"r {local}again", 70, 2.5) >> one[1]
    passed = one >> s("t b b", 10, 4.6)
    wait = s(f"delay {BETWEEN_GO_MS}", 190, 4.6)
    passed[1] >> s(f"s {local}passed", 100, 5.6)
    s(f"r {local}passed", 190, 3.6) >> wait
    s(f"patcherargs {BETWEEN_GO_MS}", 300, 2.4) >> s("unpack 0", 300, 3.4) >> wait[1]
    wait >> s(f"s {local}again", 190, 5.6)
    passed >> s("(/heart/cue/go)", 10, 6.6) >> s("s heart.to", 10, 7.6)
    words[2] >> s("prepend /heart/cue/to", 440, 3.6) >> s("s heart.to", 440, 4.6)
    listing = s("(/heart/cue/list)", 640, 3.6)
    words[3] >> listing
    listing >> s("s heart.to", 640, 4.6)
    welcome = s("r heart.from", 640, 0) >> s("route /heart/welcome", 640, 1) >> s("t b", 640, 2)
    welcome >> s("delay 100", 700, 2.6) >> listing


def _told(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(2, "From the engine", "On change and once a second, in the order of docs/osc.md.", x, y, 900)
    told = s("r heart.from", 10, 0) >> s("route /heart/cue /heart/cue/name", 10, 1)
    cue = told >> s("unpack 0 0 s s 0. 0. s 0", 10, 2.4, 700)
    current = s("pack 0 0 s", 10, 4)
    cue >> current
    cue[1] >> current[1]
    cue[2] >> current[2]
    current >> s.outlet(10, 5.4, "(list) the cue that is played: n (0: none yet), count, name")
    state, number = s.outlet(290, 5.4, f"(symbol) {', '.join(map(str, STATES))}"), 380
    cue[3] >> state
    for outlet, words in (
        (4, "(float) seconds since it began"),
        (5, "(float) seconds until it ends"),
        (6, "(symbol) name of the next cue, empty after the last"),
        (7, "(int) 1: the next one waits for go"),
    ):
        cue[outlet] >> s.outlet(number, 5.4, words)
        number += 100
    told[1] >> s.outlet(800, 5.4, "(list) one of the cues: number, count, name, seconds, waits")
