"""Does what a performance decided: effects out to wire, speaker and conductor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from heart.plumbing.desk import Faders
from heart.plumbing.door import is_loopback
from heart.plumbing.post import ip_of
from heart.plumbing.wire import Wire
from heart.stage.board import Board
from heart.stage.conductor import Conductor
from heart.stage.effects import Downbeat, Effect, Load, LoadBeats, Mute, Quit, Say, SingAgain, Sync, Tell, Turn
from heart.stage.loading import Loader
from heart.stage.partners import LEVELS
from heart.stage.speaker import Speaker


class Doer:
    """One method for each kind of effect; `on_quit` is called when somebody on this machine asks to stop, `on_ear`
    when a setting of the ear has changed, `find_frame` says where on the tape a downbeat is wanted."""

    def __init__(
        self,
        wire: Wire,
        conductor: Conductor,
        speaker: Speaker | None,
        loader: Loader,
        board: Board,
        on_quit: Callable[[], None],
        on_ear: Callable[[], None],
        find_frame: Callable[[Downbeat], float | None],
    ) -> None:
        self.wire, self.conductor, self.speaker, self.loader = wire, conductor, speaker, loader
        self.board = board
        self.on_quit, self.on_ear, self.find_frame = on_quit, on_ear, find_frame
        self._syncs: list[Sync] = []
        self._faders = Faders()

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._methods[type(effect)](self, effect)

    def answer_syncs(self) -> None:
        """Once everything asked for has been loaded and sung."""
        if self._syncs and not self.loader.busy and self.conductor.settled:
            for sync in self._syncs:
                self.wire.send(sync.to, "/heart/synced", sync.number)
            self._syncs.clear()

    def _say(self, effect: Say) -> None:
        self.wire.send(effect.to, effect.address, *effect.args)

    def _tell(self, effect: Tell) -> None:
        for listener in effect.to:
            if listener != effect.except_for:
                self.wire.send(listener, effect.address, *effect.args)
        self.board.post(effect.address, effect.args, effect.except_for)

    def _turn(self, effect: Turn) -> None:
        if effect.name == "lead_ms":
            self.wire.set_lead_ms(effect.value)
            return
        if effect.name in ("ear_hop", "ear_window"):
            self.on_ear()
            return
        if effect.name == "gain":
            self._faders = replace(self._faders, gain_db=effect.value)
        else:
            levels_db = {**self._faders.levels_db, LEVELS[effect.name]: effect.value}
            self._faders = replace(self._faders, levels_db=levels_db)
        self.wire.turn(self._faders)
        if self.speaker:
            self.speaker.turn(self._faders)

    def _sing_again(self, effect: SingAgain) -> None:
        self.conductor.sing_again(effect.beats)

    def _downbeat(self, effect: Downbeat) -> None:
        frame = self.find_frame(effect)
        if frame is None:
            self.wire.error(effect.to, "stream", "/heart/downbeat", "nothing plays yet: begin a stream first")
        else:
            self.do(self.conductor.performance.downbeat(frame))

    def _mute(self, effect: Mute) -> None:
        if effect.on:
            self.wire.panic()
        else:
            self.wire.resume()
        if self.speaker:
            self.speaker.mute(effect.on)

    def _load(self, effect: Load) -> None:
        self.loader.load(effect)

    def _load_beats(self, effect: LoadBeats) -> None:
        self.loader.load_beats(effect)

    def _sync(self, effect: Sync) -> None:
        self._syncs.append(effect)

    def _quit(self, effect: Quit) -> None:
        if is_loopback(ip_of(effect.to)):
            self.on_quit()
        else:
            self.wire.error(effect.to, "forbidden", "/heart/quit", "only its own machine may stop the engine")

    _methods: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        Say: _say,
        Tell: _tell,
        Turn: _turn,
        SingAgain: _sing_again,
        Downbeat: _downbeat,
        Mute: _mute,
        Sync: _sync,
        Quit: _quit,
        Load: _load,
        LoadBeats: _load_beats,
    }
