"""Writes patches/daw from the table of parameters: `python tools/daw_files.py`. A test compares.

Alias files (`heart live --aliases NAME`) for REAPER, Ardour, Bitwig, Live and surfaces; a JSFX and a pattern
file for REAPER; a layout for TouchOSC and one for Open Stage Control.
"""

from __future__ import annotations

import json
import sys
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from heart.namespace import PARAMS, Param, value_to_norm

FOLDER = Path(__file__).resolve().parent.parent / "patches" / "daw"
FADERS = [param for param in PARAMS.values() if param.continuous]
HANDS = ("bpm", "rmssd", "systole", "balance", "ectopy", "gain", "strength", "guidance")
"""What the eight faders of a small bank do."""
DOWNBEAT = {"to": "/heart/downbeat", "with": [0]}
COLUMNS, CELL_W, CELL_H, LABEL_H, GAP = 7, 130, 170, 26, 8


def position(param: Param) -> float:
    """Where its fader stands at the start."""
    return value_to_norm(param, float(param.default))


# alias files


def reaper() -> dict[str, Any]:
    fx = [
        {"from": f"/track/*/fx/*/fxparam/{number}/value", "to": param.name, "low": 0, "high": 1}
        for number, param in enumerate(FADERS, 1)
    ]
    return {
        "about": "REAPER with SoundsOfTheHeart.ReaperOSC and the JSFX of the same name; see docs/daw.md",
        "aliases": [*fx, {"from": "/tempo/raw", "to": "bpm", "as": "value"}, {"from": "/play", **DOWNBEAT}],
        "ignore": ["/track/*", "/tempo/*", "/stop", "/pause", "/record", "/repeat", "/click"],
        "echo_port": 8000,
    }


def ardour() -> dict[str, Any]:
    strips = [
        {"from": "/strip/fader", "given": [number], "to": name, "low": 0, "high": 1}
        for number, name in enumerate(HANDS, 1)
    ]
    branches = "strip master monitor select click vca"
    words = (
        "heartbeat bank_up bank_down transport_stop loop_toggle rec_enable_toggle rewind ffwd "
        "cancel_all_solos record_tally toggle_click toggle_punch_in toggle_punch_out all_tracks_rec_in "
        "all_tracks_rec_out session_name"
    )
    # bank of 8; tracks, busses and VCAs; buttons + controls + heartbeat; positional faders; answers to the asker
    surface = ["/set_surface", 8, 31, 11, 1, 0, 0, 0]
    return {
        "about": "Ardour, its OSC surface on port 3819: the faders of the first eight strips",
        "aliases": [*strips, {"from": "/transport_play", **DOWNBEAT}],
        "ignore": [*(f"/{word}/*" for word in branches.split()), *(f"/{word}" for word in words.split())],
        "greet": [{"port": 3819, "say": surface}],
    }


def bitwig() -> dict[str, Any]:
    knobs = [
        {"from": f"/project/param/{number}/value", "to": name, "low": 0, "high": 127}
        for number, name in enumerate(HANDS, 1)
    ]
    branches = "project track device primary eq master scene layout browser clip marker user tempo time beat"
    words = "update record repeat stop click overdub crossfade preroll position automationWriteMode"
    return {
        "about": "Bitwig with DrivenByMoss' OSC extension, resolution low: the project's eight remote controls",
        "aliases": [*knobs, {"from": "/tempo/raw", "to": "bpm", "as": "value"}, {"from": "/play", **DOWNBEAT}],
        "ignore": [*(f"/{word}/*" for word in branches.split()), *(f"/{word}" for word in words.split())],
        "echo_port": 8000,
    }


