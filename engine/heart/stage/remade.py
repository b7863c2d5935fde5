"""`heart vary`, `morph`, `continue` and `inpaint`: given sounds in, a new one into a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from heart.audio import resample, write_audio
from heart.errors import FileError, UsageError
from heart.records import SAMPLE_RATE_HZ, Beat
from heart.sounding.beats import systole_ms
from heart.stage.offline import check_name, progress_bar
from heart.stage.sounds import read_sound

if TYPE_CHECKING:
    from heart.sounding.given import Manner

CEILING = 10 ** (-1 / 20)
"""-1 dBFS, as everywhere; a given sound that is louder may stay so."""


def vary_file(path: Path, out: Path, strength: float, follow: bool, **manner: Any) -> None:
    """The sound in `path` re-imagined; with `follow` its beats stay where the ear hears them.

    Raises:
        FileError: the sound cannot be read or the new one not be written.
        UsageError: an argument out of its range.
    """
    check_name(out)
    sound = read_sound(path)
    from heart.sounding.given import vary

    how = _manner(sound if follow else None, manner)
    with progress_bar(len(sound) / SAMPLE_RATE_HZ) as advance:
        new = vary(sound, strength, how, progress=advance)
    _write(out, _scaled(new, [sound]))


def morph_files(
    paths: Sequence[Path],
    out: Path,
    weights: str | None,
    path: Path | None,
    method: str,
    seconds: float | None,
    **manner: Any,
) -> None:
    """Between the sounds in `paths`, by fixed weights or by a file of rows time,weights.

    Raises:
        FileError: a sound or the path file cannot be read, or the new sound not be written.
        UsageError: an argument out of its range, weights that do not fit the sounds.
    """
    check_name(out)
    if weights is not None and path is not None:
        raise UsageError("give --weights or --path, not both")
    rows = read_path(path) if path else ()
    fixed = numbers(weights, "--weights") if weights is not None else None
    sounds = [read_sound(name) for name in paths]
    from heart.sounding.given import morph

    length_s = seconds or max(map(len, sounds)) / SAMPLE_RATE_HZ
    with progress_bar(length_s) as advance:
        new = morph(sounds, fixed, _manner(None, manner), method, rows, seconds, advance)
    _write(out, _scaled(new, sounds))


def continue_file(path: Path, out: Path, seconds: float, **manner: Any) -> None:
    """The sound in `path` and `seconds` more after it, in its own beat where the ear hears one.

    Raises: as `vary_file`.
    """
    check_name(out)
    sound = read_sound(path)
    from heart.sounding.given import extend

    beats = heard_beats(sound) if manner["bpm"] is None else ()
    how, first_s1 = _manner(None, manner), None
    if beats:
        rr_ms = float(np.median([beat.rr_ms for beat in beats]))
        coming = beats[-1].s1 + rr_ms * SAMPLE_RATE_HZ / 1_000
        how, first_s1 = replace(how, bpm=float(np.clip(60_000 / rr_ms, 20, 300))), round(coming)
    with progress_bar(len(sound) / SAMPLE_RATE_HZ + seconds) as advance:
        new = extend(sound, seconds, how, first_s1, advance)
    _write(out, _clipped(new, sound))


def inpaint_file(path: Path, out: Path, from_s: float, to_s: float, **manner: Any) -> None:
    """The sound in `path` with a span of it sung anew, in its own beat where the ear hears one.

    Raises: as `vary_file`.
    """
    check_name(out)
    sound = read_sound(path)
    from heart.sounding.given import inpaint

    how = _manner(sound if manner["bpm"] is None else None, manner)
    with progress_bar(to_s) as advance:
        new = inpaint(sound, from_s, to_s, how, advance)
    _write(out, _clipped(new, sound))


def heard_beats(sound: np.ndarray) -> tuple[Beat, ...]:
    """The beats the ear hears in a sound, at its frames, gaps filled; none where it hears no trustworthy rhythm."""
    from heart.listening import features
    from heart.listening.files import hear
    from heart.listening.weights import load_weights

    found = hear(resample(sound, SAMPLE_RATE_HZ, features.RATE_HZ), load_weights())
    if found["bpm"] is None or len(found["beats"]) < 2:
        return ()
    usual_ms = 60_000 / found["bpm"]
    onsets = [(beat["s1"], beat["s2"]) for beat in found["beats"]]
    filled: list[tuple[float, float | None]] = []
    for (s1, s2), (following, _) in pairwise(onsets):
        missing = max(1, round((following - s1) * 1_000 / usual_ms))
        filled += [(s1 + n * (following - s1) / missing, s2 if n == 0 else None) for n in range(missing)]
    filled.append(onsets[-1])
    ends = [s1 for s1, _ in filled[1:]] + [filled[-1][0] + usual_ms / 1_000]
    return tuple(_beat(n, s1, s2, end) for n, ((s1, s2), end) in enumerate(zip(filled, ends)))


def _beat(n: int, s1_s: float, s2_s: float | None, end_s: float) -> Beat:
    rr_ms = (end_s - s1_s) * 1_000
    s2_s = s1_s + systole_ms(rr_ms) / 1_000 if s2_s is None else s2_s
    return Beat(n, round(s1_s * SAMPLE_RATE_HZ), round(s2_s * SAMPLE_RATE_HZ), rr_ms)


def read_path(path: Path) -> list[tuple[float, list[float]]]:
    """Rows time,weight,weight,... of a text file: seconds and weights that move evenly from row to row.

    Raises FileError when it cannot be read or a row holds something else than numbers.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].lstrip().startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path}: cannot be read as rows of time,weights ({error})") from None
    if not rows:
        raise FileError(f"{path}: holds no rows of time,weights")
    values = [numbers(",".join(row), f"{path}: row {n}") for n, row in enumerate(rows, 1)]
    return [(row[0], row[1:]) for row in values]


def numbers(text: str, what: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"{what}: {text!r} are not numbers with commas between") from None


def _manner(sound: np.ndarray | None, given: dict[str, Any]) -> Manner:
    """How it is sung; with a sound, in the beat that the ear hears in it."""
    from heart.sounding.given import Manner

    return Manner(**given, beats=heard_beats(sound) if sound is not None else ())


def _scaled(new: np.ndarray, given: Sequence[np.ndarray]) -> np.ndarray:
    """Finite, and no louder than -1 dBFS or the loudest given sound."""
    new = np.nan_to_num(new)
    most = max(CEILING, *(float(np.abs(sound).max()) for sound in given))
    return new * np.float32(min(1.0, most / max(float(np.abs(new).max()), 1e-9)))


def _clipped(new: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The same where nothing of the given sound may change: only what is louder is cut."""
    most = np.float32(max(CEILING, float(np.abs(given).max())))
    return np.nan_to_num(new).clip(-most, most)


def _write(out: Path, sound: np.ndarray) -> None:
    write_audio(out, sound, SAMPLE_RATE_HZ, "PCM_24")
    Console(stderr=True).print(f"{out}: {len(sound) / SAMPLE_RATE_HZ:.2f} s", highlight=False)
