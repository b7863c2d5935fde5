"""heart.receive~: the clock, the credit, and eight channels."""

from __future__ import annotations

from collections.abc import Callable

from max.build.channel import WAYS
from max.build.sheet import Node, Section, Sheet

from heart.namespace import CHANNELS, SEQ_MODULO

CREDIT_MS = 20
CLOSE_MS = 6
"""From a welcome to the new stream: time to fade the old one out."""

DEAF_MS = 1500
STREAMS = 1000
"""Streams are numbered 1 to this and then anew: a stamp stays a whole number in a float32."""

_SIGNED = f"%{SEQ_MODULO}-{SEQ_MODULO // 2}"


MakeChannel = Callable[[Sheet, int, float, float], Node]
"""Puts the player of a channel on a sheet at (x, y)."""


def by_name(sheet: Sheet, ch: int, x: float, y: float) -> Node:
    return sheet.obj("heart.channel~", x, y)


def build(sheet: Sheet, channel: MakeChannel = by_name, channels: int = CHANNELS, way: str = WAYS[0]) -> Sheet:
    """`channel` puts each of `channels` players there; `way` of WAYS is taken when no argument names another."""
    sheet.title("The engine's sound. Your audio clock asks for it, 50 times a second. One in a set.", 900)
    _clock(sheet, 20, 84)
    _welcome(sheet, 20, 480)
    _credit(sheet, 500, 84)
    _settings(sheet, 500, 680, way)
    _channels(sheet, 1000, 84, channel, channels)
    return sheet


def tally(s: Section, dx: float, row: float, *between: str) -> tuple[Node, Node]:
    """A count that a bang moves on: `i`, `+ 1`, and back into `i`. Its first box and the one that tells."""
    first = last = s("i", dx, row, 90)
    for n, text in enumerate((*between, "+ 1"), 1):
        last = last >> s(text, dx, row + n)
    last = last >> s("t i i", dx, row + len(between) + 2, 90)
    last[1] >> first[1]
    return first, last


def _clock(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        1, "The clock", "count~ never stops: a stream begins at the count that its welcome found.", x, y, 440
    )
    count = s(f"count~ 0 {SEQ_MODULO} 1 0", 10, 0)
    since = s("-~ 0", 10, 3)
    count >> since
    s(f"r {local}base", 60, 2) >> since[1]
    played = since >> s(f"+~ {SEQ_MODULO}", 10, 4) >> s(f"%~ {SEQ_MODULO}", 10, 5)
    played >> s("send~ heart.played", 10, 6.4)
    look = s("snapshot~", 180, 2)
    count >> look
    s("loadbang", 180, -0.2) >> s("t 1", 270, 0.4) >> s(f"metro {CREDIT_MS}", 180, 1) >> look
    raw = look >> s("t i i", 180, 3)
    now = s(f"expr ($i1-$i2+{SEQ_MODULO})%{SEQ_MODULO}", 180, 5)
    raw >> now
    s(f"r {local}base", 290, 4) >> now[1]
    mark = s("i", 400, 4)
    raw[1] >> mark[1]
    s(f"r {local}mark", 380, 2.6) >> mark
    mark >> s(f"s {local}base", 380, 6)
    two = now >> s("t i i", 180, 6)
    two[1] >> s("v heart.position", 230, 7.4)
    two >> s(f"s {local}played", 120, 7.4)


def _welcome(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        2,
        "A welcome",
        "A new epoch is a new stream: fade the old one out, wait, begin at frame 0 under a new number.",
        x,
        y,
        440,
    )
    parts = s("r heart.from", 10, 0) >> s("route /heart/welcome", 10, 1) >> s("unpack 0 s 0 0 0 0 0 s", 10, 2, 200)
    parts[2] >> s(f"s {local}rate", 10, 3)
    parts[4] >> s(f"s {local}block", 80, 3)
    new = s("t b b 0 i", 170, 3.4, 120)
    parts[6] >> new
    new[3] >> s(f"s {local}epoch", 360, 4.4)
    new[2] >> s(f"s {local}open", 270, 5.4)
    new[1] >> s("(0 3)", 190, 5.4) >> s("s heart.fade", 190, 6.4)
    begin = new >> s(f"delay {CLOSE_MS}", 100, 5.4) >> s("t 1 b b 0 b", 10, 7.4, 420)
    begin[4] >> s(f"s {local}mark", 370, 8.4)
    begin[3] >> s("v heart.position", 270, 8.4)
    number, told = tally(s, 170, 8.4, f"% {STREAMS}")
    begin[2] >> number
    pack = s("pack 0 0 256", 170, 13.4)
    told >> pack
    s(f"r {local}epoch", 290, 11.4) >> pack[1]
    s(f"r {local}block", 350, 12.4) >> pack[2]
    pack >> s("s heart.stream", 170, 14.4)
    begin[1] >> s("(1 1)", 100, 8.4) >> s("s heart.fade", 80, 9.4)
    begin >> s(f"s {local}open", 10, 8.4)


