"""heart max: the package is copied where Max looks, and nothing of anybody else is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from heart.cli import main
from heart.errors import FileError
from heart.stage import max_package


def test_the_package_is_copied_to_the_newest_max_and_replaced(tmp_path: Path) -> None:
    for name in ("Max 8", "Max 9", "Maxims"):
        (tmp_path / name / "Packages").mkdir(parents=True)
    target = max_package.install(documents=tmp_path)
    assert target == tmp_path / "Max 9" / "Packages" / "sounds-of-the-heart"
    assert (target / "patchers" / "heart.engine.maxpat").is_file()
    assert (target / "help" / "heart.engine.maxhelp").is_file()
    assert (target / "patchers" / "heart.cues.maxpat").is_file()
    concert = target / "extras" / f"{max_package.CONCERT}.maxpat"
    assert concert.read_bytes() == max_package.concert().read_bytes()
    assert not (target / "build").exists()
    (target / "old.maxpat").write_text("of an older version")
    (target / "extras" / "heart-2026-11-24-203512.wav").write_text("a concert")
    assert not (max_package.install(documents=tmp_path) / "old.maxpat").exists()
    assert (target / "extras" / "heart-2026-11-24-203512.wav").read_text() == "a concert"


def test_without_max_and_beside_something_else_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="start Max once"):
        max_package.install(documents=tmp_path)
    (tmp_path / "sounds-of-the-heart").mkdir()
    (tmp_path / "sounds-of-the-heart" / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="something else"):
        max_package.install(tmp_path)
    assert (tmp_path / "sounds-of-the-heart" / "mine.txt").exists()


def test_the_command_says_where_the_package_is_and_where_it_went(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["max"])
    assert shown.exit_code == 0
    assert {str(max_package.folder()), str(max_package.concert())} <= set(shown.output.splitlines())
    assert max_package.concert().with_suffix(".pd").is_file()
    done = CliRunner().invoke(main, ["max", "--install", "--to", str(tmp_path)])
    assert done.exit_code == 0
    assert (tmp_path / "sounds-of-the-heart" / "package-info.json").is_file()
