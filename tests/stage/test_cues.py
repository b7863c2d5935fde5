"""A score on stage, over the real wire: cues, what is heard when, and the same offline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from heart.cli import main
from heart.errors import FileError, UsageError
from heart.plumbing.client import HeartClient
from heart.records import SAMPLE_RATE_HZ
from heart.stage.render import Wanted, render
from rig.live import LiveEngine, Program, until

SCORE = """{"score": 1, "title": "Trial", "seed": 5, "voices": 2, "voice": "pulse", "set": {"steps": 4}}
{"movement": "One", "seconds": 2.5}
{"at": 0, "set": {"bpm": 90, "rmssd": 0}}
{"at": 1.2, "set": {"label": "AS", "balance": 0.5}}
{"at": 1.9, "ramp": {"bpm": 150}, "over": 2}
{"at": 2, "set": {"level_2": -60}}
{"cue": "Between", "seconds": 1.5}
{"at": 0.4, "set": {"pattern": "bigeminy"}}
{"at": 0.5, "downbeat": 400}
{"movement": "Two", "seconds": 3, "wait": true}
{"at": 0, "set": {"label": "MR"}}
{"at": 2, "set": {"gain": -20}}
"""


@pytest.fixture
def score(tmp_path: Path) -> Path:
    path = tmp_path / "trial.score"
    path.write_text(SCORE, encoding="utf-8")
    return path


def chunks(log: Path) -> dict[int, tuple[str, str]]:
    """What was laid last from each first frame on: who sang it, and a hash of its sound."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()[1:]]
    return {line["first"]: (line["by"], line["sound"]) for line in lines}


@contextmanager
def ready(live: LiveEngine) -> Iterator[None]:
    """Once the reserve is sung: on a busy machine a client that comes sooner hears the bed."""
    until(lambda: live.engine is not None and live.engine.tape.head > 2 * SAMPLE_RATE_HZ, 30)
    yield


def cue_of(client: HeartClient, seconds: float = 5.0) -> tuple[Any, ...]:
    return client.wait_for("/heart/cue", seconds)


def test_a_score_waits_goes_on_and_is_rendered_to_the_same_chunks(score: Path, tmp_path: Path) -> None:
    live_log, take = tmp_path / "live.log", tmp_path / "take.score"
    with (
        LiveEngine(score=score, log=live_log, score_out=take) as live,
        ready(live),
        HeartClient(port=live.port, channels=2) as client,
    ):
        states = [cue_of(client)]
        while states[-1][3] != "waiting" and len(states) < 60:
            states.append(cue_of(client))
        assert next(state[2] for state in states if state[2]) == "One"
        assert states[-1][:4] == (2, 3, "Between", "waiting")
        assert states[-1][6:] == ("Two", 1)
        client.send("/heart/cue/list")
        rows = [client.wait_for("/heart/cue/name", 5) for _ in range(3)]
        assert rows == [(1, 3, "One", 2.5, 0), (2, 3, "Between", 1.5, 0), (3, 3, "Two", 3.0, 1)]
        client.send("/heart/cue/go")
        while cue_of(client)[3] != "ended":
            pass
        assert live.value("gain") == -20.0
    told = render(Wanted(score, tmp_path / "off.wav", log=tmp_path / "off.log"))
    assert told.remarks == ()
    offline, heard = chunks(tmp_path / "off.log"), chunks(live_log)
    before_waiting = {first: chunk for first, chunk in offline.items() if first < 3.6 * 44_100}
    assert len(before_waiting) > 8
    assert all(heard.get(first) == chunk for first, chunk in before_waiting.items()), "live and offline are one"
    render(Wanted(take, tmp_path / "take.wav", log=tmp_path / "take.log"))
    again = chunks(tmp_path / "take.log")
    assert len(again) > 16
    differing = [first for first, chunk in again.items() if heard.get(first) != chunk]
    assert differing == [], "the take, go and all, is rendered as it was heard"


def test_to_goes_back_and_forth_with_all_that_was_set_before(score: Path) -> None:
    with LiveEngine(score=score) as live, HeartClient(port=live.port) as client:
        cue_of(client)
        client.send("/heart/cue/to", 3)
        while cue_of(client)[2] != "Two":
            pass
        wanted = {"label": "MR", "bpm": 150.0, "pattern": "bigeminy", "balance": 0.5, "level_2": -60.0}
        assert {name: live.value(name) for name in wanted} == wanted
        client.send("/heart/cue/to", 1)
        while cue_of(client)[2] != "One":
            pass
        assert (live.value("bpm"), live.value("pattern"), live.value("balance")) == (90.0, "sinus", 0.0)
        client.send("/heart/cue/to", 4)
        assert client.wait_for("/heart/error", 5)[2] == "cue 4: there are cues 1 to 3"


def test_without_a_score_go_is_one_clear_error_and_the_list_is_empty() -> None:
    with LiveEngine() as live, Program(live.port) as program:
        program.send("/heart/cue/go")
        assert "--score FILE" in program.wait_for("/heart/error")[2]
        program.send("/heart/cue/list")
        assert program.wait_for("/heart/cue/name") == (0, 0, "", 0.0, 0)
        assert program.wait_for("/heart/done") == ("/heart/cue/list",)


def test_a_score_that_cannot_be_is_told_at_the_start(score: Path) -> None:
    with pytest.raises(FileError, match="no such score"), LiveEngine(score=Path("/nowhere/a.score")):
        pass
    with pytest.raises(UsageError, match="--voices 2"), LiveEngine(score=three_voices(score), voices=2):
        pass


def three_voices(score: Path) -> Path:
    score.write_text(SCORE.replace('"voices": 2', '"voices": 3'), encoding="utf-8")
    return score


def test_heart_score_shows_what_happens_when(score: Path) -> None:
    done = CliRunner().invoke(main, ["score", str(score)])
    assert done.exit_code == 0, done.output
    assert "Trial: 0:07.00, 3 cues, 2 voices, seed 5" in done.output
    assert "0:04.00  3 Two (3 s, waits for /heart/cue/go)" in done.output
    rows = CliRunner().invoke(main, ["score", str(score), "--json"]).output.splitlines()
    events = [json.loads(row) for row in rows]
    assert {"at": 2.9, "cue": 2, "address": "/heart/set/pattern", "args": ["bigeminy"], "line": 8} in events
