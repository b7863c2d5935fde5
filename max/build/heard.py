"""heart.heard: what the ear hears: beats, the next beat, rate, and what it is."""

from __future__ import annotations

from max.build.sheet import Sheet

from heart.namespace import JUDGED, ROWS


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "What the ear hears: beats as they come and before they come, the rate, and how sure it is. "
        "Not a medical device.",
        900,
    )
    s = sheet.section("", "From the engine", "Every list comes in the order of docs/osc.md.", 20, 84, 900)
    names = ["heard", "heard/next", "heard/rate", *(f"heard/{what}" for what in JUDGED)]
    route = s("r heart.from", 10, 0) >> s("route " + " ".join(f"/heart/{name}" for name in names), 10, 1, 880)
    beat = route >> s("t b l", 10, 2.4)
    beat >> s.outlet(10, 6.4, "(bang) the ear heard a beat")
    beat[1] >> s.outlet(66, 6.4, f"(list) that beat: {_words('heard')}")
    soon = route[1] >> s("t l l", 130, 2.4)
    at = soon >> s("unpack 0 0.", 130, 3.4)
    timer = s("delay 0", 130, 5.2)
    ms = at[1] >> s("maximum 0.", 160, 4.2)
    ms >> timer
    timer >> s.outlet(130, 6.4, "(bang) the ear expects a beat now")
    soon[1] >> s.outlet(230, 6.4, f"(list) the expected beat: {_words('heard/next')}")
    rate = route[2] >> s("t l l", 300, 2.4)
    rate >> s("unpack 0.", 300, 3.4) >> s.outlet(300, 6.4, "(float) bpm heard; 0: no trustworthy rhythm")
    rate[1] >> s.outlet(380, 6.4, f"(list) {_words('heard/rate')}")
    for n, what in enumerate(JUDGED):
        route[3 + n] >> s.outlet(470 + 110 * n, 6.4, f"(list) {what}: {_words(f'heard/{what}')}")
        s.note(what, 464 + 110 * n, 4.6, 80)
    return sheet


def _words(name: str) -> str:
    return ", ".join(arg.name for arg in ROWS[f"/heart/{name}"].args)
