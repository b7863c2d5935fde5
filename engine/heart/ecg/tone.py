"""An ECG as notes: the pitch of each beat is its RR interval, its brightness the level of the ST segment.

Pitch for the interval between beats is the practice since Ballora, Pennycook, Ivanov, Glass and Goldberger, "Heart
Rate Sonification" (Leonardo 37(1), 2004); timbre for the ST segment follows Aldana Blanco, Grautoff and Hermann,
"ECG sonification to support the diagnosis and monitoring of myocardial infarction" (Journal on Multimodal User
Interfaces 14, 2020), whose best detected design lets a raised ST segment change the formants of a voice. Here:

    pitch        A3 at the median interval; an interval shorter by a factor of 1.41 is an octave higher; in the
                 steps of a pentatonic scale, or without steps
    brightness   dark below the line between the beats, more overtones the higher ST rises above it
    ectopic      a fifth below sounds as well; ventricular beats on the left, atrial ones on the right
    gap          silence

An instrument: no diagnosis can be heard in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from heart.ecg.record import Record
from heart.ecg.rhythm import rr_s
from heart.records import SAMPLE_RATE_HZ

CENTRE_HZ = 220.0
OCTAVES_PER_DOUBLING = 2.0
"""Of the rate: a heart moves little, and half a tone more for every beat a minute can be heard."""
MOST_OCTAVES = 2.0
PENTATONIC = np.array([0, 2, 4, 7, 9])
"""Semitones above the root."""
OVERTONES = 12
DARK, BRIGHT, BRIGHTNESS_PER_MV = 0.08, 0.85, 1.3
FLAT = 0.35
"""Brightness where ST lies on the line."""
LEVEL = 0.28
DECAY_S, NOTE_S, ATTACK_S, RELEASE_S = 0.42, 1.5, 0.006, 0.08
BASELINE_S, ST_S = (-0.10, -0.06), (0.10, 0.14)
"""Spans about R: the PR segment, and 60 to 80 ms after the J point, which is about 50 ms after R."""
BLOCK_S = 10.0
VENTRICULAR, ATRIAL = frozenset("VEFrfn/"), frozenset("AaJS")


@dataclass(frozen=True)
class Note:
    """at_s: when; hz: how high; bright 0..1; side -1 (left) .. 1 (right); fifth: with a fifth below."""

    at_s: float
    hz: float
    bright: float
    side: float = 0.0
    fifth: bool = False


def st_levels(record: Record) -> np.ndarray:
    """Level of the ST segment of each beat against the line before it, in mV: float64 [beats], 0 where unknown.

    Of the first channel. Where its unit is another, an R wave of the usual height counts as 1 mV.
    """
    signal = np.nan_to_num(record.samples[:, 0].astype(np.float64))
    at = np.round(record.beats_s * record.rate_hz).astype(np.int64)
    line, level = (_mean_about(signal, at, record.rate_hz, span) for span in (BASELINE_S, ST_S))
    found = level - line
    if record.units[0].strip().lower() != "mv":
        height = np.median(np.abs(signal[at.clip(0, len(signal) - 1)] - line)) if len(at) else 0.0
        found = found / max(float(height), 1e-9)
    return np.where(np.isfinite(found), found, 0.0)


def _mean_about(signal: np.ndarray, at: np.ndarray, rate_hz: float, span_s: tuple[float, float]) -> np.ndarray:
    """Mean of the samples in a span about each place: float64 [places]."""
    offsets = np.arange(round(span_s[0] * rate_hz), max(round(span_s[1] * rate_hz), round(span_s[0] * rate_hz) + 1))
    return np.asarray(signal[(at[:, None] + offsets).clip(0, len(signal) - 1)].mean(1))


def notes_of(record: Record, stepless: bool = False) -> list[Note]:
    """A note for each beat; the last beat before a gap keeps the pitch of the one before it."""
    intervals = np.append(rr_s(record), np.nan)[: len(record.beats_s)]
    usual = float(np.nanmedian(intervals)) if np.isfinite(intervals).any() else 1.0
    for number in range(1, len(intervals)):
        if not np.isfinite(intervals[number]):
            intervals[number] = intervals[number - 1]
    octaves = OCTAVES_PER_DOUBLING * np.log2(usual / np.where(np.isfinite(intervals), intervals, usual))
    semitones = 12 * octaves.clip(-MOST_OCTAVES, MOST_OCTAVES)
    semitones = semitones if stepless else _stepped(semitones)
    bright = (FLAT + BRIGHTNESS_PER_MV * st_levels(record)).clip(DARK, BRIGHT)
    return [
        Note(float(at_s), float(CENTRE_HZ * 2 ** (up / 12)), float(shine), _side(symbol), bool(ectopic))
        for at_s, up, shine, symbol, ectopic in zip(
            record.beats_s, semitones, bright, record.symbols, record.ectopic
        )
    ]


def _side(symbol: str) -> float:
    return -0.6 if symbol in VENTRICULAR else 0.6 if symbol in ATRIAL else 0.0


def _stepped(semitones: np.ndarray) -> np.ndarray:
    """The nearest steps of the pentatonic scale."""
    scale = np.concatenate([PENTATONIC + 12 * octave for octave in range(-4, 4)])
    return np.asarray(scale[np.abs(semitones[:, None] - scale).argmin(1)], float)


def sound(notes: list[Note], seconds: float) -> Iterator[np.ndarray]:
    """Pieces of the notes' sound, float32 [frames, 2] at 44.1 kHz, together round(seconds * 44100) frames."""
    total, block = round(seconds * SAMPLE_RATE_HZ), round(BLOCK_S * SAMPLE_RATE_HZ)
    tail = round(NOTE_S * SAMPLE_RATE_HZ) + 1
    carried = np.zeros((tail, 2), np.float32)
    coming = sorted(notes, key=lambda note: note.at_s)
    for first in range(0, total, block):
        piece = np.zeros((block + tail, 2), np.float32)
        piece[:tail] = carried
        while coming and (at := round(coming[0].at_s * SAMPLE_RATE_HZ)) < first + block:
            note = coming.pop(0)
            wave = _wave(round(note.hz, 2), round(16 * note.bright), note.fifth)
            angle = (note.side + 1) * np.pi / 4
            piece[at - first : at - first + len(wave)] += wave[:, None] * np.array(
                (np.cos(angle), np.sin(angle)), np.float32
            )
        carried = piece[block:]
        yield piece[: min(block, total - first)]


