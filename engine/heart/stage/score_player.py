"""Performs what a score says, on the tape's frames: the same live and offline.

What is sung is asked for a little ahead and holds exactly from its frame on; what is turned outside the voice, and
what others are told, waits until the sound before that frame is certain.
"""

from __future__ import annotations

from collections.abc import Sequence

from heart.errors import HeartError
from heart.namespace import check
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.track import Track
from heart.stage.conductor import Conductor
from heart.stage.effects import Downbeat, Effect, Load, LoadBeats, Say, SingAgain
from heart.stage.material import Material
from heart.stage.performance import Performance, is_still
from heart.stage.score import Event

ORIGIN = None
"""Who a score's messages come from: nobody who could be answered."""


class ScorePlayer:
    """Plays events into a performance and its conductor. `heart`: the beats that are sung offline, without an
    ear, when a score follows a heart."""

    def __init__(
        self, performance: Performance, conductor: Conductor, material: Material, heart: Track | None = None
    ) -> None:
        self.performance, self.conductor, self.material = performance, conductor, material
        self.heart = heart
        self.refused: list[str] = []
        """Lines for a person: what could not be performed, and why."""
        self._later: list[tuple[int, Event | Effect]] = []

    def perform(self, frame: int, events: Sequence[Event]) -> None:
        """Have `events` happen at tape frame `frame`."""
        for event in events:
            if is_still(event.address, event.args):
                self._later.append((frame, event))
            else:
                self._ask(frame, event)

    def settle(self, sealed: int) -> list[Effect]:
        """The sound before frame `sealed` is certain: what waited for that."""
        effects: list[Effect] = []
        while self._later and self._later[0][0] <= sealed:
            _, what = self._later.pop(0)
            effects += self._effects(what, sealed) if isinstance(what, Event) else [what]
        return effects

    @property
    def next_turn(self) -> int | None:
        """Frame of the first thing that waits."""
        return self._later[0][0] if self._later else None

    def _ask(self, frame: int, event: Event) -> None:
        for effect in self._effects(event, frame):
            if isinstance(effect, SingAgain):
                self.conductor.sing_again_at(frame)
                self.conductor.sing_again(effect.beats)
            else:
                self._later.append((frame, effect))

    def _effects(self, event: Event, frame: int) -> list[Effect]:
        try:
            effects = [each for given in self._message(event) for each in self._resolved(given, frame, event)]
        except HeartError as error:
            self.refused.append(f"score, line {event.line}: {error}")
            return []
        return [effect for effect in effects if not isinstance(effect, Say)]

    def _message(self, event: Event) -> list[Effect]:
        if (event.address, event.args) == ("/heart/set/mode", ("follow",)) and self.heart:
            return [*self.performance.take_track(self.heart), *self._mode("track")]
        return self.performance.message(event.address, check(event.address, event.args), ORIGIN)

    def _mode(self, mode: str) -> list[Effect]:
        return self.performance.message("/heart/set/mode", (mode,), ORIGIN)

    def _resolved(self, effect: Effect, frame: int, event: Event) -> list[Effect]:
        """What needs no file, client or clock here, because the score knows it."""
        performance = self.performance
        if isinstance(effect, Downbeat):
            return performance.downbeat(frame + effect.in_ms * SAMPLE_RATE_HZ / 1_000)
        if isinstance(effect, Load):
            self._note(event)
            if effect.name is None:
                performance.sounds.clear(effect.slot)
            else:
                performance.sounds.put(effect.slot, self.material.loops[effect.name])
            return performance.sounds_changed()
        if isinstance(effect, LoadBeats):
            self._note(event)
            return performance.take_track(self.material.tracks[effect.name])
        return [effect]

    def _note(self, event: Event) -> None:
        self.performance.note(event.address, event.args)
