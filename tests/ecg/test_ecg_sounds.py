"""An ECG as sound: what each style promises, measured in its samples."""

from __future__ import annotations

import numpy as np
import pytest
from small_ecg import BEATS_S, RATE_HZ, SECONDS, ecg, small_record

from heart.ecg import raw, tone
from heart.ecg.record import Record
from heart.records import SAMPLE_RATE_HZ


@pytest.fixture
def record() -> Record:
    return small_record()


def test_as_it_is_the_samples_are_the_sound(record: Record) -> None:
    sound = raw.as_it_is(record.samples, record.rate_hz)
    assert sound.shape == record.samples.shape
    assert np.corrcoef(sound[:, 0], record.samples[:, 0])[0, 1] > 0.99999
    assert np.abs(sound).max() == pytest.approx(raw.PEAK, rel=1e-5)


def test_transposed_every_frequency_lies_so_much_higher_in_the_same_time() -> None:
    times_s = np.arange(20 * RATE_HZ) / RATE_HZ
    slow = np.sin(2 * np.pi * 10 * times_s)[:, None]
    sound = np.concatenate(list(raw.audible(slow, RATE_HZ, shift_hz=110.0)))[:, 0]
    assert len(sound) == pytest.approx(20 * SAMPLE_RATE_HZ, abs=2)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    pitches = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    assert pitches[power.argmax()] == pytest.approx(120, abs=0.2)
    mirror = power[np.abs(pitches - 100) < 1].max()
    assert 10 * np.log10(power.max() / mirror) > 60, "one side band, not two"


def test_faster_is_higher_and_shorter() -> None:
    slow = np.sin(2 * np.pi * 10 * np.arange(20 * RATE_HZ) / RATE_HZ)[:, None]
    sound = np.concatenate(list(raw.audible(slow, RATE_HZ, shift_hz=0.0, speed=20)))[:, 0]
    assert len(sound) == pytest.approx(SAMPLE_RATE_HZ, abs=2)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)[power.argmax()] == pytest.approx(200, abs=1)


def test_what_is_missing_is_silent_and_comes_back_without_a_click() -> None:
    signal = ecg()[:, None].copy()
    signal[5 * RATE_HZ : 8 * RATE_HZ] = np.nan
    sound = np.concatenate(list(raw.audible(signal, RATE_HZ, shift_hz=110.0)))[:, 0]
    assert np.isfinite(sound).all()
    silent = sound[round(5.1 * SAMPLE_RATE_HZ) : round(7.9 * SAMPLE_RATE_HZ)]
    assert np.abs(silent).max() < 1e-3
    assert np.abs(np.diff(sound)).max() < 0.05, "nothing jumps"
    assert np.abs(raw.as_it_is(np.full((500, 1), np.nan), RATE_HZ)).max() == 0


def test_a_note_falls_on_every_beat_and_shorter_intervals_are_higher(record: Record) -> None:
    notes = tone.notes_of(record, stepless=True)
    assert [note.at_s for note in notes] == pytest.approx(BEATS_S.tolist(), abs=0.01)
    rr = np.diff(BEATS_S)
    pitches = np.array([note.hz for note in notes[:-1]])
    assert (np.argsort(pitches)[[0, -1]] == [rr.argmax(), rr.argmin()]).all()
    assert np.corrcoef(np.log2(pitches), -np.log2(rr))[0, 1] > 0.98
    assert [note.fifth for note in notes].count(True) == 1
    stepped = {round(12 * np.log2(note.hz / tone.CENTRE_HZ)) % 12 for note in tone.notes_of(record)}
    assert stepped <= set(tone.PENTATONIC)


@pytest.mark.parametrize("st_mv", [-0.2, 0.0, 0.3])
def test_the_st_level_is_measured_and_makes_the_note_brighter(st_mv: float) -> None:
    record = small_record(ecg(st_mv=st_mv))
    assert np.median(tone.st_levels(record)) == pytest.approx(st_mv, abs=0.02)
    wanted = np.clip(tone.FLAT + tone.BRIGHTNESS_PER_MV * st_mv, tone.DARK, tone.BRIGHT)
    assert np.median([note.bright for note in tone.notes_of(record)]) == pytest.approx(wanted, abs=0.03)


def test_brightness_is_heard_as_overtones() -> None:
    def centre_hz(bright: float) -> float:
        sound = np.concatenate(list(tone.sound([tone.Note(0.1, 220.0, bright)], 2.0)))[:, 0]
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float((np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ) * power).sum() / power.sum())

    assert centre_hz(0.1) < centre_hz(0.4) < centre_hz(0.8)
    assert centre_hz(0.1) == pytest.approx(220, rel=0.1)


def test_notes_sound_when_they_should_across_blocks_and_without_clicks(record: Record) -> None:
    notes = tone.notes_of(record)
    sound = np.concatenate(list(tone.sound(notes, SECONDS)))
    assert sound.shape == (round(SECONDS * SAMPLE_RATE_HZ), 2)
    assert np.abs(sound).max() < 1
    assert np.abs(np.diff(sound, axis=0)).max() < 0.05
    alone = np.concatenate(list(tone.sound([tone.Note(9.9, 220.0, 0.3)], 20.0)))
    moved = np.concatenate(list(tone.sound([tone.Note(4.9, 220.0, 0.3)], 20.0)))
    shift = 5 * SAMPLE_RATE_HZ
    assert np.array_equal(alone[shift:], moved[:-shift]), "a note goes on over the border of a block"