@lru_cache(maxsize=256)
def _wave(hz: float, bright: int, fifth: bool) -> np.ndarray:
    """One note: a struck string of OVERTONES, float32 [frames]; bright in sixteenths."""
    times_s = np.arange(round(NOTE_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    voices = [(hz, 1.0), (hz * 2 / 3, 0.8)] if fifth else [(hz, 1.0)]
    wave = sum(
        (level * _string(times_s, pitch_hz, bright / 16) for pitch_hz, level in voices), np.zeros(len(times_s))
    )
    rise = 0.5 - 0.5 * np.cos(np.pi * (times_s / ATTACK_S).clip(0, 1))
    fall = 0.5 - 0.5 * np.cos(np.pi * ((NOTE_S - times_s) / RELEASE_S).clip(0, 1))
    return (LEVEL * wave * rise * fall).astype(np.float32)


def _string(times_s: np.ndarray, hz: float, bright: float) -> np.ndarray:
    """Harmonics, each weaker than the one below by `bright` and fading sooner, of equal power together."""
    number = np.arange(1, OVERTONES + 1)
    number = number[number * hz < 12_000]
    levels = bright ** (number - 1.0)
    levels /= np.sqrt((levels**2).sum())
    decay = np.exp(-times_s / (DECAY_S / np.sqrt(number))[:, None])
    return np.asarray((levels[:, None] * decay * np.sin(2 * np.pi * hz * number[:, None] * times_s)).sum(0))
