"""The JavaScript of the Max package, run by Node with a Buffer like Max's, and kept to the language of old Max."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rig.compare import compare
from rig.engine import Engine

RUNNER = Path(__file__).parents[1] / "rig" / "max_js.js"
SCRIPTS = sorted((Path(__file__).parents[2] / "max" / "javascript").glob("*.js"))


def node(*args: str) -> subprocess.CompletedProcess[str]:
    command = ["node", "--expose-internals", str(RUNNER), *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_script_is_ecmascript_5(script: Path) -> None:
    done = node("check", str(script))
    assert done.returncode == 0, done.stderr


def test_newer_javascript_is_found(tmp_path: Path) -> None:
    modern = tmp_path / "modern.js"
    modern.write_text("let offset = 0;\n")
    done = node("check", str(modern))
    assert done.returncode != 0
    assert "SyntaxError" in done.stderr


def test_the_ring_writer_puts_every_block_where_it_belongs() -> None:
    """200 blocks of a real stream, 1.2 s: less than the ring, so that all of it is still there."""
    [script] = [path for path in SCRIPTS if path.name == "heart.ring.js"]
    with Engine() as engine:
        done = node("stream", str(script), str(engine.port), "200")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        ring = np.frombuffer(base64.b64decode(told["samples"]), np.float32)
        sent = engine.sent()  # what is played by now: the ring holds a lead more
    result = compare(ring, sent)
    assert told["frames"] == len(ring) == 200 * 256
    assert result.compared > 30_000
    assert result.wrong == 0
