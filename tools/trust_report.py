"""Writes docs/trust.md from what the tests of the cases noted: `make trust`.

    python tools/trust_report.py build/trust.jsonl

A line of that file is one test that ended; of several runs of a test the newest counts.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "tests"))

from trust.cases import CASES, FIRST, Case  # noqa: E402

GOAL = HERE / "docs" / "trust.md"
BY_HAND = HERE / "tests" / "trust" / "by_hand.md"
WORDS = {"passed": "met", "failed": "**not met**", "skipped": "not tried"}
MOST_FIGURES = 6


def newest(lines: list[str]) -> dict[str, dict[str, Any]]:
    """The last note of each test."""
    notes = [json.loads(line) for line in lines if line.strip()]
    return {note["test"]: note for note in notes}


def proofs(notes: dict[str, dict[str, Any]], name: str, control: bool) -> list[dict[str, Any]]:
    return [note for note in notes.values() if [name, control] in note["cases"]]


def verdict(tests: list[dict[str, Any]]) -> str:
    """Of all its tests the worst counts."""
    outcomes = {test["outcome"] for test in tests}
    worst = next((word for word in ("failed", "skipped", "passed") if word in outcomes), None)
    return WORDS[worst] if worst else "not tried"


def figures(tests: list[dict[str, Any]]) -> str:
    told = list(dict.fromkeys(figure for test in tests for figure in test["reached"]))
    shown = "; ".join(told[:MOST_FIGURES])
    passed = sum(test["outcome"] == "passed" for test in tests)
    return f"{shown or 'as asked'} ({passed} of {len(tests)} tests)" if tests else "-"


def row(notes: dict[str, dict[str, Any]], name: str, case: Case) -> str:
    tests, controls = proofs(notes, name, False), proofs(notes, name, True)
    date = max((test["time"] for test in tests), default="-")
    shown = "-" if not case.control else {"met": "fails as it must"}.get(verdict(controls), verdict(controls))
    cells = (name, case.title, case.asked, figures(tests), verdict(tests), shown, date)
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def machine() -> str:
    """Processor, cores, memory, system and Python: what figures of time hang on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {memory_gb:.0f} GB, {system}"


def commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def page(notes: dict[str, dict[str, Any]]) -> str:
    dates = [note["time"] for note in notes.values()]
    span = f"{min(dates)} to {max(dates)}" if dates else "never"
    met = sum(verdict(proofs(notes, name, False)) == "met" for name in CASES)
    head = (
        "# Trust\n\n"
        "What a stage demands, case by case, and what was reached. Written by `make trust` (all cases, and short"
        " soaks) and `make soak` (the long ones); not edited by hand. What is tried: `tests/trust/cases.py`; what"
        " to do on the night: [stage.md](stage.md).\n\n"
        "`met` says that the tests held; bounds of time in them leave room for a machine that is not alone, so"
        " compare what was reached with what is asked.\n\n"
        f"{met} of {len(CASES)} cases met. Machine: {machine()}. Tried {span}, at {commit()}.\n"
    )
    first = [
        f"- **{CASES[n].title}** ({n}): {figures(proofs(notes, n, False))}: {verdict(proofs(notes, n, False))}"
        for n in FIRST
    ]
    table = [
        "| case | what | asked | reached | verdict | control | tried |",
        "|---|---|---|---|---|---|---|",
        *(row(notes, name, case) for name, case in CASES.items()),
    ]
    return "\n".join(
        [head, "## First of all\n", *first, "\n## All cases\n", *table, "", BY_HAND.read_text(encoding="utf-8")]
    )


def main(path: Path) -> int:
    """Write the page; 1 when a case was not met."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    notes = newest(lines)
    GOAL.write_text(page(notes), encoding="utf-8")
    failed = sorted({name for note in notes.values() if note["outcome"] == "failed" for name, _ in note["cases"]})
    print(f"{GOAL.relative_to(HERE)}: {len(notes)} tests" + (f"; not met: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
