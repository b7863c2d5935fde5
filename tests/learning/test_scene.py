"""scene: what it learns from, how it learns, and the folder it becomes, on small sounds made here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_sounds import RATE_HZ, heart, write_folder

from heart.cards import read_model
from heart.errors import FileError
from heart.learning import fold_school, scene, scene_data, scene_linear, scene_trunk
from heart.learning import sound_changes as changes
from heart.learning.nets.resnet import ResNet18
from heart.learning.nets.scene import Ensemble, Front, SceneNet, Trunk, spread
from heart.listening.classifier import Classifier


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def sounds(data: Path) -> scene_data.SceneSounds:
    return scene_data.load(data)


def test_only_the_three_scenes_of_train_are_learnt_from(sounds: scene_data.SceneSounds) -> None:
    assert {clip.label for clip in sounds.clips} == {"artifact", "murmur", "normal"}
    assert {clip.split for clip in sounds.clips} == {"train"}
    assert len(sounds.elsewhere["murmur"]) == 4  # val stays out
    assert "normal" not in sounds.elsewhere  # its only one has a disputed label


def test_a_batch_counts_every_class_alike_and_is_finite(sounds: scene_data.SceneSounds) -> None:
    audio, targets = sounds.draw(np.random.default_rng(0), np.arange(len(sounds.clips)))
    assert audio.shape == (3 * scene_data.EACH, scene_data.FRAMES)
    assert audio.dtype == np.float32
    assert np.bincount(targets).tolist() == [scene_data.EACH] * 3
    assert np.isfinite(audio).all()
    assert audio.std(1).min() > 0


def test_a_fold_hears_nothing_of_what_it_leaves_out(sounds: scene_data.SceneSounds) -> None:
    """Clips outside `places` are replaced by numbers that would spoil every batch they entered."""
    places = np.array([k for k, clip in enumerate(sounds.clips) if not clip.group.endswith("-0")])
    kept = set(places)
    poison = np.full(RATE_HZ, np.nan, np.float32)
    spoilt = scene_data.SceneSounds(
        sounds.clips,
        [s if k in kept else poison for k, s in enumerate(sounds.sounds)],
        [c if k in kept else [poison] for k, c in enumerate(sounds.copies)],
        sounds.elsewhere,
    )
    for seed in range(3):
        assert np.isfinite(spoilt.draw(np.random.default_rng(seed), places)[0]).all()


def test_copies_are_stretched_and_shifted_but_finite(sounds: scene_data.SceneSounds) -> None:
    stretched, shifted = scene_data.copies_of(sounds.sounds[0], 1)
    assert len(stretched) != len(sounds.sounds[0])
    assert len(shifted) == len(sounds.sounds[0])
    assert not np.allclose(shifted, sounds.sounds[0], atol=1e-3)


def test_spread_tells_a_filled_systole_from_a_silent_one() -> None:
    rng = np.random.default_rng(0)
    pair = np.stack([heart(5, level, rng) for level in (0.0, 0.5)])
    with torch.no_grad():
        _, statistics = Front()(torch.from_numpy(pair))
    bands = Front.statistics // 6
    middle = statistics[:, 2 * bands : 3 * bands].numpy()  # at half of the time
    upper = statistics[:, 3 * bands : 4 * bands].numpy()
    assert middle.shape == (2, bands)
    assert (upper[1, 4:20] > upper[0, 4:20]).all()


def test_spread_of_a_constant_is_flat() -> None:
    assert torch.allclose(spread(torch.full((1, 52, 30), -3.0)), torch.zeros(1, Front.statistics))


def test_the_lstm_runs_over_time() -> None:
    """Frames in another order are another sound to the net, though their statistics are the same."""
    torch.manual_seed(0)
    net = SceneNet(3).eval()
    mfcc, statistics = torch.randn(1, 52, 64), torch.randn(1, Front.statistics)
    with torch.no_grad():
        there, back = net(mfcc, statistics), net(mfcc.flip(-1), statistics)
    assert not torch.allclose(there, back, atol=1e-3)


def test_training_makes_a_folder_that_the_ear_can_use(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "FOLDS", 2)
    said: list[str] = []
    folder = scene.train_scene(data, tmp_path, minutes=0.01, seed=1, progress=said.append)
    assert "out of fold" in said[-1]
    judge = Classifier(read_model(folder))
    assert judge.labels == scene_data.LABELS
    assert judge.rate_hz == RATE_HZ
    for sound in (np.zeros(3 * RATE_HZ, np.float32), heart(12, 0.0, np.random.default_rng(3))):
        verdict = judge.judge(sound, RATE_HZ)
        assert sum(verdict.probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert (folder / "model.onnx").stat().st_size < 3_000_000


def test_trunk_learns_goes_on_and_is_fixed(data: Path, tmp_path: Path) -> None:
    def steps(seconds: float) -> int:
        trunk = scene_trunk.taught(data, tmp_path, seconds, progress=lambda text: None)
        assert not any(weights.requires_grad for weights in trunk.parameters())
        return int(torch.load(tmp_path / scene_trunk.CHECKPOINT, weights_only=True)["step"])

    first = steps(0.1)
    assert first > 0
    assert steps(0.1) == first  # its time is spent
    assert steps(1.5) > first


def test_trunk_reads_no_scene(data: Path) -> None:
    """Neither PASCAL nor a held-back heart: else what is called out of fold would not be."""
    found = scene_trunk.hearts(data)
    assert {sound.source for sound in found} == {"cinc2016-b"}
    assert all("held" not in sound.group for sound in found)


def test_front_tells_what_the_trunk_notices_at_any_level() -> None:
    torch.manual_seed(0)
    front = Front(Trunk(ResNet18(5, 4))).eval()
    sound = torch.from_numpy(heart(5, 0.3, np.random.default_rng(1)))[None]
    with torch.no_grad():
        _, loud = front(sound)
        _, faint = front(0.01 * sound + 0.2)
        _, silent = front(torch.zeros_like(sound))
    assert loud.shape == (1, front.told) == (1, Front.statistics + 32)
    assert torch.allclose(loud, faint, atol=1e-2)
    assert torch.isfinite(silent).all()
    assert torch.equal(loud[:, : Front.statistics], Front().eval()(sound)[1])


def test_school_goes_on_where_it_stopped(sounds: scene_data.SceneSounds, tmp_path: Path) -> None:
    def steps(minutes: float, resume: bool) -> int:
        fold_school.school(
            lambda k: SceneNet(3, 4), [np.arange(len(sounds.clips))], sounds.draw, tmp_path,
            minutes=minutes, seed=0, resume=resume, progress=lambda text: None,
        )  # fmt: skip
        return int(torch.load(tmp_path / "fold0.checkpoint.pt", weights_only=True)["step"])

    first = steps(0.005, resume=False)
    assert first > 0
    assert steps(0.005, resume=True) == first  # its time is spent
    assert steps(0.015, resume=True) > first


def test_a_settled_net_begins_as_the_regression_and_keeps_it() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    values = rng.normal(size=(300, Front.statistics)).astype(np.float32)
    values[:, 0] += 3 * labels
    net = SceneNet(3, 4)
    net.settle(*scene_linear.regression(values, labels, np.ones(300), 300))
    before = net.spread_head.weight.clone()
    statistics, mfcc = torch.from_numpy(values), torch.zeros(300, 52, 16)
    with torch.no_grad():
        right = net.eval()(mfcc, statistics).argmax(1).numpy() == labels
    assert right.mean() > 0.8
    torch.optim.AdamW([w for w in net.parameters() if w.requires_grad], 0.1).step(
        lambda: net.train()(mfcc, statistics).square().sum().backward()
    )
    assert torch.equal(net.spread_head.weight, before)
    assert net.head.weight.abs().sum() > 0  # what listens over time has learnt


def test_a_fold_is_settled_without_what_it_leaves_out(sounds: scene_data.SceneSounds) -> None:
    known = scene_linear.statistics_of(sounds, Front().eval())
    targets = np.array([scene_data.LABELS.index(clip.label) for clip in sounds.clips])
    places = np.arange(len(targets))[1:]
    poisoned = known.values.copy()
    poisoned[known.clip == 0] = np.nan
    net = scene_linear.settled_net(replace(known, values=poisoned), targets, places)
    assert torch.isfinite(net.spread_head.weight).all()


def test_level_and_offset_do_not_matter() -> None:
    torch.manual_seed(0)
    net = Ensemble([SceneNet(3), SceneNet(3)], 1.5).eval()
    sound = torch.from_numpy(heart(5, 0.2, np.random.default_rng(0)))[None]
    with torch.no_grad():
        assert torch.allclose(net(sound), net(0.01 * sound + 0.3), atol=1e-3)


def test_temperature_is_found_where_the_answers_are_too_sure() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 600)
    said = np.where(rng.random(600) < 0.7, targets, (targets + 1) % 3)
    probabilities = np.full((600, 3), 0.005)
    probabilities[np.arange(600), said] = 0.99
    assert fold_school.best_temperature(probabilities, targets) > 1.5


def test_windows_cover_a_sound_and_repeat_a_short_one() -> None:
    long = fold_school.windows(np.arange(25, dtype=np.float32), 10, 6)
    assert long[:, 0].tolist() == [0, 6, 12, 15]
    assert long[-1, -1] == 24
    assert fold_school.windows(np.arange(3, dtype=np.float32), 7, 6).tolist() == [[0, 1, 2, 0, 1, 2, 0]]


def test_noise_comes_at_the_ratio_asked_for() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(size=(8, 4000)).astype(np.float32)
    added = changes.buried(sound, changes.coloured_noise(8, 4000, rng), (10.0, 10.0), rng) - sound
    assert 10 * np.log10(sound.var(1) / added.var(1)) == pytest.approx(np.full(8, 10.0), abs=0.1)


def test_a_stethoscope_lets_little_treble_through() -> None:
    bins_hz = np.fft.rfftfreq(4000, 1 / RATE_HZ)
    gain = changes.responses(40, bins_hz, 0.0, 1.0, np.random.default_rng(0))
    assert gain.shape == (40, len(bins_hz))
    assert (gain[:, bins_hz > 1900].max(1) < 0.65).all()
    assert (gain[:, (bins_hz > 80) & (bins_hz < 100)].min(1) > 0.3).all()


def test_without_data_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="manifest"):
        scene.train_scene(tmp_path, tmp_path / "out", minutes=0.01)
