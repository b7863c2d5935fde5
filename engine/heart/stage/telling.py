"""What the engine tells its clients by itself: beats and chunks ahead of their sound, what is heard, status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heart.clock import Clock
from heart.namespace import JUDGED
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ, Heard, Judged
from heart.stage.board import Board
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
    steps: int
    """Sung: fewer than asked for where the machine is too slow."""

    def args(self, fill_ms: float, underruns: int) -> tuple[Any, ...]:
        """The arguments in the order of the table."""
        music = (self.state, self.mode, self.label, self.bpm, self.heard_bpm, self.trust)
        return (*music, fill_ms, self.p95, underruns, self.clients, self.steps)


REMIND_S = 1.0
"""What is heard is told again after this long, changed or not, as long as the ear gets sound."""
MOVED_S = 0.015
"""An expected beat is told again when it is expected this much sooner or later."""


class Teller:
    """Tells every listening client, in frames of its own ring, what happens at which frame of the tape."""

    def __init__(
        self,
        wire: Wire,
        performance: Performance,
        conductor: Conductor,
        hearing: Hearing,
        clock: Clock,
        board: Board,
    ) -> None:
        self.wire, self.performance, self.conductor = wire, performance, conductor
        self.hearing, self.clock, self.board = hearing, clock, board
        self._announced = 0
        self._heard_beats = 0
        self._expected_s = -1.0
        self._told: dict[str, tuple[float, tuple[Any, ...]]] = {}
        """When and what was last told of each address under /heart/heard/."""

    def announce(self, sealed: int) -> None:
        """Beats and chunks that begin before tape frame `sealed` can no longer change: say so."""
        values = self.performance.values
        for beat in self.performance.beats_between(self._announced, sealed):
            rate = (60_000 / beat.rr_ms, beat.rr_ms, float(values["rmssd"]))
            self._tell_at("/heart/beat", beat.n, beat.s1, (*rate, self.performance.mixing.now.label, 1.0))
        for partner, beat in self.performance.partner_beats(self._announced, sealed):
            rate = (60_000 / beat.rr_ms, beat.rr_ms, float(values["rmssd"]))
            address = f"/heart/beat/{partner.voice}"
            self._tell_at(address, beat.n, beat.s1, (*rate, partner.mixing.now.label, 1.0))
        self._announced = max(self._announced, sealed)
        for laid in self.conductor.sealed_chunks():
            recipe = (laid.wish.label, laid.bpm, laid.wish.seed, laid.chunk.recipe)
            self._tell_at("/heart/chunk", laid.chunk.number, laid.first, recipe)

    def heard(self, heard: Heard) -> None:
        """The ear knows more: beats at once, the next beat ahead of it, rate and judgements when they are due."""
        for s1_s in heard.s1_s:
            self._heard_beats += 1
            detail = (heard.bpm or 0.0, heard.rr_ms or 0.0, heard.rmssd_ms or 0.0, "", heard.trust)
            self._tell_moment("/heart/heard", (self._heard_beats,), self.hearing.moment(s1_s), detail)
        self._foretell(heard)
        rate = rate_args(heard)
        self._tell_news("/heart/heard/rate", rate, rate[:-1])  # trust alone moves all the time, and is no news
        for judged in self.performance.judged.values():
            self.judged(judged)

    def judged(self, judged: Judged) -> None:
        """A judgement, if it is news; nothing of one that is off."""
        if not judged.off and judged.what in JUDGED:
            args = judged_args(judged)
            self._tell_news(f"/heart/heard/{judged.what}", args, args)

    def status(self, status: Status) -> None:
        """Status, to each client with its own reserve and underruns."""
        for client in self.wire.told:
            fill_ms = client.stream.fill_ms(self.clock()) if client.stream else 0.0
            self.wire.send(client, "/heart/status", *status.args(fill_ms, client.underruns))
        self.board.post("/heart/status", status.args(0.0, 0))

    def _tell_at(self, address: str, number: int, frame: int, detail: tuple[Any, ...]) -> None:
        for client in self.wire.streaming:
            offset = client.ring_offset(frame)
            if offset is not None:
                self.wire.send(client, address, number, offset, *detail)

    def _tell_moment(self, address: str, first: tuple[Any, ...], moment_s: float, detail: tuple[Any, ...]) -> None:
        """To each client, with the frame of its ring that sounds there in moment_s of the engine's clock."""
        now_s = self.clock()
        away = int((moment_s - now_s) * SAMPLE_RATE_HZ)
        for client in self.wire.streaming:
            now = client.heard_frame(now_s)
            offset = None if now is None else client.ring_offset(now + away)
            if offset is not None:
                self.wire.send(client, address, *first, offset, *detail)

    def _foretell(self, heard: Heard) -> None:
        if heard.next_s1_s is None or abs(heard.next_s1_s - self._expected_s) < MOVED_S:
            return
        self._expected_s = heard.next_s1_s
        moment_s = self.hearing.moment(heard.next_s1_s)
        in_ms = (moment_s - self.clock()) * 1e3
        self._tell_moment("/heart/heard/next", (), moment_s, (in_ms, heard.bpm or 0.0, heard.trust))

    def _tell_news(self, address: str, args: tuple[Any, ...], news: tuple[Any, ...]) -> None:
        """To every client, when `news` is not what it was the last time, or that was REMIND_S ago."""
        now_s = self.clock()
        told_s, told = self._told.get(address, (-1e9, ()))
        if news != told or now_s - told_s >= REMIND_S:
            self._told[address] = (now_s, news)
            for client in self.wire.told:
                self.wire.send(client, address, *args)
            self.board.post(address, args)


def rate_args(heard: Heard) -> tuple[Any, ...]:
    """The arguments of /heart/heard/rate: all 0 but trust where there is no trustworthy rhythm."""
    numbers = (heard.bpm, heard.rr_ms, heard.sdnn_ms, heard.rmssd_ms)
    rounded = [round(number or 0.0, 1) for number in numbers]
    return (*rounded, round(heard.pnn50 or 0.0, 2), round(heard.trust, 2))


def judged_args(judged: Judged) -> tuple[Any, ...]:
    """The arguments of /heart/heard/<what>, in the order of the table; a label its model does not know is 0."""
    row = JUDGED[judged.what]
    chances = {arg.name: round(judged.probabilities.get(arg.name, 0.0), 3) for arg in row}
    if row[0].name != "label":
        return tuple(chances.values())
    best = round(max(judged.probabilities.values(), default=0.0), 3)
    return (judged.label or "", best, *(chances[arg.name] for arg in row[2:]))
