"""The whole of it: `heart live` in a process of its own, and the Max package in a Max without Max."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heart.stage.rehearsal import running_engine
from rig.max_host import MaxHost
from rig.pd import free_port


@pytest.mark.stage
def test_max_hears_the_beats_of_a_real_engine_where_they_sound_and_the_tempo_it_asked_for(tmp_path: Path) -> None:
    with running_engine(tmp_path, "--voice", "pulse") as engine, MaxHost(128) as host:
        core = host.add(f"heart.engine 127.0.0.1 {engine.port} {free_port()}")
        receive, beat, panel = host.add("heart.receive~ 1"), host.add("heart.beat"), host.add("heart.panel")
        words, bang, said = host.tap(core, 0), host.tap(beat, 0), host.tap(beat, 3)
        sound, click = host.record(receive, 0), host.record(beat, 4)
        host.start()
        host.wait_until(lambda: ["playing"] in words.heard, 10, "it plays")
        host.turn(panel, "bpm", 100.0)
        host.turn(panel, "rmssd", 0.0)
        host.wait_until(lambda: len(bang.heard) > 12, 20, "twelve beats")
        host.wait_until(lambda: panel.named["label"].value == "N", 3, "the panel knows the label")  # type: ignore[union-attr]
        host.stop()
    clicks, heard = np.flatnonzero(click()), np.abs(sound())
    assert np.diff(clicks[-6:]) == pytest.approx(0.6 * 44_100, abs=0.02 * 44_100)
    assert said.heard[-1][2] == pytest.approx(100, abs=2)
    quiet, loud = (
        np.mean([heard[at + start : at + end].max() for at in clicks[4:-1]])
        for start, end in ((-2205, -441), (0, 2205))
    )
    assert loud > 3 * quiet, "a first sound begins where the click is"
