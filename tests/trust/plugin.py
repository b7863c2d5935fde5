"""Notes which cases were proved by which tests, and the figures they reached.

With HEART_TRUST_REPORT=FILE every test of a case leaves a line of JSON there as it ends, so an interrupted run
keeps what it has found. In several processes (pytest-xdist) the first one writes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trust.cases import CASES


def cases_of(item: pytest.Item) -> list[tuple[str, bool]]:
    """The cases that a test proves: (name, whether it is the control)."""
    marks = list(item.iter_markers("case"))
    return [(name, bool(mark.kwargs.get("control"))) for mark in marks for name in mark.args]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name, control in cases_of(item):
            if name not in CASES:
                raise pytest.UsageError(f"{item.nodeid}: there is no case {name}")
            item.user_properties.append(("case", [name, control]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    goal = os.environ.get("HEART_TRUST_REPORT")
    cases = [value for key, value in report.user_properties if key == "case"]
    told = report.when == "call" or (report.when == "setup" and report.outcome != "passed")
    if not goal or not cases or not told or os.environ.get("PYTEST_XDIST_WORKER"):
        return
    line: dict[str, Any] = {
        "test": report.nodeid,
        "cases": cases,
        "outcome": report.outcome,
        "reached": [value for key, value in report.user_properties if key == "reached"],
        "seconds": round(report.duration, 1),
        "time": time.strftime("%Y-%m-%d %H:%M"),
    }
    with Path(goal).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


@pytest.fixture
def reached(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Notes a figure in words: `reached("0 of 1,000 pings unanswered")`."""

    def note(figure: str) -> None:
        print(f"reached: {figure}")
        request.node.user_properties.append(("reached", figure))

    return note
