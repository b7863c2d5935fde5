"""Several processes learn as one: by accelerate, over gloo, on this machine's CPU."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from heart.learning import crew, voice_train
from heart.learning.voice_data import _save

sys.path.insert(0, str(Path(__file__).parent))
from test_voice_train import clips, train

STEPS = Path(__file__).parent / "crew_steps.py"


def launch(out: Path, processes: int, steps: int) -> dict[int, list[str]]:
    """What each process tells of a tiny training: its steps, the hashes of its weights and of what it saw."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    here = {
        **os.environ,
        "ACCELERATE_MIXED_PRECISION": "bf16",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    command += [str(STEPS), str(out), str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, env=here)
    assert done.returncode == 0, done.stdout + done.stderr
    return {n: (out / f"rank-{n}-of-{processes}.txt").read_text().split() for n in range(processes)}


def test_two_processes_see_different_sounds_end_with_one_net_and_one_process_goes_on_from_it(tmp_path):
    told = launch(tmp_path, 2, 4)
    assert told[0][0] == told[1][0] == "4"
    assert told[0][1] == told[1][1]
    assert told[0][2] != told[1][2]
    log = (tmp_path / "run" / "loss.csv").read_text()
    assert log.count("step,minutes") == 1
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 4
    train(tmp_path / "clips.npz", tmp_path / "run", state["spent_s"] / 60 + 0.01)
    again = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert again["step"] > 4
    assert not all(torch.equal(again["net"][key], value) for key, value in state["net"].items())


@pytest.fixture
def by_the_step(monkeypatch):
    """Training time that counts steps."""

    def begin() -> None:
        ticks = itertools.count()
        monkeypatch.setattr(voice_train, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))

    return begin


def test_one_process_of_accelerate_learns_the_very_bits_that_none_learns(tmp_path, monkeypatch, by_the_step):
    from accelerate.state import AcceleratorState, PartialState

    _save(clips(), tmp_path / "clips.npz")
    by_the_step()
    train(tmp_path / "clips.npz", tmp_path / "alone", 4 / 60)
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    crew.crew.cache_clear()
    try:
        assert isinstance(crew.crew(), crew.Launched)
        by_the_step()
        train(tmp_path / "clips.npz", tmp_path / "launched", 4 / 60)
    finally:
        crew.crew.cache_clear()
        AcceleratorState._reset_state()
        PartialState._reset_state()
    one, two = (torch.load(tmp_path / n / "checkpoint.pt", weights_only=True) for n in ("alone", "launched"))
    assert one["step"] == two["step"] == 4
    assert all(torch.equal(one["net"][key], two["net"][key]) for key in one["net"])
    assert all(torch.equal(one["ema"][key], two["ema"][key]) for key in one["ema"])


def test_without_accelerate_nothing_of_it_is_loaded():
    code = "import sys, heart.learning.crew as c; c.crew(); print('accelerate' in sys.modules)"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ACCELERATE", "LOCAL_RANK"))}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean)
    assert answer.stdout.strip() == "False"
