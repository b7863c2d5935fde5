"""What the engine tells its clients by itself: beats and chunks ahead of their sound, heard beats, status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heart.clock import Clock
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ, Heard, HeardBeat
from heart.stage.conductor import Conductor
from heart.stage.hearing import Hearing
from heart.stage.performance import Performance


@dataclass(frozen=True)
class Status:
    """What `/heart/status` says to everybody; fill and underruns are each client's own."""

    state: str
    mode: str
    label: str
    bpm: float
    heard_bpm: float
    trust: float
    p95: float
    clients: int

    def args(self, fill_ms: float, underruns: int) -> tuple[Any, ...]:
        """The arguments in the order of the table."""
        music = (self.state, self.mode, self.label, self.bpm, self.heard_bpm, self.trust)
        return (*music, fill_ms, self.p95, underruns, self.clients)


class Teller:
    """Tells every listening client, in frames of its own ring, what happens at which frame of the tape."""

    def __init__(
        self, wire: Wire, performance: Performance, conductor: Conductor, hearing: Hearing, clock: Clock
    ) -> None:
        self.wire, self.performance, self.conductor = wire, performance, conductor
        self.hearing, self.clock = hearing, clock
        self._announced = 0
        self._heard_beats = 0

    def announce(self, sealed: int) -> None:
        """Beats and chunks that begin before tape frame `sealed` can no longer change: say so."""
        values = self.performance.values
        for beat in self.performance.beats_between(self._announced, sealed):
            rate = (60_000 / beat.rr_ms, beat.rr_ms, float(values["rmssd"]))
            self._tell_at("/heart/beat", beat.n, beat.s1, (*rate, values["label"], 1.0))
        self._announced = max(self._announced, sealed)
        for laid in self.conductor.sealed_chunks():
            recipe = (laid.wish.label, laid.bpm, laid.wish.seed, laid.chunk.recipe)
            self._tell_at("/heart/chunk", laid.chunk.number, laid.first, recipe)

    def heard(self, heard: Heard) -> None:
        """The new beats of the ear: what sounded at each client in the moment that they were heard."""
        for beat in heard.beats:
            self._heard_beats += 1
            self._tell_heard(heard, beat)

    def status(self, status: Status) -> None:
        """Status, to each client with its own reserve and underruns."""
        for client in self.wire.clients:
            fill_ms = client.stream.fill_ms(self.clock()) if client.stream else 0.0
            self.wire.send(client, "/heart/status", *status.args(fill_ms, client.underruns))

    def _tell_at(self, address: str, number: int, frame: int, detail: tuple[Any, ...]) -> None:
        for client in self.wire.streaming:
            offset = client.ring_offset(frame)
            if offset is not None:
                self.wire.send(client, address, number, offset, *detail)

    def _tell_heard(self, heard: Heard, beat: HeardBeat) -> None:
        behind = int((self.clock() - self.hearing.moment(beat.s1_s)) * SAMPLE_RATE_HZ)
        detail = (heard.bpm or 0.0, heard.rr_ms or 0.0, heard.rmssd_ms or 0.0, "", heard.trust)
        for client in self.wire.streaming:
            now = client.heard_frame(self.clock())
            offset = None if now is None else client.ring_offset(now - behind)
            if offset is not None:
                self.wire.send(client, "/heart/heard", self._heard_beats, offset, *detail)
