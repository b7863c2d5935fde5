"""Fuzzers and floods of bytes that only compute; licences and versions of what we depend on."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trust.fuzz import CORPUS, TARGETS, run, seeds

ROOT = Path(__file__).parents[2]
WORDS = (
    "MIT|BSD|Apache|ISC|PSF|Python Software|Zlib|MPL|HPND|Unlicense|CC0|LGPL|public domain|Redistribution and use"
)
FREE = re.compile(WORDS, re.IGNORECASE)


@pytest.mark.case("R03")
@pytest.mark.parametrize("target", TARGETS)
def test_mutants_of_the_corpus_are_read_or_refused(target: str, reached) -> None:
    count, slowest_ms = run(target, mutants=600, seed=3)
    reached(f"{target}: {count} mutants, slowest {slowest_ms:.0f} ms")
    assert len(seeds(target)) >= 3
    assert slowest_ms < 1000


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < 200_000


@pytest.mark.stage
@pytest.mark.case("R03")
@pytest.mark.parametrize("target", TARGETS)
def test_atheris_finds_nothing(target: str, tmp_path: Path, reached) -> None:
    pytest.importorskip("atheris", reason="no wheel of atheris for this Python: the mutants above are all")
    seconds = int(os.environ.get("HEART_FUZZ_S", "10"))
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", "trust.fuzz", target, f"-max_total_time={seconds}", "-timeout=5"]
    command += ["-rss_limit_mb=2048", "-max_len=9000", f"-artifact_prefix={tmp_path}/", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 120, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    reached(f"{target}: {int(runs[1]) if runs else 0:,} runs of atheris in {seconds} s, 0 findings")


def required() -> list[str]:
    """Distributions that the project names, its extras and tests included."""
    names = re.findall(
        r'^\s*(?:[a-z-]+ = \[)?"([A-Za-z0-9_-]+)[><=;"\[ ]', (ROOT / "pyproject.toml").read_text(), re.M
    )
    known = {name.lower() for name in names} - {"e", "f", "w", "i", "b"}
    return sorted(name for name in known if has(name))


def has(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def licence(name: str) -> str:
    """The words of its licence that say that it is free, else what it says of itself."""
    about = importlib.metadata.metadata(name)
    told = [about.get("License-Expression") or "", about.get("License") or "", *(about.get_all("Classifier") or [])]
    found = FREE.search("\n".join(told))
    return found[0] if found else told[0] or told[1][:60]


@pytest.mark.case("R40")
def test_licences_are_free_and_torch_is_new_enough(reached) -> None:
    licences = {name: licence(name) for name in required()}
    odd = {name: text for name, text in licences.items() if not FREE.search(text)}
    reached(f"{len(licences)} packages; not permissive: {', '.join(odd) or 'none'}")
    assert len(licences) > 15
    assert set(odd) <= {"aalink", "atheris"}, odd  # GPL, an extra on request; Apache, which its metadata do not say
    assert tuple(map(int, importlib.metadata.version("torch").split("+")[0].split(".")[:2])) >= (2, 11)


@pytest.mark.soak
@pytest.mark.case("R40")
def test_no_known_hole_in_what_we_depend_on(reached) -> None:
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner=off", "--skip-editable", "--local"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if "ConnectionError" in done.stderr or "Max retries" in done.stderr:
        reached("pip-audit could not reach its list of holes from this machine")
        pytest.skip("no network to the list of known holes")
    reached(f"pip-audit: {(done.stdout + done.stderr).strip().splitlines()[-1][:200]}")
    assert done.returncode == 0, done.stdout[-2000:]