def live() -> dict[str, Any]:
    heard, asked, back = (f"/live/device/{verb}/parameter/value" for verb in ("get", "start_listen", "set"))
    macros = [
        {"from": heard, "given": [0, 0, number], "to": name, "low": 0, "high": 127, "back": back}
        for number, name in enumerate(HANDS, 1)
    ]
    tempo = {"from": "/live/song/get/tempo", "to": "bpm", "as": "value", "back": "/live/song/set/tempo"}
    listen = [[asked, 0, 0, number] for number in range(1, len(HANDS) + 1)]
    return {
        "about": "Live with AbletonOSC: tempo, and the macros of a rack, the first device of the first track",
        "aliases": [tempo, *macros],
        "ignore": ["/live/*"],
        "greet": [{"port": 11000, "say": say} for say in (["/live/song/start_listen/tempo"], *listen)],
        "echo_port": 11000,
    }


def surface() -> dict[str, Any]:
    return {
        "about": "TouchOSC and Open Stage Control with the layouts beside this folder, listening on port 9701",
        "aliases": [{"from": f"/fader/{p.name}", "to": p.name, "low": 0, "high": 1} for p in FADERS]
        + [{"from": f"/button/{word}", "to": f"/heart/{word}"} for word in ("panic", "resume")],
        "echo_port": 9701,
    }


# REAPER


def jsfx() -> str:
    lines = ["desc:Sounds of the Heart (controls: automate these; REAPER sends them over OSC)", ""]
    for number, param in enumerate(FADERS, 1):
        unit = f" ({param.unit})" if param.unit else ""
        if param.scale == "log":  # REAPER sends a share of the range, and ours is a share of the way by its law
            lines.append(f"slider{number}:{position(param):.4g}<0,1,0.001>{param.name} (0 to 1)")
        else:
            step = (float(param.high or 1) - float(param.low or 0)) / 1000
            lines.append(f"slider{number}:{param.default}<{param.low},{param.high},{step:g}>{param.name}{unit}")
    return "\n".join([*lines, "", "in_pin:none", "out_pin:none", "", "@sample", ""])


def reaper_osc() -> str:
    return f"""# Sounds of the Heart: what REAPER sends to heart live --aliases reaper, and takes. See docs/daw.md.
# The first effect of the first track, and nothing else: REAPER sends all that this file has a pattern for.

DEVICE_TRACK_COUNT 1
DEVICE_SEND_COUNT 0
DEVICE_RECEIVE_COUNT 0
DEVICE_FX_COUNT 1
DEVICE_FX_PARAM_COUNT {len(FADERS)}
DEVICE_FX_INST_PARAM_COUNT 0
DEVICE_MARKER_COUNT 0
DEVICE_REGION_COUNT 0

REAPER_TRACK_FOLLOWS REAPER
DEVICE_TRACK_FOLLOWS DEVICE
DEVICE_TRACK_BANK_FOLLOWS DEVICE
DEVICE_FX_FOLLOWS DEVICE
DEVICE_ROTARY_CENTER 0.5

PLAY t/play
TEMPO f/tempo/raw
FX_PARAM_VALUE n/track/@/fx/@/fxparam/@/value
"""


# layouts


def open_stage_control() -> dict[str, Any]:
    def fader(param: Param) -> dict[str, Any]:
        return {
            "type": "fader", "id": param.name, "label": param.name, "address": f"/fader/{param.name}",
            "range": {"min": 0, "max": 1}, "default": round(position(param), 4), "decimals": 4,
            "width": CELL_W, "height": CELL_H,
        }  # fmt: skip

    def button(word: str) -> dict[str, Any]:
        return {
            "type": "button", "id": word, "label": word, "address": f"/button/{word}", "mode": "tap",
            "on": 1, "off": 0, "width": CELL_W, "height": CELL_H,
        }  # fmt: skip

    widgets = [*map(fader, FADERS), button("panic"), button("resume")]
    root = {"type": "root", "id": "root", "layout": "horizontal", "flexWrap": True, "widgets": widgets, "tabs": []}
    return {"createdWith": "Open Stage Control", "version": "1.26.0", "type": "session", "content": root}


