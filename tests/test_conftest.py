"""The rule that nothing is skipped in CI, tried on a test file of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = """
import pytest
def test_asks_for_what_is_not_here():
    pytest.skip("no such card")
@pytest.mark.skipif(True, reason="another system")
def test_of_another_system():
    pass
"""
MISSING = "import pytest\npytest.importorskip('no_such_library')\n"


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize(("text", "tests"), [(SKIPPED, 2), (MISSING, 1)])
def test_a_skip_is_a_failure_in_ci(tmp_path: Path, text: str, tests: int, ci: str) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    shutil.copytree(Path(__file__).with_name("trust"), tmp_path / "trust")
    for test in (tmp_path / "trust").glob("test_*.py"):
        test.unlink()
    (tmp_path / "test_small.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(tmp_path)],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env={**os.environ, "CI": ci}, check=False,
    )  # fmt: skip
    if not ci:
        assert f"{tests} skipped" in done.stdout
        return
    assert done.returncode
    assert "skipped in" not in done.stdout
    assert done.stdout.count("nothing may be missing") >= tests
