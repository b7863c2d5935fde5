"""What a client of a running engine is told of the heart it hears, with and without classifiers."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from heart.audio import write_audio
from heart.config import models_dir
from heart.plumbing.client import HeartClient
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.stage.overhear import lines
from heart.stage.rehearsal import running_engine

sys.path.append(str(Path(__file__).resolve().parents[1] / "listening"))
from tiny_classifier import make_classifier

PULSE = ("--voice", "pulse")
BPM = 80.0


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ear's own models, a gate that takes anything quiet for a heart, a valve; no scene, a broken condition."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("ear-beats", "ear-onset"):
        if (models_dir() / name).is_dir():
            (folder / name).symlink_to(models_dir() / name)
    make_classifier(folder, "ear-gate", ("other", "heart"))
    make_classifier(folder, "ear-valve", ("MR", "AS", "MS", "MVP", "N"), abstain_below=0.3)
    (make_classifier(folder, "ear-condition", ("abnormal", "normal")) / "model.onnx").write_bytes(b"broken")
    monkeypatch.setenv("HEART_MODELS", str(folder))
    return folder


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "heart.wav"
    sung = generate(voice="pulse", label="N", bpm=BPM, rmssd=10, seconds=14, seed=1)
    write_audio(path, 0.3 * np.asarray(sung), SAMPLE_RATE_HZ)
    return path


def test_a_client_hears_of_beats_rate_and_judgements(models: Path, sound: Path, tmp_path: Path) -> None:
    options = ("--heart", str(sound), "--loop", "--mode", "lead", "--ear-hop", "0.5", "--ear-window", "2")
    with running_engine(tmp_path, *PULSE, *options) as engine, HeartClient("127.0.0.1", engine.port) as client:
        assert client.wait_until(lambda: len(client.inbox.heard) > 6, 15)
        until_s = time.monotonic() + 10
        while (rate := client.wait_for("/heart/heard/rate", 5))[0] == 0 and time.monotonic() < until_s:
            pass
        assert rate[0] == pytest.approx(BPM, abs=4)
        assert 0 < client.wait_for("/heart/heard/next", 5)[1] < 1500
        assert client.wait_for("/heart/heard/gate", 5)[0] > 0.5
        valve = client.wait_for("/heart/heard/valve", 5)
        assert (valve[0], len(valve)) == ("AS", 7)
        words = "\n".join(engine.lines)
        assert "does not judge scene" in words
        assert "does not judge condition" in words
        heard = client.inbox.heard[-4:]
        assert np.diff([beat.frame for beat in heard]) == pytest.approx(60 / BPM * SAMPLE_RATE_HZ, rel=0.15)
        client.send("/heart/set/ear_hop", 2.0)
        client.send("/heart/get/ear_hop")
        assert client.wait_for("/heart/value/ear_hop", 2) == (2.0,)
        time.sleep(0.3)
        loaded = [str(m.path) for m in psutil.Process(engine.process.pid).memory_maps()]
        assert not [path for path in loaded if "onnxruntime" in path or "/torch/" in path]


def test_listening_to_a_file_live_prints_verdicts(models: Path, sound: Path) -> None:
    sung = generate(voice="pulse", label="N", bpm=BPM, rmssd=10, seconds=9, seed=1)
    heard = 0.3 * np.asarray(sung, np.float32)
    blocks = [heard[at : at + 1_024] for at in range(0, len(heard), 1_024)]
    words = list(lines(blocks, SAMPLE_RATE_HZ, as_json=False))
    assert words[0].startswith("not judged: ")
    assert "ear-scene" in words[0]
    assert "valve AS" in words[-1]
    assert "gate 0." in words[-1]
    assert "bpm (trust" in words[-1]
    told = list(lines(blocks, SAMPLE_RATE_HZ, as_json=True))[-1]
    assert '"valve": {"label": "AS"' in told
