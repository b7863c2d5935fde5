"""The concert patch in a headless Pd: three clicks, cues, panic that is measured, a recording that can be read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rig.compare import compare
from rig.engine import Engine
from rig.live import Program
from rig.pd_concert import Concert, opened

CUES = (("A heart alone", 65.0, 1), ("Breath and rain", 130.0, 0), ("Storm", 4.0, 1))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Concert, Engine]]:
    with Engine() as engine, opened(tmp_path, engine.port) as pd:
        pd.tell(f"tell folder symbol {tmp_path}")
        yield Concert(pd), engine


def said(engine: Engine, address: str) -> list[tuple[Any, ...]]:
    return [message[1:] for message in engine.messages if message[0] == address]


def recorded(concert: Concert, folder: Path) -> np.ndarray:
    """Ends the recording: float32 [n], the same on both sides."""
    concert.do("record", 0)
    [path] = folder.glob("heart-*.wav")
    size = -1
    while size != (size := path.stat().st_size):
        time.sleep(0.2)
    sound, rate_hz = sf.read(path, dtype="float32")
    assert rate_hz == 44_100
    assert sf.info(path).subtype == "FLOAT"
    assert np.array_equal(sound[:, 0], sound[:, 1]), "one voice is in the middle"
    return np.asarray(sound[:, 0])


def test_three_clicks_open_the_patch_turn_the_sound_on_and_begin_the_score(
    stage: tuple[Concert, Engine], tmp_path: Path
) -> None:
    concert, engine = stage
    concert.wait_shown("words", "audio is off in Pd: Media > DSP On")
    concert.do("sound", 1)
    concert.wait_shown("words", "playing")
    for _ in range(3):
        concert.do("go")
    concert.pd.wait_until(lambda: bool(said(engine, "/heart/cue/go")), 3, "go")
    concert.do("record", 1)
    concert.pd.wait_until(lambda: concert.colour("recording") == "#d6001c", 4, "the lamp")
    so_far = len(engine.sent())
    concert.pd.wait_until(lambda: len(engine.sent()) > so_far + 44_100, 4, "a second")
    sound = recorded(concert, tmp_path)
    result = compare(sound, engine.sent())
    assert result.compared > 30_000
    assert result.wrong == 0
    assert re.fullmatch(r"heart-\d{4}-\d\d-\d\d-\d{6}.wav", concert.shows("file"))
    assert (tmp_path / concert.shows("file")).exists()
    assert {m[0] for m in engine.messages} == {
        *("/heart/cue/go", "/heart/cue/list", "/heart/get/gain", "/heart/listen/gain")
    }
    assert len(said(engine, "/heart/cue/go")) == 1, "three within 300 ms are one"


def test_the_stage_shows_the_cue_its_state_the_time_the_list_and_what_is_heard(
    stage: tuple[Concert, Engine],
) -> None:
    concert, engine = stage
    concert.do("sound", 1)
    concert.wait_shown("words", "playing")
    concert.pd.wait_until(lambda: bool(said(engine, "/heart/cue/list")), 3, "the list is asked for")
    for n, (name, seconds, waits) in enumerate(CUES, 1):
        engine.say("/heart/cue/name", n, len(CUES), name, seconds, waits)
    engine.say("/heart/cue", 2, 3, "Breath and rain", "waiting", 65.5, 64.6, "Storm", 1)
    engine.say("/heart/status", "playing", "lead", "N", 72.0, 66.0, 0.94, 200.0, 0.1, 0, 1, 4)
    for name, words in (
        *(("number", "cue 2 of 3"), ("name", "Breath and rain"), ("state", "WAITING for GO"), ("time", "1:05")),
        *(("left", "-1:04"), ("next", "Storm"), ("how", "at GO"), ("heard", "66"), ("trust", "0.94")),
        *(("row0", "1  A heart alone"), ("end0", "1:05  GO"), ("row1", "2  Breath and rain"), ("end1", "2:10  -")),
        *(("row2", "3  Storm"), ("end2", "0:04  GO")),
    ):
        concert.wait_shown(name, words)
    assert (concert.colour("row0"), concert.colour("row1")) == ("#241a1d", "#8b1e2d")
    engine.announce_beat(200, 61.0)
    concert.wait_shown("bpm", "61 bpm")
    concert.wait_shown("label", "N")
    engine.say("/heart/alarm", "voice_lost", "the voice is started again")
    concert.wait_shown("trouble", "the voice is started again")
    assert concert.size("name") == 48
    long = "IV. Mitral valve prolapse, the birds"
    engine.say("/heart/cue", 2, 3, "Breath and rain", "playing", 4.0, 0.0, long, 0)
    concert.wait_shown("next", long)
    concert.pd.wait_until(lambda: concert.size("next") * 0.602 * len(long) < 570, 2, "a long name is smaller")
    engine.say("/heart/cue", 3, 3, "Storm", "ended", 4.0, 0.0, "", 0)
    concert.wait_shown("state", "the end")
    concert.wait_shown("next", "")


def test_panic_fades_is_silent_and_resume_gives_the_gain_back(
    stage: tuple[Concert, Engine], tmp_path: Path
) -> None:
    concert, engine = stage
    concert.do("sound", 1)
    concert.wait_shown("words", "playing")
    concert.pd.wait_until(lambda: bool(said(engine, "/heart/get/gain")), 3, "gain is asked for")
    engine.say("/heart/value/gain", -4.0)
    concert.do("fade", 1)
    concert.do("record", 1)
    concert.pd.wait_until(lambda: concert.colour("recording") == "#d6001c", 4, "the lamp")
    time.sleep(0.5)
    concert.do("panic")
    concert.pd.wait_until(lambda: said(engine, "/heart/ramp") == [("gain", -60.0, 1.0)], 3, "the ramp")
    engine.say("/heart/value/gain", -33.0)
    concert.pd.wait_until(lambda: bool(said(engine, "/heart/panic")), 3, "then panic")
    concert.do("resume")
    concert.pd.wait_until(lambda: said(engine, "/heart/set/gain") == [(-4.0,)], 3, "the gain of before")
    assert said(engine, "/heart/resume") == [()]
    time.sleep(0.5)
    sound = np.abs(recorded(concert, tmp_path))
    loud = sound[: len(sound) // 2205 * 2205].reshape(-1, 2205).max(axis=1)  # 50 ms each
    silent = 20 + np.flatnonzero(loud[20:] == 0)
    assert silent.size >= 2, "silent by this patch's own line, whatever the engine does"
    fade = loud[silent[0] - 18 : silent[0]]
    assert (np.diff(fade) < 0.02).all()
    assert fade[0] > 0.3
    assert fade[-1] < 0.1
    assert loud[-3:].min() > 0.3, "sound again"


def test_silence_is_at_once(stage: tuple[Concert, Engine]) -> None:
    concert, engine = stage
    concert.do("silence")
    concert.pd.wait_until(lambda: said(engine, "/heart/panic") == [()], 3, "panic")
    assert said(engine, "/heart/ramp") == []


def test_a_folder_that_cannot_be_written_is_told(stage: tuple[Concert, Engine], tmp_path: Path) -> None:
    concert, _ = stage
    concert.pd.tell(f"tell folder symbol {tmp_path / 'nowhere'}")
    concert.do("record", 1)
    concert.wait_shown("file", "cannot write here")


def test_the_pass_phrase_goes_with_hello_until_it_is_empty(tmp_path: Path) -> None:
    with Program(0) as door, opened(tmp_path, door.port) as pd:
        assert len(door.wait_for("/heart/hello")) == 5
        pd.tell("tell phrase symbol open-sesame")
        pd.wait_until(lambda: door.wait_for("/heart/hello")[-1] == "open-sesame", 4, "hello with the phrase")
        pd.tell("tell phrase symbol")
        pd.wait_until(lambda: len(door.wait_for("/heart/hello")) == 5, 4, "hello without one")


@pytest.mark.stage
def test_an_engine_that_starts_later_dies_and_returns_is_told_by_words(tmp_path: Path) -> None:
    with Engine() as engine:
        port = engine.port
    with opened(tmp_path, port) as pd:
        concert = Concert(pd)
        concert.do("sound", 1)
        concert.wait_shown("words", "no answer from the engine: is it running? (heart live)")
        for seed in (1, 2):
            with Engine(port, seed) as engine:
                concert.wait_shown("words", "playing", 6)
                pd.wait_until(lambda: bool(said(engine, "/heart/cue/list")), 4, "the list is asked for again")
                engine.stop(politely=False)
            if seed == 1:
                pd.wait_until(
                    lambda: "no answer" in concert.shows("words"), 8, "it notices that the engine is gone"
                )
