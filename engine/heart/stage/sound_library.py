"""`heart sounds`: makes the sounds the piece needs, as even files, and says which are here.

A file says in its own comment which command made it (and CC0 as its licence), so the README of a folder is written
from what lies in it, and what somebody else put there is never overwritten.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from heart.audio import db_to_gain, write_audio
from heart.errors import FileError, UsageError
from heart.records import SAMPLE_RATE_HZ
from heart.stage.offline import progress_bar
from heart.stage.shipped_sounds import SOUNDS, Entry, Progress, beats_of

LOUDNESS_LUFS = -23.0
"""Integrated loudness of every sound, that of European broadcasting (EBU R 128): room for any crest."""
CEILING_DBFS = -1.0
COMMAND = "heart sounds build"
README = "README.md"
TITLE = "# Sounds"
LICENCE = "CC0-1.0"


def build(names: Sequence[str], folder: Path, seed: int = 0) -> list[Path]:
    """Make the sounds called `names` (all without any) in a folder, and its README. Returns the files written.

    Raises:
        UsageError: a name that is none. FileError: the folder cannot be written, or holds a foreign file so named.
    """
    entries = find(names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: cannot be made ({error.strerror})") from None
    for name in [*(entry.file for entry in entries), README]:
        if (folder / name).exists() and not _is_ours(folder / name):
            raise FileError(
                f"{folder / name}: was not made by {COMMAND}; move it away, or name another folder with -o"
            )
    console, done = Console(stderr=True), 0.0
    with progress_bar(sum(entry.cost for entry in entries), "making") as advance:
        for entry in entries:
            told = lambda part, entry=entry, done=done: advance(done + entry.cost * part)  # noqa: E731
            _write(folder / entry.file, entry, seed, told)
            advance(done := done + entry.cost)
    write_readme(folder)
    for entry in entries:
        console.print(f"{folder / entry.file}: {described(folder / entry.file, entry)}", highlight=False)
    return [folder / entry.file for entry in entries]


def find(names: Sequence[str]) -> list[Entry]:
    """The entries called so, in the order of the list; all of them without any name."""
    known = {entry.name: entry for entry in SOUNDS}
    for name in names:
        if name not in known:
            raise UsageError(f"sound {name!r}: there is none; take {', '.join(known)}")
    return [entry for entry in SOUNDS if not names or entry.name in names]


def sound_of(entry: Entry, seconds: float, seed: int, told: Progress = lambda part: None) -> np.ndarray:
    """The sound as it goes into the file: float64 [n] at LOUDNESS_LUFS, at most CEILING_DBFS, without DC."""
    assert entry.make
    sound = np.asarray(entry.make(seconds, seed, told), np.float64)
    return even(sound - sound.mean())


def even(sound: np.ndarray) -> np.ndarray:
    """float64 [n] at the loudness and below the ceiling of all; bends what stands out, sample by sample, so a loop
    stays one."""
    from pyloudnorm import Meter

    meter = Meter(SAMPLE_RATE_HZ)
    for _ in range(4):
        sound = sound * db_to_gain(LOUDNESS_LUFS - meter.integrated_loudness(sound))
        sound = _bent(sound)
    return sound


def _bent(sound: np.ndarray) -> np.ndarray:
    """Peaks above a knee 5 dB under the ceiling, bent below it; all else as it is."""
    ceiling = db_to_gain(CEILING_DBFS - 0.01)
    knee = ceiling * db_to_gain(-5)
    over = np.maximum(np.abs(sound) - knee, 0) / (ceiling - knee)
    return np.where(over > 0, np.sign(sound) * (knee + (ceiling - knee) * np.tanh(over)), sound)


def _write(path: Path, entry: Entry, seed: int, told: Progress) -> None:
    made_by = f"{COMMAND} {entry.name} --seed {seed}"
    if entry.make:
        tags = {"title": entry.name, "comment": made_by, "license": LICENCE}
        write_audio(path, sound_of(entry, entry.seconds, seed, told), SAMPLE_RATE_HZ, "PCM_16", tags)
        return
    rows = [f"{beat.rr_ms / 1000:.4f}" for beat in beats_of(seed)]
    _write_text(path, "\n".join([f"# {made_by}; {LICENCE}", f"# {entry.what}", "rr_s", *rows, ""]))


def _write_text(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise FileError(f"{path}: cannot be written ({error.strerror})") from error


def made_by(path: Path) -> str:
    """The command that made a file, as the file says; "" when it says none or cannot be read."""
    import soundfile

    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", errors="replace") as file:
                said = file.readline(200).removeprefix("# ").split(";")[0].strip()
        else:
            with soundfile.SoundFile(path) as sound:
                said = sound.comment
    except (OSError, RuntimeError):
        return ""
    return said if said.startswith(COMMAND) else ""


def _is_ours(path: Path) -> bool:
    if path.name == README:
        return path.read_bytes().startswith(TITLE.encode())
    return bool(made_by(path))


def described(path: Path, entry: Entry) -> str:
    """Its length, as it lies there; "missing" when it does not."""
    import soundfile

    if not path.is_file():
        return "missing"
    try:
        if entry.make:
            return f"{soundfile.info(path).duration:.1f} s"
        rows = [float(row) for row in path.read_text(encoding="utf-8").split("\n") if row[:1].isdigit()]
    except (OSError, RuntimeError, ValueError):
        return "cannot be read"
    return f"{sum(rows):.0f} s, {len(rows)} beats"


def listed(folder: Path) -> Iterator[str]:
    """A line for each sound: name, length, whether it loops, what it is."""
    for entry in SOUNDS:
        loop = "loop" if entry.loop else ""
        yield f"{entry.file:22} {described(folder / entry.file, entry):16} {loop:5} {entry.what}"


def write_readme(folder: Path) -> None:
    """The table of what lies in a folder, from the list and the files themselves."""
    rows = [
        f"| `{entry.file}` | {entry.what} | {described(path, entry)} | {'yes' if entry.loop else 'no'} | "
        f"`{(command := made_by(path))}` | {command.rpartition(' ')[2]} | CC0 |"
        for entry in SOUNDS
        if (path := folder / entry.file).is_file()
    ]
    _write_text(folder / README, _README.format(rows="\n".join(rows), lufs=LOUDNESS_LUFS, ceiling=CEILING_DBFS))


_README = f"""{TITLE}

Made by the project's own synthesis (`engine/heart/sounding/foley`) and voice; no recording is in here. CC0: do with
them what you like. `{COMMAND}` makes them all, `{COMMAND} NAME ...` some, and writes this page.

| file | what | length | loop | made by | seed | licence |
|---|---|---|---|---|---|---|
{{rows}}

44.1 kHz, 16 bit, one channel, as the engine mixes a loaded sound to one; integrated loudness {{lufs:g}} LUFS,
peaks at most {{ceiling:g}} dBFS. Loops close without a seam. The same command makes the same file, byte for byte,
on one machine with the same numpy and onnxruntime; another seed makes another rain, another heart, another solo.
"""
