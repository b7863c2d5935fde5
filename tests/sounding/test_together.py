"""Sounds sung at once are those sung alone, in shared forward passes; a net on onnxruntime says what torch says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_voice import wish, write_voice

from heart.config import models_dir
from heart.errors import FileError
from heart.learning.voice_graph import largest_difference, write_graph
from heart.records import Source, Wish
from heart.sounding.choir import alike, sing_all
from heart.sounding.graph import GraphNet, graph_name
from heart.sounding.net import NetShape
from heart.sounding.offline import generate
from heart.sounding.registry import list_voices, open_voice
from heart.sounding.together import SharedNet, together
from heart.sounding.voice import Voice
from heart.sounding.weights import load_net


class CountingNet:
    """A net that remembers how many items each of its passes had."""

    def __init__(self, net):
        self.net, self.shape, self.passes = net, net.shape, []

    def __call__(self, x, *rest):
        self.passes.append(len(x))
        return self.net(x, *rest)


@pytest.fixture
def counted(voice_folder):
    voice = Voice(voice_folder, threads=1)
    counting = CountingNet(voice.net.net)
    voice.net = SharedNet(counting)
    return voice, counting


def wishes(*changes: dict) -> list[Wish]:
    return [replace(wish(number=number), **change) for number, change in enumerate(changes)]


def assert_like_alone(voice, many: list[Wish]) -> None:
    for asked, chunk in zip(many, voice.sing_many(many), strict=True):
        alone = voice.sing(asked)
        assert np.abs(chunk.audio - alone.audio).max() < 1e-4
        assert (chunk.number, chunk.start, chunk.seed, chunk.recipe) == (
            asked.number,
            asked.start,
            asked.seed,
            alone.recipe,
        )


def test_wishes_of_one_size_share_every_pass(counted):
    voice, counting = counted
    voice.sing_many(wishes({"seed": 1}, {"seed": 2, "label": "AS"}, {"label": ""}))
    assert counting.passes == [3] * 4


def test_wishes_of_all_kinds_are_sung_at_once_as_alone(counted):
    voice, counting = counted
    many = wishes({}, {"steps": 2}, {"guidance": 2.0, "label": "MR"}, {"frames": 16_384}, {"steps": 7, "seed": 9})
    voice.sing_many(many)
    assert len(counting.passes) < sum(asked.steps for asked in many)
    assert_like_alone(voice, many)


@pytest.mark.parametrize("name", list_voices())
def test_every_voice_sings_many_as_it_sings_one(name):
    assert_like_alone(open_voice(name, threads=1), wishes({"seed": 1}, {"label": "MS"}, {"frames": 64}))


def test_what_goes_wrong_in_one_is_raised_and_hangs_nobody(counted):
    voice, _ = counted
    many = [*wishes({}, {"seed": 2}), replace(wish(), beats=None)]  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        together(voice.sing, many)

    def broken(*given):
        raise RuntimeError("no memory")

    broken.shape = voice.net.shape
    voice.net = SharedNet(broken)
    with pytest.raises(RuntimeError, match="no memory"):
        voice.sing_many(wishes({}, {"seed": 2}))
    assert voice.sing_many([]) == []


def test_whole_sounds_are_sung_at_once_in_shared_passes(counted):
    voice, counting = counted
    sounds = together(lambda seed: generate(1.0, steps=2, seed=seed, voice=voice), [3, 4, 5])
    assert set(counting.passes) == {3}
    for seed, sound in zip((3, 4, 5), sounds):
        assert np.abs(sound - generate(1.0, steps=2, seed=seed, voice=voice)).max() < 1e-4


TINY = NetShape(widths=(16, 32), embedding=32, blocks=1, attention_from=1)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """A voice's folder with the graph of its net."""
    folder = write_voice(tmp_path_factory.mktemp("graph") / "voice-heart", shape=TINY)
    return write_graph(load_net(folder / "voice.safetensors").net, folder)


def test_a_voice_with_a_graph_sings_by_onnxruntime_and_one_without_by_torch(graph, tmp_path):
    assert graph.stat().st_size < 100_000, "no weights in it"
    by_torch, by_graph = Voice(write_voice(tmp_path / "voice-heart", shape=TINY)), Voice(graph.parent)
    assert (by_torch.net.runtime, by_graph.net.runtime) == ("VoiceNet", "GraphNet")
    one, two = by_torch.sing(wish(seed=3)), by_graph.sing(wish(seed=3))
    assert np.abs(one.audio).max() > 1e-3
    assert np.abs(one.audio - two.audio).max() < 1e-4
    assert one.recipe != two.recipe, "the last bits differ"


def test_a_graph_serves_any_weights_of_its_shape_and_no_other_shape(graph):
    net = load_net(graph.parent / "voice.safetensors").net
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    assert largest_difference(net, graph) < 1e-4
    assert graph_name(replace(TINY, widths=(16, 64))) != graph.name
    assert graph_name(replace(TINY, styles=9)) == graph.name, "styles stay outside"


def test_the_shipped_graph_is_that_of_the_shipped_net():
    voice = open_voice("voice-heart", threads=1)
    assert voice.net.runtime == "GraphNet"
    folder = models_dir() / "voice-heart"
    assert (
        largest_difference(load_net(folder / "voice.safetensors").net, folder / graph_name(voice.net.shape)) < 1e-4
    )


def test_a_damaged_graph_is_one_clear_line(voice_folder):
    net = load_net(voice_folder / "voice.safetensors").net
    path = voice_folder / graph_name(net.shape)
    path.write_bytes(b"no graph")
    with pytest.raises(FileError, match="cannot be run"):
        GraphNet(net, path)
    with pytest.raises(FileError, match="delete it to sing by torch"):
        Voice(voice_folder, threads=1)


def test_voices_that_wish_the_same_are_sung_once_to_the_same_bits(counted):
    voice, counting = counted
    lead, third = wishes({}, {"seed": 5})
    second = replace(lead, past=lead.past.copy(), voice=2)
    chunk = sing_all(voice, replace(lead, others=(second, replace(third, number=lead.number, voice=3))))
    assert max(counting.passes) == 2, "three voices, two sounds"
    assert [each.voice for each in (chunk, *chunk.others)] == [1, 2, 3]
    assert np.array_equal(chunk.audio, chunk.others[0].audio)
    assert not np.array_equal(chunk.audio, chunk.others[1].audio)
    assert np.abs(chunk.audio - voice.sing(lead).audio).max() < 1e-4


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 9},
        {"label": "MR"},
        {"steps": 7},
        {"beats": ()},
        {"past": np.zeros(0, np.float32)},
        {"strength": 0.3},
        {"mix": (("N", 1.0),)},
        {"sources": (Source(np.zeros(9, np.float32), 0),)},
        {"parts": np.zeros((3, 2), np.float32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_is_not_alike(change):
    (one,) = wishes({})
    assert alike(one, replace(one, past=one.past.copy(), voice=2))
    assert not alike(one, replace(one, voice=2, **change))
