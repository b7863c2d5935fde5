"""Holes in a stream, so that they do not click: what was heard last goes on for a moment, what comes next fades in.

    before the hole | turned about its last sample, faded out in 5 ms | silence | faded in over 5 ms

Turned by half a turn, the sound goes on at its own level and in its own direction, so there is neither a step nor a
kink. What begins softly by itself, as every stream of the engine does, is left as it is.
"""

from __future__ import annotations

import numpy as np

FADE_MS = 5.0
KNEE, CEILING = 0.7, 0.891
"""The turned sound may reach three times the level of the sound before: above the knee it bends to the ceiling."""
SOFT = 0.002
"""A first sample, and a first step, of no more than this is no click."""


class Concealer:
    """One stream of several channels. One thread at a time."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._frames = max(2, round(FADE_MS * rate_hz / 1000))
        turn = np.arange(1, self._frames + 1) / self._frames
        self._fall = (0.5 + 0.5 * np.cos(np.pi * turn)).astype(np.float32)[:, np.newaxis]
        self._past = np.zeros((self._frames + 1, channels), dtype=np.float32)
        self._tail = np.zeros((0, channels), dtype=np.float32)
        """What is still to be added of the sound that goes on."""
        self._risen = 0
        """Frames since the last hole, up to the length of a fade; 0 in a hole and before the first sound."""
        self.holes = 0

    def process(self, sound: np.ndarray, here: np.ndarray) -> np.ndarray:
        """The next frames: `sound` float32 [n, channels], and which of them came, bool [n]; the same, mended."""
        if here.all() and self._risen >= self._frames and not len(self._tail):
            self._remember(sound)
            return sound
        edges = np.flatnonzero(np.diff(here)) + 1
        return np.concatenate([sound[:0], *map(self._stretch, np.split(sound, edges), np.split(here, edges))])

    def _stretch(self, sound: np.ndarray, here: np.ndarray) -> np.ndarray:
        """Frames that all came, or of which none did."""
        if not len(here):
            return sound
        out = self._rising(sound) if here[0] else self._missing(sound)
        count = min(len(out), len(self._tail))
        out[:count] += self._tail[:count]
        self._tail = self._tail[count:]
        self._remember(out)
        return out

    def _missing(self, sound: np.ndarray) -> np.ndarray:
        if self._risen:
            self.holes += 1
            self._risen = 0
            self._tail = self._turned()
        return np.zeros_like(sound)

    def _rising(self, sound: np.ndarray) -> np.ndarray:
        if not self._risen and _begins_softly(sound):
            self._risen = self._frames
        gain = 1 - self._fall[self._risen : self._risen + len(sound)]
        self._risen = min(self._frames, self._risen + len(sound))
        out = sound.copy()
        out[: len(gain)] *= gain
        return out

    def _turned(self) -> np.ndarray:
        """The last sound turned by half a turn about its last sample, fading."""
        last = self._past[-1]
        sound = 2 * last - self._past[-2::-1]
        level = np.abs(sound)
        knee = np.maximum(KNEE, np.abs(last))
        room = np.maximum(CEILING - knee, 1e-6)
        bent = knee + room * np.tanh((level - knee) / room)
        return np.where(level > knee, np.sign(sound) * bent, sound).astype(np.float32) * self._fall

    def _remember(self, out: np.ndarray) -> None:
        self._past = np.concatenate((self._past, out[-len(self._past) :]))[-self._frames - 1 :]


def _begins_softly(sound: np.ndarray) -> bool:
    step = np.abs(np.diff(sound[:2], axis=0)).max(initial=0)
    return bool(np.abs(sound[0]).max() <= SOFT and step <= SOFT)
