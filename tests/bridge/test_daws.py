"""Each recipe of docs/daw.md: the datagrams that program sends, replayed from its port against an engine.

The messages are those of the programs' own documentation: REAPER's Default.ReaperOSC (normalised floats, in
bundles), the feedback chapter of the Ardour manual, the OSC page of DrivenByMoss, the README of AbletonOSC, and
TouchOSC's and Open Stage Control's layouts as shipped here.
"""

from __future__ import annotations

import json
import re
import runpy
import struct
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from heart.namespace import PARAMS, find, value_to_norm
from heart.plumbing.osc import encode
from heart.stage import echoes
from heart.stage.alias_files import recipes
from rig.live import LiveEngine, Program, until

ROOT = Path(__file__).resolve().parent.parent.parent
DAW = ROOT / "patches" / "daw"


def bundle(*messages: bytes) -> bytes:
    """As REAPER and Bitwig send: a bundle for now."""
    return b"#bundle\0" + bytes([0] * 7 + [1]) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


@contextmanager
def recipe(name: str, tmp_path: Path, port: int = 0) -> Iterator[tuple[LiveEngine, Program, Program]]:
    """An engine with a shipped recipe, the program's sending socket, and the port where it listens.

    The ports of the recipe (8000, 3819, ...) may be in use here, so a copy with free ones is taken.
    """
    found = json.loads(recipes()[name].read_text())
    with Program(0) as listening:
        for greeting in found.get("greet", ()):
            greeting["port"] = listening.port
        if "echo_port" in found:
            found["echo_port"] = listening.port
        copy = tmp_path / f"{name}.json"
        copy.write_text(json.dumps(found))
        with LiveEngine(aliases=(str(copy),), port=port) as engine:
            listening._engine = ("127.0.0.1", engine.port)
            sends = Program(engine.port) if "echo_port" in found else listening
            with sends:
                yield engine, sends, listening


def arrives(engine: LiveEngine, param: str, value: float) -> bool:
    return until(lambda: engine.value(param) == pytest.approx(value, abs=1e-4))


def test_reaper(tmp_path: Path) -> None:
    with recipe("reaper", tmp_path) as (engine, daw, hears), Program(engine.port) as other:
        for slider, share, param, value in (
            (1, 0.25, "bpm", 77.5),
            (6, 1.0, "gain", 6.0),
            (8, 0.75, "strength", 0.75),
        ):
            daw.send_bytes(bundle(encode(f"/track/1/fx/1/fxparam/{slider}/value", share)))
            assert arrives(engine, param, value)
        daw.send_bytes(bundle(encode("/tempo/raw", 93.5), encode("/track/1/fx/1/name", "x"), encode("/stop", 1.0)))
        assert arrives(engine, "bpm", 93.5)
        other.send("/heart/set/strength", 0.5)
        assert hears.wait_for("/track/1/fx/1/fxparam/8/value") == (0.5,)
        assert [m for m in daw.heard(0.2) if m[0] == "/heart/error"] == []
        names = re.findall(r"^slider(\d+):\S+?>(\w+)", (DAW / "SoundsOfTheHeart.jsfx").read_text(), re.M)
        assert [name for _, name in names] == [p.name for p in PARAMS.values() if p.continuous]
        patterns = (DAW / "SoundsOfTheHeart.ReaperOSC").read_text()
        assert "FX_PARAM_VALUE n/track/@/fx/@/fxparam/@/value" in patterns
        assert f"DEVICE_FX_PARAM_COUNT {len(names)}" in patterns


def test_ardour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echoes, "GREET_S", 0.5)
    monkeypatch.setattr(echoes, "SETTLE_S", 0.3)
    with recipe("ardour", tmp_path) as (engine, daw, _), Program(engine.port) as other:
        assert daw.wait_for("/set_surface") == (8, 31, 11, 1, 0, 0, 0), "Ardour must be asked to speak"
        daw.send("/strip/fader", 1, 0.7817867)  # where its faders stand: no movement, and they are told where to
        assert daw.wait_for("/strip/fader") == (1, pytest.approx(value_to_norm(PARAMS["bpm"], 72.0)))
        assert engine.value("bpm") == 72.0
        for n in range(4):  # it is there now, so it is not asked again
            daw.send("/heartbeat", n % 2)
            assert daw.heard(0.2) == []
        for strip, fader, param, value in ((1, 0.5, "bpm", 125.0), (6, 0.0, "gain", -60.0)):
            daw.send("/strip/name", strip, "Audio")
            daw.send("/strip/fader", strip, fader)
            assert arrives(engine, param, value)
        daw.send("/strip/fader", 9, 0.9)
        daw.send("/transport_stop", 1)
        other.send("/heart/set/bpm", 220.0)
        assert daw.heard_one() == [("/strip/fader", (1, 1.0))]
        daw.send("/strip/fader", 1, 1.0)  # Ardour tells what it was told
        assert daw.heard(0.8)[-1] == ("/set_surface", (8, 31, 11, 1, 0, 0, 0)), "gone, so it is asked again"


