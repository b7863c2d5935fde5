"""SoundsOfTheHeart.amxd: the instrument in Live. All of it is inside; nothing of the package need be installed.

Traps of a device: `#0` does not expand (so local names begin with ---), names are shared by all devices (so shared
ones get --- too), presentation places cannot move, node.script is forbidden, the strip is 169 pixels high.
"""

from __future__ import annotations

import re

from max.build import beat, channel, controls, engine, stream
from max.build.sheet import Node, Sheet
from max.build.style import GREY, INK, PANIC, RED, ROSE

from heart.namespace import DEFAULT_PORT, PARAMS

WAY = "funnel"
"""How blocks are written: Live 11 brings a Max without array.tobuffer, and a script would be a file of its own."""

LEADERS = ("off", "Live leads", "heart leads")
HEIGHT = 169.0
ROWS = 3
"""Of dials in the strip."""

LEFT = 250.0
_SHARED = re.compile(r"^(s|r|v|send~|receive~) heart\.")


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "The Live device: the track's sound and the heart's, every parameter to automate, tempo led "
        "by Live or by the heart.",
        900,
    )
    parts = _inside(sheet, 20, 84)
    parts["tempo"] = _tempo(sheet, 620, 84)
    faces = _parameters(sheet, 20, 560)
    _strip(sheet, parts, faces)
    _unshare(sheet)
    return sheet


def _inside(sheet: Sheet, x: float, y: float) -> dict[str, Node]:
    s = sheet.section(1, "Engine and sound", "The objects of the package, embedded. One channel.", x, y, 540)
    core = engine.build(Sheet("heart.engine", "---e.", sheet))
    sounds = stream.build(Sheet("heart.receive~", "---r.", sheet), _channel, channels=1, way=WAY)
    beats = beat.build(Sheet("heart.beat", "---b.", sheet))
    parts = {
        "engine": sheet.sub("p engine", s.x + 10, s.row(3), core),
        "sound": sheet.sub("p sound", s.x + 10, s.row(7), sounds),
    }
    parts["beat"] = sheet.sub("p beat", s.x + 330, s.row(7), beats)
    for n, (name, port) in enumerate((("engineport", DEFAULT_PORT), ("myport", DEFAULT_PORT + 1))):
        about = {
            "parameter_longname": name,
            "parameter_shortname": name,
            "parameter_type": 0,
            "parameter_mmin": 1024.0,
            "parameter_mmax": 65535.0,
            "parameter_initial": [port],
            "parameter_initial_enable": 1,
            "parameter_unitstyle": 0,
            "parameter_invisible": 1,
        }
        box = s.ui(
            "live.numbox",
            10 + 120 * n,
            0,
            60,
            16,
            varname=name,
            parameter_enable=1,
            saved_attribute_attributes={"valueof": about},
        )
        box >> s(f"prepend {name}", 10 + 120 * n, 1.2) >> parts["engine"]
        parts[name] = box
    for name, dx in (("words", 10), ("trouble", 110)):
        parts[name] = sheet.note(name, s.x + dx, s.row(6), 90, 10, INK)
        s(f"r heart.{name}", dx, 4) >> s("prepend set", dx, 5) >> parts[name]
    parts["led"] = s.ui("led", 210, 6, 20, 20, oncolor=RED)
    s("r heart.state", 210, 4) >> s("== 2", 210, 5) >> parts["led"]
    into, out = s("plugin~", 200, 7.4), s("plugout~", 200, 10.4, 90)
    for side in (0, 1):
        add = s("+~", 200 + 56 * side, 9)
        into[side] >> add
        parts["sound"] >> add[1]
        add >> out[side]
    parts["flash"] = s.ui("live.button", 330, 8.2, 26, 26, parameter_enable=0)
    parts["beat"] >> parts["flash"]
    for text, dx, colour in (("PANIC", 330, PANIC), ("resume", 430, RED)):
        parts[text] = controls.button(sheet, text, s.x + dx, s.row(0), 70, 20, colour)
        parts[text] >> s("t b", dx, 1) >> s(f"(/heart/{text.lower()})", dx, 2) >> s("s heart.to", dx, 3)
    return parts


def _channel(sheet: Sheet, ch: int, x: float, y: float) -> Node:
    return sheet.sub("p channel", x, y, channel.build(Sheet("heart.channel~", f"---c{ch}.", sheet), (WAY,)))


