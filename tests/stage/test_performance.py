"""The performance: messages and heard beats in, effects out, with nothing plugged in."""

from __future__ import annotations

import numpy as np
import pytest

from heart.errors import WireError
from heart.namespace import PARAMS, ROWS
from heart.records import SAMPLE_RATE_HZ, VOICES, Heard
from heart.sounding.mixtures import shares_of
from heart.sounding.rhythm import ECTOPIC_LEVELS, balance_levels
from heart.sounding.track import Track
from heart.stage.effects import Downbeat, Mute, Quit, Say, SingAgain, Sync, Tell, Turn
from heart.stage.follow import NEAR_S
from heart.stage.partners import LEVELS
from heart.stage.performance import Performance


def test_every_row_of_the_performance_has_its_method() -> None:
    rows = [row for row in ROWS.values() if row.owner == "performance" and row.direction != "out"]
    assert rows
    assert all(callable(getattr(Performance, row.handler)) for row in rows)


def test_a_set_changes_the_value_and_tells_listeners_except_its_origin() -> None:
    performance = Performance()
    performance.message("/heart/listen/bpm", (1,), "max")
    performance.message("/heart/listen/bpm", (1,), "daw")
    effects = performance.message("/heart/set/bpm", (90.0,), "daw")
    assert SingAgain(beats=True) in effects
    (echo,) = [effect for effect in effects if isinstance(effect, Tell)]
    assert (echo.address, echo.args, echo.to, echo.except_for) == (
        "/heart/value/bpm",
        (90.0,),
        frozenset({"max", "daw"}),
        "daw",
    )
    assert performance.message("/heart/get/bpm", (), "x") == [Say("x", "/heart/value/bpm", (90.0,))]


def test_setting_what_is_already_so_does_nothing() -> None:
    assert Performance().message("/heart/set/bpm", (PARAMS["bpm"].default,), "x") == []


def test_norm_runs_over_the_whole_range_of_every_continuous_parameter() -> None:
    for param in PARAMS.values():
        if not param.continuous:
            continue
        performance = Performance(voices=VOICES)
        for position, value in ((1.0, param.high), (0.0, param.low)):
            performance.message(f"/heart/norm/{param.name}", (position,), "fader")
            assert performance.values[param.name] == pytest.approx(value)


def test_only_what_the_voice_sings_is_sung_again() -> None:
    performance = Performance()
    assert SingAgain(beats=False) in performance.message("/heart/set/label", ("AS",), "x")
    assert SingAgain(beats=True) in performance.message("/heart/set/seed", (7,), "x")
    gain = performance.message("/heart/set/gain", (-6.0,), "x")
    assert Turn("gain", -6.0) in gain
    assert not [effect for effect in gain if isinstance(effect, SingAgain)]


def test_panic_sync_and_quit_are_effects() -> None:
    performance = Performance()
    assert Mute(True) in performance.message("/heart/panic", (), "x")
    assert performance.panicked
    assert Mute(False) in performance.message("/heart/resume", (), "x")
    assert performance.message("/heart/sync", (5,), "x") == [Sync("x", 5)]
    assert performance.message("/heart/quit", (), "x") == [Quit("x")]


def test_a_client_that_left_is_told_nothing_and_one_that_came_back_is() -> None:
    performance = Performance()
    performance.message("/heart/listen/bpm", (1,), "a")
    performance.message("/heart/listen/bpm", (1,), "b")
    performance.rename("a", "a2")
    performance.forget("b")
    (echo,) = [e for e in performance.message("/heart/set/bpm", (99.0,), "x") if isinstance(e, Tell)]
    assert echo.to == frozenset({"a2"})


def heard(time_s: float, bpm: float | None, trust: float = 0.9) -> Heard:
    return Heard(time_s=time_s, heart=1.0, trust=trust, bpm=bpm)


