"""The concert patch for Max, run without Max: three clicks, the cues, panic, the recording, the picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rig.compare import compare
from rig.engine import Engine
from rig.max_concert import Concert, opened
from rig.max_host import MaxHost
from rig.pd import free_port

SPACE, ESCAPE, BACKSPACE = 32, 27, 8
CUES = (("A heart alone", 65.0, 1), ("Breath and rain", 130.0, 0), ("Storm", 4.0, 1))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Concert, Engine]]:
    with Engine() as engine, MaxHost(256) as host:
        yield opened(host, engine.port, tmp_path), engine


def said(engine: Engine, address: str) -> list[tuple[Any, ...]]:
    return [message[1:] for message in engine.messages if message[0] == address]


def tell_cues(engine: Engine) -> None:
    for n, (name, seconds, waits) in enumerate(CUES, 1):
        engine.say("/heart/cue/name", n, len(CUES), name, seconds, waits)


def play(concert: Concert, engine: Engine) -> None:
    concert.click("sound", 1)
    concert.wait_shown("words", "playing")


def test_three_clicks_open_the_patch_turn_the_sound_on_and_begin_the_score(stage: tuple[Concert, Engine]) -> None:
    concert, engine = stage
    concert.wait_shown("words", "audio is off in Max: turn it on (loudspeaker symbol)")
    play(concert, engine)
    concert.click("GO")
    concert.host.wait_until(lambda: said(engine, "/heart/cue/go") == [()], 3, "one go")
    concert.host.wait_until(lambda: len(concert.face("sound").sound()) > 30_000, 3, "sound is heard")
    concert.host.stop()
    heard = concert.face("sound").sound().astype(np.float32)
    result = compare(heard, engine.sent())
    assert result.compared > 20_000
    assert result.wrong_after(heard, engine.sent(), 220) == 0
    assert np.array_equal(heard, np.concatenate(concert.face("sound").right).astype(np.float32))
    assert {m[0] for m in engine.messages} == {
        *("/heart/cue/go", "/heart/cue/list", "/heart/get/gain", "/heart/listen/gain")
    }


def test_the_display_tells_the_cue_its_state_the_time_and_what_comes(stage: tuple[Concert, Engine]) -> None:
    concert, engine = stage
    concert.host.wait_until(lambda: len(said(engine, "/heart/cue/list")) == 1, 3, "the list is asked for")
    tell_cues(engine)
    engine.say("/heart/cue", 2, 3, "Breath and rain", "playing", 65.5, 64.6, "Storm", 1)
    for name, words in (
        *(("number", "cue 2 of 3"), ("name", "Breath and rain"), ("state", "playing"), ("time", "1:05")),
        *(("left", "-1:04"), ("next", "Storm"), ("how", "at GO")),
    ):
        concert.wait_shown(name, words)
    cells = concert.face("list")
    concert.host.wait_until(lambda: cells.rows == 3 and len(cells.cells) == 12, 3, "the list is filled")
    assert cells.table() == [
        [1, "A heart alone", "1:05", "GO"], [2, "Breath and rain", "2:10", "-"], [3, "Storm", "0:04", "GO"]
    ]  # fmt: skip
    engine.say("/heart/cue", 2, 3, "Breath and rain", "waiting", 130.0, 0.0, "Storm", 1)
    concert.wait_shown("state", "WAITING for GO")
    lit = concert.face("GO").looks["activebgcolor"]
    assert concert.face("name").looks["fontsize"] == [58]
    long = "IV. Mitral valve prolapse, the birds"
    engine.say("/heart/cue", 2, 3, long, "playing", 4.0, 0.0, "", 0)
    concert.wait_shown("name", long)
    assert concert.face("name").looks["fontsize"][0] * 0.5 * len(long) < 810, "a long name is smaller"
    engine.say("/heart/cue", 3, 3, "Storm", "ended", 4.0, 0.0, "", 0)
    concert.wait_shown("state", "the end")
    assert concert.shows("next") == ""
    assert lit != concert.face("GO").looks["activebgcolor"], "GO lights up while the score waits"
    concert.host.wait_until(lambda: cells.colours[2] != cells.colours[1], 3, "the row that sounds has its colour")


def test_the_space_bar_is_go_and_one_that_bounces_is_one(stage: tuple[Concert, Engine]) -> None:
    concert, engine = stage
    concert.host.wait_until(lambda: bool(engine.messages), 3, "connected")
    for _ in range(4):
        concert.host.press(SPACE)
    concert.host.wait_until(lambda: bool(said(engine, "/heart/cue/go")), 3, "go")
    later = concert.host.vectors + round(0.4 * 44_100 / 256)
    concert.host.wait_until(lambda: concert.host.vectors > later, 3, "400 ms")
    assert len(said(engine, "/heart/cue/go")) == 1
    concert.click("GO")
    concert.host.wait_until(lambda: len(said(engine, "/heart/cue/go")) == 2, 3, "after the time, the next")


def test_the_list_chooses_and_only_the_button_leaps(stage: tuple[Concert, Engine]) -> None:
    concert, engine = stage
    concert.host.wait_until(lambda: bool(engine.messages), 3, "connected")
    concert.click("choose")
    tell_cues(engine)
    concert.host.wait_until(lambda: len(concert.face("list").cells) == 12, 3, "the list is filled")
    concert.click("list", 1, 2)
    concert.host.wait_until(
        lambda: concert.face("choose").looks.get("text") == ["go to 3"], 3, "the button says where"
    )
    assert said(engine, "/heart/cue/to") == []
    concert.click("choose")
    concert.host.wait_until(lambda: said(engine, "/heart/cue/to") == [(3,)], 3, "leaps")


def test_panic_fades_here_and_there_then_is_silent_until_resume(stage: tuple[Concert, Engine]) -> None:
    concert, engine = stage
    host = concert.host
    host.wait_until(lambda: bool(said(engine, "/heart/get/gain")), 3, "gain is asked for")
    engine.say("/heart/value/gain", -4.0)
    play(concert, engine)
    concert.click("fade", 1.0)
    host.wait_until(lambda: len(concert.face("sound").sound()) > 30_000, 3, "it sounds for a while")
    host.press(ESCAPE)
    host.wait_until(lambda: bool(said(engine, "/heart/ramp")), 3, "the ramp")
    began = len(concert.face("sound").sound())
    engine.say("/heart/value/gain", -33.0)
    host.wait_until(lambda: bool(said(engine, "/heart/panic")), 3, "then panic")
    took = len(concert.face("sound").sound()) - began
    assert said(engine, "/heart/ramp") == [("gain", -60.0, 1.0)]
    assert took == pytest.approx(1.3 * 44_100, abs=0.1 * 44_100)
    heard = concert.face("sound").sound()
    levels = [np.sqrt(np.mean(heard[at : at + 4410] ** 2)) for at in range(began - 4410, began + 44_100, 11_025)]
    assert levels == sorted(levels, reverse=True)
    assert np.abs(heard[began + 46_000 :]).max() == 0, "silent by this patch's own line, whatever the engine does"
    concert.click("RESUME")
    host.wait_until(lambda: bool(said(engine, "/heart/resume")), 3, "resume")
    host.wait_until(lambda: said(engine, "/heart/set/gain") == [(-4.0,)], 3, "the gain of before the panic")
    at = len(concert.face("sound").sound()) + 4410
    host.wait_until(lambda: len(concert.face("sound").sound()) > at + 4410, 3, "sound again")
    assert np.abs(concert.face("sound").sound()[at:]).max() > 0.3


def test_backspace_is_silence_at_once_and_resume_without_panic_changes_no_gain(
    stage: tuple[Concert, Engine],
) -> None:
    concert, engine = stage
    play(concert, engine)
    concert.click("RESUME")
    concert.host.wait_until(lambda: bool(said(engine, "/heart/resume")), 3, "resume")
    assert said(engine, "/heart/set/gain") == []
    concert.host.press(BACKSPACE)
    concert.host.wait_until(lambda: bool(said(engine, "/heart/panic")), 3, "panic at once")
    assert said(engine, "/heart/ramp") == []
    start = len(concert.face("sound").sound()) + 1500
    concert.host.wait_until(lambda: len(concert.face("sound").sound()) > start + 4410, 3, "a moment")
    assert np.abs(concert.face("sound").sound()[start:]).max() == 0


def test_record_writes_what_is_heard_into_a_file_named_by_the_date(
    stage: tuple[Concert, Engine], tmp_path: Path
) -> None:
    concert, engine = stage
    play(concert, engine)
    concert.host.wait_until(lambda: len(concert.face("sound").sound()) > 22_050, 3, "it is faded in")
    concert.click("record", 1)
    concert.host.wait_until(lambda: concert.face("recording").value == 1, 4, "the lamp")
    concert.host.wait_until(lambda: concert.shows("file").startswith("heart-20"), 3, "the name")
    before = len(concert.face("sound").sound())
    concert.host.wait_until(lambda: len(concert.face("sound").sound()) > before + 22_050, 3, "half a second")
    concert.click("record", 0)
    concert.host.wait_until(lambda: concert.face("recording").value == 0, 4, "the lamp goes out")
    concert.host.stop()
    [path] = tmp_path.glob("heart-????-??-??-??????.wav")
    assert path.name == concert.shows("file")
    sound, rate = sf.read(path, dtype="float32")
    assert rate == 44_100
    assert sf.info(path).subtype == "FLOAT"
    assert sound.shape[1] == 2
    result = compare(sound[:, 0], engine.sent())
    assert np.array_equal(sound[:, 0], sound[:, 1]), "one voice is in the middle"
    assert result.compared > 22_050
    assert result.wrong == 0


@pytest.mark.stage
def test_a_folder_that_cannot_be_written_lights_no_lamp(stage: tuple[Concert, Engine], tmp_path: Path) -> None:
    concert, engine = stage
    concert.host.here = tmp_path / "not there"
    play(concert, engine)
    concert.click("record", 1)
    concert.host.wait_until(lambda: concert.shows("file").startswith("heart-20"), 3, "the name")
    end = concert.host.vectors + 300
    concert.host.wait_until(lambda: concert.host.vectors > end, 4, "a second and a half")
    assert concert.face("recording").value != 1


def test_each_beat_swells_the_heart_in_the_colour_of_its_label(stage: tuple[Concert, Engine]) -> None:
    from max.build.concert_picture import REST, SWELL, label_colours

    concert, engine = stage
    play(concert, engine)
    [lcd] = [thing for thing in concert.host.objects if type(thing).__name__ == "Lcd"]
    concert.host.wait_until(lambda: "paintpoly" in lcd.drawn, 3, "the heart is drawn")
    widths = []
    concert.host.wait_until(lambda: len(engine.sent()) > 22_050, 5, "it plays")
    engine.announce_beat(200, 61.0)
    for _ in range(60):
        points = lcd.drawn["paintpoly"]
        widths.append(max(points[::2]) - min(points[::2]))
        frame = lcd.frames
        concert.host.wait_until(lambda frame=frame: lcd.frames > frame, 3, "a frame")  # type: ignore[misc]
        if len(widths) > 10 and widths[-1] < max(widths) and widths[-1] == widths[0]:
            break
    assert widths[0] == pytest.approx(32 * REST, abs=3)
    assert max(widths) == pytest.approx(32 * (REST + SWELL), abs=6)
    assert widths[-1] == widths[0], "small again before the next beat"
    concert.wait_shown("bpm", "61 bpm")
    concert.wait_shown("label", "N")
    assert tuple(lcd.drawn["frgb"]) == label_colours()["N"]


@pytest.mark.stage
def test_an_engine_that_starts_later_dies_and_returns_is_told_by_lamp_and_words(tmp_path: Path) -> None:
    port = free_port()
    with MaxHost(256) as host:
        concert = opened(host, port, tmp_path)
        concert.click("sound", 1)
        concert.wait_shown("words", "no answer from the engine: is it running? (heart live)")
        lamp = concert.face("lamp").looks["bgfillcolor"]
        for seed in (1, 2):
            with Engine(port, seed) as engine:
                concert.wait_shown("words", "playing")
                assert concert.face("lamp").looks["bgfillcolor"] != lamp
                host.wait_until(lambda: bool(said(engine, "/heart/cue/list")), 4, "the list is asked for again")
                engine.say("/heart/alarm", "voice_lost", "the voice is started again")
                concert.wait_shown("trouble", "the voice is started again")
                engine.stop(politely=False)
            if seed == 1:
                host.wait_until(
                    lambda: "no answer" in concert.shows("words"), 6, "it notices that the engine is gone"
                )


def test_an_engine_on_another_machine_is_reached_by_its_address_and_phrase(tmp_path: Path) -> None:
    with Engine() as near, Engine() as far, MaxHost(256) as host:
        concert = opened(host, near.port, tmp_path)
        play(concert, near)
        window = concert.face("elsewhere")
        told = host.overhear("heart.to")
        host.turn(window, "engineport", far.port)
        host.turn(window, "phrase", "open sesame")
        host.turn(window, "host", "127.0.0.1")
        host.wait_until(lambda: len(far.stats()["clients"]) == 1, 5, "the far engine is reached")
        assert [m[-1] for m in told.heard if m[0] == "/heart/hello"][-1] == "open sesame"
        host.turn(window, "phrase")
        host.wait_until(
            lambda: [len(m) for m in told.heard if m[0] == "/heart/hello"][-1] == 6, 3, "hello without a phrase"
        )
