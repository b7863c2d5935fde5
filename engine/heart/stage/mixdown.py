"""From the tape to files: faders, two channels, rate, loudness, guard. The order is that of a live client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from heart.errors import FileError, UsageError
from heart.guard import Gain, Guard
from heart.plumbing.desk import Desk, Faders
from heart.records import SAMPLE_RATE_HZ
from heart.stage.playing import Piece

CHANNELS = 2
BLOCK = 65_536
BITS = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}
RATES = (44_100, 48_000, 88_200, 96_000)
LOUDNESS = (-70.0, -5.0)
"""LUFS that can be asked for."""
CLOSING_MS = 10.0
"""The last sound is faded: a score that ends in the middle of one makes no click."""


@dataclass(frozen=True)
class Format:
    """How files are written. `loudness`: integrated, in LUFS (ITU-R BS.1770), None: as it was performed."""

    rate_hz: int = SAMPLE_RATE_HZ
    bits: str = "24"
    loudness: float | None = None

    def check(self, out: Path) -> None:
        """Raises UsageError for what cannot be written."""
        if out.suffix.lower() not in (".wav", ".flac"):
            raise UsageError(f"{out}: the name must end in .wav or .flac")
        if self.rate_hz not in RATES:
            raise UsageError(f"rate {self.rate_hz}: there is {', '.join(map(str, RATES))} Hz")
        if self.bits == "float" and out.suffix.lower() == ".flac":
            raise UsageError(f"{out}: FLAC has 16 or 24 bits; take .wav for float")
        if self.loudness is not None and not LOUDNESS[0] <= self.loudness <= LOUDNESS[1]:
            raise UsageError(
                f"loudness {self.loudness:g}: must lie between {LOUDNESS[0]:g} and {LOUDNESS[1]:g} LUFS"
            )


class Mixer:
    """The desk of a listener who hears all of a performance: pieces in, two channels and each voice out."""

    def __init__(self, voices: int) -> None:
        self._desk = Desk(voices, CHANNELS, Faders())
        self._panic = Gain(SAMPLE_RATE_HZ)
        self._faders, self._muted = Faders(), False

    def mix(self, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
        """Two channels, float32 [n, 2], and each voice at its own fader, [n, voices]."""
        if piece.faders != self._faders:
            self._faders = piece.faders
            self._desk.turn(piece.faders)
        if piece.muted != self._muted:
            self._muted = piece.muted
            (self._panic.mute if piece.muted else self._panic.unmute)()
        voices = self._desk.level(piece.sound)
        dealt = self._panic.process(self._desk.deal(voices))
        return dealt[:, np.arange(CHANNELS) % dealt.shape[1]], voices


@dataclass(frozen=True)
class Level:
    """What a file came to: peak in dBFS, largest DC, integrated loudness in LUFS (None: too short or silent)."""

    peak_db: float
    dc: float
    loudness: float | None


def write_sound(
    out: Path,
    sound: np.ndarray,
    format: Format,
    gain_db: float = 0.0,
    told: Callable[[int], object] = lambda done: None,
) -> Level:
    """Write float32 [n, channels] at 44.1 kHz to `out`, guarded; the file appears when it is whole.

    Raises FileError.
    """
    part = out.with_name(f".{out.name}.part")
    kind = "RF64" if len(sound) * sound.shape[1] * 4 > 3_900_000_000 else None
    options = {"subtype": BITS[format.bits], "format": "FLAC" if out.suffix.lower() == ".flac" else kind or "WAV"}
    closing = round(CLOSING_MS * format.rate_hz / 1_000)
    peak, total, count = 0.0, np.zeros(sound.shape[1]), 0
    try:
        with soundfile.SoundFile(part, "w", format.rate_hz, sound.shape[1], **options) as file:
            for block in _closed(_guarded(sound, format.rate_hz, gain_db), closing):
                file.write(block)
                peak, total, count = (
                    max(peak, float(np.abs(block).max(initial=0))),
                    total + block.sum(0),
                    count + len(block),
                )
                told(count)
        os.replace(part, out)
    except (OSError, soundfile.LibsndfileError) as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{out}: cannot be written ({getattr(error, 'strerror', None) or error})") from error
    return Level(20 * np.log10(peak) if peak else -np.inf, float(np.abs(total / max(count, 1)).max()), None)


def loudness_of(sound: np.ndarray) -> float | None:
    """Integrated loudness in LUFS of float32 [n, channels] at 44.1 kHz; None: silent, or under 0.4 s."""
    import pyloudnorm

    if len(sound) < 0.4 * SAMPLE_RATE_HZ + 1:
        return None
    value = float(pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(np.asarray(sound, np.float64)))
    return value if np.isfinite(value) else None


def _guarded(sound: np.ndarray, rate_hz: int, gain_db: float) -> Iterator[np.ndarray]:
    channels = sound.shape[1]
    guard, gain = Guard(rate_hz, channels), np.float32(10 ** (gain_db / 20))
    resample = None
    if rate_hz != SAMPLE_RATE_HZ:
        resample = soxr.ResampleStream(SAMPLE_RATE_HZ, rate_hz, channels, dtype="float32", quality="HQ")
    for begin in range(0, len(sound), BLOCK):
        block = np.array(sound[begin : begin + BLOCK], np.float32) * gain
        if resample:
            block = resample.resample_chunk(block, last=begin + BLOCK >= len(sound))
        yield guard.process(block)


def _closed(blocks: Iterator[np.ndarray], frames: int) -> Iterator[np.ndarray]:
    """The same blocks; the last `frames` of them all are faded out."""
    held: np.ndarray | None = None
    for block in blocks:
        held = block if held is None else np.concatenate((held, block))
        yield held[: max(0, len(held) - frames)]
        held = held[max(0, len(held) - frames) :]
    if held is not None:
        yield held * (np.arange(len(held) - 1, -1, -1, dtype=np.float32) / frames)[:, np.newaxis]