def _tempo(sheet: Sheet, x: float, y: float) -> Node:
    s = sheet.section(
        2, "Whose tempo", "off; Live's tempo goes to the engine; or the sung heart's to Live, smoothed.", x, y, 620
    )
    about = {
        "parameter_longname": "tempo",
        "parameter_shortname": "tempo",
        "parameter_type": 2,
        "parameter_enum": list(LEADERS),
        "parameter_mmax": len(LEADERS) - 1,
        "parameter_initial": [0],
        "parameter_initial_enable": 1,
    }
    leader = s.ui(
        "live.tab",
        10,
        0,
        220,
        20,
        varname="tempo",
        parameter_enable=1,
        saved_attribute_attributes={"valueof": about},
    )
    lead = leader >> s("t i i", 10, 1.2)
    ready = s("live.thisdevice", 300, 0) >> s("t b b", 300, 1)
    gate = s("gate", 10, 6)
    lead >> s("== 1", 10, 2.2) >> gate
    path = (
        ready[1]
        >> s("(path live_set)", 250, 2)
        >> s("live.path", 250, 3, numinlets=1, numoutlets=3, outlettype=["", "", ""])
    )
    observer = s("live.observer tempo", 160, 4.4, numinlets=2, numoutlets=2, outlettype=["", ""])
    path >> observer[1]
    bpm = PARAMS["bpm"]
    observer >> gate[1]
    (
        gate
        >> s(f"clip {bpm.low:g}. {bpm.high:g}.", 10, 7)
        >> s("prepend /heart/set/bpm", 10, 8)
        >> s("s heart.to", 10, 9)
    )
    song = (
        ready
        >> s("(path live_set master_track mixer_device song_tempo)", 300, 5.4)
        >> s("live.path", 300, 6.4, numinlets=1, numoutlets=3, outlettype=["", "", ""])
    )
    heart_gate = s("gate", 240, 8.2)
    lead[1] >> s("== 2", 200, 6) >> heart_gate
    said = s("r heart.from", 480, 6.4) >> s("route /heart/beat", 480, 7.4) >> s("unpack 0 0 0.", 480, 8.4)
    said[2] >> s("slide 4. 4.", 420, 9.4) >> s(f"s {sheet.local}tempo", 420, 10.4)
    s(f"r {sheet.local}tempo", 200, 7.2) >> heart_gate[1]
    remote = s("live.remote~ @smoothing 100", 240, 10.4, numinlets=2, numoutlets=0, outlettype=[])
    heart_gate >> s("clip 20. 999.", 240, 9.2) >> remote
    song >> remote[1]
    return leader


def _parameters(sheet: Sheet, x: float, y: float) -> dict[str, Node]:
    controls.ask_all(sheet, x, y)
    params = [*controls.others(), *controls.dials(), *controls.mixture()]
    sheet.section(3, "Parameters", "One tile each, from the table of addresses.", x, y + 200, 2140)
    return controls.grid(sheet, params, x + 10, y + 264, 6)


def _strip(sheet: Sheet, parts: dict[str, Node], faces: dict[str, Node]) -> None:
    """Places in Live's strip."""
    sheet.ui("panel", 1300, 84, 40, 20, bgcolor=RED, border=0, background=1).present(0, 0, LEFT, 22)
    sheet.note("Sounds of the Heart", 1300, 110, 180, 11, ROSE, fontface=1).present(4, 2, 150, 18)
    places = {
        "led": (198, 2, 18, 18),
        "flash": (222, 1, 20, 20),
        "words": (4, 24, 240, 16),
        "trouble": (4, 40, 240, 30),
        "PANIC": (4, 72, 60, 18),
        "resume": (68, 72, 60, 18),
        "engineport": (140, 74, 48, 15),
        "myport": (194, 74, 48, 15),
        "tempo": (4, 94, 240, 16),
    }
    for name, rect in places.items():
        parts[name].present(*rect)
    words = [p for p in controls.others() if p.type == "s"][:2] + [p for p in controls.others() if p.name == "mode"]
    for n, param in enumerate(words[:3]):
        sheet.note(controls.short(param), 1300 + 90 * n, 140, 80, 9, GREY).present(4 + 81 * n, 112, 78, 14)
        faces[param.name].present(4 + 81 * n, 127, 76, 15)
    rest = [p for p in controls.others() if p not in words]
    for n, param in enumerate(rest):
        px, py = LEFT + 6 + n // 5 * 84, 2 + n % 5 * 33
        sheet.note(controls.short(param), 1300 + 90 * (n % 4), 164 + 20 * (n // 4), 80, 9, GREY).present(
            px, py, 78, 14
        )
        faces[param.name].present(px, py + 14, 76, 15)
    x = LEFT + 10 + -(-len(rest) // 5) * 84
    dials = [*controls.dials(), *controls.mixture()]
    for n, param in enumerate(dials):
        faces[param.name].present(x + n // ROWS * 52, 4 + n % ROWS * 55, 48, 50)
    sheet.patcher.openinpresentation = 1
    sheet.patcher.devicewidth = float(x + -(-len(dials) // ROWS) * 52 + 4)


def _unshare(sheet: Sheet) -> None:
    """Names that all objects of the package share become this device's own."""
    for box in sheet.patcher:
        if hasattr(box, "_kwds") and _SHARED.match(str(box._kwds.get("text", ""))):
            box._kwds["text"] = _SHARED.sub(r"\1 ---", box._kwds["text"])
