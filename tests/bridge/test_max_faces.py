"""Panel, pad and Live device, run without Max or Live: a knob turned, a value told, a tempo led."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heart.namespace import PARAMS
from rig.compare import compare
from rig.engine import Engine
from rig.max_host import MaxHost
from rig.max_host.live import PlugOut
from rig.max_host.patch import Patch
from rig.pd import free_port

DEVICE = Path(__file__).parents[2] / "max" / "devices" / "SoundsOfTheHeart.amxd"


def _rounded(engine: Engine) -> set[tuple[object, ...]]:
    """What the engine was told, floats to six digits."""
    return {tuple(round(a, 6) if isinstance(a, float) else a for a in message) for message in engine.messages}


def device(host: MaxHost, engine: Engine) -> Patch:
    """The device, connected to the engine by its own number boxes."""
    patch = host.device(DEVICE)
    host.start()
    host.turn(patch, "myport", free_port())
    host.turn(patch, "engineport", engine.port)
    host.wait_until(lambda: bool(engine.stats()["clients"]), 5, "the device says hello")
    host.wait_until(lambda: len(engine.sent()) > 0, 5, "it plays")
    return patch


def test_every_knob_of_the_panel_says_its_address_and_follows_when_somebody_else_turns_it() -> None:
    with Engine() as engine, MaxHost(256) as host:
        host.add(f"heart.engine 127.0.0.1 {engine.port} {free_port()}")
        host.add("heart.receive~")
        panel = host.add("heart.panel")
        host.start()
        host.wait_until(lambda: ("/heart/get/bpm",) in engine.messages, 5, "the panel asks for the values")
        turned: dict[str, float | str] = {
            p.name: (str(p.choices[-1]) if p.choices else p.high) for p in PARAMS.values()
        }
        for name, value in turned.items():
            host.turn(panel, name, value)
        asked = {("/heart/listen/" + name, 1) for name in turned} | {("/heart/get/" + name,) for name in turned}
        said = {(f"/heart/set/{name}", value) for name, value in turned.items()}  # also at a fader's very end
        host.wait_until(lambda: asked | said <= _rounded(engine), 5, "all of it is said")
        count = len(engine.messages)
        engine.say("/heart/value/bpm", 99.0)
        engine.say("/heart/value/label", "AS")
        host.wait_until(lambda: panel.named["label"].value == "AS", 3, "the menu follows")  # type: ignore[union-attr]
        assert panel.named["bpm"].value == 99.0  # type: ignore[union-attr]
        assert len(engine.messages) == count, "what is told is not said again"


def test_the_pad_says_weights_and_loads_sounds() -> None:
    with Engine() as engine, MaxHost(256) as host:
        host.add(f"heart.engine 127.0.0.1 {engine.port} {free_port()}")
        host.add("heart.receive~")
        pad = host.add("heart.morph")
        host.start()
        host.wait_until(lambda: len(engine.sent()) > 0, 5, "it plays")
        host.tell(pad, "load", 2, "rain and wind.wav")
        host.tell(pad, 0.5, 0.25)
        host.wait_until(lambda: len(engine.messages) == 2, 3, "both are said")
        assert ("/heart/sound/load", 2, "rain and wind.wav") in engine.messages
        [weights] = [message[1] for message in engine.messages if message[0] == "/heart/morph"]
        assert weights.tolist() == [0.5, 0.25]


def test_the_device_adds_the_heart_to_the_track_and_its_knobs_speak() -> None:
    with Engine() as engine, MaxHost(64) as host:
        patch = device(host, engine)
        host.turn(patch, "gain", -6.0)
        host.wait_until(lambda: ("/heart/set/gain", -6.0) in engine.messages, 3, "gain is said")
        start = len(engine.sent()) + 22_050
        host.wait_until(lambda: len(engine.sent()) > start + 44_100, 5, "a second is sent")
        host.stop()
        [out] = [thing for thing in host.objects if isinstance(thing, PlugOut)]
        left, right = (np.concatenate(side) for side in zip(*out.heard, strict=True))
        result = compare(left.astype(np.float32), engine.sent()[start:])
        assert result.compared > 30_000
        assert result.wrong == 0
        assert np.array_equal(right, left + 0.25)


@pytest.mark.parametrize(("leader", "bpm", "wanted"), [(1, 97.0, 97.0), (1, 250.0, 220.0)])
def test_live_leads_the_tempo_within_what_a_heart_can(leader: int, bpm: float, wanted: float) -> None:
    with Engine() as engine, MaxHost(256) as host:
        patch = device(host, engine)
        host.set_live_bpm(101.0)
        host.turn(patch, "tempo", leader)
        host.set_live_bpm(bpm)
        host.wait_until(lambda: ("/heart/set/bpm", wanted) in engine.messages, 3, "the tempo is said")
        assert ("/heart/set/bpm", 101.0) not in engine.messages, "off: Live's tempo is its own"


def test_the_heart_leads_the_tempo_of_live_smoothly() -> None:
    path = "live_set master_track mixer_device song_tempo"
    with Engine() as engine, MaxHost(256) as host:
        patch = device(host, engine)
        host.turn(patch, "tempo", 2)
        for n in range(12):
            engine.announce_beat(200, 84.0, n + 1)
        host.wait_until(lambda: len(host.remote.get(path, ())) == 12, 3, "Live is told")
        told = host.remote[path]
        assert told == sorted(told)
        assert told[0] < 84.0
        assert told[-1] == pytest.approx(84.0, abs=3.0)
