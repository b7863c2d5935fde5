"""What was heard against what was sent, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEEDLE = 64


@dataclass(frozen=True)
class Comparison:
    """`compared` frames from the first one sent that falls into the recording; `wrong` are not equal.

    `last_wrong` counts from the start of the stream; -1: none. `heard_at`: recording frame of the first
    frame sent.
    """

    compared: int
    wrong: int
    last_wrong: int
    heard_at: int

    def wrong_after(self, heard: np.ndarray, sent: np.ndarray, frames: int) -> int:
        """Wrong frames when the first `frames` of the stream are left out."""
        return int(np.count_nonzero(_differ(heard, sent, self.heard_at)[frames:]))


def _differ(heard: np.ndarray, sent: np.ndarray, at: int) -> np.ndarray:
    first = max(-at, 0)
    count = min(len(sent), len(heard) - at)
    return heard[at + first : at + count] != sent[first:count]


def compare(heard: np.ndarray, sent: np.ndarray) -> Comparison:
    """Find the stream in the recording by a piece of its noise, then compare everything there is of it.

    Raises:
        AssertionError: the piece is not there: nothing was heard, or it was heard at another place.
    """
    for start in range(len(sent) // 4, len(sent) - NEEDLE, max(1, len(sent) // 64)):
        found = _positions(heard, sent[start : start + NEEDLE])
        if len(found):
            at = int(found[0]) - start
            differ = _differ(heard, sent, at)
            wrong = np.flatnonzero(differ)
            return Comparison(len(differ), len(wrong), int(wrong[-1]) if len(wrong) else -1, at)
    raise AssertionError(
        f"none of {len(sent)} frames sent was found in {len(heard)} frames heard "
        f"(loudest {np.abs(heard).max(initial=0):.3f})"
    )


def _positions(heard: np.ndarray, needle: np.ndarray) -> np.ndarray:
    starts = np.flatnonzero(heard[: len(heard) - len(needle) + 1] == needle[0])
    return np.array([s for s in starts if np.array_equal(heard[s : s + len(needle)], needle)], int)
