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
from heart.errors import UsageError
from heart.guard import Guard
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.sounding.registry import Singer, open_voice

SUFFIXES = (".wav", ".flac")


MOST_S = 600.0
"""Of sound held in memory while a batch is sung."""


def generate_files(
    out: Path,
    count: int | None,
    seed: int = 0,
    batch: int = 1,
    voice: str = "voice-heart",
    sampler: str = "ddim",
    **wishes: Any,
) -> list[Path]:
    """Sing one file, or `count` of them with seeds seed, seed + 1, ... into the folder `out`, `batch` at a time.

    Returns the files written. Raises UsageError for a suffix or a folder that cannot be.
    """
    files = _names(out, count, seed)
    seconds = float(wishes["seconds"])
    size = max(1, min(batch, int(MOST_S / seconds)))
    singer = open_voice(voice, sampler=sampler)
    with progress_bar(len(files) * seconds) as advance:
        for first in range(0, len(files), size):
            seeds = range(seed + first, seed + min(first + size, len(files)))
            sounds = _sing(singer, seeds, partial(_add, advance, first * seconds), wishes)
            for path, sound in zip(files[first:], sounds):
                write_audio(path, guarded(sound), SAMPLE_RATE_HZ, "PCM_24")
    for path in files:
        Console(stderr=True).print(f"{path}: {seconds:g} s", highlight=False)
    return files


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


def _names(out: Path, count: int | None, seed: int) -> list[Path]:
    if count is None:
        if out.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{out}: the name must end in .wav or .flac (or give --count for a folder)")
        if not out.parent.is_dir():
            raise UsageError(f"{out.parent}: no such folder")
        return [out]
    if out.suffix.lower() in SUFFIXES:
        raise UsageError(f"{out}: with --count, -o names a folder")
    out.mkdir(parents=True, exist_ok=True)
    return [out / f"heart-{seed + number:06d}.wav" for number in range(count)]


@contextmanager
def progress_bar(total: float) -> Iterator[Callable[[float], object]]:
    """A bar on a terminal, silence in a log: the line at the end says what was written. Yields its setter."""
    console = Console(stderr=True)
    columns = (
        TextColumn("singing"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)
