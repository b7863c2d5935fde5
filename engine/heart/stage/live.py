"""The live engine: plugs sockets, workers and devices into a performance, and supervises them.

A life in three words: start, run, stop. Stop goes in the reverse order of start.
This process imports no torch, librosa or numba; a test keeps it so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from heart import __version__
from heart.cards import find_model
from heart.clock import Clock, monotonic
from heart.config import LiveConfig
from heart.errors import HeartError, WireError
from heart.plumbing.tape import Tape
from heart.plumbing.wire import Wire
from heart.plumbing.worker import Worker
from heart.records import SAMPLE_RATE_HZ, Chunk, Heard, HeardBeat
from heart.stage.conductor import Conductor
from heart.stage.hearing import Hearing, load_heart, play_to_ear
from heart.stage.performance import (
    Effect,
    Mute,
    Performance,
    Quit,
    Say,
    SingAgain,
    Sync,
    Tell,
    Turn,
)

log = logging.getLogger(__name__)

TICK_S = 0.01
STATUS_S = 0.2

REMEDY = {
    "voice": {"died": "the reserve plays on, a new voice is loading", "gave_up": "the bed plays on"},
    "ear": {"died": "the voice keeps its tempo, a new ear is loading", "gave_up": "the voice keeps its tempo"},
}


class Engine:
    """One live engine. `await run()` returns when `stop` was set, by Ctrl-C or `/heart/quit`."""

    def __init__(self, config: LiveConfig, clock: Clock = monotonic) -> None:
        """Raises HeartError when a model, a file or a device named in `config` cannot be used."""
        self.config = config
        self.clock = clock
        self.stop = asyncio.Event()
        self.heart_sound = load_heart(config.heart) if config.heart else None
        self._check_models()
        self.tape = Tape(seconds=30)
        self.performance = Performance(mode=config.mode)
        self.wire = Wire(
            self.tape,
            host=config.host,
            port=config.port,
            on_message=self._on_message,
            on_input=self._on_input,
            on_client=self._on_client,
            on_sent=None,
            lead_ms=self.performance.values["lead_ms"],
            allow=config.allow,
            phrase=config.phrase,
            clock=clock,
            version=__version__,
            voice_name=config.voice,
        )
        self.voice = self._worker("voice", "heart.sounding.serve:serve", self._on_chunk)
        self.ear = self._worker("ear", "heart.listening.serve:serve", self._on_heard)
        self.conductor = Conductor(self.tape, self.performance, self._ask_voice)
        self.hearing = Hearing(self.ear.send, clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._syncs: list[Sync] = []
        self._announced = 0
        self._heard_beats = 0

    # start, run, stop

    async def run(self) -> None:
        """Start everything, perform until `stop` is set, stop everything in the reverse order."""
        async with contextlib.AsyncExitStack() as stack:
            await self.wire.start()
            stack.push_async_callback(self.wire.stop)
            for worker in (self.voice, self.ear):
                worker.start()
                stack.push_async_callback(worker.stop)
            stack.push_async_callback(self._end_tasks)
            self._begin(self._conduct(), self._tell_status())
            if self.heart_sound is not None:
                self._begin(play_to_ear(self.heart_sound, self.hearing, self.config.loop_heart))
            self.wire.broadcast("/heart/startup", __version__)
            await self.stop.wait()

    def _begin(self, *jobs: Any) -> None:
        for job in jobs:
            task = asyncio.ensure_future(job)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            log.error("the engine stops: %r", task.exception(), exc_info=task.exception())
            self.failure = task.exception()
            self.stop.set()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _check_models(self) -> None:
        """A missing or damaged model is said now, not in the middle of a concert."""
        for name in {self.config.voice, "ear-beats"} - {"pulse"}:
            _ = find_model(name).weights

    def _worker(self, name: str, target: str, on_record: Callable[[Any], None]) -> Worker:
        options = {"voice": self.config.voice, "threads": self.config.threads}
        return Worker(name, target, options, on_record, lambda *event: self._on_event(name, *event))

    # the tasks

    async def _conduct(self) -> None:
        while True:
            self.conductor.tick(self.wire.demand(self.clock()))
            self._announce_beats()
            self._answer_syncs()
            await asyncio.sleep(TICK_S)

    async def _tell_status(self) -> None:
        while True:
            self.wire.broadcast("/heart/status", *self.status())
            await asyncio.sleep(STATUS_S)

    def status(self) -> tuple[Any, ...]:
        """The arguments of `/heart/status`, in the order of the table."""
        values, heard, stats = self.performance.values, self.performance.last_heard, self.wire.stats()
        return (
            self._state(),
            self.performance.mode,
            values["label"],
            float(values["bpm"]),
            float(heard.bpm or 0.0),
            float(heard.trust),
            float(stats.fill_ms),
            self.conductor.p95(),
            stats.underruns,
            stats.clients,
        )

    def _state(self) -> str:
        if self.performance.panicked:
            return "panic"
        if not self.voice.ready:
            return "bed" if self.conductor.laid else "loading"
        return "singing" if self.wire.clients else "waiting"

    def _announce_beats(self) -> None:
        """Tell every client of the beats that can no longer change, ahead of their sound."""
        edge = self.tape.sealed
        for beat in self.performance.beats_between(self._announced, edge):
            values = self.performance.values
            detail = (60_000 / beat.rr_ms, beat.rr_ms, float(values["rmssd"]), values["label"], 1.0)
            for client in self.wire.clients:
                offset = client.ring_offset(beat.s1)
                self.wire.send(client, "/heart/beat", beat.n, offset, *detail)
        self._announced = max(self._announced, edge)

    def _answer_syncs(self) -> None:
        if self._syncs and self.conductor.settled:
            for sync in self._syncs:
                self.wire.send(sync.to, "/heart/synced", sync.number)
            self._syncs.clear()

    # what comes in

    def _on_message(self, address: str, args: tuple[Any, ...], origin: Any) -> None:
        self._do(self.performance.message(address, args, origin))

    def _on_input(self, channel: int, samples: np.ndarray, client: Any) -> None:
        if channel == 1:
            self.hearing.push(samples, client.rate_hz)

    def _on_client(self, event: str, client: Any) -> None:
        log.info("client %s %s", client.name, event)
        if event in ("left", "expired"):
            self.performance.forget(client)

    def _on_chunk(self, chunk: Chunk) -> None:
        if self.conductor.chunk(chunk):
            first, chunk, wish = self.conductor.laid[-1]
            detail = (wish.label, 60_000 / wish.beats[-1].rr_ms, wish.seed, chunk.recipe)
            for client in self.wire.clients:
                self.wire.send(client, "/heart/chunk", chunk.number, client.ring_offset(first), *detail)

    def _on_heard(self, heard: Heard) -> None:
        self._do(self.performance.heard(heard))
        for beat in heard.beats:
            self._tell_heard(heard, beat)

    def _tell_heard(self, heard: Heard, beat: HeardBeat) -> None:
        self._heard_beats += 1
        behind = int((self.clock() - self.hearing.moment(beat.s1_s)) * SAMPLE_RATE_HZ)
        detail = (heard.bpm or 0.0, heard.rr_ms or 0.0, heard.rmssd_ms or 0.0, "", heard.trust)
        for client in self.wire.clients:
            offset = client.ring_offset(client.heard_frame(self.clock()) - behind)
            self.wire.send(client, "/heart/heard", self._heard_beats, offset, *detail)

    def _on_event(self, name: str, event: str, text: str) -> None:
        log.info("%s: %s %s", name, event, text)
        if event in ("died", "gave_up"):
            if name == "voice":
                self.conductor.voice_lost()
            self.wire.broadcast("/heart/alarm", f"{name}_lost", f"{name}: {text}; {REMEDY[name][event]}")
        elif event == "ready":
            if name == "ear":
                self.hearing.reset()
            self.wire.broadcast("/heart/alarm", f"{name}_ready", f"{name}: ready")

    def _ask_voice(self, wish: Any) -> bool:
        if not self.voice.ready:
            return False
        self.voice.send(wish)
        return True

    # what goes out

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._effects[type(effect)](self, effect)

    def _say(self, effect: Say) -> None:
        self.wire.send(effect.to, effect.address, *effect.args)

    def _tell(self, effect: Tell) -> None:
        for listener in effect.to:
            if listener != effect.except_for:
                self.wire.send(listener, effect.address, *effect.args)

    def _turn(self, effect: Turn) -> None:
        if effect.name == "gain":
            self.wire.set_gain_db(effect.value)
        else:
            self.wire.set_lead_ms(effect.value)

    def _quit(self, effect: Quit) -> None:
        log.info("asked to quit over OSC")
        self.stop.set()

    _effects: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        Say: _say,
        Tell: _tell,
        Turn: _turn,
        SingAgain: lambda self, effect: self.conductor.sing_again(effect.beats),
        Mute: lambda self, effect: self.wire.mute(effect.on),
        Sync: lambda self, effect: self._syncs.append(effect),
        Quit: _quit,
    }