def test_follow_takes_the_heard_tempo_and_lead_ignores_it() -> None:
    lead, follow = Performance(), Performance(mode="follow")
    assert lead.heard(heard(3.0, 96.0)) == []
    assert lead.values["bpm"] == 72.0
    assert SingAgain(beats=True) in follow.heard(heard(3.0, 96.0))
    assert follow.values["bpm"] == 96.0


def test_follow_keeps_its_tempo_when_the_ear_is_unsure_or_silent() -> None:
    performance = Performance(mode="follow")
    performance.heard(heard(3.0, 96.0))
    assert performance.heard(heard(4.0, None)) == []
    assert performance.heard(heard(5.0, 140.0, trust=0.1)) == []
    assert performance.values["bpm"] == 96.0


def test_follow_does_not_starve_the_voice_with_small_or_frequent_changes() -> None:
    performance = Performance(mode="follow")
    again = [
        time_s
        for time_s in np.arange(0, 10, 0.1)
        for effect in performance.heard(heard(float(time_s), 80.0 + time_s * 3))
        if isinstance(effect, SingAgain)
    ]
    assert 8 <= len(again) <= 21
    assert performance.heard(heard(20.0, performance.values["bpm"] + 0.3)) != []
    assert not any(
        isinstance(e, SingAgain) for e in performance.heard(heard(30.0, performance.values["bpm"] + 0.3))
    )


def test_going_back_to_lead_sings_again() -> None:
    performance = Performance(mode="follow")
    assert SingAgain(beats=True) in performance.message("/heart/set/mode", ("lead",), "x")


def test_a_wish_carries_every_beat_that_may_touch_it() -> None:
    performance = Performance()
    performance.message("/heart/set/rmssd", (0.0,), "x")
    performance.message("/heart/set/bpm", (120.0,), "x")
    start, frames, past = 5 * SAMPLE_RATE_HZ, SAMPLE_RATE_HZ // 2, np.zeros(SAMPLE_RATE_HZ // 2, np.float32)
    wish = performance.wish(1, start, frames, past)
    gaps = np.diff([beat.s1 for beat in wish.beats])
    assert np.allclose(gaps, SAMPLE_RATE_HZ / 2, atol=2)
    assert wish.beats[0].s1 <= start - len(past) + SAMPLE_RATE_HZ // 2
    assert wish.beats[-1].s1 >= start + frames + SAMPLE_RATE_HZ // 2


def test_in_follow_mode_the_beats_are_led_onto_those_of_the_heart() -> None:
    performance = Performance(mode="follow")
    performance.message("/heart/set/rmssd", (0.0,), "x")
    performance.beats_between(0, 3 * SAMPLE_RATE_HZ)
    performance.heard(heard(3.0, 80.0))
    rr, phase = SAMPLE_RATE_HZ * 60 / 80.0, 12_345.0

    def apart_s(begin_s: int, end_s: int) -> float:
        beats = performance.beats_between(begin_s * SAMPLE_RATE_HZ, end_s * SAMPLE_RATE_HZ)
        return float(np.abs([(beat.s1 - phase + rr / 2) % rr - rr / 2 for beat in beats]).max()) / SAMPLE_RATE_HZ

    performance.align(phase, 3 * SAMPLE_RATE_HZ)
    performance.begin(2 * SAMPLE_RATE_HZ, beats=True)
    assert apart_s(4, 8) < NEAR_S
    phase += 0.1 * SAMPLE_RATE_HZ
    for tick in range(200):
        performance.align(phase, 8 * SAMPLE_RATE_HZ + tick * 4_410)
    assert apart_s(20, 27) <= NEAR_S
    gaps = np.diff([beat.s1 for beat in performance.beats_between(4 * SAMPLE_RATE_HZ, 27 * SAMPLE_RATE_HZ)])
    assert np.abs(gaps / rr - 1).max() < 0.02, "led gently"


def test_in_lead_mode_nobody_moves_the_beats() -> None:
    performance, other = Performance(), Performance()
    performance.last_heard = heard(3.0, 80.0)
    performance.align(1_000.0, SAMPLE_RATE_HZ)
    assert performance.beats_between(0, 10**6) == other.beats_between(0, 10**6)