def touchosc() -> str:
    names = [*(param.name for param in FADERS), "panic", "resume"]
    rows = -(-len(names) // COLUMNS)
    inside = "".join(_cell(n, name) for n, name in enumerate(names))
    size = (GAP + COLUMNS * (CELL_W + GAP), GAP + rows * (CELL_H + GAP))
    properties = _property("r", "frame", _frame(0, 0, *size)) + _property("s", "name", "Sounds of the Heart")
    return (
        "<?xml version='1.0' encoding='UTF-8'?><lexml version='6'>"
        f"<node ID='{_id('root')}' type='GROUP'><includes/><properties>{properties}</properties>"
        f"<children>{inside}</children></node></lexml>"
    )


def _cell(number: int, name: str) -> str:
    x = GAP + number % COLUMNS * (CELL_W + GAP)
    y = GAP + number // COLUMNS * (CELL_H + GAP)
    label = _node("LABEL", f"{name} label", (x, y, CELL_W, LABEL_H), _value("text", name), "")
    frame = (x, y + LABEL_H, CELL_W, CELL_H - LABEL_H)
    if name in PARAMS:
        start = f"{position(PARAMS[name]):.4f}"
        return label + _node("FADER", name, frame, _value("x", start), _message(f"/fader/{name}"))
    return label + _node("BUTTON", name, frame, _value("x", "0"), _message(f"/button/{name}"))


def _node(kind: str, name: str, frame: tuple[int, int, int, int], values: str, messages: str) -> str:
    properties = _property("r", "frame", _frame(*frame)) + _property("s", "name", name)
    said = f"<messages>{messages}</messages>" if messages else ""
    return (
        f"<node ID='{_id(name)}' type='{kind}'><properties>{properties}</properties>"
        f"<values>{values}</values>{said}</node>"
    )


def _message(address: str) -> str:
    """Sends x when it is moved by hand, takes it when it comes; what came is not sent again (feedback 0)."""
    trigger = f"<trigger><var>{_text('x')}</var><condition>ANY</condition></trigger>"
    return (
        "<osc><enabled>1</enabled><send>1</send><receive>1</receive><feedback>0</feedback>"
        f"<noDuplicates>0</noDuplicates><connections>1111111111</connections><triggers>{trigger}</triggers>"
        f"<path>{_partial('CONSTANT', 'STRING', address)}</path>"
        f"<arguments>{_partial('VALUE', 'FLOAT', 'x')}</arguments></osc>"
    )


def _partial(kind: str, conversion: str, value: str) -> str:
    return (
        f"<partial><type>{kind}</type><conversion>{conversion}</conversion><value>{_text(value)}</value>"
        "<scaleMin>0</scaleMin><scaleMax>1</scaleMax></partial>"
    )


def _property(kind: str, key: str, value: str) -> str:
    body = _text(value) if kind == "s" else value
    return f"<property type='{kind}'><key>{_text(key)}</key><value>{body}</value></property>"


def _value(key: str, default: str) -> str:
    return (
        f"<value><key>{_text(key)}</key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_text(default)}</default><defaultPull>0</defaultPull></value>"
    )


def _frame(x: int, y: int, w: int, h: int) -> str:
    return f"<x>{x}</x><y>{y}</y><w>{w}</w><h>{h}</h>"


def _text(text: str) -> str:
    return f"<![CDATA[{escape(text)}]]>"


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sounds-of-the-heart/{name}"))


# all of them


def _pretty(content: Callable[[], dict[str, Any]]) -> Callable[[], bytes]:
    return lambda: (json.dumps(content(), indent=1) + "\n").encode()


FILES: dict[str, Callable[[], bytes]] = {
    **{f"aliases/{make.__name__}.json": _pretty(make) for make in (reaper, ardour, bitwig, live, surface)},
    "SoundsOfTheHeart.jsfx": lambda: jsfx().encode(),
    "SoundsOfTheHeart.ReaperOSC": lambda: reaper_osc().encode(),
    "open-stage-control.json": _pretty(open_stage_control),
    "touchosc.tosc": lambda: zlib.compress(touchosc().encode(), 9),
}


def main() -> None:
    for name, content in FILES.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content())
        sys.stdout.write(f"{path.relative_to(FOLDER.parent.parent)}\n")


if __name__ == "__main__":
    main()
