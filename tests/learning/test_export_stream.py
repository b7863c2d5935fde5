"""An exported voice in a process without us: it sings what the engine sings, whatever the host does."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "sounding"))
from small_voice import SMALL, TEXTURE, write_voice

from heart.cards import find_model
from heart.learning.export.files import export_model
from heart.learning.export.stream import LATE, RATIO
from heart.records import OVERLAP, SAMPLE_RATE_HZ, Source, Wish
from heart.sounding import offline
from heart.sounding.beats import BeatClock
from heart.sounding.net import NetShape
from heart.sounding.voice import Voice

HOST = Path(__file__).parents[1] / "rig" / "nn_host.py"
CLOSE = 1e-4


class Host:
    """The other process."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.array = folder / "array.npy"
        command = [sys.executable, "-I", "-S", HOST, sysconfig.get_path("purelib"), file]
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
        )

    def __call__(self, *command):
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def perform(self, method: str, given: np.ndarray, buffer: int) -> np.ndarray:
        """[batch, channels, samples] in, the same out."""
        np.save(self.array, given.astype(np.float32))
        assert isinstance(answer := self("perform", method, str(self.array), buffer), int), answer
        return np.load(self.array)

    def sing(self, chunks: int, buffer: int, batch: int = 1, bpm: float = 0, phase: np.ndarray | None = None):
        """`chunks` buffers of it: float32 [batch, samples]."""
        controls = np.zeros((batch, 2, chunks * buffer))
        controls[:, 0] = bpm
        if phase is not None:
            controls[:, 1] = phase
        return self.perform("forward", controls, buffer)[:, 0]

    def begin(self, **attributes) -> None:
        for name, value in {"label": "", "steps": 2, "seed": 0, "bpm": 72, "rmssd": 30, **attributes}.items():
            assert self("set", name, str(value)) == 0, name
        self("set", "reset", "1.000000")

    def close(self) -> None:
        self.process.communicate(timeout=10)


