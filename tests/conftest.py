"""With CI set nothing may be missing: what would be skipped elsewhere fails there and says what it lacked."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from trust.plugin import pytest_collection_modifyitems, pytest_runtest_logreport, reached

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_logreport", "reached"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return strict((yield))


def strict(report: pytest.TestReport | pytest.CollectReport) -> pytest.TestReport | pytest.CollectReport:
    """The same report, or, where CI is set, a failure in place of a skip."""
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and with CI set nothing may be missing: {report.longrepr}"
    return report
