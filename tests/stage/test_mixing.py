"""Faders, labels and crossings: what the performance asks of the voice, and when."""

from __future__ import annotations

import numpy as np
import pytest

from heart.errors import WireError
from heart.namespace import PARAMS, check
from heart.plumbing.tape import Tape
from heart.records import CROSSFADE, LABELS, OVERLAP, SAMPLE_RATE_HZ, SUNG, TEXTURES, Chunk, Wish
from heart.sounding.mixtures import gain_track, shares_of
from heart.stage.conductor import Conductor
from heart.stage.effects import SingAgain, Tell
from heart.stage.parts import Parts
from heart.stage.performance import Performance

FRAMES = 16_384
PAST = np.zeros(0, np.float32)


def performance() -> Performance:
    made = Performance()
    made.message("/heart/set/rmssd", (0.0,), "x")
    return made


def wishes(made: Performance, first: int, count: int) -> list[Wish]:
    return [made.wish(n, first + n * FRAMES, FRAMES, PAST) for n in range(count)]


@pytest.mark.parametrize("label", SUNG)
def test_every_label_goes_over_the_wire_and_into_the_wish(label):
    made = performance()
    made.message("/heart/set/cross", ("now",), "x")
    made.message("/heart/set/label", check("/heart/set/label", (label,)), "x")
    wish = made.wish(1, 0, FRAMES, PAST)
    assert (wish.label, wish.mix, wish.crossing) == (label, (), None)


def test_each_label_has_a_fader():
    assert {f"mix_{label}" for label in (*LABELS, *TEXTURES)} == {
        name for name in PARAMS if name.startswith("mix_")
    }
    assert all(PARAMS[f"mix_{label}"].continuous for label in TEXTURES)


def test_faders_take_over_and_all_down_give_the_label_back():
    made = performance()
    assert SingAgain(beats=False) in made.message("/heart/norm/mix_rain", (0.5,), "daw")
    made.message("/heart/set/mix_AS", (1.0,), "daw")
    wish = made.wish(1, 0, FRAMES, PAST)
    assert (wish.label, wish.crossing) == ("AS+rain", None)
    assert shares_of(wish) == pytest.approx({"AS": 2 / 3, "rain": 1 / 3})
    made.message("/heart/set/mix_AS", (0.0,), "daw")
    made.message("/heart/set/mix_rain", (0.0,), "daw")
    wish = made.wish(2, 0, FRAMES, PAST)
    assert (wish.label, wish.mix) == ("N", ())


def test_a_label_pulls_the_faders_down_and_tells_who_listens():
    made = performance()
    made.message("/heart/listen/mix_sea", (1,), "panel")
    made.message("/heart/set/mix_sea", (0.7,), "daw")
    effects = made.message("/heart/set/label", ("N",), "max")
    assert made.values["mix_sea"] == 0.0
    assert SingAgain(beats=False) in effects
    assert Tell("/heart/value/mix_sea", (0.0,), frozenset({"panel"})) in effects
    assert wishes(made, 0, 6)[-1].mix == (), "at the next S1"
    assert made.message("/heart/set/label", ("N",), "max") == []


def test_from_heart_to_texture_waits_for_the_next_s1():
    made = performance()
    wishes(made, 0, 4)
    made.message("/heart/set/label", ("rain",), "x")
    sung = wishes(made, 4 * FRAMES, 6)
    crossings = [wish for wish in sung if wish.crossing]
    assert len(crossings) == 1
    crossing = crossings[0].crossing
    assert crossing.mix == (("rain", 1.0),)
    first = next(beat.s1 for beat in sung[0].beats if beat.s1 >= 4 * FRAMES + CROSSFADE)
    assert crossing.frame == first
    for wish in sung:
        end = wish.start + FRAMES + OVERLAP
        expected = "rain" if wish.start >= crossing.frame else "N"
        assert wish.label == expected
        assert (wish.crossing is not None) == (wish.start < crossing.frame < end + CROSSFADE)


def test_a_crossing_sung_again_falls_on_the_beat_where_it_is_then():
    made = performance()
    wishes(made, 0, 4)
    made.message("/heart/set/label", ("bells",), "x")
    early = next(wish.crossing.frame for wish in wishes(made, 4 * FRAMES, 6) if wish.crossing)
    made.message("/heart/set/bpm", (200.0,), "x")
    made.rewind(4 * FRAMES)
    again = wishes(made, 4 * FRAMES, 6)
    frame = next(wish.crossing.frame for wish in again if wish.crossing)
    assert frame < early
    assert frame in {beat.s1 for beat in again[0].beats}


def test_back_before_the_beat_nothing_crosses():
    made = performance()
    wishes(made, 0, 1)
    made.message("/heart/set/label", ("rain",), "x")
    assert made.wish(1, FRAMES, 4_096, PAST).label == "N"
    made.message("/heart/set/label", ("N",), "x")
    assert all(wish.crossing is None and wish.label == "N" for wish in wishes(made, 2 * FRAMES, 6))


