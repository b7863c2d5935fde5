"""Live notes: asked for over OSC or by the beat, decoded by a worker, heard over the tape (`plumbing.overlay`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from heart.cards import find_model
from heart.errors import UsageError, WireError
from heart.namespace.table import LATENTS
from heart.plumbing.overlay import POLYPHONY, Overlay
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.notes.wishes import NoteSound, NoteWish
from heart.stage.effects import Effect, Origin
from heart.stage.performance import Performance

FADERS = tuple(f"z{number}" for number in range(1, LATENTS + 1))
SERVE = "heart.sounding.notes.serve:serve"
AHEAD = round(0.4 * SAMPLE_RATE_HZ)
"""How long before its beat a note is asked for: many times what decoding takes."""
BEAT_VELOCITY = 100
HEADROOM_DB = -12.0
"""A note alone against full scale: eight at once then rarely reach the guard's knee."""


class NoteWorker(Protocol):
    """What decodes notes in a process of its own: see heart.plumbing.worker.Worker."""

    @property
    def ready(self) -> bool: ...
    def send(self, record: NoteWish) -> None: ...


def check_notes(name: str) -> None:
    """Raises UsageError where `name` is no model that makes notes of latents, FileError where it is damaged."""
    model = find_model(name)
    if model.card["kind"] != "notes":
        raise UsageError(f"--notes {name}: makes no notes from latents; take notes-ae or notes-ae-64")
    _ = model.weights


@dataclass(frozen=True)
class _Asked:
    """A note on its way. due: frame at which it shall begin; held: whether nobody let go of it yet."""

    wish: NoteWish
    due: int
    held: bool = True


class Notes:
    """Takes /heart/note/on and /heart/note/off and the beats of a performance. Belongs to the engine's loop.

    Args:
        tape: where notes begin: never before what is sealed.
        worker: what decodes them; None: notes were not asked for.
    """

    def __init__(self, performance: Performance, tape: Tape, worker: NoteWorker | None) -> None:
        self.performance, self.tape, self.worker = performance, tape, worker
        self.overlay = Overlay()
        self._waiting: deque[_Asked] = deque()
        self._under_way: _Asked | None = None
        self._number = 0
        self._last_beat = -1
        self.stolen = 0
        """Notes that were given up before they sounded, because too many were asked for at once."""

    def on_note_on(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        """Velocity 0 lets go, as everywhere in MIDI. Raises WireError where there are no notes."""
        pitch, velocity = args
        if not velocity:
            return self.on_note_off((pitch,), origin)
        self._check("/heart/note/on")
        self._ask(pitch, velocity, 0)
        return []

    def on_note_off(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        """Let go of all notes of a pitch, also of those still to come."""
        self._check("/heart/note/off")
        (pitch,) = args
        self.overlay.release(pitch, self.tape.sealed)
        self._waiting = deque(
            replace(each, held=False) if each.wish.pitch == pitch else each for each in self._waiting
        )
        if self._under_way and self._under_way.wish.pitch == pitch:
            self._under_way = replace(self._under_way, held=False)
        return []

    def tick(self, sealed: int) -> None:
        """Ask for the notes of coming beats, hand on what waits. Call often."""
        if self.worker is None:
            return
        if self.performance.panicked:
            self.quiet()
        elif self.performance.values["notes"] == "beat":
            self._follow_beats(sealed)
        self._hand_on()
        self.overlay.forget(sealed)

    def sung(self, record: NoteSound) -> None:
        """A note is decoded: let it begin when it is due, or now."""
        asked = self._under_way
        if asked is None or record.number != asked.wish.number:
            return
        self._under_way = None
        level_db = HEADROOM_DB + self.performance.values["notes_level"]
        key, start = int(asked.wish.pitch), max(asked.due, self.tape.sealed)
        self.overlay.add(key, start, record.sound * np.float32(10 ** (level_db / 20)))
        if not asked.held:
            self.overlay.release(key, start)
        self._hand_on()

    def lost(self) -> None:
        """The worker died: what it was making never comes."""
        self._under_way = None
        self._waiting.clear()

    def quiet(self) -> None:
        """Panic: nothing more of what sounds or waits."""
        self._waiting.clear()
        self._under_way = None
        self.overlay.clear(self.tape.sealed)

    def _check(self, address: str) -> None:
        if self.worker is None:
            raise WireError("notes", address, f"{address}: no notes here; start the engine with --notes notes-ae")

    def _follow_beats(self, sealed: int) -> None:
        for beat in self.performance.beats.beats_until(sealed + AHEAD):
            if beat.n > self._last_beat and beat.s1 >= sealed:
                self._last_beat = beat.n  # by number: a beat that is moved once asked for is the same beat
                self._ask(self.performance.values["notes_pitch"], BEAT_VELOCITY, beat.s1)

    def _ask(self, pitch: int, velocity: int, due: int) -> None:
        self._number += 1
        z = tuple(float(self.performance.values[name]) for name in FADERS)
        if len(self._waiting) == POLYPHONY:  # the one asked for first would be the first to be cut anyway
            self._waiting.popleft()
            self.stolen += 1
        self._waiting.append(_Asked(NoteWish(self._number, z, float(pitch), velocity), due))
        self._hand_on()

    def _hand_on(self) -> None:
        if self._waiting and self._under_way is None and self.worker and self.worker.ready:
            self._under_way = self._waiting.popleft()
            self.worker.send(self._under_way.wish)
