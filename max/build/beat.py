"""heart.beat: a bang on the sample where each S1 sounds.

Unlike the ring of sound, in which each lap overwrites the last, a mark stays where it is written: it is wiped out
once it was met, or 16 laps (24 s) later its stamp would fit again.
"""

from __future__ import annotations

import re

from max.build.channel import LAPS, LATE
from max.build.sheet import Sheet

from heart.namespace import RING_FRAMES, ROWS

BEATS = [path for path in ROWS if re.fullmatch(r"/heart/beat(/\d+)?", path)]
"""Addresses of beats to come, of the first voice and of those that sing beside it."""

SLOTS = 64
"""Beats that may be announced and not yet played. The ring holds 64 * stamp + slot where one falls."""

_LIST = "@zlmaxsize 2048"


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "A bang, a click and a phase for each heartbeat, when it is heard. Needs heart.receive~ in the set.", 900
    )
    _announced(sheet, 20, 84)
    _sounding(sheet, 520, 84)
    _sung(sheet, 520, 540)
    return sheet


def _announced(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        1,
        "A beat to come",
        "n, offset, bpm, rr, rmssd, label, trust: told before it sounds, and written down where it falls.",
        x,
        y,
        460,
    )
    route = s("r heart.from", 10, 0) >> s("route " + " ".join(BEATS), 10, 1)
    s("patcherargs 1", 360, 0) >> s("unpack 1", 360, 1) >> s(f"s {local}voice", 360, 2)
    voice = s(f"switch {len(BEATS)} 1", 40, 3.2, 150)
    s(f"r {local}voice", 10, 2) >> voice
    for n in range(len(BEATS)):
        route[n] >> voice[n + 1]
    three = voice >> s("t l l b", 10, 4.6)
    clock = s("v heart.position", 290, 4.6)
    three[2] >> clock
    position = clock >> s("t i i", 290, 5.6)
    ahead = s(f"expr ($i2-$i8+{2 * RING_FRAMES})%{RING_FRAMES}", 150, 6.4)
    position >> ahead[7]  # behind the seven items of the list
    three[1] >> ahead
    two = ahead >> s("t i i", 150, 7.4)
    frame = s("+", 330, 8.4)
    two[1] >> frame
    position[1] >> frame[1]
    lap = frame >> s(f"/ {RING_FRAMES}", 330, 9.4) >> s(f"% {LAPS}", 330, 10.4) >> s(f"+ {LAPS}", 330, 11.4)
    s(f"r {local}lap0", 390, 10.4) >> lap[1]
    lap >> s(f"* {SLOTS}", 330, 12.4) >> s(f"s {local}mark", 330, 13.4)
    gate = s("gate", 10, 9.4)
    two >> s(f"< {LATE}", 60, 8.4) >> gate
    three >> gate[1]
    parts = gate >> s("t b l l", 10, 10.4)
    keep = s(f"zl.join {_LIST}", 190, 14.4)
    parts[2] >> keep[1]
    offset, where = parts[1] >> s("unpack 0 0", 110, 11.4), s("i", 10, 14)
    slot = offset >> s(f"% {SLOTS}", 110, 12.4) >> s("t i i", 110, 13.4)
    offset[1] >> where[1]
    slot >> keep
    value = s("+ 0", 90, 15.6)
    slot[1] >> value
    s(f"r {local}mark", 110, 14.6) >> value[1]
    keep >> s(f"coll {local}said", 190, 15.6)
    parts >> where
    pack = s("pack 0 0", 10, 16.8)
    where >> pack
    value >> pack[1]
    pack >> s(f"peek~ {local}beats 1 0", 10, 17.8)
    s(f"buffer~ {local}beats @samps {RING_FRAMES}", 190, 17.8)
    (
        s("r heart.stream", 390, 14.6)
        >> s("unpack 0", 390, 15.6)
        >> s(f"* {LAPS}", 390, 16.6)
        >> s(f"s {local}lap0", 390, 17.6)
    )


def _sounding(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        2,
        "Where the play position meets one",
        "A stamp of this stream and lap under the play position: a click of one sample.",
        x,
        y,
        460,
    )
    played = s("receive~ heart.played", 10, 0)
    ring = played >> s(f"%~ {RING_FRAMES}", 10, 1.4) >> s(f"index~ {local}beats", 10, 2.4)
    same = ring >> s(f"/~ {SLOTS}", 60, 3.8) >> s("trunc~", 60, 4.8) >> s("==~", 60, 5.8)
    wanted = played >> s(f"/~ {RING_FRAMES}", 230, 2.4) >> s("trunc~", 230, 3.4) >> s(f"+~ {LAPS}", 230, 4.4)
    s(f"r {local}lap0", 280, 3.4) >> wanted[1]
    wanted >> same[1]
    hold = s("sah~ 0.5", 10, 7.2)
    ring >> hold
    same >> hold[1]
    look = s("snapshot~", 10, 8.6)
    hold >> look
    late = s("delay~ 4096 64", 120, 7.2)  # a vector later sah~ has its new value at the vector's beginning
    same >> late
    s("loadbang", 330, 4.2) >> (state := s("dspstate~", 330, 5.2))
    state[2] >> late[1]
    late >> s("edge~", 120, 8.2) >> look
    slot = look >> s("i", 10, 9.6)
    slot >> s(f"s {local}slot", 10, 10.6)
    same >> s(f"send~ {local}click", 250, 7.2)


def _sung(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        3, "What comes out", "And its mark is wiped out: 16 laps later it would fit again.", x, y, 460
    )
    said = (
        s(f"r {local}slot", 10, 0)
        >> s(f"% {SLOTS}", 10, 1)
        >> s(f"coll {local}said", 10, 2)
        >> s("t b 0 l l l", 10, 3, 160)
    )
    phase = s("phasor~ 0", 110, 6.4)
    said[1] >> phase[1]
    bpm = said[2] >> s(f"zl.nth 3 {_LIST}", 180, 4.6) >> s("t f f", 180, 5.6)
    bpm[1] >> s("* 0.016667", 80, 5.4) >> phase
    wipe = said[4] >> s(f"zl.nth 2 {_LIST}", 300, 2.6)
    wipe >> s("pack 0 0", 300, 3.6) >> s(f"peek~ {local}beats 1 0", 370, 4.6)
    said >> s.outlet(10, 8, "(bang) an S1 is heard now")
    phase >> s.outlet(110, 8, "(signal) 0 to 1 from beat to beat")
    bpm >> s.outlet(210, 8, "(float) bpm of this beat")
    said[3] >> s.outlet(380, 8, "(list) n, offset, bpm, rr, rmssd, label, trust")
    s(f"receive~ {local}click", 410, 6.6) >> s.outlet(430, 8, "(signal) a click of one sample on the sample of S1")
