"""`heart ecg`: a record in; sound, figures and a picture out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from heart.audio import shown
from heart.ecg.record import Record, find_record, read_record
from heart.ecg.rhythm import report, rr_s
from heart.errors import FileError, UsageError
from heart.stage.booklet import check_picture, draw
from heart.stage.booklet_panels import Strip
from heart.stage.ecg_styles import Manner, Sound, sound_of
from heart.stage.keeping import SUFFIXES, split, write_pieces
from heart.stage.offline import progress_bar

CHUNK_S = 15.0
STRIP_S = 10.0


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
    if plot is not None:
        check_picture(plot)
    if out is not None and out.suffix.lower() not in ("", *SUFFIXES) and not out.is_dir():
        raise UsageError(f"{out}: name a .wav or .flac file, or a folder for chunks")
    if chunk_s and out is not None and out.suffix.lower() in SUFFIXES:
        _say(f"heart: {out} is one file and holds all; name a folder for chunks")
    record = read_record(find_record(name), name=str(name), **span)  # type: ignore[arg-type]
    for note in record.notes:
        _say(f"heart: {note}")
    figures = report(record)
    if not len(record.beats_s):
        _say(f"heart: {name}: no beats found in it")
    if as_json:
        print(json.dumps(figures), flush=True)
    else:
        print(in_words(record, figures), flush=True)
    if out is None and plot is None:
        return
    sound = sound_of(record, manner)
    kept = _write(sound, out, chunk_s, record, manner.speed, keep=plot is not None)
    if out is not None:
        _say(f"{out}: {sound.seconds:.2f} s; {sound.says}")
    if plot is not None:
        _draw(plot, record, sound, kept)


def _say(text: str) -> None:
    print(shown(text), file=sys.stderr, flush=True)


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
    sound: Sound,
    pieces: Iterable[np.ndarray],
    folder: Path,
    stem: str,
    frames: int,
    told: Callable[[float], object],
) -> None:
    before_s = 0.0
    for number, stretch in enumerate(split(pieces, frames), 1):
        path = folder / f"{stem}-{number:04d}.wav"
        before_s += write_pieces(path, stretch, sound.rate_hz, sound.channels)
        told(before_s)


def _folder(out: Path) -> Path:
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
