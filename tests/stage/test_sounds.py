"""Sounds on stage: names only, slots as loops, weights, and the live input sung a little later."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile

from heart.audio import write_audio
from heart.errors import FileError, HeartError, UsageError
from heart.plumbing.wire import Wire
from heart.records import OVERLAP, SAMPLE_RATE_HZ
from heart.sounding.sources import SEEN, looped, span_of
from heart.stage.conductor import HOP
from heart.stage.effects import Load, SingAgain
from heart.stage.loading import MOST_WAITING, Loader
from heart.stage.performance import Performance
from heart.stage.sounds import Input, Sounds, find_sound, read_sound


def tone(seconds: float = 1.0, hz: float = 110.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)).astype(
        np.float32
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "sounds"
    inside.mkdir()
    for name in ("rain.wav", "birds.flac"):
        write_audio(inside / name, tone(0.5), SAMPLE_RATE_HZ)
    write_audio(tmp_path / "secret.wav", tone(0.5), SAMPLE_RATE_HZ)
    return inside


@pytest.mark.case("R10")
@pytest.mark.parametrize(
    "name",
    ["../secret.wav", "/etc/passwd", "..", ".", "", "a/b.wav", "..\\secret.wav", "C:secret.wav", "rain.wav:x"],
)
def test_only_names_are_taken(folder: Path, name: str) -> None:
    with pytest.raises(UsageError):
        find_sound(folder, name)


@pytest.mark.case("R10")
def test_a_link_may_not_lead_out(folder: Path) -> None:
    (folder / "link.wav").symlink_to(folder.parent / "secret.wav")
    (folder / "twin.wav").symlink_to(folder / "rain.wav")
    with pytest.raises(UsageError, match="leads out"):
        find_sound(folder, "link.wav")
    assert find_sound(folder, "twin.wav").name == "rain.wav"


def test_without_a_folder_nothing_is_read() -> None:
    with pytest.raises(UsageError, match="--sounds FOLDER"):
        find_sound(None, "rain.wav")


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (tone(0.04), "40 ms; give one of at least 50 ms"),
        (np.zeros(SAMPLE_RATE_HZ, np.float32), "is silent"),
        (np.full(SAMPLE_RATE_HZ, np.nan, np.float32), "not numbers"),
    ],
)
def test_what_cannot_be_sung_from_is_refused(tmp_path: Path, sound: np.ndarray, says: str) -> None:
    soundfile.write(tmp_path / "x.wav", sound, SAMPLE_RATE_HZ, subtype="FLOAT")
    with pytest.raises(FileError, match=says):
        read_sound(tmp_path / "x.wav")


def test_longer_than_half_an_hour_is_refused_by_its_claim(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.ones(500 * 1_801, np.int16), 500)
    with pytest.raises(FileError, match="1801 s, at most 1800"):
        read_sound(tmp_path / "x.wav")


def test_any_rate_and_channels_become_mono_at_the_engines_rate(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", 0.1 * np.random.default_rng(0).standard_normal((8_000, 3)), 8_000)
    assert abs(len(read_sound(tmp_path / "x.wav")) - SAMPLE_RATE_HZ) < 8


def test_slots_play_as_loops_by_their_weights() -> None:
    sounds = Sounds()
    sounds.put(2, looped(tone(0.5)))
    sounds.put(5, looped(tone(0.3, 220)))
    assert sounds.sources("generate", "slot2", 0, HOP) == ()
    assert sounds.sources("vary", "slot1", 0, HOP) == (), "an empty slot"
    (one,) = sounds.sources("vary", "slot2", 0, HOP)
    assert (one.weight, one.loop) == (1.0, len(sounds.slots[2]))
    assert (one.begin, one.begin + len(one.sound)) == span_of(0, HOP)
    sounds.weigh([0, 0.2, 1, 1, 0.6])
    two = sounds.sources("morph", "input", 7 * HOP, HOP)
    assert [source.weight for source in two] == pytest.approx([0.25, 0.75])
    at = 7 * HOP - two[0].begin
    assert two[0].sound[at] == sounds.slots[2][7 * HOP % two[0].loop]
    sounds.clear(2)
    assert len(sounds.sources("morph", "input", 0, HOP)) == 1
    with pytest.raises(UsageError, match="all weights are 0"):
        sounds.weigh([0.0, 0.0])


def test_the_input_is_sung_with_one_delay_as_long_as_it_lasts() -> None:
    sound = np.arange(20 * SAMPLE_RATE_HZ, dtype=np.float32)
    box, delays = Input(), set()
    assert box.sources(0, HOP) == ()
    box.push(sound[: 2 * SAMPLE_RATE_HZ])
    for number in range(30):
        start = number * HOP + 64 * (number % 7)
        (source,) = box.sources(start, HOP)
        heard = source.sound[start - source.begin :][: HOP + SEEN]
        at = int(heard[0])
        assert heard.tobytes() == sound[at : at + HOP + SEEN].tobytes(), "all of a wish's window was heard"
        delays.add(start - at)
        box.push(sound[box.heard : box.heard + HOP])
    assert len(delays) == 1
    box.sources(40 * HOP, HOP)
    assert box.sources(60 * HOP, HOP) == (), "nothing new was heard"


class FakeWire:
    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def send(self, to: object, *message: Any) -> None:
        self.said.append(message)

    def error(self, to: object, *message: Any) -> None:
        self.said.append(("/heart/error", *message))


def loaded(folder: Path | None, *wanted: Load) -> tuple[Performance, FakeWire, list[Any]]:
    performance, wire, done = Performance(), FakeWire(), []
    performance.message("/heart/set/voice_mode", ("morph",), "x")

    async def run() -> None:
        loader = Loader(folder, performance, cast(Wire, wire), done.extend)
        for load in wanted:
            loader.load(load)
        assert loader.busy
        while loader.busy:
            await asyncio.sleep(0.001)
        loader.close()

    asyncio.run(run())
    return performance, wire, done


def test_a_loaded_sound_is_answered_and_sung(folder: Path) -> None:
    performance, wire, done = loaded(folder, Load("me", 3, "rain.wav"))
    assert wire.said == [("/heart/done", "/heart/sound/load")]
    assert done == [SingAgain(beats=False)]
    wish = performance.wish(1, 0, HOP, np.zeros(0, np.float32))
    assert (wish.mode, len(wish.sources)) == ("morph", 1)
    assert wish.sources[0].sound.dtype == np.float32


def test_what_was_asked_last_holds(folder: Path) -> None:
    performance, wire, _ = loaded(
        folder, Load("me", 1, "rain.wav"), Load("me", 1, None), Load("me", 2, "birds.flac")
    )
    assert sorted(performance.sounds.slots) == [2]
    assert [message[1] for message in wire.said] == ["/heart/sound/load", "/heart/sound/clear", "/heart/sound/load"]


@pytest.mark.case("R10")
def test_what_cannot_be_loaded_is_one_error_that_does_not_tell_where_the_folder_lies(folder: Path) -> None:
    performance, wire, done = loaded(folder, Load("me", 1, "../secret.wav"), Load("me", 1, "absent.wav"))
    assert [message[:3] for message in wire.said] == [("/heart/error", "failed", "/heart/sound/load")] * 2
    assert "absent.wav: cannot be found" in wire.said[1][3]
    assert str(folder) not in str(wire.said)
    assert (performance.sounds.slots, done) == ({}, [])


def test_a_flood_of_requests_is_refused(folder: Path) -> None:
    with pytest.raises(HeartError, match="waiting"):
        loaded(folder, *[Load("me", 1, "rain.wav")] * (MOST_WAITING + 1))


def test_strength_weights_and_source_act_like_other_knobs() -> None:
    performance = Performance()
    assert SingAgain(beats=False) in performance.message("/heart/set/voice_mode", ("vary",), "x")
    assert SingAgain(beats=False) in performance.message("/heart/norm/strength", (0.9,), "x")
    assert SingAgain(beats=False) in performance.message("/heart/morph", (np.float32([0.2, 1.0]),), "x")
    assert performance.sounds.weights[:3] == (pytest.approx(0.2), 1.0, 0.0)
    with pytest.raises(UsageError):
        performance.message("/heart/morph", (np.zeros(2, np.float32),), "x")


def test_varying_the_input_leaves_its_beats_to_it() -> None:
    performance = Performance()
    performance.message("/heart/set/voice_mode", ("vary",), "x")
    performance.sounds.input.push(tone(3))
    wish = performance.wish(1, 0, HOP, np.zeros(OVERLAP, np.float32))
    assert (performance.pace, wish.beats, len(wish.sources)) == ("input", (), 1)
    assert performance.beats_between(0, 10 * SAMPLE_RATE_HZ) == []
    performance.message("/heart/set/source", ("slot1",), "x")
    wish = performance.wish(2, 0, HOP, np.zeros(OVERLAP, np.float32))
    assert performance.pace == "lead"
    assert wish.beats
    assert wish.sources == ()
