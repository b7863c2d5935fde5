"""`heart listen` as a person and a script meet it: table, JSON, folders, standard input, pictures."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from heart.cli import main
from heart.sounding.offline import generate
from heart.stage.listeners import COLUMNS, NOTICE, heading, row

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def heart() -> np.ndarray:
    """Twelve seconds of a heart at 80 bpm in a little noise."""
    sound = generate(12, bpm=80, rmssd=0, voice="pulse")
    return sound + 0.02 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)


def run(*arguments: str, given: bytes | None = None) -> object:
    return CliRunner().invoke(main, list(arguments), input=given)


def test_the_table_stands_in_columns(heart: np.ndarray, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "heart.wav", heart, RATE_HZ)
    soundfile.write(tmp_path / "silence.ogg", np.zeros(RATE_HZ * 4), RATE_HZ)
    result = run("listen", str(tmp_path))
    assert result.exit_code == 0, result.output
    head, heard, silence, notice = result.stdout.splitlines()
    assert head == heading()
    assert notice == NOTICE
    place = head.index("bpm") + 3
    assert float(heard[:place]) == pytest.approx(80, abs=1)
    assert silence[:place].strip() == "-"
    assert heard.endswith("heart.wav")
    assert silence.endswith("(no trustworthy rhythm)")
    start = sum(width for _, width, _ in COLUMNS) + 2 * len(COLUMNS)
    assert heard[start:].startswith(str(tmp_path))


def test_a_class_that_is_too_unsure_is_marked() -> None:
    shares = {"normal": 0.45, "abnormal": 0.55}
    result = {"file": "x.wav", "seconds": 3.0, "heart": 0.9, "trust": 0.8, "bpm": 70.0, "beats": []}
    result |= {"sdnn_ms": None, "rmssd_ms": None, "scene": None, "valve": None}
    assert "?abnormal 0.55" in row(result | {"condition": {"label": None, "probabilities": shares}})
    said = row(result | {"condition": {"label": "abnormal", "probabilities": shares}})
    assert " abnormal 0.55" in said
    assert "?" not in said


def test_standard_input_is_heard_like_a_file(heart: np.ndarray, tmp_path: Path) -> None:
    packed = io.BytesIO()
    soundfile.write(packed, heart, RATE_HZ, format="FLAC")
    result = run("listen", "-", "--json", "--plot", str(tmp_path / "in.png"), given=packed.getvalue())
    assert result.exit_code == 0, result.output
    heard = json.loads(result.stdout)
    assert heard["file"] == "-"
    assert heard["bpm"] == pytest.approx(80, abs=1)
    assert (tmp_path / "in.png").read_bytes().startswith(b"\x89PNG")


def test_rubbish_on_standard_input_gets_one_line() -> None:
    result = run("listen", "-", given=b"no sound at all")
    assert result.exit_code == 1
    assert "heart: -: cannot be read as sound" in result.output
    assert "standard-input" not in result.output


def test_no_picture_is_drawn_over_another(heart: np.ndarray, tmp_path: Path) -> None:
    names = ("left/heart.wav", "right/heart.wav", "right/heart.flac", "right/other.wav")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, heart[: RATE_HZ * 3], RATE_HZ)
    result = run("listen", *(str(tmp_path / name) for name in names), "--plot", str(tmp_path / "drawn"))
    assert result.exit_code == 0, result.output
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == ["left-heart.wav.png", "other.png", "right-heart.flac.png", "right-heart.wav.png"]


def test_the_bar_never_swallows_what_goes_to_a_file(
    heart: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal rich takes standard output over; a redirected one must stay the user's."""
    from heart.stage import listeners

    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, heart[: RATE_HZ * 3], RATE_HZ)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes standard error for a terminal
    with (tmp_path / "out.jsonl").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert listeners.listen_to([tmp_path], True, None) == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
