"""The register is whole: every case is proved somewhere, and every control stands."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from trust.cases import CASES, FIRST

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS.parent / "tools"))

import trust_report  # noqa: E402

MARK = re.compile(r"mark\.case\(([^)]*)\)")


def marked(control: bool) -> set[str]:
    """The cases that are named in a mark anywhere in the tests."""
    marks = [found for path in TESTS.rglob("test_*.py") for found in MARK.findall(path.read_text(encoding="utf-8"))]
    wanted = [mark for mark in marks if ("control=True" in mark) == control]
    return {name for mark in wanted for name in re.findall(r"R\d\d", mark)}


def test_there_are_forty_cases() -> None:
    assert list(CASES) == [f"R{number:02}" for number in range(1, 41)]
    assert set(FIRST) <= set(CASES)


def test_every_case_is_proved_by_a_test() -> None:
    assert set(CASES) - marked(control=False) == set()


def test_every_case_that_needs_a_control_has_one() -> None:
    assert {name for name, case in CASES.items() if case.control} == marked(control=True)


def note(test: str, outcome: str, *reached: str) -> str:
    cases = [["R31", False]]
    return json.dumps(
        {"test": test, "cases": cases, "outcome": outcome, "reached": reached, "time": "2026-01-01 10:00"}
    )


@pytest.mark.parametrize(("second", "word"), [("passed", "met"), ("failed", "**not met**")])
def test_a_page_says_the_worst_of_the_newest(second: str, word: str) -> None:
    lines = [note("a", "failed"), note("a", "passed", "0.1 ms"), note("b", second)]
    row = next(
        line for line in trust_report.page(trust_report.newest(lines)).splitlines() if line.startswith("| R31")
    )
    assert "0.1 ms" in row
    assert f"| {word} |" in row
