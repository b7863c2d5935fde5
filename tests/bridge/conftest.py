"""Bridge tests use the rig beside them, and need programs that are not Python's: without them they fail."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "tools")]  # the rig, and what writes the patches

NEEDED = {"pd": "puredata-core", "oscdump": "liblo-tools", "node": "nodejs npm"}


@pytest.fixture(autouse=True)
def _programs_are_here(request: pytest.FixtureRequest) -> None:
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if missing:
        pytest.fail(f"these programs are missing: apt-get install {' '.join(missing)}", pytrace=False)