def playing(root: Path, shape: NetShape) -> Iterator[tuple[Voice, Host, tuple[str, ...]]]:
    """A small voice as the engine sings it, its file in a host, and its labels."""
    folder = write_voice(root / "voice-small", 0, shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEART_MODELS", str(root))
        file = export_model("voice-small", "nn~", root / "small.ts").path
    host = Host(file, root)
    yield Voice(folder, threads=1), host, shape.labels
    host.close()


@pytest.fixture(scope="module")
def heart(tmp_path_factory):
    yield from playing(tmp_path_factory.mktemp("heart"), SMALL)


@pytest.fixture(scope="module")
def texture(tmp_path_factory):
    yield from playing(tmp_path_factory.mktemp("texture"), TEXTURE)


@pytest.fixture(params=["heart", "texture"])
def voices(request):
    return request.getfixturevalue(request.param)


def engine(voice: Voice, hop: int, chunks: int, **wishes) -> np.ndarray:
    """What the engine sings, in chunks of `hop`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offline, "HOP", hop)
        sung = offline.generate(hop * chunks / SAMPLE_RATE_HZ, voice=voice, **{"steps": 2, **wishes})
    assert len(sung) == hop * chunks
    return sung


def test_the_host_has_nothing_of_ours_and_finds_what_it_asks_for(voices):
    _, host, _ = voices
    about = host("about")
    assert about["heart"] is None
    assert about["modules"] == []
    assert about["methods"] == {"forward": [2, RATIO, 1, 1], "vary": [1, 1, 1, 1]}
    assert about["attributes"] == ["label", "steps", "seed", "bpm", "rmssd", "systole", "strength", "reset"]
    assert [len(labels) for labels in about["labels"].values()] == [2, 1]


@pytest.mark.parametrize(("buffer", "chunks"), [(2_048, 6), (8_192, 3)])
def test_it_sings_what_the_engine_sings(voices, buffer, chunks):
    voice, host, labels = voices
    host.begin(label=labels[1], seed=7)
    sung = engine(voice, buffer, chunks, label=labels[1], seed=7)
    assert np.abs(sung).max() > 0.003
    assert np.abs(host.sing(chunks, buffer)[0] - sung).max() < CLOSE


def test_buffers_are_rounded_as_the_host_rounds_them(heart):
    _, host, _ = heart
    assert [host("buffer", size) for size in (0, 512, 2_048, 3_000, 8_192)] == [2_048, 2_048, 2_048, 4_096, 8_192]


def test_a_batch_is_a_choir_of_neighbouring_seeds(voices):
    voice, host, labels = voices
    host.begin(label=labels[0], seed=3)
    sung = host.sing(4, 4_096, batch=4)
    for item in range(4):
        assert np.abs(sung[item] - engine(voice, 4_096, 4, label=labels[0], seed=3 + item)).max() < CLOSE


def test_after_a_reset_all_begins_again_and_buffers_may_change_on_the_way(heart):
    _, host, labels = heart
    host.begin(label=labels[2])
    first = host.sing(3, 4_096)
    host.sing(1, 16_384), host.sing(2, 2_048), host.sing(1, 8_192, batch=2)
    host("set", "reset", "1.000000")
    assert np.array_equal(host.sing(3, 4_096), first)
    on = np.concatenate([host.sing(1, 16_384), host.sing(3, 2_048), host.sing(1, 8_192)], 1)
    assert np.isfinite(on).all()
    assert np.abs(on[:, 20_000:]).max() > 0.001


def test_every_attribute_is_heard_as_in_the_engine(voices):
    voice, host, labels = voices
    mix = f"{labels[0]}:0.25,{labels[3]}:0.75"
    host.begin(label=mix.replace(",", "+"), steps=3, seed=11, bpm=110, rmssd=80)
    wishes = {"mix": mix, "steps": 3, "seed": 11, "bpm": 110, "rmssd": 80}
    assert np.abs(host.sing(5, 8_192)[0] - engine(voice, 8_192, 5, **wishes)).max() < CLOSE
    told = {"label": mix.replace(",", "+"), "steps": 3, "seed": 11, "bpm": 110.0, "rmssd": 80.0, "reset": 0}
    assert {name: host("get", name) for name in told} == told


def test_what_cannot_be_is_refused_and_the_old_stays(heart):
    _, host, labels = heart
    host.begin(label=labels[0])
    before = {name: host("get", name) for name in ("label", "steps", "bpm", "strength")}
    for name, value in (
        ("label", "opera"),
        ("label", f"{labels[0]}:x"),
        ("label", f"{labels[0]}:0"),
        ("steps", "0"),
        ("steps", "1000"),
        ("bpm", "nan"),
        ("bpm", "5"),
        ("strength", "1.5"),
    ):
        assert host("set", name, value) == -1, (name, value)
    assert {name: host("get", name) for name in before} == before


def test_a_new_tempo_is_heard_at_the_next_buffer_as_on_stage(heart):
    voice, host, labels = heart
    host.begin(label=labels[0], seed=2)
    ours = np.concatenate([host.sing(6, 4_096, bpm=bpm)[0] for bpm in (60, 140)])
    clock = BeatClock(60, 30, 2)

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        if number == 6:
            clock.set(bpm=140)
            clock.rewind(start)
        first = start - len(past) - SAMPLE_RATE_HZ // 2
        beats = tuple(b for b in clock.beats_until(start + frames + SAMPLE_RATE_HZ) if b.s2 >= first)
        return Wish(number, start, frames, past, beats, labels[0], 2, 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offline, "HOP", 4_096)
        sung = offline.sing_on(voice, 12 * 4_096, make, lambda _: None)
    assert np.abs(ours - sung).max() < CLOSE


def test_a_phase_that_moves_leads_the_beats_to_the_sample(heart):
    voice, host, labels = heart
    host.begin(label=labels[0])
    period, hop, chunks = 30_011, 4_096, 24
    phase = ((np.arange(hop * chunks) + 12_345) / period) % 1
    ours = host.sing(chunks, hop, phase=phase)[0]
    wraps = np.arange(1, 10) * period - 12_345
    clock = BeatClock(60 * SAMPLE_RATE_HZ / period, 0.0, 0, first_s1=int(wraps[0]))
    beats = clock.beats_until(int(wraps[-1]))
    assert [beat.s1 for beat in beats] == list(wraps[:-1])

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        first = start - len(past) - SAMPLE_RATE_HZ // 2
        near = tuple(b for b in beats if b.s2 >= first and b.s1 < start + frames + SAMPLE_RATE_HZ)
        return Wish(number, start, frames, past, near, labels[0], 0, 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offline, "HOP", hop)
        sung = offline.sing_on(voice, chunks * hop, make, lambda _: None)
    # A phase is a float32, so a beat may round to the next sample: a hundredth of the pulse that the net is shown.
    assert np.abs(ours - sung)[hop * 2 :].max() < 0.02 * np.abs(sung).max()


@pytest.mark.parametrize("strength", [0.0, 0.4])
def test_vary_is_the_engines(voices, strength):
    voice, host, labels = voices
    host.begin(label=labels[1], seed=5, strength=strength)
    given = 0.1 * np.random.default_rng(1).standard_normal(6 * 4_096).astype(np.float32)
    given[9_000] = np.nan
    ours = host.perform("vary", given[None, None], 4_096)[0, 0]
    clean = np.nan_to_num(given)

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        source = Source(clean[: start + frames], LATE)
        return Wish(
            number, start, frames, past, (), labels[1], 5, 2, mode="vary", strength=strength, sources=(source,)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offline, "HOP", 4_096)
        sung = offline.sing_on(voice, len(given), make, lambda _: None)
    assert np.abs(ours - sung).max() < CLOSE
    if strength == 0 and labels[0] == "N":
        assert np.abs(ours[LATE + OVERLAP :] - clean[OVERLAP:-LATE]).max() < 1e-3


def test_nothing_clicks_where_buffers_meet(heart):
    _, host, labels = heart
    host.begin(label=labels[0])
    for buffer, chunks in ((2_048, 40), (4_096, 20)):
        sung = host.sing(chunks, buffer)[0]
        bend = np.abs(np.diff(sung, 2))
        at = np.arange(buffer, len(bend) - 8, buffer)
        borders = np.array([bend[k - 4 : k + 4].max() for k in at])
        near = np.array([bend[k + 300 : k + 900].max() for k in at if k + 900 < len(bend)])
        assert np.median(borders) <= 1.5 * np.median(near)
        assert borders.max() <= 2 * np.percentile(bend[2_000:], 99.9)


@pytest.mark.stage
@pytest.mark.parametrize("name", ["voice-heart", "voice-texture"])
def test_a_shipped_voice_sings_as_the_engine_does_and_in_time(name, tmp_path):
    voice = Voice(find_model(name).path, threads=1)
    host = Host(export_model(name, "nn~", tmp_path / "voice.ts").path, tmp_path)
    label = voice.net.shape.labels[1]
    for buffer, chunks in ((4_096, 12), (8_192, 6), (16_384, 5)):
        for steps in (2, 4, 5):
            host.begin(label=label, seed=9, steps=steps, rmssd=60)
            ours = host.sing(chunks, buffer)[0]
            theirs = engine(voice, buffer, chunks, label=label, seed=9, steps=steps, rmssd=60)
            assert np.abs(ours - theirs).max() < CLOSE
    host.begin(label=label, steps=4)
    host.sing(4, 4_096)
    ratios = [host("spent") * SAMPLE_RATE_HZ / 4_096 for _ in range(40) if host.sing(1, 4_096) is not None]
    assert np.median(ratios) < 1  # of CPU time: what is left of it when nothing else runs
    host.close()
