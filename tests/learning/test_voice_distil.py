"""Distillation: the lesson is exact, a student learns it, and the shipped voice sings with what was learnt."""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from heart.cards import read_model, sha256, write_card
from heart.errors import FileError
from heart.learning import full_name, voice_distil
from heart.learning.voice_card import publish_few
from heart.learning.voice_distil import Shortcut, distil_voice
from heart.learning.voice_lesson import seen_by
from heart.learning.voice_loom import Loom, Mix
from heart.learning.voice_train import enrol, learn
from heart.records import Source
from heart.sounding.net import NetShape, VoiceNet
from heart.sounding.samplers import ddim, times
from heart.sounding.voice import Voice
from heart.sounding.weights import load_net

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent.parent / "sounding")]
from small_voice import SMALL, wish, write_voice
from test_voice_train import clips


def teacher(seed: int = 0, shape: NetShape = SMALL) -> VoiceNet:
    """A net that was never trained, with something to say."""
    torch.manual_seed(seed)
    net = VoiceNet(shape)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return net.requires_grad_(False)


def batch(mix: Mix | None = None, size: int = 4):
    return Loom(clips(), 0, mix).batch(size, 256)


PLACES = (torch.arange(4) + 0.5) / 4


def test_the_grids_of_all_stages_lie_in_each_other():
    for steps, strides, _ in voice_distil.STAGES:
        assert times(steps * strides)[::strides] == pytest.approx(times(steps))
    assert sum(share for *_, share in voice_distil.STAGES) == pytest.approx(1)


def test_who_goes_as_the_teacher_goes_has_nothing_to_learn():
    net = teacher()
    lesson = Shortcut(net, 4, 1)
    assert float(lesson(net, batch(), PLACES)) < 1e-6
    assert float(lesson(teacher(1), batch(), PLACES)) > 1e-4


def test_the_walk_of_a_teacher_is_its_ddim():
    net, whole = teacher(), batch(Mix(no_past=1))
    seen = seen_by(whole, torch.device("cpu"))
    noise = torch.randn(whole.clean.shape, generator=torch.Generator().manual_seed(3))
    walked = Shortcut(net, 1, 8).walk(seen, noise, torch.tensor(times(8)), torch.zeros(4, dtype=torch.long))
    sung = ddim(lambda x, t: seen.v(net, x, torch.full((4,), t)), noise, 8)
    assert float((walked - sung).abs().max()) < 0.01  # the net answers in bfloat16


class Constant(VoiceNet):
    """A student that answers one v, whatever it sees."""

    def __init__(self, v: torch.Tensor) -> None:
        super().__init__(SMALL)
        self.answer = v

    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        return self.answer


def test_the_wanted_answer_leads_in_one_step_where_the_teacher_gets_in_two():
    net, whole = teacher(), batch(Mix(no_past=1))
    seen = seen_by(whole, torch.device("cpu"))
    noise = torch.randn(whole.clean.shape, generator=torch.Generator().manual_seed(4))
    there = ddim(lambda x, t: seen.v(net, x, torch.full((4,), t)), noise, 2)
    lesson = Shortcut(net, 1, 2)  # one step from t = 1, where a step of DDIM is -v
    assert float(lesson(Constant(-there), whole, torch.zeros(4), noise)) < 1e-4
    assert float(lesson(Constant(-there + 0.1), whole, torch.zeros(4), noise)) > 1e-3


def test_an_error_costs_most_in_a_quiet_part_and_above_the_sounds():
    net, whole = teacher(), batch(Mix(no_past=1))
    whole.clean[..., :128], whole.clean[..., 128:] = 1.0, 0.0  # loud, then quiet
    seen = seen_by(whole, torch.device("cpu"))
    noise = torch.randn(whole.clean.shape, generator=torch.Generator().manual_seed(5))
    there = ddim(lambda x, t: seen.v(net, x, torch.full((4,), t)), noise, 2)
    loud = (torch.arange(256) < 128).float()
    slow, fast = (0.1 * torch.sin(torch.arange(256) * hz).expand_as(there) for hz in (0.05, 2.5))

    def cost(error: torch.Tensor) -> float:
        return float(Shortcut(net, 1, 2)(Constant(-there + error), whole, torch.zeros(4), noise))

    assert cost(fast) > 3 * cost(slow)
    assert cost(slow * (1 - loud)) > 3 * cost(slow * loud)


def test_a_student_comes_nearer():
    known = teacher()
    torch.manual_seed(1)
    run = enrol(copy.deepcopy(known).requires_grad_(True), 2e-3)
    lesson, loom = Shortcut(known, 2, 4), Loom(clips(), 0)
    batches = [loom.batch(4, 256) for _ in range(4)]
    losses = []
    for step in range(60):
        run.step = 300  # no warm-up in so short a run
        losses.append(learn(run, batches[step % 4], 0.0, lesson))
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])


