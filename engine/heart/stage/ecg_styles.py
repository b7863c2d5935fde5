"""The three styles in which an ECG record sounds: what `heart ecg` writes, piece by piece as it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from heart.ecg import raw, tone
from heart.ecg.record import Record
from heart.ecg.rhythm import AFTER_R_S, rr_s
from heart.errors import FileError, UsageError
from heart.guard import Guard
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import LONGEST_S, check_sings, find_label
from heart.sounding.registry import open_voice
from heart.stage import ecg_pulse

SHIFT_HZ = 110.0
MOST_CHANNELS = 2


@dataclass(frozen=True)
class Manner:
    """How a record becomes sound; each style takes what it knows."""

    style: str = "raw"
    transpose_hz: float | None = None
    """raw: None is SHIFT_HZ at speed 1 and nothing at any other."""
    speed: float = 1.0
    own_rate: bool = False
    """raw: the samples themselves, in a file of the record's rate."""
    label: str = "normal"
    coloured: bool = True
    voice: str = "voice-heart"
    steps: int = 8
    seed: int = 0
    stepless: bool = False

    @property
    def shift_hz(self) -> float:
        if self.transpose_hz is None:
            return SHIFT_HZ if self.speed == 1 else 0.0
        return self.transpose_hz


@dataclass(frozen=True)
class Sound:
    """pieces float32 [n, channels] at rate_hz, together `seconds`; says: in words; beats_s: where beats sound."""

    pieces: Iterable[np.ndarray]
    rate_hz: int
    channels: int
    seconds: float
    says: str
    beats_s: np.ndarray


def sound_of(record: Record, manner: Manner) -> Sound:
    """The sound of a record in a style, made as it is taken. Raises FileError without the beats it needs."""
    if not record.samples.size:
        raise FileError(f"{record.name}: has no signals, only annotations; use --beats with it")
    if manner.style == "raw":
        return _raw(record, manner)
    if not len(record.beats_s):
        raise FileError(f"{record.name}: no beats found in it, and style {manner.style} has nothing else to sound")
    _check_length(record, record.seconds)
    return _tone(record, manner) if manner.style == "tone" else _pulse(record, manner)


def _raw(record: Record, manner: Manner) -> Sound:
    samples = record.samples[:, :MOST_CHANNELS]
    if manner.own_rate:
        if record.rate_hz != round(record.rate_hz):
            raise UsageError(
                f"{record.name}: {record.rate_hz:g} Hz is no rate of a sound file; leave --own-rate out"
            )
        says = f"its samples, at its own {record.rate_hz:g} Hz: play it faster to hear it"
        same = [raw.as_it_is(samples, record.rate_hz)]
        return Sound(same, round(record.rate_hz), samples.shape[1], record.seconds, says, record.beats_s)
    seconds = record.seconds / manner.speed
    _check_length(record, seconds)
    says = f"{manner.speed:g} times as fast and as high" if manner.speed != 1 else "in its own time"
    says += f", every frequency {manner.shift_hz:g} Hz higher" if manner.shift_hz else ""
    pieces = _guarded(raw.audible(samples, record.rate_hz, manner.shift_hz, manner.speed), samples.shape[1])
    return Sound(pieces, SAMPLE_RATE_HZ, samples.shape[1], seconds, says, record.beats_s / manner.speed)


def _check_length(record: Record, seconds: float) -> None:
    if seconds > LONGEST_S:
        raise UsageError(
            f"{record.name}: would be {seconds:.0f} s of sound, at most {LONGEST_S:.0f}; take a part (--from, --to)"
        )


def _tone(record: Record, manner: Manner) -> Sound:
    notes = tone.notes_of(record, manner.stepless)
    says = f"{len(notes)} notes: pitch by RR, brightness by ST"
    pieces = _guarded(tone.sound(notes, record.seconds), 2)
    return Sound(pieces, SAMPLE_RATE_HZ, 2, record.seconds, says, record.beats_s)


def _pulse(record: Record, manner: Manner) -> Sound:
    label = find_label(manner.label)
    beats = ecg_pulse.beats_of(record)
    changes = ecg_pulse.labels_along(record, beats, label, manner.coloured)
    for _, name in changes:
        check_sings(manner.voice, ((name, 1.0),))
    total = round(record.seconds * SAMPLE_RATE_HZ)
    singer = open_voice(manner.voice)

    def pieces() -> Iterator[np.ndarray]:
        done, intervals_s = 0, rr_s(record)
        for piece in ecg_pulse.sing(singer, beats, changes, total, manner.seed, manner.steps):
            yield (piece * ecg_pulse.opened(beats, intervals_s, done, len(piece)))[:, None]
            done += len(piece)

    says = f"{len(beats)} beats, S1 {1_000 * AFTER_R_S:.0f} ms after each R"
    s1_s = np.array([beat.s1 for beat in beats]) / SAMPLE_RATE_HZ
    return Sound(_guarded(pieces(), 1), SAMPLE_RATE_HZ, 1, record.seconds, says, s1_s)


def _guarded(pieces: Iterable[np.ndarray], channels: int) -> Iterator[np.ndarray]:
    """The last stage of every sound that leaves at 44.1 kHz."""
    guard = Guard(SAMPLE_RATE_HZ, channels)
    for piece in pieces:
        yield guard.process(piece)
