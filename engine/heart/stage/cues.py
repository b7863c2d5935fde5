"""A score on stage: /heart/cue/... from performers, its events to the player in time, its place to everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any

from heart.clock import Clock
from heart.errors import UsageError
from heart.plumbing.post import Target
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ
from heart.stage.board import Board
from heart.stage.conductor import to_grain
from heart.stage.effects import Effect
from heart.stage.prompter import Place, Prompter
from heart.stage.score_player import ScorePlayer

AHEAD = SAMPLE_RATE_HZ // 4
"""Frames before the voice would have to be asked that an event is taken up: one wish may be under way."""
TOLD_S = 1.0
NOTHING = Place(0, 0, "", "none", 0.0, 0.0, "", False)


class Cues:
    """One for an engine, also for one without a score. Belongs to the engine's loop."""

    def __init__(
        self,
        prompter: Prompter | None,
        player: ScorePlayer | None,
        wire: Wire,
        board: Board,
        clock: Clock,
        tell: Callable[[str, str], None],
    ) -> None:
        """`tell`: takes a code and a line for people and clients."""
        self.prompter, self.player, self.wire, self.board = prompter, player, wire, board
        self.clock, self.tell = clock, tell
        self._edge = 0
        self._told: tuple[Any, ...] = ()
        self._told_s = -TOLD_S

    # From performers.

    def on_go(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        prompter, player = self._score()
        self._begin(prompter, player, prompter.go)
        return []

    def on_to(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        prompter, player = self._score()
        self._begin(prompter, player, lambda frame: prompter.to(args[0], frame))
        return []

    def on_list(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        cues = self.prompter.score.cues if self.prompter else ()
        for number, cue in enumerate(cues, 1):
            row = (number, len(cues), cue.name, round(cue.seconds, 3), int(cue.waits))
            self.wire.send(origin, "/heart/cue/name", *row)
        if not cues:
            self.wire.send(origin, "/heart/cue/name", 0, 0, "", 0.0, 0)
        self.wire.send(origin, "/heart/done", "/heart/cue/list")
        return []

    # From the engine.

    def tick(self, edge: int, sealed: int) -> list[Effect]:
        """Take up what is due; `edge`: the tape frame needed now. Returns what is to be done beside the voice."""
        self._edge = edge
        if self.prompter is None or self.player is None:
            return []
        conductor = self.player.conductor
        if not self.prompter.number:  # a voice that still loads would miss the beginning
            self.prompter.start(self._soonest(self.player) if edge or not conductor.ready() else 0)
        due = self.prompter.due if self.prompter.number or conductor.ready() else None
        if due is not None and not conductor.changing and due <= edge + conductor.soonest + AHEAD:
            self.player.perform(due, self.prompter.take())
        effects = self.player.settle(sealed)
        for text in self.player.refused:
            self.tell("score", text)
        self.player.refused.clear()
        return effects

    def announce(self, frame: int) -> None:
        """Tell everybody where the score is for who hears tape frame `frame`, when that is news or a second old."""
        place = self.prompter.place(frame) if self.prompter else NOTHING
        news = (place.number, place.state, place.next)
        if news == self._told and self.clock() - self._told_s < TOLD_S:
            return
        if not self.prompter and self._told:
            return  # nothing ever changes
        self._told, self._told_s = news, self.clock()
        args = (*astuple(place)[:-1], int(place.next_waits))
        self.wire.broadcast("/heart/cue", *args)
        self.board.post("/heart/cue", args)

    def _begin(self, prompter: Prompter, player: ScorePlayer, enter: Callable[[int], list[Any]]) -> None:
        """Enter a cue as soon as the voice can be asked to; its first events together with what leads there."""
        frame = self._soonest(player)
        events = enter(frame)
        if prompter.due == frame:
            events = [*events, *prompter.take()]
        player.perform(frame, events)

    def _soonest(self, player: ScorePlayer) -> int:
        return to_grain(self._edge + player.conductor.soonest)

    def _score(self) -> tuple[Prompter, ScorePlayer]:
        if self.prompter is None or self.player is None:
            raise UsageError("no score here: start the engine with heart live --score FILE")
        return self.prompter, self.player