@pytest.fixture
def school(tmp_path):
    """A teacher's folder and a pack of clips."""
    from heart.learning.voice_data import _save

    _save(clips(), tmp_path / "clips.npz")
    return write_voice(tmp_path / "voice-heart"), tmp_path / "clips.npz"


def distil(school, out, minutes=0.04):
    folder, pack = school
    return distil_voice(
        pack.parent, out, minutes, threads=1, pack=pack, sizes=((2, 256),), teacher=folder / "voice.safetensors"
    )


def test_both_stages_are_trained_kept_and_resumed(school, tmp_path):
    made = distil(school, tmp_path / "out")
    assert list(made) == [4, 2]
    before = [torch.load(tmp_path / "out" / str(n) / "checkpoint.pt", weights_only=True) for n in (4, 2)]
    assert all(state["step"] >= 1 for state in before)
    teacher_net = load_net(school[0] / "voice.safetensors").net
    assert not torch.equal(load_net(made[4]).net.outlet.weight, teacher_net.outlet.weight)
    assert (tmp_path / "out" / "4" / "loss.csv").read_text().startswith("step,minutes,loss,validation\n0,")
    distil(school, tmp_path / "out", before[0]["spent_s"] / 60 / voice_distil.STAGES[0][2] + 0.02)
    after = torch.load(tmp_path / "out" / "4" / "checkpoint.pt", weights_only=True)
    assert after["step"] > before[0]["step"]
    assert after["spent_s"] > before[0]["spent_s"]


def test_a_missing_teacher_is_one_line(school, tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        distil_voice(tmp_path, tmp_path / "out", 0.01, pack=school[1], teacher=tmp_path / "nowhere.safetensors")


@pytest.fixture
def taught(tmp_path):
    """A voice folder with weights of its own for four steps."""
    folder = write_voice(tmp_path / "voice-heart")
    other = write_voice(tmp_path / "other", seed=9)
    publish_few(folder, {4: other / "voice.safetensors"})
    return folder


def test_a_voice_sings_few_steps_with_the_weights_distilled_for_them(taught, tmp_path):
    whole = shutil.copytree(taught, tmp_path / "plain")
    card = {key: value for key, value in read_model(whole).card.items() if key != "few_steps"}
    write_card(whole, card)
    plain, few = Voice(whole, threads=1), Voice(taught, threads=1)
    at_four = [voice.sing(wish(steps=4)) for voice in (plain, few)]
    assert not np.array_equal(at_four[0].audio, at_four[1].audio)
    assert at_four[0].recipe != at_four[1].recipe
    for steps in (3, 5, 8):
        one, two = (voice.sing(wish(steps=steps)) for voice in (plain, few))
        assert np.array_equal(one.audio, two.audio)
        assert one.recipe == two.recipe
    alone = Voice(write_voice(tmp_path / "alone", seed=9), threads=1)
    assert np.array_equal(alone.sing(wish(steps=4)).audio, few.sing(wish(steps=4)).audio)


def test_other_samplers_have_another_grid_and_keep_the_whole_weights(taught, tmp_path):
    plain, few = Voice(write_voice(tmp_path / "plain"), 1, "ddpm"), Voice(taught, 1, "ddpm")
    assert np.array_equal(plain.sing(wish(steps=4)).audio, few.sing(wish(steps=4)).audio)


def test_what_is_made_from_a_sound_or_towards_one_keeps_the_whole_weights(taught):
    few = Voice(taught, threads=1)
    plain, proof = few.net, few._proof
    source = Source(np.zeros(60_000, np.float32), 0)
    future = np.zeros(8_192, np.float32)
    for other in (wish(mode="vary", strength=0.5, sources=(source,)), wish(future=future)):
        assert few._taught(other) == (plain, proof)
    assert few._taught(wish())[0] is not plain


def test_few_step_weights_are_proven_like_the_others(taught):
    weights = taught / "voice-4.safetensors"
    assert read_model(taught).few_steps == {4: sha256(weights)}
    data = bytearray(weights.read_bytes())
    data[-50] ^= 0xFF
    weights.write_bytes(data)
    with pytest.raises(FileError, match=r"voice-4\.safetensors: damaged or changed"):
        Voice(taught)
    weights.unlink()
    with pytest.raises(FileError, match=r"voice-4\.safetensors: missing"):
        Voice(taught)


def test_a_table_of_few_steps_that_says_nothing_is_refused(taught):
    card = dict(read_model(taught).card)
    for table in ({"four": "abc"}, "4"):
        write_card(taught, {**card, "few_steps": table})
        with pytest.raises(FileError, match="few_steps"):
            Voice(taught)


def test_a_voice_is_called_by_its_short_name():
    assert full_name("voice-heart-fast") == "voice-heart-fast"
    assert full_name("voice") == "voice-heart"
