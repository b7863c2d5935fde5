"""A folder of scores, rendered side by side on this machine or on a cluster.

On a cluster nothing but the parcel travels: the score, the sounds and beats it needs, and back the finished files.
The voice's weights must be on every worker, and must be the same.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from heart.errors import FileError, HeartError, UsageError
from heart.stage.chunk_log import header_of
from heart.stage.many import spread
from heart.stage.render import Ready, Rendered, Wanted, all_cores, prepare, render, render_ready

SUFFIXES = (".score", ".jsonl")
"""What of a folder is a score."""


@dataclass(frozen=True)
class Parcel:
    """All that a worker needs."""

    wanted: Wanted
    ready: Ready
    weights: str
    """sha256 of the voice's, as they are here."""


@dataclass(frozen=True)
class Returned:
    """What came of it, with the files by name."""

    told: Rendered
    files: dict[str, bytes]


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


def render_all(
    wanted: Sequence[Wanted], jobs: int | None = None, cluster: str | None = None
) -> Iterator[tuple[Wanted, Rendered | HeartError]]:
    """Render all, `jobs` at once or on a cluster; each comes back as it is done, or why it could not be.

    The bytes do not depend on it.
    """
    if cluster is None:
        share = max(1, all_cores() // (jobs or 1))
        here = [replace(each, threads=each.threads or share) for each in wanted]
        for number, result in spread(render, here, jobs):
            yield wanted[number], result
        return
    parcels, sent = [], []
    for each in wanted:
        try:
            parcels.append(pack(each))
            sent.append(each)
        except HeartError as error:
            yield each, error
    if not parcels:
        return
    for number, returned in spread(unpack_and_render, parcels, jobs, cluster):
        yield (
            sent[number],
            returned if isinstance(returned, HeartError) else _put(returned, sent[number].out.parent),
        )


def pack(wanted: Wanted) -> Parcel:
    """Read all that a rendering needs. Raises HeartError."""
    ready = prepare(wanted)
    return Parcel(replace(wanted, threads=wanted.threads or 1), ready, header_of(ready.voice).weights)


def unpack_and_render(parcel: Parcel) -> Returned:
    """On the worker. Raises HeartError."""
    if header_of(parcel.ready.voice).weights != parcel.weights:
        raise HeartError(f"a worker has other weights of {parcel.ready.voice}: install the same models everywhere")
    with tempfile.TemporaryDirectory(prefix="heart-") as folder:
        out = Path(folder) / parcel.wanted.out.name
        told = render_ready(replace(parcel.wanted, out=out), parcel.ready)
        return Returned(told, {path.name: path.read_bytes() for path in (out, *told.stems)})


def _put(returned: Returned, folder: Path) -> Rendered | HeartError:
    """Write the files that came back."""
    told = returned.told
    try:
        for name, content in returned.files.items():
            part = folder / f".{name}.part"
            part.write_bytes(content)
            os.replace(part, folder / name)
    except OSError as error:
        return FileError(f"{folder}: cannot be written ({error.strerror or error})")
    return replace(told, out=folder / told.out.name, stems=tuple(folder / stem.name for stem in told.stems))
