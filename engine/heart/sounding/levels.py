"""Louder or softer first and second sounds: a smooth gain over sung sound, a function of the beats alone.

The net was trained with pulses of 1 in its beat track. Weaker pulses do make weaker sounds, but by a law of
their own (half a pulse takes 2 dB, a quarter 12), so the level is set where it can be: on what was sung.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heart.records import OVERLAP, SAMPLE_RATE_HZ, Beat, Wish

BEFORE_MS, AFTER_MS, FLANK_MS = 10.0, 130.0, 25.0
"""A sound is turned down from so long before its onset until so long after it; the flanks lie outside."""
LEAST = 1e-3
"""-60 dB: what a level of 0 becomes."""
LEAST_UNDONE = 10 ** (-30 / 20)
"""What was turned down further is not brought back in full: there may be other things in it."""


def without_levels(wish: Wish) -> Wish:
    """The wish with the past it would have, had nothing been turned down: what a net has to continue.

    So a soft S2 in the past does not make the coming ones softer, and a chunk stays a function of its wish.
    """
    curve = level_curve(wish.beats, wish.start + OVERLAP - len(wish.past), len(wish.past))
    return wish if curve is None else replace(wish, past=wish.past / np.maximum(curve, LEAST_UNDONE))


def with_levels(audio: np.ndarray, wish: Wish) -> np.ndarray:
    """The sung sound of a wish, float32 [n], with S1 and S2 at the levels of its beats."""
    curve = level_curve(wish.beats, wish.start, len(audio))
    return audio if curve is None else audio * curve


def level_curve(beats: Sequence[Beat], start: int, count: int) -> np.ndarray | None:
    """The gain of `count` frames from absolute frame `start` on: float32 [count]; None where all is 1.

    Each sound's window ends where the next one's begins, so S1 and S2 of fast hearts keep apart. Flanks are
    cosines in decibels.
    """
    marks = sorted([(beat.s1, beat.gain1) for beat in beats] + [(beat.s2, beat.gain2) for beat in beats])
    if all(gain == 1.0 for _, gain in marks):
        return None
    decibels = np.zeros(count)
    ends = [frame for frame, _ in marks[1:]] + [np.inf]
    for (frame, gain), following in zip(marks, ends):
        if gain != 1.0:
            _turn_down(decibels, frame - start, following - start, 20 * np.log10(max(gain, LEAST)))
    return (10 ** (decibels / 20)).astype(np.float32)


def reach(frame: int) -> int:
    """Where the window of a sound with its onset at `frame` begins."""
    return int(frame - _frames(BEFORE_MS + FLANK_MS))


def _turn_down(decibels: np.ndarray, onset: float, following: float, depth_db: float) -> None:
    """One sound's window, in place. `onset` and `following` in frames from the array's beginning."""
    flank = _frames(FLANK_MS)
    begin = onset - _frames(BEFORE_MS)
    end = min(onset + _frames(AFTER_MS), following - _frames(BEFORE_MS) - flank)
    first, last = max(0, int(begin - flank)), min(len(decibels), int(end + flank) + 1)
    if first >= last:
        return
    frames = np.arange(first, last)
    outside = np.maximum(begin - frames, frames - end).clip(0, flank) / flank
    decibels[first:last] += depth_db * (0.5 + 0.5 * np.cos(np.pi * outside))


def _frames(ms: float) -> float:
    return ms * SAMPLE_RATE_HZ / 1_000.0
