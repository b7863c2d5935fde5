"""Classifiers: windows, pooling, abstention, resampling, and folders that are not whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_classifier import RATE_HZ, graph, make_classifier

from heart.cards import sha256
from heart.errors import FileError, UsageError
from heart.listening.classifier import Classifier, load_classifier


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    return tmp_path


@pytest.fixture
def tiny(root: Path) -> Classifier:
    make_classifier(root)
    return load_classifier("ear-tiny")


def tone(seconds: float, level: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A sine of 50 Hz whose mean power is level**2, float32 [n]."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return (level * np.sqrt(2) * np.sin(2 * np.pi * 50 * t)).astype(np.float32)


def test_the_card_says_rate_window_and_labels(tiny: Classifier) -> None:
    assert (tiny.labels, tiny.rate_hz, tiny.frames) == (("loud", "quiet"), 1_000, 2_000)
    assert (tiny.seconds, tiny.hop_s, tiny.abstain_below) == (2.0, 1.0, 0.6)


def test_windows_begin_every_hop_and_the_last_ends_with_the_sound(tiny: Classifier) -> None:
    sound = np.concatenate([tone(3.0, 0.3), tone(2.5, 0.0)])
    loud = tiny.windows(sound)[:, 0]
    powers = [0.09, 0.09, 0.045, 0.0, 0.0]  # seconds 0-2, 1-3, 2-4, 3-5, 3.5-5.5
    np.testing.assert_allclose(loud, [1 / (1 + np.exp(1 - 100 * p)) for p in powers], rtol=1e-4)
    assert tiny.windows(sound).dtype == np.float32


def test_many_windows_are_the_same_as_each_alone(tiny: Classifier) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    whole = tiny.windows(sound)
    assert whole.shape == (39, 2)
    alone = [tiny.windows(sound[s : s + 2_000])[0] for s in range(0, 38_001, 1_000)]
    np.testing.assert_allclose(whole, np.stack(alone), atol=1e-6)


@pytest.mark.parametrize(("pad", "power"), [("zero", 0.045), ("repeat", 0.09)])
def test_a_short_sound_is_filled_as_the_card_says(root: Path, pad: str, power: float) -> None:
    make_classifier(root, pad=pad)
    (row,) = load_classifier("ear-tiny").windows(tone(1.0, 0.3))
    assert row[0] == pytest.approx(1 / (1 + np.exp(1 - 100 * power)), abs=1e-4)


def test_the_pooled_verdict_is_the_mean_and_abstains_when_unsure(tiny: Classifier) -> None:
    assert tiny.judge(tone(4, 0.3), RATE_HZ).label == "loud"
    assert tiny.judge(tone(4, 0.0), RATE_HZ).label == "quiet"
    torn = tiny.judge(np.concatenate([tone(2.0, 0.3), tone(4.0, 0.0)]), RATE_HZ)
    assert torn.label is None
    assert sum(torn.probabilities.values()) == pytest.approx(1)
    rows = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    assert tiny.pool(rows).probabilities["loud"] == pytest.approx(0.55)


def test_logmean_pools_like_independent_witnesses(root: Path) -> None:
    make_classifier(root, pooling="logmean")
    pooled = load_classifier("ear-tiny").pool(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32))
    assert pooled.probabilities["loud"] == pytest.approx(np.sqrt(0.18) / (np.sqrt(0.18) + np.sqrt(0.08)), abs=1e-5)


@pytest.mark.parametrize("rate_hz", [500, 1_000, 44_100, 192_000])
def test_any_rate_is_resampled(tiny: Classifier, rate_hz: int) -> None:
    verdict = tiny.judge(tone(4, 0.2, rate_hz), rate_hz)
    assert verdict.probabilities["loud"] == pytest.approx(1 / (1 + np.exp(1 - 100 * 0.04)), abs=0.02)


@pytest.mark.parametrize("kind", ["empty", "ten ms", "nan"])
def test_next_to_nothing_gets_no_confident_label(tiny: Classifier, kind: str) -> None:
    sound = {"empty": np.zeros(0), "ten ms": tone(0.01, 0.5), "nan": np.full(300, np.nan)}[kind]
    verdict = tiny.judge(sound.astype(np.float32), RATE_HZ)
    assert verdict.label is None
    assert np.isfinite(list(verdict.probabilities.values())).all()


def test_a_name_that_is_not_there_is_a_usage_error(root: Path) -> None:
    with pytest.raises(UsageError, match="ear-tiny"):
        load_classifier("ear-tiny")


def test_damaged_folders_are_refused_by_name(root: Path) -> None:
    folder = make_classifier(root)
    card = (folder / "card.toml").read_text()
    for damage, word in (("seconds = 2.0", "seconds"), ("[judgement]", "judgement"), ('pad = "zero"', "pad")):
        (folder / "card.toml").write_text(card.replace(damage, ""))
        with pytest.raises(FileError, match=word):
            load_classifier("ear-tiny")
    (folder / "card.toml").write_text(card)
    (folder / "labels.txt").write_text("loud\nloud\n")
    with pytest.raises(FileError, match=r"labels\.txt"):
        load_classifier("ear-tiny")
    (folder / "labels.txt").unlink()
    with pytest.raises(FileError, match=r"labels\.txt"):
        load_classifier("ear-tiny")
    (folder / "model.onnx").write_bytes(b"nothing")
    (folder / "labels.txt").write_text("loud\nquiet\n")
    with pytest.raises(FileError, match="sha256"):
        load_classifier("ear-tiny")


@pytest.mark.parametrize("kind", ["no graph", "another length", "too few labels"])
def test_a_graph_that_does_not_fit_is_one_line(root: Path, kind: str) -> None:
    folder = make_classifier(root)
    made = graph(1_999 if kind == "another length" else 2_000, 3 if kind == "too few labels" else 2)
    (folder / "model.onnx").write_bytes(b"no graph" if kind == "no graph" else made.SerializeToString())
    card = folder / "card.toml"
    old = next(line for line in card.read_text().splitlines() if line.startswith("sha256"))
    card.write_text(card.read_text().replace(old, f'sha256 = "{sha256(folder / "model.onnx")}"'))
    tiny = load_classifier("ear-tiny")
    with pytest.raises(FileError) as told:
        tiny.windows(np.zeros(2_000, np.float32))
    assert "\n" not in str(told.value)


def test_loading_a_classifier_loads_no_onnxruntime_torch_or_scipy(root: Path) -> None:
    make_classifier(root)
    code = (
        "import sys; from heart.listening.classifier import load_classifier; load_classifier('ear-tiny');"
        "print([m for m in ('onnxruntime', 'torch', 'scipy', 'librosa', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
