"""Training of Dance Diffusion's net: it learns a batch by heart, resumes, fine-tunes; what it leaves plays."""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from heart.cards import read_model
from heart.errors import FileError
from heart.learning.dance_data import Crops, Lesson, gather
from heart.learning.dance_train import begin, learn, train_dance
from heart.sounding.dance.model import Dance
from heart.sounding.dance.net import DanceShape
from heart.sounding.dance.recipe import Recipe
from heart.sounding.dance.schedule import crash

SHAPE = DanceShape(channels=1, widths=(16, 32, 32), attention=1)
LESSON = Lesson(SHAPE, rate_hz=500, samples=64, batch=8, source="")


@pytest.fixture(scope="module")
def taught():
    """A small net that has learnt two tones by heart, those tones, and its losses."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    time = torch.arange(64) / 64
    tones = torch.stack([0.5 * torch.sin(2 * math.pi * f * time) for f in (2, 5)])[:, None]
    run, losses = begin(LESSON), []
    sobol = torch.quasirandom.SobolEngine(1, scramble=True, seed=0)
    for step in range(250):
        run.optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / 250)
        t = torch.tensor([crash(u) for u in sobol.draw(8)[:, 0].tolist()])
        losses.append(learn(run, tones[torch.randint(2, (8,))], t))
    return run.ema, tones, losses


def denoiser(net):
    return torch.inference_mode()(lambda x, t: net(x, torch.full((len(x),), t)))


def test_one_batch_is_learnt_by_heart(taught):
    net, tones, losses = taught
    assert np.mean(losses[-20:]) < 0.3 * np.mean(losses[:5])
    noise = torch.randn(6, 1, 64, generator=torch.Generator().manual_seed(5))

    def apart(net) -> float:
        """From what is sung to the nearer tone, over the tone's own energy; 1 for silence."""
        sung = Recipe(steps=50).sing(denoiser(net), noise)
        nearest = (sung - tones.swapaxes(0, 1)).square().mean(-1).min(1).values
        return float(nearest.median() / tones.square().mean())

    assert apart(net) < 0.5
    assert apart(begin(LESSON).ema) > 1


def test_sound_to_noise_and_back_keeps_30_db_in_50_steps(taught):
    net, tones, _ = taught
    ask, recipe = denoiser(net), Recipe(steps=50)
    noise = torch.randn(4, 1, 64, generator=torch.Generator().manual_seed(5))
    for sound in (recipe.sing(ask, noise), tones):
        back = recipe.sing(ask, recipe.invert(ask, sound))
        assert 10 * math.log10(float(sound.square().sum() / (back - sound).square().sum())) > 30


@pytest.fixture
def recordings(tmp_path):
    """A data folder with three recordings, one of them kept for validation."""
    random = np.random.default_rng(0)
    rows = [("path", "source", "split")]
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", 0.3 * random.standard_normal(900), 1_000)
        rows.append((f"{number}.wav", "here", "val" if number == 2 else "train"))
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path


def test_a_training_leaves_a_model_that_plays_and_goes_on_where_it_stopped(recordings, tmp_path):
    out = tmp_path / "out" / "tiny"
    folder = train_dance(recordings, out, minutes=0.01, lesson=LESSON)
    card = read_model(folder)
    assert (card.card["sample_rate"], card.card["samples"]) == (500, 64)
    assert list(out.glob("demo-*.wav"))
    dance = Dance(folder, device="cpu", threads=1)
    assert dance.shape == SHAPE
    assert bool(torch.isfinite(dance.denoiser()(torch.zeros(1, 1, 64), 0.5)).all())
    before = card.card["training"]["steps"]
    train_dance(recordings, out, minutes=0.02, lesson=LESSON)
    assert read_model(folder).card["training"]["steps"] > before > 0


def test_a_checkpoint_is_tuned_further_in_its_own_shape(recordings, tmp_path):
    first = train_dance(recordings, tmp_path / "a", minutes=0.005, lesson=LESSON)
    tuned = train_dance(recordings, tmp_path / "b", minutes=0.005, lesson=LESSON, start=first / "dance.safetensors")
    nets = [Dance(folder, device="cpu", threads=1).net.state_dict() for folder in (first, tuned)]
    assert all(nets[0][name].shape == value.shape for name, value in nets[1].items())
    moved = max(float((nets[0][name] - value).abs().max()) for name, value in nets[1].items())
    assert 0 < moved < 0.1


TOGETHER = """
from pathlib import Path
import sys
from heart.learning.dance_data import Lesson
from heart.learning.dance_train import train_dance
from heart.sounding.dance.net import DanceShape
lesson = Lesson(DanceShape(1, (8, 32), 0), 500, 64, 4, "")
train_dance(Path(sys.argv[1]), Path(sys.argv[2]), minutes=0.05, resume=False, lesson=lesson)
print("ended")
"""


@pytest.mark.stage
def test_two_processes_learn_one_net_and_end_together(recordings, tmp_path):
    (tmp_path / "lesson.py").write_text(TOGETHER)
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    done = subprocess.run(
        [*launch, str(tmp_path / "lesson.py"), str(recordings), str(tmp_path / "out")],
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.stdout.count("ended") == 2, done.stderr
    assert Dance(tmp_path / "out/model", device="cpu", threads=1).shape.widths == (8, 32)


def test_crops_are_whole_and_of_both_polarities(recordings):
    sounds = gather(recordings, LESSON)
    assert len(sounds) == 2
    pieces = Crops([np.ones((1, 40), np.float32)], LESSON, 0).batch(32)
    assert pieces.shape == (32, 1, 64)
    assert {float(value) for value in pieces[:, 0, 0]} == {1.0, -1.0}
    assert not pieces[:, :, 40:].any()


def test_no_recording_is_told(recordings):
    with pytest.raises(FileError, match="no training recording of elsewhere"):
        gather(recordings, Lesson(SHAPE, source="elsewhere"))