def _credit(sheet: Sheet, x: float, y: float) -> None:
    local = sheet.local
    s = sheet.section(
        3, "The credit", "What is played, what is in reserve, how often it ran out: 50 times a second.", x, y, 460
    )
    fill = s(f"expr ($i2-$i1+{SEQ_MODULO + SEQ_MODULO // 2}){_SIGNED}", 60, 3, 270)
    played = s(f"r {local}played", 10, 0) >> s("t i i", 10, 1)
    played[1] >> fill
    newest = s("i", 220, 2)
    s(f"r {local}newest", 150, 0.6) >> newest
    (s("r heart.stream", 250, 0) >> s("t 0", 250, 1)) >> newest
    newest >> fill[1]
    ms = s("expr $i1*1000./($f2+($f2==0))", 60, 5.4)
    fill >> s("maximum 0", 60, 4.4) >> ms
    s(f"r {local}rate", 190, 4.4) >> ms[1]
    two = ms >> s("i", 60, 6.4) >> s("t i i", 60, 7.4)
    two[1] >> s(f"s {local}fill", 180, 8.2)
    pack = s("pack 0 0 0 0", 10, 10.4)
    played >> pack
    s(f"r {local}epoch", 130, 9.2) >> pack[1]
    two >> pack[2]
    hole, holes = tally(s, 330, 4.4)
    s(f"r {local}hole", 360, 0) >> hole
    s("r heart.stream", 370, 2.4) >> s("t 0", 380, 3.4) >> hole[1]
    holes >> s(f"s {local}holes", 330, 7.4)
    s(f"r {local}holes", 220, 9.2) >> pack[3]
    gate = s("gate", 10, 12.8)
    pack >> gate[1]
    s(f"r {local}open", 120, 11.6) >> gate
    gate >> s("(/heart/credit $2 $1 $3 $4)", 10, 13.8) >> s("s heart.to", 10, 14.8)


def _settings(sheet: Sheet, x: float, y: float, way: str) -> None:
    local = sheet.local
    s = sheet.section(
        4,
        "Settings and the watch",
        f"Arguments: channels (1 to {CHANNELS}), and how blocks are written: {', '.join(WAYS)}.",
        x,
        y,
        460,
    )
    parts = s(f"patcherargs 1 {way}", 10, 0) >> s("unpack 0 s", 10, 1)
    count = parts >> s("t b i", 10, 2)
    count[1] >> s("v heart.channels", 50, 3)
    count >> s("s heart.hello", 10, 4)
    choice = s("sel " + " ".join(WAYS), 190, 2.2, 110)
    parts[1] >> choice
    s.inlet(270, 0, "(symbol) array, funnel or js: how blocks get into the ring") >> choice
    to = s("s heart.way", 190, 4.6)
    for n in range(len(WAYS)):
        choice[n] >> s(f"t {n + 1}", 190 + 40 * n, 3.4) >> to
    on = s("loadbang", 350, 0) >> s("dspstate~", 350, 1)
    gate = s("gate", 350, 3.4)
    on >> gate
    (
        s("r heart.audio", 10, 5.4)
        >> s("t b", 10, 6.4)
        >> s(f"delay {DEAF_MS}", 10, 7.4)
        >> s(f"s {local}deaf", 10, 8.4)
    )
    s(f"r {local}deaf", 390, 2.4) >> gate[1]
    gate >> s("s heart.hello", 350, 4.6)
    s.note(f"No sound for {DEAF_MS / 1000:g} s while audio is on: say hello again.", 130, 6.4, 300)


def _channels(sheet: Sheet, x: float, y: float, channel: MakeChannel, channels: int) -> None:
    local = sheet.local
    s = sheet.section(5, "The channels", "Those the engine does not send stay silent.", x, y, 860)
    names = " ".join(str(ch) for ch in range(1, channels + 1))
    route = s("r heart.audio", 10, 0) >> s(f"route {names}", 10, 1, 84 * channels + 30)
    for ch in range(1, channels + 1):
        dx = 10 + (ch - 1) * 84
        player = channel(sheet, ch, s.x + dx, s.row(4.4 if ch % 2 == 0 else 2.4))
        route[ch - 1] >> player
        player >> s.outlet(dx, 7, f"(signal) channel {ch}")
        if ch == 1:
            player[1] >> s(f"s {local}newest", 20, 3.4)
            player[2] >> s(f"s {local}hole", 106, 3.4)
    s(f"r {local}fill", 690, 5.6) >> s.outlet(690, 7, "(int) reserve in ms, 50 times a second")
    s(f"r {local}holes", 780, 5.6) >> s.outlet(780, 7, "(int) underruns of channel 1 since the welcome")
