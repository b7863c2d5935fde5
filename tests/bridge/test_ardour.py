"""The recipe for Ardour against Ardour itself, without a screen or a sound card (its Lua shell, dummy back end)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from heart.namespace import PARAMS, norm_to_value, value_to_norm
from rig.live import LiveEngine, Program, until

SHELL = next((shell for n in range(9, 6, -1) if (shell := shutil.which(f"ardour{n}-lua"))), None)
SCRIPT = Path(__file__).parent.parent / "rig" / "ardour.lua"
OSC = '<Protocol name="Open Sound Control (OSC)" active="1"/>'
PORT = 3819
"""Fixed in Ardour."""

pytestmark = [
    pytest.mark.stage,
    pytest.mark.skipif(SHELL is None, reason="Ardour is not installed (apt-get install ardour)"),
]


@pytest.fixture
def ardour(tmp_path: Path) -> Iterator[None]:
    session, home = tmp_path / "rig", tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "RIG_SESSION": str(session), "HOME": str(home)}
    shell, quiet = [str(SHELL), str(SCRIPT)], subprocess.DEVNULL
    subprocess.run(shell, env={**env, "RIG_MAKE": "1"}, stdin=quiet, stdout=quiet, stderr=quiet, timeout=60)
    file = session / "rig.ardour"
    lines = [line for line in file.read_text().splitlines() if "Open Sound Control" not in line]
    file.write_text("\n".join(lines).replace("<ControlProtocols>", f"<ControlProtocols>{OSC}"))
    with subprocess.Popen(shell, env=env, stdin=quiet, stdout=quiet, stderr=quiet):
        try:
            assert until(speaks, 30), "Ardour does not answer"
            yield
        finally:
            (session / "stop").touch()


def speaks() -> bool:
    """Whether its port is taken, so that it is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", PORT))
        except OSError:
            return True
    time.sleep(0.1)
    return False


def test_faders_of_ardour_stand_where_the_heart_is_and_move_it(ardour: None) -> None:
    fader = 0.0
    with LiveEngine(aliases=("ardour",)) as engine, Program(engine.port) as client, Program(PORT) as surface:
        echoes = engine.engine.bridge.teacher.echoes
        assert until(lambda: len(echoes._places) == 8, 5), "eight strips have told of themselves"
        time.sleep(1.2)
        assert [engine.value(name) for name in ("bpm", "gain")] == [72.0, 0.0], "which moved nothing"
        client.send("/heart/set/bpm", 180.0)  # to Ardour's fader; then another surface asks it where that is
        time.sleep(0.3)
        surface.send("/set_surface", 8, 31, 3, 1, 0, 0, 0)
        while True:
            strip, fader = surface.wait_for("/strip/fader", 5)
            if strip == 1:
                break
        assert fader == pytest.approx(value_to_norm(PARAMS["bpm"], 180.0), abs=0.005)
        surface.send("/strip/fader", 2, 0.25)  # a hand on another surface
        assert until(lambda: engine.value("rmssd") == pytest.approx(norm_to_value(PARAMS["rmssd"], 0.25), abs=1.0))
        assert engine.value("bpm") == 180.0, "what was told came back and changed nothing"