def test_bitwig(tmp_path: Path) -> None:
    with recipe("bitwig", tmp_path) as (engine, daw, hears), Program(engine.port) as other:
        daw.send_bytes(
            bundle(
                encode("/update", 1),
                encode("/project/param/1/exists", 1),
                encode("/project/param/1/name", "Heart rate"),
                encode("/project/param/1/value", 127),
                encode("/project/param/4/value", 0),
                encode("/track/1/volumeStr", "-6 dB"),
                encode("/tempo/str", "100.00"),
                encode("/update", 0),
            )
        )
        assert arrives(engine, "bpm", 220.0)
        assert arrives(engine, "balance", -1.0)
        daw.send("/tempo/raw", 100.0)
        assert arrives(engine, "bpm", 100.0)
        other.send("/heart/set/balance", 1.0)
        assert hears.wait_for("/project/param/4/value") == (127,)
        assert [m for m in daw.heard(0.2) if m[0] == "/heart/error"] == []


def test_live_with_ableton_osc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echoes, "SETTLE_S", 0.3)
    with recipe("live", tmp_path) as (engine, daw, hears), Program(engine.port) as other:
        asked = hears.heard(0.5)
        assert ("/live/song/start_listen/tempo", ()) in asked
        assert ("/live/device/start_listen/parameter/value", (0, 0, 8)) in asked
        daw.send("/live/song/get/tempo", 96.0)
        assert arrives(engine, "bpm", 96.0)
        daw.send("/live/device/get/parameter/value", 0, 0, 6, 127.0)
        assert arrives(engine, "gain", 6.0)
        daw.send("/live/device/get/parameter/value", 1, 0, 6, 0.0)  # another track
        other.send("/heart/set/bpm", 60.0)
        assert hears.wait_for("/live/song/set/tempo") == (60.0,)
        daw.send("/live/song/get/tempo", 60.0)  # Live tells what it was told
        other.send("/heart/set/gain", -60.0)
        assert hears.wait_for("/live/device/set/parameter/value") == (0, 0, 6, 0.0)
        assert (engine.value("bpm"), engine.value("gain")) == (60.0, -60.0)


def test_logic_sends_the_fader_form_as_its_value_path() -> None:
    """Logic's assignments name their own paths, and send normalised floats: so they name ours."""
    with LiveEngine() as engine, Program(engine.port) as logic:
        logic.send("/heart/norm/bpm", 0.5)
        assert arrives(engine, "bpm", 125.0)


def surface_addresses(path: Path) -> set[str]:
    """What the controls of a layout send."""
    if path.suffix == ".tosc":
        tree = ET.fromstring(zlib.decompress(path.read_bytes()))
        assert tree.tag == "lexml"
        frames = [tuple(float(e.text or 0) for e in v) for v in tree.iter("value") if v.find("w") is not None]
        assert all(w > 0 and h > 0 for _, _, w, h in frames)
        return {p.findtext("value") or "" for o in tree.iter("osc") for p in o.findall("path/partial")}
    found = json.loads(path.read_text())
    return {widget["address"] for widget in found["content"]["widgets"]}


@pytest.mark.parametrize("layout", ["touchosc.tosc", "open-stage-control.json"])
def test_a_surface(layout: str, tmp_path: Path) -> None:
    addresses = surface_addresses(DAW / layout)
    faders = {p.name for p in PARAMS.values() if p.continuous}
    assert addresses == {f"/fader/{name}" for name in faders} | {"/button/panic", "/button/resume"}
    with recipe("surface", tmp_path) as (engine, tablet, hears), Program(engine.port) as other:
        for name in ("bpm", "lead_ms", "rmssd"):
            tablet.send(f"/fader/{name}", 1.0)
            assert arrives(engine, name, float(PARAMS[name].high or 0))
        other.send("/heart/set/bpm", 30.0)
        assert hears.wait_for("/fader/bpm") == (0.0,)
        tablet.send("/button/panic", 1.0)
        assert until(lambda: engine.engine.performance.panicked)
        tablet.send("/button/panic", 0.0)
        tablet.send("/button/resume", 1.0)
        assert until(lambda: not engine.engine.performance.panicked)


def test_the_shipped_files_are_in_step_with_the_table() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "daw_files.py"))["FILES"]
    shipped = {str(p.relative_to(DAW)).replace("\\", "/") for p in DAW.rglob("*") if p.is_file()}
    assert shipped == set(made)
    for name, content in made.items():
        there = (DAW / name).read_bytes()
        same = (
            zlib.decompress(there) == zlib.decompress(content()) if name.endswith(".tosc") else there == content()
        )
        assert same, f"{name} is out of step: python tools/daw_files.py"


def test_every_recipe_binds_only_what_is_there() -> None:
    for path in recipes().values():
        for entry in json.loads(path.read_text())["aliases"]:
            to: Any = entry["to"]
            assert to in PARAMS or find(to)
            assert value_to_norm(PARAMS["bpm"], 30) == 0
