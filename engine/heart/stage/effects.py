"""What a performance decides, for others to do: the effects of a message. Frozen records, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Origin = Any
"""Hashable: who sent a message; handed back in `Say.to`, never looked into."""


@dataclass(frozen=True)
class Say:
    """Answer one sender."""

    to: Origin
    address: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Tell:
    """Tell those who asked to `listen`, except the one it came from."""

    address: str
    args: tuple[Any, ...]
    to: frozenset[Origin]
    except_for: Origin | None = None


@dataclass(frozen=True)
class Turn:
    """A setting outside the voice: gain or the level of a voice (dB), lead_ms, ear_hop or ear_window (s)."""

    name: str
    value: float


@dataclass(frozen=True)
class SingAgain:
    """What is not yet sent no longer fits: sing it again. `beats`: the schedule changed too."""

    beats: bool


@dataclass(frozen=True)
class Downbeat:
    """Find the tape frame that `to` hears in `in_ms`, or when its ring next plays `offset`, and call `downbeat`."""

    to: Origin
    in_ms: float = 0.0
    offset: int | None = None


@dataclass(frozen=True)
class Mute:
    on: bool


@dataclass(frozen=True)
class Sync:
    """Answer `/heart/synced number` to `to` when all slow work asked for before is done."""

    to: Origin
    number: int


@dataclass(frozen=True)
class Quit:
    to: Origin


@dataclass(frozen=True)
class Load:
    """Read the sound `name` into `slot` (None: empty the slot) and tell `to` when it is done or cannot be."""

    to: Origin
    slot: int
    name: str | None


@dataclass(frozen=True)
class LoadBeats:
    """Read the beats of mode track from the file `name` and tell `to` when it is done or cannot be."""

    to: Origin
    name: str


Effect = Say | Tell | Turn | SingAgain | Downbeat | Mute | Sync | Quit | Load | LoadBeats
