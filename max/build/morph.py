"""heart.morph: a pad over the loaded sounds."""

from __future__ import annotations

import math

from max.build.sheet import Sheet
from max.build.style import INK, RED, ROSE, WHITE

from heart.namespace import ROWS

SLOTS = ROWS["/heart/morph"].most
PAD = 240.0
LIMIT_MS = 30


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        f"A pad over the {SLOTS} sound slots: the nearer the point, the more of that sound. "
        f"Presentation mode for a bpatcher.",
        900,
    )
    s = sheet.section(
        1, "The pad", "nodes weighs each slot by its distance; at most one message in 30 ms.", 20, 84, 520
    )
    inlet = s.inlet(
        10, 0, "(list) x y, 0 to 1 each: move the point. load SLOT NAME, clear SLOT: sounds of heart live --sounds"
    )
    words = inlet >> s("route load clear", 10, 1.2)
    turn = [2 * math.pi * n / SLOTS for n in range(SLOTS)]
    pad = s.ui(
        "nodes", 130, 3.6, PAD, PAD, nodenumber=SLOTS, xplace=[round(0.5 + 0.36 * math.sin(a), 4) for a in turn],
        yplace=[round(0.5 + 0.36 * math.cos(a), 4) for a in turn], nsize=[0.27] * SLOTS, knobsize=14.0,
        nodecolor=[*RED[:3], 0.2], pointcolor=RED, knobcolor=INK, bgcolor=WHITE, bordercolor=ROSE, textcolor=RED,
    )  # fmt: skip
    words >> s("prepend /heart/sound/load", 10, 2.4) >> s("s heart.to", 10, 3.4)
    words[1] >> s("prepend /heart/sound/clear", 190, 2.4) >> s("s heart.to", 380, 3.4)
    words[2] >> s(f"s {sheet.local}point", 290, 1.2)
    s(f"r {sheet.local}point", 400, 2.4) >> pad
    both = pad >> s(f"speedlim {LIMIT_MS}", 130, 11.2) >> s("t l l", 130, 12.2)
    both[1] >> s("prepend /heart/morph", 170, 13.2) >> s("s heart.to", 170, 14.2)
    both >> s.outlet(110, 13.4, f"(list) {SLOTS} weights")
    pad.present(10, 40, PAD, PAD)
    s = sheet.section(2, "On and off", "Sing between the sounds, or as before.", 580, 84, 320)
    switch = s.ui("toggle", 10, 0, 24, 24, checkedcolor=RED)
    choose = switch >> s("sel 1 0", 10, 1)
    to = s("s heart.to", 10, 4.4)
    for n, mode in enumerate(("morph", "generate")):
        choose[n] >> s(f"(/heart/set/voice_mode {mode})", 10 + 20 * n, 2.2 + n) >> to
    switch.present(14, 288, 24, 24)
    s.note("morph", 60, 0, 80).present(42, 290, 120, 20)
    s.note("sounds", 150, 0, 80).present(10, 8, 120, 20)
    s = sheet.section(3, "What became of a load", "done, or an error in heart.engine's words.", 580, 380, 320)
    told = (
        s("r heart.from", 10, 0)
        >> s("route /heart/done", 10, 1)
        >> s("route /heart/sound/load /heart/sound/clear", 10, 2)
    )
    loaded = s.outlet(10, 4, "(bang) a sound is loaded")
    told >> loaded
    sheet.patcher.openinpresentation = 1
    sheet.presentation = (PAD + 20, PAD + 84)
    return sheet
