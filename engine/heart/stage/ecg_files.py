"""`heart ecg`: a record in; sound, figures and a picture out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from heart.ecg import raw, tone
from heart.ecg.record import Record, find_record, read_record
from heart.ecg.rhythm import AFTER_R_S, report, rr_s
from heart.errors import FileError, UsageError
from heart.guard import Guard
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import LONGEST_S, check_sings, find_label
from heart.sounding.registry import open_voice
from heart.stage import ecg_pulse
from heart.stage.booklet import check_picture, draw
from heart.stage.booklet_panels import Strip
from heart.stage.keeping import SUFFIXES, split, write_pieces
from heart.stage.offline import progress_bar

STYLES = ("raw", "pulse", "tone")
SHIFT_HZ = 110.0
CHUNK_S = 15.0
STRIP_S = 10.0
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


def convert(
    name: str | Path,
    out: Path | None,
    manner: Manner,
    chunk_s: float | None,
    plot: Path | None,
    as_json: bool,
    **span: object,
) -> None:
    """Read a record and do with it what is asked: print its figures, write sound, draw a page.

    `span`: peaks, from_s, to_s, rate_hz, channel as of `read_record`.

    Raises:
        FileError: the record is refused, has no beats to sound, or something cannot be written.
        UsageError: what is asked cannot be.
    """
    console = Console(stderr=True)
    if plot is not None:
        check_picture(plot)
    if chunk_s and out is not None and out.suffix.lower() in SUFFIXES:
        console.print(f"heart: {out} is one file and holds all; name a folder for chunks", highlight=False)
    record = read_record(find_record(name), name=str(name), **span)  # type: ignore[arg-type]
    for note in record.notes:
        console.print(f"heart: {note}", highlight=False, soft_wrap=True)
    figures = report(record)
    if not len(record.beats_s):
        console.print(f"heart: {name}: no beats found in it", highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps(figures), flush=True)
    else:
        print(in_words(record, figures), flush=True)
    if out is None and plot is None:
        return
    sound = sound_of(record, manner)
    kept = _write(sound, out, chunk_s, record, manner.speed, keep=plot is not None)
    if out is not None:
        console.print(f"{out}: {sound.seconds:.2f} s; {sound.says}", highlight=False, soft_wrap=True)
    if plot is not None:
        _draw(plot, record, sound, kept)


def in_words(record: Record, figures: dict[str, object]) -> str:
    """A line for people."""
    kinds = {kind: record.symbols.count(kind) for kind in dict.fromkeys(record.symbols)}
    which = ", ".join(f"{kind} {count}" for kind, count in kinds.items()) if record.source == "annotated" else ""
    words = [f"{record.name}: {record.seconds:.1f} s at {record.rate_hz:g} Hz ({', '.join(record.channels)})"]
    words.append(f"{len(record.beats_s)} beats {record.source}" + (f" ({which})" if which else ""))
    if figures["bpm"] is not None:
        words.append(f"{figures['bpm']:.1f} bpm")
    words += [f"{word} {figures[key]:.0f} ms" for word, key in (("SDNN", "sdnn_ms"), ("RMSSD", "rmssd_ms"))
              if figures[key] is not None]  # fmt: skip
    words += [f"{len(record.gaps)} gaps"] if record.gaps else []
    return "; ".join(words)


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


def _write(
    sound: Sound, out: Path | None, chunk_s: float | None, record: Record, speed: float, keep: bool
) -> np.ndarray:
    """Write the sound into the file or folder; all of it as [n, channels] where it is to be kept."""
    kept: list[np.ndarray] = []

    def noted() -> Iterator[np.ndarray]:
        for piece in sound.pieces:
            if keep:
                kept.append(piece)
            yield piece

    with progress_bar(sound.seconds) as told:
        if out is None:
            for piece in noted():
                told(len(piece) / sound.rate_hz)
        elif out.suffix.lower() in SUFFIXES:
            write_pieces(out, noted(), sound.rate_hz, sound.channels, told=told)
        else:
            frames = max(
                1, round((chunk_s or CHUNK_S) / (1 if sound.rate_hz == record.rate_hz else speed) * sound.rate_hz)
            )
            _write_chunks(sound, noted(), _folder(out), Path(record.name).stem, frames, told)
    return np.concatenate(kept) if kept else np.zeros((0, sound.channels), np.float32)


def _write_chunks(
    sound: Sound, pieces: Iterable[np.ndarray], folder: Path, stem: str, frames: int, told: object
) -> None:
    before_s = 0.0
    for number, stretch in enumerate(split(pieces, frames), 1):
        path = folder / f"{stem}-{number:04d}.wav"
        before_s += write_pieces(path, stretch, sound.rate_hz, sound.channels)
        told(before_s)  # type: ignore[operator]


def _folder(out: Path) -> Path:
    if out.suffix and not out.is_dir():
        raise UsageError(f"{out}: name a .wav or .flac file, or a folder for chunks")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{out}: cannot be made ({error.strerror})") from None
    return out


def _draw(plot: Path, record: Record, sound: Sound, samples: np.ndarray) -> None:
    begin_s = _telling(record)
    first, last = (round(at * record.rate_hz) for at in (begin_s, begin_s + STRIP_S))
    inside = [n for n, at in enumerate(record.beats_s) if begin_s <= at < begin_s + STRIP_S]
    strip = Strip(
        record.samples[first:last, 0], record.rate_hz, begin_s, record.beats_s[inside].tolist(),
        [record.symbols[n] if record.ectopic[n] else "" for n in inside], record.units[0] or "its own unit",
    )  # fmt: skip
    note = f"ECG, {record.channels[0]}, {record.rate_hz:g} Hz  ·  beats {record.source}  ·  {sound.says}"
    title = "/".join(Path(record.name).with_suffix("").parts[-2:])
    draw(
        plot, samples, sound.rate_hz, title=title, note=note, s1_s=sound.beats_s.tolist(),
        rr_s=rr_s(record).tolist(), ectopic=record.ectopic.tolist(), strip=strip,
        beat_word="S1" if "S1" in sound.says else "R",
    )  # fmt: skip


def _telling(record: Record) -> float:
    """Where to begin the strip: where most ectopic beats come within its length, else at the beginning."""
    odd_s = record.beats_s[record.ectopic]
    if not len(odd_s) or record.seconds <= STRIP_S:
        return 0.0
    counts = np.searchsorted(odd_s, odd_s + 0.8 * STRIP_S) - np.arange(len(odd_s))
    return float(np.clip(odd_s[counts.argmax()] - 0.1 * STRIP_S, 0, record.seconds - STRIP_S))
