"""Long sounds into files as they are made: what was made is kept when something breaks.

A sound grows as OUT.part and gets its name when it is whole. Broken off, by a full disk or by Ctrl-C, it stays
OUT.part, a sound file up to there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import shown
from heart.errors import FileError, UsageError

SUFFIXES = (".wav", ".flac")


def write_pieces(
    path: Path,
    pieces: Iterable[np.ndarray],
    rate_hz: int,
    channels: int,
    subtype: str = "PCM_24",
    told: Callable[[float], object] = lambda seconds: None,
) -> float:
    """Write pieces float [n, channels] (or [n]) to a .wav or .flac file; the seconds written.

    Raises:
        UsageError: another suffix.
        FileError: it cannot be written; the message names what is kept.
    """
    import soundfile as sf

    kind = path.suffix.lower().lstrip(".").upper()
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{shown(path)}: the name must end in .wav or .flac")
    part = path.with_name(path.name + ".part")
    frames = 0
    try:
        part.touch()  # says why it cannot be, where the library knows an error alone
        with sf.SoundFile(part, "w", rate_hz, channels, subtype, format=kind) as file:
            for piece in pieces:
                file.write(piece)
                frames += len(piece)
                told(frames / rate_hz)
        part.replace(path)
    except (OSError, RuntimeError) as error:
        raise FileError(
            f"{shown(path)}: cannot be written ({_reason(error)}){_kept(part, frames, rate_hz)}"
        ) from None
    except BaseException:
        if not frames:
            part.unlink(missing_ok=True)
        raise
    return frames / rate_hz


def split(pieces: Iterable[np.ndarray], frames: int) -> Iterator[Iterator[np.ndarray]]:
    """The same pieces in stretches of so many frames, each an iterator that is to be used up before the next."""
    source = iter(pieces)
    rest: list[np.ndarray] = []

    def stretch() -> Iterator[np.ndarray]:
        left = frames
        while left:
            piece = rest.pop() if rest else next(source, None)
            if piece is None:
                return
            if len(piece) > left:
                rest.append(piece[left:])
            yield piece[:left]
            left -= min(left, len(piece))

    while True:
        if not rest:
            piece = next(source, None)
            if piece is None:
                return
            rest.append(piece)
        yield stretch()


def _kept(part: Path, frames: int, rate_hz: int) -> str:
    if not part.exists():
        return ""
    if not frames:
        part.unlink(missing_ok=True)
        return ""
    return f"; its first {frames / rate_hz:.1f} s are kept as {shown(part.name)}"


def _reason(error: BaseException) -> str:
    reason: Any = getattr(error, "strerror", None) or getattr(error, "error_string", None) or error
    return str(reason).strip().rstrip(".")
