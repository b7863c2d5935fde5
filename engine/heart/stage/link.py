"""Ableton Link, optional: the heart leads the tempo of every program on the network that follows Link."""

from __future__ import annotations

import importlib.util

from heart.errors import UsageError

SMALLEST_STEP_BPM = 0.2
"""Smaller changes are kept to ourselves: every change moves all peers."""


def check_link() -> None:
    """Raises UsageError when aalink is not installed."""
    if importlib.util.find_spec("aalink") is None:
        raise UsageError("--link needs aalink: pip install 'sounds-of-the-heart[link]'")


class LinkLead:
    """Our place in the Link session. Needs the extra `link` (aalink, GPL-3.0-or-later)."""

    def __init__(self, bpm: float) -> None:
        """Call inside a running loop; see `check_link`."""
        from aalink import Link

        self._link = Link(bpm)
        self._link.enabled = True

    @property
    def peers(self) -> int:
        return int(self._link.num_peers)

    def lead(self, bpm: float) -> None:
        """Give the session this tempo, if it differs audibly from what it has."""
        if abs(bpm - self._link.tempo) >= SMALLEST_STEP_BPM:
            self._link.tempo = bpm

    def leave(self) -> None:
        self._link.enabled = False