def test_now_does_not_wait_and_neither_does_a_label_of_the_same_net():
    made = performance()
    made.message("/heart/set/label", ("AS",), "x")
    assert made.wish(1, FRAMES, FRAMES, PAST).label == "AS"
    made.message("/heart/set/cross", ("now",), "x")
    made.message("/heart/set/label", ("storm",), "x")
    assert made.wish(2, FRAMES, FRAMES, PAST).label == "storm"
    made.message("/heart/set/cross", ("beat",), "x")
    made.message("/heart/set/label", ("jazz",), "x")
    assert made.wish(3, FRAMES, FRAMES, PAST).label == "jazz"


def test_what_the_voice_cannot_sing_is_one_error_and_changes_nothing():
    made = Performance(labels=LABELS)
    for address, args in (("label", ("rain",)), ("mix_rain", (0.5,))):
        with pytest.raises(WireError, match=r"^rain: this voice sings N, AS, MR, MS, MVP$") as refused:
            made.message(f"/heart/set/{address}", args, "x")
        assert (refused.value.code, refused.value.address) == ("voice", f"/heart/set/{address}")
    assert made.wish(1, 0, FRAMES, PAST).label == "N"
    assert made.message("/heart/set/mix_rain", (0.0,), "x") == []


def tones(wish: Wish) -> Chunk:
    """A heart of 110 Hz and a texture of 2,200 Hz, each a function of the frame, shared out as a voice does it."""
    time_s = (wish.start + np.arange(wish.frames + OVERLAP)) / SAMPLE_RATE_HZ
    parts = np.stack([np.sin(2 * np.pi * hz * time_s) for hz in (110, 2_200)], 1).astype(np.float32)
    loud = gain_track(wish)
    return Chunk(wish.number, wish.start, (parts * loud).sum(1), 0.01, parts=parts * (loud.any(0)))


def test_on_the_tape_heart_and_texture_change_places_on_the_beat() -> None:
    tape, made, wishes_ = Tape(seconds=30), performance(), []
    conductor = Conductor(tape, made, wishes_.append)

    def sing(frames: int) -> None:
        goal = tape.sealed + frames
        while tape.sealed < goal:
            conductor.tick(None)
            if wishes_:
                conductor.chunk(tones(wishes_.pop()))
            tape.seal(min(tape.head - OVERLAP, tape.sealed + 2_048))

    def turn(label: str) -> int:
        assert SingAgain(beats=False) in made.message("/heart/set/label", (label,), "x")
        conductor.sing_again(False)
        return tape.sealed

    sing(2 * SAMPLE_RATE_HZ)
    turns = []
    for label in ("rain", "N"):
        turns.append(turn(label))
        sing(3 * SAMPLE_RATE_HZ)
    sound, s1 = tape.read(0, tape.sealed)[:, 0], [beat.s1 for beat in made.beats_between(0, tape.sealed)]
    high = np.abs(np.diff(sound, 2)) > 0.05  # only the texture bends so much
    begins, ends = np.flatnonzero(high)[[0, -1]]
    crossed = [next(s for s in s1 if s > turn) for turn in turns]
    for edge, beat in zip((begins, ends), crossed, strict=True):
        nearest = min(s1, key=lambda s: abs(s - edge))
        assert nearest - CROSSFADE <= edge <= nearest
        assert nearest - beat <= SAMPLE_RATE_HZ, "the first or second beat after the turn"
    assert np.abs(np.diff(sound)).max() < 1.1 * 2 * np.pi * 2_200 / SAMPLE_RATE_HZ, "no click anywhere"
    assert not conductor.parts.read(tape.sealed - 1_000, 1_000)[:, 1].any()


def test_parts_follow_the_tape_through_songs_and_songs_sung_again():
    tape = Tape(seconds=2)
    parts = Parts(tape)

    def lay(start: int, heart: float, texture: float | None) -> None:
        both = None
        if texture is not None:
            both = np.tile(np.array([heart, texture], np.float32), (8_192 + OVERLAP, 1))
        audio = np.full(8_192 + OVERLAP, heart + (texture or 0), np.float32)
        chunk = Chunk(1, start, audio, 0.0, parts=both)
        parts.lay(chunk, start)
        tape.lay(start, audio, overlap=min(OVERLAP, tape.head - start))

    lay(0, 0.1, None)
    assert not parts.read(0, 8_192)[:, 1].any()
    for start in range(8_192, 4 * SAMPLE_RATE_HZ, 8_192):
        lay(start, 0.25, 0.5)
        tape.seal(start)
    begin = tape.head - 4_000
    assert np.allclose(parts.read(begin, 4_000), [0.25, 0.5])
    lay(tape.sealed, 0.125, None)
    assert not parts.read(tape.head - 4_000, 4_000)[:, 1].any()
    assert np.allclose(parts.read(tape.sealed - 100, 100), [0.25, 0.5])