def ramping(name: str, target: float, seconds: float) -> tuple[Performance, list[object]]:
    performance = Performance(voices=VOICES)
    return performance, list(performance.message("/heart/ramp", (name, target, seconds), "x"))


def test_a_ramp_of_tempo_moves_the_beats_the_value_and_ends_with_done() -> None:
    performance, effects = ramping("bpm", 144.0, 10.0)
    assert effects == [SingAgain(beats=True)]
    performance.message("/heart/set/rmssd", (0.0,), "x")
    performance.message("/heart/listen/bpm", (1,), "max")
    performance.begin(SAMPLE_RATE_HZ, beats=True)
    told = [
        effect
        for frame in range(SAMPLE_RATE_HZ, 12 * SAMPLE_RATE_HZ, 441)
        for effect in performance.advance(frame)
        if isinstance(effect, Say) or "max" in getattr(effect, "to", ())
    ]
    values = [effect.args[0] for effect in told if isinstance(effect, Tell)]
    assert 190 < len(values) < 210
    assert values == sorted(values)
    assert np.allclose(np.diff(values), np.diff(values)[0], atol=0.05), "a straight line"
    assert told[-1] == Say("x", "/heart/done", ("/heart/ramp",))
    assert performance.values["bpm"] == values[-1] == 144.0
    late = performance.beats_between(11 * SAMPLE_RATE_HZ, 20 * SAMPLE_RATE_HZ)
    assert np.allclose(np.diff([beat.s1 for beat in late]), SAMPLE_RATE_HZ * 60 / 144, atol=2)
    first = performance.beats_between(SAMPLE_RATE_HZ, 11 * SAMPLE_RATE_HZ)
    assert len(first) == pytest.approx(10 * (72 + 144) / 2 / 60, abs=1), "the integral of the ramp"


def test_a_set_ends_a_ramp_even_where_it_stands() -> None:
    performance, _ = ramping("bpm", 144.0, 10.0)
    performance.begin(0, beats=True)
    performance.advance(5 * SAMPLE_RATE_HZ)
    assert performance.values["bpm"] == pytest.approx(108)
    effects = performance.message("/heart/set/bpm", (performance.values["bpm"],), "x")
    assert SingAgain(beats=True) in effects
    assert performance.advance(6 * SAMPLE_RATE_HZ) == []
    assert performance.values["bpm"] == pytest.approx(108)


def test_a_second_ramp_takes_over_where_the_first_is() -> None:
    performance, _ = ramping("bpm", 144.0, 10.0)
    performance.message("/heart/set/rmssd", (0.0,), "x")
    performance.begin(0, beats=True)
    performance.message("/heart/ramp", ("bpm", 72.0, 5.0), "x")
    performance.begin(5 * SAMPLE_RATE_HZ, beats=True)
    gaps = np.diff([beat.s1 for beat in performance.beats_between(0, 12 * SAMPLE_RATE_HZ)])
    rates = 60 * SAMPLE_RATE_HZ / gaps
    assert rates.max() == pytest.approx(108, abs=3)
    assert np.abs(np.diff(rates)).max() < 12, "no jump"
    assert rates[-1] == pytest.approx(72, abs=1)


@pytest.mark.parametrize("param", [p for p in PARAMS.values() if p.continuous], ids=lambda p: p.name)
def test_every_parameter_with_a_fader_can_be_ramped_to_its_end(param) -> None:
    performance, _ = ramping(param.name, param.high, 2.0)
    performance.begin(0, beats=True)
    effects = [effect for frame in range(0, 3 * SAMPLE_RATE_HZ, 441) for effect in performance.advance(frame)]
    assert performance.values[param.name] == param.high
    turns = [effect.value for effect in effects if isinstance(effect, Turn)]
    assert turns == sorted(turns)
    assert (len(turns) > 30) == (param.name in ("gain", "lead_ms", "ear_hop", "ear_window", *LEVELS))


