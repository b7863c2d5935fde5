"""`heart generate`: the voice's own loop, into files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from heart.audio import write_audio
from heart.errors import UsageError, WireError
from heart.guard import Guard
from heart.namespace import check
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.glide import Glide
from heart.sounding.offline import LONGEST_S, generate
from heart.sounding.registry import Singer, open_voice
from heart.stage.beat_files import read_track
from heart.stage.generate_many import Batch, sing_files
from heart.stage.performance import CLOCK

SUFFIXES = (".wav", ".flac")


DEFAULT_BPM, DEFAULT_SECONDS = 72.0, 10.0
LONGEST_RAMP_S = 3_600.0
MOST_S = 600.0
"""Of sound held in memory while a batch is sung."""


def generate_files(
    out: Path,
    count: int | None,
    seed: int = 0,
    beats: Path | None = None,
    loop: bool = False,
    ramps: Sequence[str] = (),
    bpm: float | None = None,
    seconds: float | None = None,
    batch: int = 1,
    voice: str = "voice",
    sampler: str = "ddim",
    device: str = "cpu",
    jobs: int | None = None,
    cluster: str | None = None,
    **wishes: Any,
) -> list[Path]:
    """Sing one file, or `count` of them with seeds seed, seed + 1, ... into the folder `out`, `batch` at a time.

    With `jobs` or a `cluster` batches are sung side by side (`many.spread`), each voice with one thread.
    Without `bpm` and `seconds` they are those of the `beats` file, else DEFAULT_BPM and DEFAULT_SECONDS.
    Returns the files written. Raises UsageError for a suffix, a folder or a ramp that cannot be.
    """
    files = file_names(out, count, seed)
    track = read_track(beats, loop) if beats else None
    seconds = seconds or (min(track.seconds, LONGEST_S) if track else DEFAULT_SECONDS)
    wishes |= {"track": track, "ramps": dict(map(read_ramp, ramps)), "seconds": seconds}
    wishes["bpm"] = bpm or (track.bpm if track else DEFAULT_BPM)
    size = max(1, min(batch, int(MOST_S / seconds)))
    if (jobs or 1) > 1 or cluster:
        all_seeds = range(seed, seed + len(files))
        batches = [
            Batch(voice, sampler, device, tuple(all_seeds[first : first + size]), wishes, guarded)
            for first in range(0, len(files), size)
        ]
        with progress_bar(len(files)) as advance:
            sing_files(files, batches, jobs, cluster, advance)
        return _told(files, seconds)
    singer = open_voice(voice, sampler=sampler, device=device)
    with progress_bar(len(files) * seconds) as advance:
        for first in range(0, len(files), size):
            seeds = range(seed + first, seed + min(first + size, len(files)))
            sounds = _sing(singer, seeds, partial(_add, advance, first * seconds), wishes)
            for path, sound in zip(files[first:], sounds):
                write_audio(path, guarded(sound), SAMPLE_RATE_HZ, "PCM_24")
    return _told(files, seconds)


def _told(files: list[Path], seconds: float) -> list[Path]:
    for path in files:
        Console(stderr=True).print(f"{path}: {seconds:g} s", highlight=False)
    return files


def read_ramp(text: str) -> tuple[str, Glide]:
    """ "bpm:60:120:10": the beat clock's name of the parameter, and its way from 60 to 120 in the first 10 s.

    Raises UsageError for what is not such a text, and for values out of the parameter's range.
    """
    name, *numbers = text.split(":")
    if name not in CLOCK or len(numbers) != 3:
        raise UsageError(f"--ramp {text}: write it as bpm:60:120:10 (from, to, seconds), for {', '.join(CLOCK)}")
    try:
        before, after, seconds = map(float, numbers)
    except ValueError:
        raise UsageError(f"--ramp {text}: from, to and seconds are numbers") from None
    for value in (before, after):
        try:
            check(f"/heart/set/{name}", (value,))
        except WireError as error:
            raise UsageError(f"--ramp {text}: {error}") from None
    if not 0 < seconds <= LONGEST_RAMP_S:
        raise UsageError(f"--ramp {text}: seconds must be above 0 and at most {LONGEST_RAMP_S:g}")
    return CLOCK[name], Glide(before, after, 0.0, seconds * SAMPLE_RATE_HZ)


def _add(advance: Callable[[float], object], before_s: float, sung_s: float) -> None:
    advance(before_s + sung_s)


def _sing(
    singer: Singer, seeds: Sequence[int], advance: Callable[[float], object], wishes: dict[str, Any]
) -> list[np.ndarray]:
    """A sound for each seed; several at once, where there are several. `advance`: seconds sung, of all of them."""
    sung_s = dict.fromkeys(seeds, 0.0)

    def sing(seed: int) -> np.ndarray:
        def told(seconds: float) -> None:
            sung_s[seed] = seconds
            advance(sum(sung_s.values()))

        return generate(seed=seed, voice=singer, progress=told, **wishes)

    if len(seeds) == 1:
        return [sing(seeds[0])]
    from heart.sounding.together import together

    return together(sing, seeds)


def guarded(sound: np.ndarray) -> np.ndarray:
    """The last stage of every sound that leaves: finite, no DC, at most -1 dBFS. float32 [n] in and out."""
    return Guard(SAMPLE_RATE_HZ, 1).process(np.asarray(sound, np.float32)[:, None])[:, 0]


def file_names(out: Path, count: int | None, seed: int, word: str = "heart") -> list[Path]:
    if count is None:
        check_name(out, " (or give --count for a folder)")
        return [out]
    if out.suffix.lower() in SUFFIXES:
        raise UsageError(f"{out}: with --count, -o names a folder")
    out.mkdir(parents=True, exist_ok=True)
    return [out / f"{word}-{seed + number:06d}.wav" for number in range(count)]


def check_name(out: Path, otherwise: str = "") -> None:
    """Raises UsageError when no sound can be written under this name."""
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{out}: the name must end in .wav or .flac{otherwise}")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder")


@contextmanager
def progress_bar(total: float, word: str = "singing") -> Iterator[Callable[[float], object]]:
    """A bar on a terminal, silence in a log: the line at the end says what was written. Yields its setter."""
    console = Console(stderr=True)
    columns = (
        TextColumn(word),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)
