"""gate: hearts against all else; its made-up sounds, its split and the folder it becomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from small_sounds import RATE_HZ, heart, write_folder

from heart.cards import read_model
from heart.learning import gate, gate_data, gate_drums, gate_others
from heart.learning.classes import Clip
from heart.listening.classifier import Classifier
from heart.sounding.offline import generate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("sounds"))


@pytest.mark.parametrize("maker", gate_others.MAKERS, ids=lambda maker: maker.__name__)
def test_made_up_sounds_are_finite_and_as_long_as_asked(maker: gate_others.Maker) -> None:
    for seed in range(10):
        sound = maker(7001, RATE_HZ, np.random.default_rng(seed))
        assert sound.shape == (7001,)
        assert np.isfinite(sound).all()


def test_drums_beat_and_speech_pauses() -> None:
    """Their envelopes must move: a steady noise would teach the gate nothing about rhythm."""
    for maker in (gate_drums.drums, gate_others.speech, gate_others.claps):
        sounds = [maker(5 * RATE_HZ, RATE_HZ, np.random.default_rng(seed)) for seed in range(6)]
        levels = [np.sqrt((s.reshape(-1, 200) ** 2).mean(1)) for s in sounds]
        assert np.median([np.quantile(x, 0.95) / (np.quantile(x, 0.1) + 1e-9) for x in levels]) > 3


def test_music_is_held_back_by_group_and_no_group_lies_on_both_sides(data: Path) -> None:
    clips = gate_data.TASK.read(data)  # raises where a group does
    music = [clip for clip in clips if clip.source == "music"]
    assert {clip.split for clip in music} == {"train", "val"}
    assert {clip.label for clip in music} == {"other"}
    assert {clip.label for clip in clips if clip.source.startswith("yaseen")} == {"heart"}


def test_a_batch_is_half_hearts(data: Path) -> None:
    sounds = gate_data.load(data)
    audio, targets = sounds.draw(np.random.default_rng(0), np.arange(len(sounds.clips)))
    assert audio.shape == (2 * gate_data.HALF, gate_data.FRAMES)
    assert audio.dtype == np.float32
    assert np.bincount(targets).tolist() == [gate_data.HALF] * 2
    assert np.isfinite(audio).all()


def test_drums_are_shown_more_often_than_other_music(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing made up, kit or noise mixed in, one loop among nine other sounds is four windows of thirteen."""
    clips = [Clip(Path(f"{n}.wav"), "other", str(n), "train", "music", {"label": "loop" if n == 0 else "pitch_24"})
             for n in range(10)]  # fmt: skip
    sounds = gate_data.GateSounds(clips, [np.full(20, n, np.float32) for n in range(10)])
    shown: list[float] = []

    def pick(self: gate_data.GateSounds, rng: np.random.Generator, kinds: list[list[int]]) -> np.ndarray:
        shown.extend(kinds[0])
        return np.ones(20, np.float32)

    monkeypatch.setattr(gate_data.GateSounds, "_pick", pick)
    monkeypatch.setattr(gate_data.GateSounds, "_heart", lambda self, rng, kinds: rng.normal(size=gate_data.FRAMES))
    sounds.draw(np.random.default_rng(0), np.arange(10))
    assert shown.count(0) == gate_data.TIMES * shown.count(1) > 0


def test_low_drums_are_counted_by_the_net_that_never_met_them() -> None:
    """One fold's net takes all for hearts, the other's nothing: of a drum in each, one is refused."""

    class Sure(torch.nn.Module):
        def __init__(self, heart: float) -> None:
            super().__init__()
            self.logits = torch.tensor([heart, 0.0])

        def forward(self, mfcc: torch.Tensor, statistics: torch.Tensor) -> torch.Tensor:
            return self.logits.expand(len(mfcc), 2)

    labels = ("loop", "pitch_24", "bd")
    clips = [Clip(Path("a.wav"), "other", label, "train", "music", {"label": label}) for label in labels]
    sounds = gate_data.GateSounds(clips, list(np.random.default_rng(0).normal(size=(3, 9000)).astype(np.float32)))
    folds = [(np.array([1, 2]), np.array([0])), (np.array([0]), np.array([1, 2]))]
    assert gate.low_drums_refused([Sure(5.0), Sure(-5.0)], folds, sounds, 0.5) == 0.5
    assert gate.low_drums_refused([Sure(5.0), Sure(5.0)], folds, sounds, 0.5) == 0.0
    assert gate.low_drums_refused([Sure(5.0)], [(np.array([0]), np.array([1]))], sounds, 0.5) == 0.0


def test_the_threshold_comes_out_as_one_half() -> None:
    middle, temperature = 0.3, 1.7
    logits = np.log([middle, 1 - middle]) / temperature + gate.bias_of(middle, temperature)
    assert logits[0] == pytest.approx(logits[1])


def test_equal_error_lies_between_hearts_and_others() -> None:
    heart_p = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.3])
    targets = np.array([0, 0, 0, 1, 1, 1])
    middle = gate.equal_error(np.stack([heart_p, 1 - heart_p], 1), targets)
    assert 0.3 < middle <= 0.7
    assert gate.share_right(np.stack([heart_p, 1 - heart_p], 1), targets, middle) == (1.0, 1.0)


def test_a_short_training_tells_hearts_from_noise_and_becomes_a_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "FOLDS", 2)
    folder = gate.train_gate(data, tmp_path, minutes=0.05, seed=0, progress=lambda text: None)
    judge = Classifier(read_model(folder))
    assert judge.labels == gate_data.LABELS
    assert judge.seconds == gate_data.SECONDS
    rng = np.random.default_rng(9)
    hearts = [judge.judge(heart(6, 0.0, rng), RATE_HZ).probabilities["heart"] for _ in range(5)]
    noises = [judge.judge(rng.normal(size=6 * RATE_HZ), RATE_HZ).probabilities["heart"] for _ in range(5)]
    assert min(hearts) > max(noises)
    silent = judge.judge(np.zeros(3 * RATE_HZ, np.float32), RATE_HZ)
    assert sum(silent.probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert (folder / "model.onnx").stat().st_size < 1_000_000


def test_both_witnesses_are_measured_together(tmp_path: Path) -> None:
    """A heart and hiss, as the shipped ear hears them; a label turned round shows in both figures."""
    sound = generate(6, bpm=75, rmssd=0, voice="pulse")
    hiss = np.random.default_rng(0).standard_normal(44_100 * 6).astype(np.float32)
    soundfile.write(tmp_path / "heart.wav", sound + 0.02 * hiss[: len(sound)], 44_100)
    soundfile.write(tmp_path / "hiss.wav", 0.1 * hiss, 44_100)
    clips = [Clip(tmp_path / f"{name}.wav", label, name, "val", "made") for name, label in
             (("heart", "heart"), ("hiss", "other"))]  # fmt: skip
    assert gate.with_beats(clips) == {"hearts_kept": 1.0, "others_refused": 1.0}
    turned = [replace(clip, label={"heart": "other", "other": "heart"}[clip.label]) for clip in clips]
    assert gate.with_beats(turned) == {"hearts_kept": 0.0, "others_refused": 0.0}
