"""The mixing desk: a fader for each voice and one for all, and which voice is heard on which channel.

Voices are dealt to channels in turn. With as many channels as voices each has one of its own; with fewer they
share (two channels of four voices: 1 and 3, 2 and 4); with more they come again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from heart.guard import Gain
from heart.records import SAMPLE_RATE_HZ

OFF_DB = -60.0
"""A fader at this level or below lets nothing through."""


@dataclass
class Faders:
    """Where the faders stand, in dB."""

    gain_db: float = 0.0
    levels_db: dict[int, float] = field(default_factory=dict)
    """By voice, from 1 on; one that is not named stands at 0."""

    def level_db(self, voice: int) -> float:
        return self.levels_db.get(voice, 0.0)


class Desk:
    """The desk of one listener: [n, voices] of the tape to [n, columns], columns = min(voices, channels)."""

    def __init__(self, voices: int, channels: int, faders: Faders) -> None:
        self.columns = min(voices, channels)
        self._gain = Gain(SAMPLE_RATE_HZ, gain_db=faders.gain_db)
        self._levels = [Gain(SAMPLE_RATE_HZ, gain_db=faders.level_db(voice)) for voice in range(1, voices + 1)]
        self._mute(faders)

    def turn(self, faders: Faders) -> None:
        """Glide to where `faders` stand."""
        self._gain.set(faders.gain_db)
        for voice, level in enumerate(self._levels, 1):
            level.set(faders.level_db(voice))
        self._mute(faders)

    def process(self, sound: np.ndarray) -> np.ndarray:
        """The next frames of the tape, float32 [n, voices], as [n, columns]."""
        return self.deal(self.level(sound))

    def level(self, sound: np.ndarray) -> np.ndarray:
        """Each voice at its own fader: [n, voices]."""
        if len(self._levels) == 1:
            return self._levels[0].process(sound)
        return np.stack([level.process(sound[:, v]) for v, level in enumerate(self._levels)], 1)

    def deal(self, voices: np.ndarray) -> np.ndarray:
        """Levelled voices [n, voices] to [n, columns], at the fader for all."""
        if len(self._levels) == 1:
            return self._gain.process(voices)
        dealt = [voices[:, column :: self.columns].sum(1) for column in range(self.columns)]
        return self._gain.process(np.stack(dealt, 1))

    def _mute(self, faders: Faders) -> None:
        for voice, level in enumerate(self._levels, 1):
            level.muted = faders.level_db(voice) <= OFF_DB
