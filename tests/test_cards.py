"""Model cards: what is read, what is refused, and that everything shipped is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from heart.cards import find_model, list_models, read_model, sha256, write_card
from heart.config import models_dir
from heart.errors import FileError, UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    model = tmp_path / "toy"
    model.mkdir()
    (model / "weights.bin").write_bytes(b"\x01\x02\x03")
    card = {
        "name": "toy",
        "kind": "voice",
        "class": "heart.sounding.pulse:Pulse",
        "sample_rate": 44100,
        "licence": "CC0",
        "weights": "weights.bin",
        "sha256": sha256(model / "weights.bin"),
        "figures": {"f1": 0.99, "words": 'a "quoted" word'},
    }
    write_card(model, card)
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    return model


def test_a_written_card_reads_back_the_same(folder: Path) -> None:
    model = find_model("toy")
    assert model.weights == folder / "weights.bin"
    assert model.card["figures"] == {"f1": 0.99, "words": 'a "quoted" word'}
    assert [m.name for m in list_models()] == ["toy"]


def test_one_changed_byte_is_seen(folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"\x01\x02\x04")
    with pytest.raises(FileError, match="damaged or changed"):
        _ = find_model("toy").weights


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "weights.bin").unlink()
    with pytest.raises(FileError, match=r"weights\.bin: missing"):
        _ = find_model("toy").weights


@pytest.mark.parametrize("name", ["nobody", "../toy", "/etc", ""])
def test_unknown_names_and_paths_are_refused_with_a_list(folder: Path, name: str) -> None:
    with pytest.raises((UsageError, FileError)) as refusal:
        find_model(name)
    assert "toy" in str(refusal.value) or "card.toml" in str(refusal.value)


def test_weights_outside_the_folder_are_refused(folder: Path) -> None:
    card = folder / "card.toml"
    card.write_text(card.read_text().replace("weights.bin", "../weights.bin"))
    with pytest.raises(FileError, match="plain file name"):
        read_model(folder)


@pytest.mark.parametrize("text", ["name = ", "\x00", 'name = "only"'])
def test_a_broken_card_is_one_clear_line(folder: Path, text: str) -> None:
    (folder / "card.toml").write_text(text)
    with pytest.raises(FileError, match=r"card\.toml: (cannot be read|lacks)"):
        read_model(folder)


def test_everything_shipped_is_whole_and_small() -> None:
    models = list(list_models())
    assert {"voice-heart", "ear-beats"} <= {model.name for model in models}
    assert all(model.weights.is_file() for model in models)
    assert sum(path.stat().st_size for path in models_dir().rglob("*")) < 60e6