def test_a_ramp_out_of_range_or_against_the_heart_is_refused() -> None:
    with pytest.raises(WireError, match="30 to 220"):
        Performance().message("/heart/ramp", ("bpm", 500.0, 1.0), "x")
    with pytest.raises(WireError, match="mode follow"):
        Performance(mode="follow").message("/heart/ramp", ("bpm", 90.0, 1.0), "x")


def test_patterns_and_levels_reach_the_wish() -> None:
    performance = Performance()
    performance.message("/heart/set/pattern", ("bigeminy",), "x")
    performance.message("/heart/set/balance", (-0.2,), "x")
    performance.begin(0, beats=True)
    beats = performance.wish(1, 5 * SAMPLE_RATE_HZ, 8_192, np.zeros(0, np.float32)).beats
    assert {round(beat.gain2 / balance_levels(-0.2)[1], 3) for beat in beats} == {1.0, ECTOPIC_LEVELS[1]}


def test_extrasystole_is_a_normal_heart_with_premature_beats_unless_another_pattern_is_asked_for() -> None:
    performance = Performance()
    performance.message("/heart/set/rmssd", (0.0,), "x")
    performance.begin(0, beats=True)
    assert SingAgain(beats=True) in performance.message("/heart/set/label", ("extrasystole",), "x")
    performance.begin(0, beats=True)
    wish = performance.wish(1, 0, 60 * SAMPLE_RATE_HZ, np.zeros(0, np.float32))
    assert shares_of(wish) == {"N": 1.0}
    intervals = np.array([beat.rr_ms for beat in wish.beats])
    assert (intervals < 0.7 * np.median(intervals)).any()
    performance.message("/heart/set/pattern", ("af",), "x")
    assert performance.beats.pattern == "af"
    performance.message("/heart/set/pattern", ("sinus",), "x")
    assert SingAgain(beats=True) in performance.message("/heart/set/label", ("N",), "x")
    assert performance.beats.pattern == "sinus"


def test_a_followed_heart_brings_its_own_rhythm() -> None:
    performance = Performance(mode="follow")
    performance.message("/heart/set/pattern", ("bigeminy",), "x")
    assert performance.beats.pattern == "sinus"
    performance.message("/heart/set/mode", ("lead",), "x")
    assert performance.beats.pattern == "bigeminy"


def test_a_downbeat_falls_on_its_frame() -> None:
    performance = Performance()
    performance.beats_between(0, 3 * SAMPLE_RATE_HZ)
    assert performance.message("/heart/downbeat", (500.0,), "x") == [Downbeat("x", in_ms=500.0)]
    assert performance.message("/heart/downbeat/at", (77,), "x") == [Downbeat("x", offset=77)]
    assert performance.downbeat(150_001.0) == [SingAgain(beats=True)]
    performance.begin(SAMPLE_RATE_HZ, beats=True)
    assert 150_001 in [beat.s1 for beat in performance.beats_between(0, 5 * SAMPLE_RATE_HZ)]


def test_mode_track_sings_the_given_beats_and_needs_them() -> None:
    with pytest.raises(WireError, match="--beats"):
        Performance().message("/heart/set/mode", ("track",), "x")
    track = Track((500.0, 1_000.0), loop=True)
    performance = Performance("track", track=track)
    gaps = np.diff([beat.s1 for beat in performance.beats_between(0, 4 * SAMPLE_RATE_HZ)]) / 44.1
    assert gaps[:4] == pytest.approx([500, 1_000, 500, 1_000], abs=0.1)
    assert performance.values["bpm"] == pytest.approx(80)
    performance.message("/heart/set/bpm", (160.0,), "x")
    performance.begin(0, beats=True)
    gaps = np.diff([beat.s1 for beat in performance.beats_between(0, 2 * SAMPLE_RATE_HZ)]) / 44.1
    assert gaps[:4] == pytest.approx([250, 500, 250, 500], abs=0.1)
