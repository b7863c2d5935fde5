"""Scores rendered side by side, each in a process of its own: a folder of them, or one."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from heart.errors import FileError, HeartError, UsageError
from heart.stage.render import Rendered, Wanted, render

SUFFIXES = (".score", ".jsonl")
"""What of a folder is a score."""


def find_scores(folder: Path, out: Path, wanted: Wanted) -> list[Wanted]:
    """One rendering for each score of a folder, into the folder `out`, named like it, as .wav.

    Raises FileError when there is none, UsageError when `out` is no folder's name.
    """
    scores = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    if not scores:
        raise FileError(f"{folder}: no score in it; they end in {' or '.join(SUFFIXES)}")
    if out.suffix.lower() in (".wav", ".flac") or out.is_file():
        raise UsageError(f"{out}: of a folder of scores, -o names a folder")
    if wanted.plot or wanted.log:
        raise UsageError("--plot and --log are for one score; leave them away with a folder")
    out.mkdir(parents=True, exist_ok=True)
    return [replace(wanted, score=score, out=out / f"{score.stem}.wav") for score in scores]


def render_all(wanted: Sequence[Wanted], jobs: int) -> Iterator[tuple[Wanted, Rendered | HeartError]]:
    """Render all, `jobs` at once; each comes back as it is done, with what came of it or why it could not be.

    A voice has as many threads whatever `jobs` is, so the bytes do not depend on it.
    """
    if jobs == 1 or len(wanted) == 1:
        for each in wanted:
            yield each, _tried(each)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(wanted)), mp_context=context) as pool:
        futures = {pool.submit(_tried, each): each for each in wanted}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _tried(wanted: Wanted) -> Rendered | HeartError:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return render(wanted)
    except HeartError as error:
        return type(error)(str(error)) if type(error).__init__ is HeartError.__init__ else HeartError(str(error))
