"""The demo in short: a real engine, the real wire, every figure from what was played."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_live import patient

from heart.audio import read_audio, write_audio
from heart.records import SAMPLE_RATE_HZ
from heart.stage.demo import run_demo
from heart.stage.measure import FLOORS, compare, lines_of

pytestmark = pytest.mark.alone


def test_the_demo_performs_and_reports_what_it_measured(tmp_path: Path) -> None:
    write_audio(tmp_path / "heart.wav", patient(20, bpm=92), SAMPLE_RATE_HZ)
    figures = run_demo(tmp_path / "out", tmp_path / "heart.wav", seconds=36, voice="pulse")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["demo.json", "demo.png", "demo.wav"]
    assert json.loads((tmp_path / "out" / "demo.json").read_text()) == figures
    sound, _ = read_audio(tmp_path / "out" / "demo.wav")
    assert len(sound) == pytest.approx(36 * SAMPLE_RATE_HZ, rel=0.1)
    assert figures["samples_compared"] > 30 * SAMPLE_RATE_HZ
    assert (figures["wrong_samples"], figures["underruns"], figures["not_finite"]) == (0, 0, 0)
    assert figures["beats_f1"] >= 0.98
    assert figures["knobs_turned"] >= 15
    assert figures["knob_to_sound_p95_ms"] <= 800
    assert figures["heard_bpm"] == pytest.approx(92, abs=2)
    assert figures["follow_error_bpm"] <= 2
    assert figures["voice_back_after_kill_s"] < 5
    assert (tmp_path / "out" / "demo.png").stat().st_size > 50_000
    assert not [line for line in lines_of(figures) if "SHORT" in line and "engine process" not in line]


def test_a_short_figure_is_called_short() -> None:
    good = {name: floor for name, _, _, floor, _ in FLOORS}
    rest = {"machine": "m", "seconds": 1.0, "heart": "h"}
    assert not [line for line in lines_of({**good, **rest}) if "SHORT" in line]
    bad = {**good, **rest, "wrong_samples": 1, "beats_f1": 0.5, "knob_to_sound_p95_ms": None}
    assert len([line for line in lines_of(bad) if "SHORT" in line]) == 3


def test_one_wrong_sample_is_found() -> None:
    sent = np.random.default_rng(0).uniform(-0.5, 0.5, 50_000).astype(np.float32)
    played = np.concatenate([np.zeros(3_000, np.float32), sent])
    assert compare(sent, played) == (50_000, 0)
    played[20_000] += 1e-6
    assert compare(sent, played) == (50_000, 1)
    assert compare(sent, np.zeros(1_000, np.float32)) == (0, 1_000)
