"""Who is asked about what, and what is said when a model is missing or no heart is there."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic_heart import heart

from heart.audio import resample
from heart.config import models_dir
from heart.listening import features, files
from heart.listening.classifier import Verdict
from heart.listening.files import hear
from heart.listening.judgement import GATE, JUDGES, RATE_HZ, Bench, load_bench
from heart.listening.weights import load_weights


class Opinion:
    """A judge who always thinks the same, and remembers what was put before him."""

    def __init__(self, **probabilities: float) -> None:
        self.verdict = Verdict(max(probabilities, key=probabilities.__getitem__), probabilities)
        self.heard: list[int] = []

    def judge(self, samples: np.ndarray, rate_hz: int) -> Verdict:
        self.heard.append(len(samples))
        assert rate_hz == RATE_HZ
        return self.verdict


def listened(bench: Bench, sound: np.ndarray) -> dict:
    wide = resample(sound, features.RATE_HZ, RATE_HZ)
    return hear(sound, load_weights(), wide, bench)


@pytest.fixture
def sound() -> np.ndarray:
    return heart(75, rate_hz=features.RATE_HZ, seconds=8).sound


def test_every_judge_speaks_of_a_heart(sound: np.ndarray) -> None:
    bench = Bench(
        {"scene": Opinion(normal=0.9, murmur=0.1), "valve": Opinion(AS=0.8, N=0.2)}, Opinion(heart=0.97, other=0.03)
    )
    result = listened(bench, sound)
    assert result["scene"] == {"label": "normal", "probabilities": {"normal": 0.9, "murmur": 0.1}}
    assert result["valve"]["label"] == "AS"
    assert result["condition"] is None  # nobody here to ask
    assert result["bpm"] == pytest.approx(75, abs=1)
    assert result["heart"] > 0.9
    assert list(result)[-3:] == ["scene", "valve", "condition"]


def test_what_is_no_heart_has_no_valve_and_no_rate(sound: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate overrules a beats' net that is not wholly sure."""
    monkeypatch.setattr(files, "heartness", lambda parts: 0.7)
    valve = Opinion(AS=0.8, N=0.2)
    bench = Bench({"scene": Opinion(artifact=0.9, normal=0.1), "valve": valve}, Opinion(heart=0.02, other=0.98))
    result = listened(bench, sound)
    assert (result["valve"], valve.heard) == (None, [])
    assert result["scene"]["label"] == "artifact"
    assert (result["bpm"], result["beats"]) == (None, [])
    assert result["heart"] == pytest.approx((0.7 + 0.02) / 2)


def test_nobody_is_asked_about_silence() -> None:
    gate = Opinion(heart=0.9, other=0.1)
    result = listened(Bench({"scene": Opinion(normal=1.0)}, gate), np.zeros(8_000, np.float32))
    assert (result["scene"], result["heart"], gate.heard) == (None, 0.0, [])


def test_a_missing_or_damaged_model_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for model in (GATE, JUDGES["scene"], JUDGES["valve"]):
        shutil.copytree(models_dir() / model, tmp_path / model)
    (tmp_path / JUDGES["valve"] / "model.onnx").write_bytes(b"not a graph")
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        bench = load_bench()
    assert (list(bench.judges), bench.gate is not None) == (["scene"], True)
    assert "ear-valve stays silent" in caplog.text
    assert "ear-condition stays silent" in caplog.text
