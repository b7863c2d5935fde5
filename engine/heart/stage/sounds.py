"""The sounds that vary and morph are made from on stage: slots filled from one folder, and the live input.

Nothing here waits: a file is read by `read_sound` in a thread of its own, and `put` when it is there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from heart.apart import read_apart
from heart.audio import read_audio, shown
from heart.errors import FileError, UsageError
from heart.records import SAMPLE_RATE_HZ, SLOTS, Source
from heart.sounding.sources import SEEN, share, source_of, span_of

MOST_NAME_BYTES = 240
"""Most file systems end at 255, and what is named beside a sound needs some of them."""
SHORTEST_S = 0.05
LONGEST_S = 1_800.0
LIVE_LONGEST_S = 300.0
"""A slot holds five minutes (53 MB); all eight together stay well below a laptop's memory."""
SILENT = 1e-4
"""-80 dBFS: below the noise of any microphone."""
_INPUT_S = 12.0
_SPARE = SAMPLE_RATE_HZ // 2
"""So much later than the first wish needs is the input sung: then the reserve can fill up."""
_LAG = 3 * _SPARE
"""The input may run so far ahead of what is sung before what is sung jumps after it."""


def read_sound(path: str | os.PathLike[str], longest_s: float = LONGEST_S, apart: bool = False) -> np.ndarray:
    """A sound to make another from: float32 [n] at 44.1 kHz, channels averaged. `apart`: in a process of its own.

    Raises:
        FileError: see `heart.audio.read_audio`; or it is shorter than 50 ms, longer than `longest_s`, or silent.
    """
    bytes_ = int(longest_s * SAMPLE_RATE_HZ) * 4 + SAMPLE_RATE_HZ
    if apart:
        sound = read_apart(path, SAMPLE_RATE_HZ, longest_s, bytes_)
    else:
        sound, _ = read_audio(path, rate_hz=SAMPLE_RATE_HZ, max_seconds=longest_s, max_bytes=bytes_)
    if len(sound) < SHORTEST_S * SAMPLE_RATE_HZ:
        raise FileError(
            f"{shown(path)}: lasts {len(sound) / SAMPLE_RATE_HZ * 1e3:.0f} ms; give one of at least 50 ms"
        )
    if np.abs(sound).max() < SILENT:
        raise FileError(f"{shown(path)}: is silent; there is nothing in it to sing from")
    return sound


def find_sound(folder: Path | None, name: str) -> Path:
    """The file called `name` in the one folder that sounds may come from.

    Raises:
        UsageError: there is no such folder, or `name` is a path or a link that leads out of it.
    """
    if folder is None:
        raise UsageError("no sounds can be loaded: start the engine with --sounds FOLDER")
    plain = all(kind(name).name == name for kind in (PurePosixPath, PureWindowsPath))
    if not plain or name in (".", "..") or ":" in name:
        raise UsageError(f"sound {shown(name)!r}: give the name of a file in the folder of --sounds, not a path")
    if len(os.fsencode(name)) > MOST_NAME_BYTES:
        raise UsageError(f"sound {shown(name)[:20]!r}...: no file has so long a name")
    path = Path(os.path.realpath(folder / name))
    if path.parent != Path(os.path.realpath(folder)):
        raise UsageError(f"sound {shown(name)!r}: leads out of the folder of --sounds")
    return path


class Sounds:
    """What is loaded, how it is weighted, and what was heard last. No file, no clock."""

    def __init__(self) -> None:
        self.slots: dict[int, np.ndarray] = {}
        self.weights: tuple[float, ...] = (1.0,) * SLOTS
        """Of slots 1, 2, ...; those of empty slots do not count."""
        self.input = Input()

    def put(self, slot: int, loop: np.ndarray) -> None:
        """A loop (see `sounding.sources.looped`) into a slot."""
        self.slots[slot] = loop

    def clear(self, slot: int) -> None:
        """Empty a slot, loaded or not."""
        self.slots.pop(slot, None)

    def weigh(self, weights: Sequence[float]) -> None:
        """Weights of slots 1, 2, ...; the rest weigh nothing. Raises UsageError when all are 0."""
        share(weights, len(weights))
        self.weights = (*weights, *[0.0] * (SLOTS - len(weights)))

    def sources(self, mode: str, source: str, start: int, frames: int) -> tuple[Source, ...]:
        """What a wish for `frames` from `start` on is made from; nothing when nothing fitting is there."""
        if mode == "vary" and source == "input":
            return self.input.sources(start, frames)
        if mode == "vary":
            chosen = {int(source.removeprefix("slot")): 1.0}
        else:
            chosen = dict(enumerate(self.weights, 1)) if mode == "morph" else {}
        heard = {slot: weight for slot, weight in chosen.items() if weight > 0 and slot in self.slots}
        total = sum(heard.values())
        return tuple(
            source_of(self.slots[slot], start, frames, weight / total, loop=True) for slot, weight in heard.items()
        )


class Input:
    """The last seconds of what the ear was given, and where on the tape they are sung.

    What is sung now has not been heard yet, so the input is sung as much later as it takes for all of a wish's
    window to have been heard. That delay stays the same from wish to wish, unless the input falls behind or runs
    ahead.
    """

    def __init__(self) -> None:
        self._ring = np.zeros(int(_INPUT_S * SAMPLE_RATE_HZ), np.float32)
        self.heard = 0
        """Samples pushed so far."""
        self._heard_then = 0
        """... when the last wish was made."""
        self._delay = -(10**12)
        """Tape frame minus input sample."""

    def push(self, sound: np.ndarray) -> None:
        """More of it: float32 [n] at 44.1 kHz."""
        sound = sound[-len(self._ring) :]
        at = (self.heard + np.arange(len(sound))) % len(self._ring)
        self._ring[at] = sound
        self.heard += len(sound)

    def sources(self, start: int, frames: int) -> tuple[Source, ...]:
        """The input around a wish, or nothing when nothing has been heard, or nothing more for a while."""
        needed = start + frames + SEEN
        ahead = self.heard - (needed - self._delay)
        stands, self._heard_then = self.heard == self._heard_then, self.heard
        if not self.heard or (ahead < 0 and stands):
            return ()
        if not 0 <= ahead <= _LAG:
            self._delay = needed + _SPARE - self.heard
        begin, end = (frame - self._delay for frame in span_of(start, frames))
        oldest = max(0, self.heard - len(self._ring))
        known = self._read(max(begin, oldest), min(end, self.heard))
        return (Source(known, max(begin, oldest) + self._delay),)

    def _read(self, begin: int, end: int) -> np.ndarray:
        return self._ring[np.arange(begin, max(begin, end)) % len(self._ring)]
