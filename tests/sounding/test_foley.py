"""Sounds from arithmetic: loops without a seam, the same for a seed, each with the nature of what it stands for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from heart.records import SAMPLE_RATE_HZ as RATE
from heart.sounding import foley
from heart.sounding.foley import bass, piano, storm, tune
from heart.sounding.foley.circle import band, filtered, place, ringing
from heart.sounding.foley.trio import BPM, SWING, seconds_of

SHORT_S = 4.0


@lru_cache(maxsize=16)
def made(name: str, seed: int = 0) -> np.ndarray:
    return foley.make(name, SHORT_S, seed)


def seam(sound: np.ndarray) -> float:
    """How far the second difference where a loop closes stands above nearly all (99.9 %) around it."""
    around = np.concatenate([sound[-RATE // 2 :], sound[: RATE // 2]])
    bends = np.abs(np.diff(around, 2))
    middle = len(bends) // 2
    return float(bends[middle - 2 : middle + 3].max() / np.percentile(bends, 99.9))


@pytest.mark.parametrize("name", foley.MAKERS)
def test_a_loop_closes_without_a_seam_and_the_measure_hears_one_that_does_not(name: str) -> None:
    sound = made(name)
    apart = sound + 12 * sound.std() * np.linspace(0, 1, len(sound))
    assert seam(sound) < 1.3
    assert seam(apart) > 1.3


@pytest.mark.parametrize("name", foley.MAKERS)
def test_a_sound_is_finite_has_no_dc_and_is_the_same_for_a_seed(name: str) -> None:
    sound = made(name)
    assert 2 * RATE < len(sound) < 6 * RATE
    assert np.isfinite(sound).all()
    assert abs(sound.mean()) < 1e-3 * sound.std()
    made.cache_clear()
    assert np.array_equal(made(name), sound)
    other = made(name, 1)
    assert len(other) != len(sound) or not np.allclose(other, sound)


def part(sound: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Share of a sound's energy in a band."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum())


def test_each_sound_lies_where_what_it_stands_for_lies() -> None:
    assert part(made("rain"), 800, 8_000) > 0.5
    assert part(made("storm"), 20, 400) > 0.5
    assert part(made("birds"), 1_500, 9_000) > 0.6
    assert part(made("jazz"), 30, 300) > 0.5  # the bass carries it
    assert part(made("breath"), 300, 5_000) > 0.5


def test_what_hangs_over_the_end_goes_on_at_the_beginning() -> None:
    circle, piece = np.zeros(1_000), np.arange(1.0, 2_501.0)
    place(circle, 900 / RATE, piece)
    assert circle.sum() == piece.sum()
    assert circle[900] == 1 + 1_001 + 2_001
    rung = ringing(np.eye(1, 1_000, 998)[0], np.array([3.0, 2.0, 1.0]))
    assert np.allclose(rung[[998, 999, 0]], [3, 2, 1])


def test_a_filter_passes_its_band_and_no_dc() -> None:
    t = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 50 * t), np.sin(2 * np.pi * 1_000 * t)
    passed = filtered(3 + low + high, band(500, 2_000, 4))
    assert np.abs(passed - high).max() < 0.01


def test_thunder_from_afar_is_duller_and_lasts_longer_until_its_half() -> None:
    near, far = (storm.thunder(m, np.random.default_rng(4), 8.0) for m in (400.0, 3_000.0))
    assert part(near, 400, 8_000) > 3 * part(far, 400, 8_000)
    ends = [np.searchsorted(np.cumsum(sound**2), 0.5 * (sound**2).sum()) for sound in (near, far)]
    assert ends[1] > ends[0]
    arrivals, levels, ranges_m = storm.channel(400.0, np.random.default_rng(4))
    assert arrivals.min() == 0
    assert np.allclose(arrivals / RATE * 340, ranges_m - ranges_m.min(), atol=0.01)
    assert 0 <= levels.min() < levels.max() < 1.5  # a branch may lean towards the ear


@pytest.mark.parametrize("pitch", [36, 48, 60, 77])
def test_piano_and_bass_are_in_tune(pitch: int) -> None:
    assert abs(cents(piano.note(pitch, 1.5, 0.6), pitch)) < 8
    assert abs(cents(bass.note(pitch - 8, 1.5, 0.7, np.random.default_rng(0)), pitch - 8)) < 8


def cents(sound: np.ndarray, pitch: int) -> float:
    """How far the fundamental lies from a MIDI pitch."""
    hz = piano.hz_of(pitch)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**19))
    found = np.fft.rfftfreq(2**19, 1 / RATE)
    near = (found > 0.95 * hz) & (found < 1.05 * hz)
    return float(1_200 * np.log2(found[near][power[near].argmax()] / hz))


def test_the_second_eighth_swings_and_a_bar_keeps_its_length() -> None:
    assert seconds_of(0.5) * BPM / 60 == pytest.approx(SWING)
    assert [seconds_of(float(beat)) * BPM / 60 for beat in range(5)] == pytest.approx([0, 1, 2, 3, 4])


def test_the_walking_bass_has_a_note_a_beat_with_the_root_where_the_chord_changes() -> None:
    notes = list(tune.walking(16, np.random.default_rng(2)))
    on_beats = {note.beat: note.pitch for note in notes if note.beat % 1 == 0}
    assert sorted(on_beats) == list(range(64))
    assert all(28 <= note.pitch <= 57 for note in notes)
    for begin, _, chord in tune.changes():
        assert on_beats[begin] % 12 == chord.root


def test_the_tune_lands_on_tones_that_fit_the_chord() -> None:
    """A long note is a chord tone, a ninth, a thirteenth or (over dominants) an altered ninth."""
    for note in tune.melody(16, np.random.default_rng(0)):
        chord = next(c for begin, _, c in reversed(tune.changes()) if begin <= note.beat + 0.5)
        if note.beats >= 0.9:
            assert (note.pitch - chord.root) % 12 in {*chord.tones, 2, 9, *(tone % 12 for tone in chord.voicing)}
