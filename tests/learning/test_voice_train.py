"""Training of the voice, on a small net and synthetic clips."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from heart.cards import read_model
from heart.learning import voice_train
from heart.learning.voice_card import publish_voice
from heart.learning.voice_data import Clip, _save
from heart.learning.voice_lesson import objective
from heart.learning.voice_loom import Loom
from heart.learning.voice_style import STYLES
from heart.learning.voice_train import begin, learn, train_voice
from heart.records import LABELS, Beat, Wish
from heart.sounding import pulse
from heart.sounding.net import NetShape
from heart.sounding.weights import load_net

SMALL = NetShape(widths=(16, 16, 32, 32), embedding=32)


def clips() -> list[Clip]:
    made = []
    for n, label in enumerate(LABELS * 2):
        beats = tuple(Beat(k, 3_000 + k * 35_000, 16_000 + k * 35_000, 793.7) for k in range(3))
        sound = pulse.sing(Wish(0, 0, 108_032, np.zeros(0, np.float32), beats, label, seed=n)).audio[:108_000]
        cycles = np.array([(b.s1, b.s2, b.s1 + 35_000) for b in beats])
        split = "train" if n < len(LABELS) else "val"
        made.append(Clip(f"{n}.flac", split, n % len(LABELS), sound, cycles, np.zeros(STYLES, np.float32)))
    return made


@pytest.fixture
def pack(tmp_path):
    _save(clips(), tmp_path / "clips.npz")
    return tmp_path / "clips.npz"


def train(pack, out, minutes, **more):
    return train_voice(pack.parent, out, minutes, threads=1, pack=pack, sizes=((3, 256),), shape=SMALL, **more)


def test_the_loss_falls():
    torch.manual_seed(0)
    run, loom = begin(SMALL, torch.device("cpu")), Loom(clips(), 0)
    batches = [loom.batch(4, 256) for _ in range(4)]
    losses = []
    for step in range(60):
        run.step = voice_train.WARM_UP_STEPS  # no warm-up in so short a run
        losses.append(learn(run, batches[step % 4], 0.0))
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])


def test_only_unknown_frames_are_learned():
    run, batch = begin(SMALL, torch.device("cpu")), Loom(clips(), 0).batch(4, 256)
    t, noise = torch.full((4,), 0.5), torch.zeros(batch.clean.shape)
    plain = float(objective(run.net, batch, t, noise).detach())
    known = np.broadcast_to(batch.conditions[:, :1] > 0, batch.clean.shape)
    assert known.any()
    batch.clean[known] += 100.0
    assert float(objective(run.net, batch, t, noise).detach()) == pytest.approx(plain)
    batch.clean[~known] += 100.0
    assert float(objective(run.net, batch, t, noise).detach()) > 10 * plain


def test_training_writes_weights_a_log_and_goes_on_where_it_stopped(pack, tmp_path):
    out = tmp_path / "out"
    weights = train(pack, out, 0.03)
    assert load_net(weights).styles.shape == (len(LABELS), STYLES)
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    assert state["step"] >= 1
    assert state["spent_s"] >= 0.03 * 60
    train(pack, out, 0.05)
    again = torch.load(out / "checkpoint.pt", weights_only=True)
    assert again["step"] > state["step"]
    assert again["spent_s"] >= 0.05 * 60
    with (out / "loss.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["loss"]) > 0
    assert float(rows[0]["validation"]) > 0
    train(pack, out, 0.01, resume=False)
    assert torch.load(out / "checkpoint.pt", weights_only=True)["spent_s"] < 0.03 * 60


def test_a_resumed_run_has_the_state_it_was_saved_with(tmp_path):
    torch.manual_seed(1)
    run, loom = begin(SMALL, torch.device("cpu")), Loom(clips(), 0)
    for _ in range(3):
        learn(run, loom.batch(2, 256), 0.1)
        run.step += 1
    voice_train.keep(run, clips(), tmp_path)
    other = begin(SMALL, torch.device("cpu"))
    other.load(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    batch = loom.batch(2, 256)
    torch.manual_seed(2)
    one = learn(run, batch, 0.1)
    torch.manual_seed(2)
    assert learn(other, batch, 0.1) == one
    for a, b in zip(run.ema.parameters(), other.ema.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_published_voice_proves_its_weights(pack, tmp_path):
    weights = train(pack, tmp_path / "out", 0.01)
    publish_voice(
        weights, tmp_path / "voice-x", {"seed": 0, "minutes": 0.01}, {"f1": 1.0}, {"f1": "heart evaluate"}
    )
    model = read_model(tmp_path / "voice-x")
    assert model.weights.read_bytes() == weights.read_bytes()
    assert model.card["figures"]["f1"] == 1.0
    assert model.card["labels"] == list(LABELS)
