"""Both concert patches with a real `heart live --score` in its own process: three clicks, GO, panic, resume."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from heart.stage.rehearsal import running_engine
from rig.max_concert import opened as opened_in_max
from rig.max_host import MaxHost
from rig.pd_concert import Concert, opened

SCORE = """{"score": 1, "title": "Small", "set": {"bpm": 90, "rmssd": 0}}
{"movement": "Alone", "seconds": 1, "wait": true}
{"at": 0, "set": {"bpm": 120, "gain": -3}}
{"movement": "Breath and rain", "seconds": 60, "wait": true}
{"at": 0, "set": {"bpm": 150}}
"""


SPACE, ESCAPE = 32, 27


@pytest.fixture
def score(tmp_path: Path) -> Path:
    path = tmp_path / "small.score"
    path.write_text(SCORE)
    return path


def loudness(sound: np.ndarray) -> np.ndarray:
    """Peak of each 100 ms."""
    return np.abs(sound[: len(sound) // 4410 * 4410]).reshape(-1, 4410).max(axis=1)


@pytest.mark.stage
def test_pd_plays_a_score_fades_it_out_and_in_and_records_it(score: Path, tmp_path: Path) -> None:
    with (
        running_engine(tmp_path, "--voice", "pulse", "--score", str(score)) as engine,
        opened(tmp_path, engine.port) as pd,
    ):
        stage = Concert(pd)
        pd.tell(f"tell folder symbol {tmp_path}")
        stage.wait_shown("state", "WAITING for GO", 8)
        stage.do("sound", 1)
        stage.wait_shown("words", "playing", 8)
        stage.do("record", 1)
        stage.do("fade", 1)
        stage.do("go")
        stage.wait_shown("name", "Alone", 5)
        for name, words in (
            ("row0", "1  Alone"),
            ("end1", "1:00  GO"),
            ("next", "Breath and rain"),
            ("bpm", "120 bpm"),
        ):
            stage.wait_shown(name, words, 5)
        stage.wait_shown("state", "WAITING for GO", 5)
        stage.do("go")
        stage.wait_shown("number", "cue 2 of 2", 5)
        stage.wait_shown("bpm", "150 bpm", 5)
        stage.do("panic")
        stage.wait_shown("time", "0:02", 5)
        stage.do("resume")
        stage.wait_shown("time", "0:04", 5)
        stage.do("record", 0)
        pd.wait_until(lambda: stage.colour("recording") == "#241a1d", 3, "the lamp goes out")
    [path] = tmp_path.glob("heart-*.wav")
    sound, _ = sf.read(path, dtype="float32")
    judge(loudness(sound[:, 0]))


def judge(loud: np.ndarray) -> None:
    """Sound, a fade of a second, at least half a second of nothing, sound as loud as before."""
    nothing = loud < 1e-3
    began = next(n for n in range(20, len(loud)) if nothing[n : n + 5].all())
    on = began + int(np.flatnonzero(~nothing[began:])[0])
    before, *fade = (loud[at : at + 4].max() for at in range(began - 16, began, 4))  # each has a beat, at 150 bpm
    assert before > 0.2
    assert (np.diff(fade) < 0).all()
    assert fade[-1] < 0.1
    assert loud[on:].max() == pytest.approx(before, rel=0.3)


@pytest.mark.stage
def test_max_plays_a_score_fades_it_out_and_in_and_shows_it(score: Path, tmp_path: Path) -> None:
    with (
        running_engine(tmp_path, "--voice", "pulse", "--score", str(score)) as engine,
        MaxHost(256) as host,
    ):
        stage = opened_in_max(host, engine.port, tmp_path)
        stage.wait_shown("state", "WAITING for GO")
        stage.click("sound", 1)
        stage.wait_shown("words", "playing")
        stage.click("fade", 1.0)
        host.press(SPACE)
        for name, words in (("name", "Alone"), ("next", "Breath and rain"), ("bpm", "120 bpm")):
            stage.wait_shown(name, words)
        assert stage.face("list").table() == [[1, "Alone", "0:01", "GO"], [2, "Breath and rain", "1:00", "GO"]]
        stage.wait_shown("state", "WAITING for GO")
        host.press(SPACE)
        stage.wait_shown("number", "cue 2 of 2")
        stage.wait_shown("bpm", "150 bpm")
        host.press(ESCAPE)
        stage.wait_shown("time", "0:02")
        stage.click("RESUME")
        stage.wait_shown("time", "0:04")
        host.stop()
        judge(loudness(stage.face("sound").sound()))


def own_address() -> str:
    """An address of this machine on its network, which the engine takes for that of another one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))  # sends nothing: asks the system which way it would go
        return str(sock.getsockname()[0])


@pytest.mark.stage
def test_pd_reaches_an_engine_over_the_network_with_its_pass_phrase(score: Path, tmp_path: Path) -> None:
    options = ("--voice", "pulse", "--score", str(score), "--bind", own_address(), "--phrase", "open sesame")
    with running_engine(tmp_path, *options) as engine, opened(tmp_path, engine.port, host=own_address()) as pd:
        stage = Concert(pd)
        stage.do("sound", 1)
        pd.wait_until(lambda: "phrase" in stage.shows("trouble"), 8, "the engine asks for its phrase")
        pd.tell("tell phrase symbol open\\ sesame")
        stage.wait_shown("words", "playing", 8)
        stage.do("go")
        stage.wait_shown("name", "Alone", 5)
