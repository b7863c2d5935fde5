"""The sounds that vary and morph are made from, laid along the tape. numpy only: the engine uses it as well.

A source either stands on the tape once or plays in a loop; which of its samples lies at which tape frame is
arithmetic (frame modulo length), so any second can be asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heart.errors import UsageError
from heart.records import OVERLAP, Source, Wish
from heart.sounding.filterbank import HOP

SEAM = 1_024
"""Samples of cross-fade where a loop closes: 23 ms."""
BLOCK_FRAMES = 1_024
"""Coefficient frames of a source that are inverted together: 0.37 s."""
_REACH = (BLOCK_FRAMES + 512) * HOP
"""A source is given so far beyond both ends of the window that every block of the window lies wholly inside."""
_PAST = 10_240
_TAIL = 6_144
"""More than a window ever takes before its new frames, and behind them."""
SEEN = OVERLAP + 2_048
"""Of what comes after its new frames, a window sees hardly more."""


def span_of(start: int, frames: int) -> tuple[int, int]:
    """The tape frames [begin, end) of a source that a wish for `frames` from `start` on has to carry."""
    return start - _PAST - _REACH, start + frames + OVERLAP + _TAIL + _REACH


def looped(sound: np.ndarray) -> np.ndarray:
    """The sound as a loop without a seam: its end is cross-faded into its beginning, up to 23 ms.

    float32 [n] -> [m], m a multiple of HOP so that every turn has the same coefficient frames.
    """
    seam = min(SEAM, len(sound) // 4)
    length = (len(sound) - seam) // HOP * HOP
    loop = sound[:length].copy()
    fade = np.linspace(0, 1, seam, dtype=np.float32)
    loop[:seam] = loop[:seam] * fade + sound[length : length + seam] * (1 - fade)
    return loop


def source_of(sound: np.ndarray, start: int, frames: int, weight: float = 1.0, loop: bool = False) -> Source:
    """What a wish for `frames` from `start` on carries of a sound that begins at tape frame 0 (or loops)."""
    begin, end = span_of(start, frames)
    return Source(cut(sound, begin, end, loop), begin, weight, len(sound) if loop else 0)


def cut(sound: np.ndarray, begin: int, end: int, loop: bool) -> np.ndarray:
    """float32 [end - begin]: the sound at tape frames begin .. end, silent where there is none of it."""
    if loop:
        return sound[np.arange(begin, end) % len(sound)]
    piece = np.zeros(end - begin, np.float32)
    first, last = max(begin, 0), min(end, len(sound))
    if first < last:
        piece[first - begin : last - begin] = sound[first:last]
    return piece


def share(weights: Sequence[float], count: int) -> list[float]:
    """`count` weights that sum to 1.

    Raises:
        UsageError: another number of weights, one outside 0..1, or all zero.
    """
    if len(weights) != count:
        raise UsageError(f"{len(weights)} weights for {count} sounds: give one for each")
    for weight in weights:
        if not 0 <= weight <= 1:
            raise UsageError(f"weight {weight:g}: must lie between 0 and 1")
    if not sum(weights):
        raise UsageError("all weights are 0: at least one sound has to be heard")
    return [float(weight) / sum(weights) for weight in weights]


def heard_mix(wish: Wish) -> np.ndarray:
    """The sources by their weights, as plain sound: float32 [frames + OVERLAP] from the wish's start on."""
    mix = np.zeros(wish.frames + OVERLAP, np.float32)
    for source in wish.sources:
        at = wish.start - source.begin
        mix += np.float32(source.weight) * cut(source.sound, at, at + len(mix), False)
    return mix


def material_of(wish: Wish) -> bytes:
    """What a wish is made from beside its past and seed, as bytes for a hash; empty for generate."""
    if wish.mode == "generate" or not wish.sources:
        return b""
    how = f"{wish.mode} {wish.method if wish.mode == 'morph' else wish.strength}"
    sources = [f"{s.weight} {s.begin} {s.loop} ".encode() + s.sound.tobytes() for s in wish.sources]
    return b"".join([how.encode(), *sources])
