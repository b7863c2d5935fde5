"""The live engine: plugs sockets, workers and devices into a performance, and supervises them.

A life in three words: start, run, stop. Stop goes in the reverse order of start.
This process imports no torch, librosa or numba; a test keeps it so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from heart import __version__
from heart.cards import find_model
from heart.clock import Clock, monotonic
from heart.config import LiveConfig
from heart.plumbing.clients import Client, State
from heart.plumbing.journal import Journal
from heart.plumbing.overlay import Overlaid
from heart.plumbing.recorder import Recorder, claim
from heart.plumbing.standby import Standby
from heart.plumbing.tape import Tape
from heart.plumbing.wire import Wire
from heart.plumbing.worker import Worker
from heart.records import SAMPLE_RATE_HZ, Chunk, Heard, Judged
from heart.sounding.notes.wishes import NoteSound
from heart.sounding.registry import labels_of, models_of
from heart.stage.beat_files import given_track
from heart.stage.bridge import Bridge
from heart.stage.chunk_log import encode_line, header_of
from heart.stage.conductor import Conductor, Laid
from heart.stage.cues import Cues
from heart.stage.doing import Doer
from heart.stage.effects import Downbeat, Effect, Mute
from heart.stage.hearing import Hearing, load_heart, play_to_ear
from heart.stage.link import LinkSession, SessionFollower, check_link
from heart.stage.loading import Loader, check_folder
from heart.stage.notes import SERVE as SERVE_NOTES
from heart.stage.notes import Notes, check_notes
from heart.stage.performance import Performance, defaults
from heart.stage.score_player import ScorePlayer
from heart.stage.scored import open_score
from heart.stage.scribe import Scribe
from heart.stage.speaker import Speaker
from heart.stage.telling import Status, Teller
from heart.stage.troubles import Troubles

log = logging.getLogger(__name__)

AnyWorker = type[Worker] | type[Standby]

TICK_S = 0.01
STATUS_S = 0.2
STALL_S = 10.0
"""A voice or an ear that neither takes nor gives anything for so long hangs, and is replaced."""

REMEDY = {
    "voice": {"died": "the reserve plays on, a new voice is loading", "gave_up": "the bed plays on"},
    "ear": {
        "died": "the voice keeps its tempo, a new ear is loading",
        "gave_up": "the voice keeps its tempo",
    },
    "sound": {"died": "clients play on, the device is tried again", "gave_up": "clients play on"},
    "notes": {"died": "no new note until it is back", "gave_up": "no notes any more"},
    "recorder": {"died": "the take goes on in a new file", "gave_up": "nothing is recorded any more"},
}
KINDS = {"voice_late": "late", "stopped": "stale", "broken": "broken", "log_ended": "disk"}
"""Alarms and the trouble that they are an example of."""


class Engine:
    """One live engine. `await run()` returns when `stop` was set, by Ctrl-C or `/heart/quit`."""

    def __init__(self, config: LiveConfig, clock: Clock = monotonic) -> None:
        """Raises HeartError when a model, a file or a device named in `config` cannot be used."""
        prompter, material, voices = open_score(config)
        self.config = config = replace(config, voices=voices)
        self.clock = clock
        self.stop = asyncio.Event()
        self.listening = asyncio.Event()
        """Set when the port is open."""
        self.failure: BaseException | None = None
        self._news: list[str] = []
        self.heart_sound = load_heart(config.heart) if config.heart else None
        self._check_models()
        check_folder(config.sounds)
        if config.link:
            check_link()
        if config.record:
            claim(config.record)
        self.tape = Tape(seconds=30, channels=config.voices)
        track = given_track(config.beats, config.ecg, config.loop)
        self.performance = Performance(
            config.mode, defaults(**config.settings), track, labels_of(config.voice), voices=config.voices
        )
        self.noter = self._worker("notes", SERVE_NOTES, self._on_note) if config.notes else None
        self.notes = Notes(self.performance, self.tape, self.noter)
        self.heard_tape = Overlaid(self.tape, self.notes.overlay)
        self.wire = Wire(
            self.heard_tape,
            host=config.host,
            port=config.port,
            on_message=lambda *message: self.bridge.message(*message),
            on_foreign=lambda *message: self.bridge.foreign(*message),
            on_input=self._on_input,
            on_client=self._on_client,
            on_sent=self._on_sent if config.record else None,
            lead_ms=self.performance.values["lead_ms"],
            allow=config.allow,
            phrase=config.phrase,
            clock=clock,
            version=__version__,
            voice_name=config.voice,
            on_stopped=self._on_stopped,
        )
        kind = (
            Standby if config.standby and models_of(config.voice) else Worker
        )  # one without weights loads at once
        self.voice = self._worker("voice", "heart.sounding.serve:serve", self._on_chunk, kind)
        self.ear = self._worker("ear", "heart.listening.serve:serve", self._on_ear, Worker)
        self.conductor = Conductor(
            self.tape,
            self.performance,
            self.voice.send,
            lambda: self.voice.ready,
            clock=clock,
            tell=self._on_alarm,
            log=self._on_laid,
        )
        self.hearing = Hearing(self.ear.send, clock, self.performance.sounds.input.push)
        self.speaker = self._make_speaker()
        self.troubles = Troubles(self._counts)
        self.bridge = Bridge(config, self.performance, self.wire, self._do, self._on_alarm, clock, self.troubles)
        board = self.bridge.board
        player = ScorePlayer(self.performance, self.conductor, material)
        self.cues = Cues(prompter, player, self.wire, board, clock, self._on_alarm)
        self.bridge.owners |= {"cues": self.cues, "notes": self.notes}
        self.scribe: Scribe | None = None
        self.teller = Teller(self.wire, self.performance, self.conductor, self.hearing, clock, board)
        self.loader = Loader(config.sounds, self.performance, self.wire, self._do)
        self.doer = Doer(
            self.wire,
            self.conductor,
            self.speaker,
            self.loader,
            board,
            self.stop.set,
            self._set_judging,
            self._find_frame,
        )
        self.recorder: Recorder | None = None
        self.journal: Journal | None = None
        self._clients: dict[Any, Client] = {}
        self._broken = self._disk_errors = 0
        self._tasks: list[asyncio.Task[None]] = []

    # start, run, stop

    async def run(self) -> None:
        """Start everything, perform until `stop` is set, stop everything in the reverse order."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._end_recording)
            if self.config.log:
                self.journal = self._open_log(self.config.log)
                stack.callback(self.journal.close)
            if self.config.score_out:
                self.scribe = self._open_scribe(self.config.score_out, stack)
            stack.callback(self.loader.close)
            await self.wire.start()
            self.listening.set()
            stack.push_async_callback(self.wire.stop)
            if self.speaker:
                await self.speaker.start()
                stack.push_async_callback(self.speaker.stop)
            for worker in (self.voice, self.ear, *([self.noter] if self.noter else [])):
                worker.start()
                stack.push_async_callback(worker.stop)
            stack.push_async_callback(self._end_tasks)
            self._begin(self._conduct(), self._tell_status())
            await self.bridge.start(stack)
            if self.heart_sound is not None:
                self._begin(play_to_ear(self.heart_sound, self.hearing, self.config.loop))
            if self.config.link:
                self._begin(self._join_link(self.config.link))
            self.wire.broadcast("/heart/startup")
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

    async def _end_recording(self) -> None:
        if self.recorder:
            await self.recorder.stop()

    def _open_log(self, path: Path) -> Journal:
        tell = asyncio.get_running_loop().call_soon_threadsafe
        config = self.config
        journal = Journal(path, encode_line, lambda text: tell(self._on_alarm, "log_ended", text))
        journal.write(header_of(config.voice, config.threads, config.voices, config.device))
        return journal

    def _open_scribe(self, path: Path, stack: contextlib.AsyncExitStack) -> Scribe:
        tell = asyncio.get_running_loop().call_soon_threadsafe
        journal = Journal(path, str, lambda text: tell(self._on_alarm, "score_ended", text))
        stack.callback(journal.close)
        scribe = Scribe(journal.write, lambda: self.tape.sealed)
        stack.callback(scribe.finish)
        scribe.head(path.stem, self.config.voice, self.config.voices, self.performance.values)
        self.performance.note, self.conductor.begun = scribe.note, scribe.begun
        return scribe

    def _make_speaker(self) -> Speaker | None:
        if self.config.device_out is None and self.config.device_in is None:
            return None
        return Speaker(
            self.heard_tape,
            self.config.device_out,
            self.config.device_in,
            self.config.backend,
            on_heard=lambda samples, rate_hz: self.hearing.push(samples, rate_hz),
            on_event=lambda event, text: self._on_event("sound", event, text),
        )

    def _check_models(self) -> None:
        """A missing or damaged model is said now, not in the middle of a concert."""
        for name in (*models_of(self.config.voice), "ear-beats"):
            _ = find_model(name).weights
        if self.config.notes:
            check_notes(self.config.notes)

    def _worker(
        self, name: str, target: str, on_record: Callable[[Any], None], kind: AnyWorker = Worker
    ) -> Worker | Standby:
        told = ("voice", "threads", "device", "notes")
        options = {key: getattr(self.config, key) for key in told}
        return kind(name, target, options, on_record, lambda *event: self._on_event(name, *event), stall_s=STALL_S)

    # the tasks

    async def _conduct(self) -> None:
        while True:
            if self.speaker:
                self.speaker.tick()
            demand = self._demand()
            self.doer.do(self.cues.tick(max(self.tape.sealed, demand or 0), self.tape.sealed))
            self.conductor.tick(demand)
            self.doer.do(self.performance.advance(self.tape.sealed))
            self.teller.announce(self.tape.sealed)
            self.cues.announce(self.tape.sealed)
            if self.scribe:
                self.scribe.tick()
            self.notes.tick(self.tape.sealed)
            self.bridge.tick()
            self._mind_the_control()
            if not self.bridge.busy:
                self.doer.answer_syncs()
            await asyncio.sleep(TICK_S)

    def _demand(self) -> int | None:
        """Tape frame up to which somebody needs sound now; None when nobody listens."""
        demands = [self.speaker.demand] if self.speaker else []
        if any(client.state is State.STREAMING for client in self.wire.clients):
            demands.append(self.wire.demand(self.clock()))
        return max((demand for demand in demands if demand is not None), default=None)

    def _mind_the_control(self) -> None:
        """Nobody has the instrument in hand any more: where that was asked for, silence."""
        limit_s = self.config.dead_man
        if limit_s and not self.performance.panicked and self.clock() - self.wire.heard_s > limit_s:
            self.performance.panicked = True
            self._do([Mute(True)])
            self._on_alarm("control_lost", f"no word from any client for {limit_s:g} s: silent until /heart/resume")

    def _counts(self) -> dict[str, int]:
        """How often each kind of trouble has happened: see `troubles.WORDS`."""
        wire, conductor = self.wire.stats(), self.conductor
        workers = [self.voice, self.ear, *([self.recorder.worker] if self.recorder else [])]
        heard = sum(client["underruns"] for client in wire["clients"])
        return {
            "late": conductor.late_chunks + conductor.expired_wishes,
            "bed": conductor.bed_frames * 10 // SAMPLE_RATE_HZ,
            "refused": conductor.refused_chunks,
            "restarted": sum(worker.restarts for worker in workers),
            "dropouts": heard + (self.speaker.underruns if self.speaker else 0),
            "lost": wire["resent"],
            "too_late": wire["late"],
            "broken": wire["broken"],
            "errors": wire["errors"],
            "junk": wire["junk"],
            "stale": wire["stale"],
            "disk": self._disk_errors,
        }

    def _tell_broken(self) -> None:
        broken = self.wire.stats()["broken"]
        if broken > self._broken:
            self._on_alarm("broken", "the sound was no number: silent until it is whole again")
        self._broken = broken

    async def _tell_status(self) -> None:
        while True:
            self._tell_broken()
            self.teller.status(self.status())
            await asyncio.sleep(STATUS_S)

    async def _join_link(self, leader: str) -> None:
        link = LinkSession(self.performance.values["bpm"])
        follower = SessionFollower(self.performance, link, self._heard_frame)
        try:
            while True:
                if leader == "heart" or not link.peers:  # alone, nobody else leads
                    link.lead(self.performance.values["bpm"])
                else:
                    self._do(follower.follow(self.clock(), self.tape.sealed))
                await asyncio.sleep(STATUS_S)
        finally:
            link.leave()

    def status(self) -> Status:
        """How it goes, as told to clients and on the terminal."""
        values, heard = self.performance.values, self.performance.last_heard
        return Status(
            state=self._state(),
            mode=self.performance.mode,
            label=self.performance.mixing.now.label,
            bpm=float(values["bpm"]),
            heard_bpm=float(heard.bpm or 0.0),
            trust=float(heard.trust),
            p95=self.conductor.p95(),
            clients=len(self.wire.clients),
            steps=self.conductor.steps,
        )

    def _state(self) -> str:
        if self.performance.panicked:
            return "panic"
        if not self.voice.ready:
            return "bed" if self.conductor.bed_frames else "loading"
        return "singing" if self.wire.clients else "waiting"

    # what comes in

    def _do(self, effects: list[Effect]) -> None:
        self.doer.do(effects)

    def _on_input(self, channel: int, seq: int, samples: np.ndarray, origin: Any) -> None:
        if channel == 1:
            self.hearing.push(samples, origin.rate_hz if isinstance(origin, Client) else SAMPLE_RATE_HZ)

    def _on_client(self, event: str, client: Client) -> None:
        if client.proven:  # a flood of strangers is not worth a line each
            self._news.append(f"client {client.name}: {event}")
        if event == "hello":
            former = self._clients.get(client.addr)
            self._clients[client.addr] = client
            if former is not None:
                self.performance.rename(former, client)
                self.bridge.forget(former)
        elif event in ("bye", "expired"):
            self._clients.pop(client.addr, None)
            self.performance.forget(client)
            self.bridge.forget(client)

    def _on_chunk(self, chunk: Chunk) -> None:
        self.conductor.chunk(chunk)

    def _on_note(self, note: NoteSound) -> None:
        self.notes.sung(note)

    def _on_laid(self, laid: Laid) -> None:
        if self.journal:
            self.journal.write(laid)
        if self.scribe and (laid.by == "bed" or laid.first > laid.wish.start):
            self.scribe.remark(
                "a chunk came late here, or the bed: a rendering may differ a little from what was heard"
            )

    def _on_ear(self, record: Heard | Judged) -> None:
        if isinstance(record, Judged):
            self._on_judged(record)
        else:
            self._on_heard(record)

    def _on_judged(self, judged: Judged) -> None:
        if judged.off:
            self._news.append(f"ear: does not judge {judged.what}: {judged.off}")
        self.performance.judge(judged)
        self.teller.judged(judged)

    def _set_judging(self) -> None:
        values = self.performance.values
        self.hearing.set_judging(values["ear_hop"], values["ear_window"])

    def _on_heard(self, heard: Heard) -> None:
        self.doer.do(self.performance.heard(heard))
        self._align(heard)
        self.teller.heard(heard)

    def _align(self, heard: Heard) -> None:
        """Where, on the tape that the first listener hears, the heart's next beat falls."""
        now_s, heard_frame = self.clock(), self._heard_frame()
        if heard.next_s1_s is None or heard_frame is None:
            return
        ahead_s = self.hearing.moment(heard.next_s1_s) - now_s
        self.performance.align(heard_frame + ahead_s * SAMPLE_RATE_HZ, self.tape.head + SAMPLE_RATE_HZ)

    def _heard_frame(self) -> int | None:
        """Tape frame that the first listener hears now."""
        for client in self.wire.streaming[:1]:
            return client.heard_frame(self.clock())
        return self.speaker.heard_frame if self.speaker else None

    def _find_frame(self, downbeat: Downbeat) -> float | None:
        """Where on the tape a downbeat is wanted; who has no stream hears what the first listener does."""
        client = downbeat.to if isinstance(downbeat.to, Client) else None
        if downbeat.offset is not None:
            return client.frame_at(downbeat.offset, self.clock()) if client else None
        now = client.heard_frame(self.clock()) if client else None
        now = self._heard_frame() if now is None else now
        return None if now is None else now + downbeat.in_ms * SAMPLE_RATE_HZ / 1_000

    def _on_sent(self, samples: np.ndarray) -> None:
        """Exactly what the first client was sent; the take is opened when its rate is known."""
        if self.recorder is None and self.config.record and self.wire.recorded_format:
            self.recorder = Recorder(
                self.config.record,
                *self.wire.recorded_format,
                on_event=lambda event, text: self._on_event("recorder", event, text),
            )
            self.recorder.start()
        if self.recorder:
            self.recorder.write(samples)

    def _on_event(self, name: str, event: str, text: str) -> None:
        self._news.append(f"{name}: {event}{' ' + text if text else ''}")
        if event in ("died", "gave_up"):
            if name == "voice":
                self.conductor.voice_lost()
            elif name == "notes":
                self.notes.lost()
            self._alarm(f"{name}_lost", f"{name}: {text}; {REMEDY[name][event]}")
            self.troubles.note("restarted", f"{name}: {text}")
        elif event == "silent":
            self._alarm(f"{name}_silent", f"{name}: {text}")
        elif event == "error":  # the recorder's: its disk is full, or it was killed
            self._disk_errors += 1
            self._alarm("disk", text)
            self.troubles.note("disk", text)
        elif event == "ready":
            if name == "ear":
                self.hearing.reset()
                self._set_judging()
            self._alarm(f"{name}_ready", f"{name}: ready")

    def _on_stopped(self, seconds: float, dropped: int) -> None:
        text = f"the engine stood still for {seconds:.1f} s: {dropped} old messages were dropped"
        self._on_alarm("stopped", text)

    def _on_alarm(self, code: str, text: str) -> None:
        self._news.append(text)
        self._alarm(code, text)
        if code in KINDS:
            self.troubles.note(KINDS[code], text)
        if self.scribe:
            self.scribe.remark(text)

    def _alarm(self, code: str, text: str) -> None:
        self.wire.broadcast("/heart/alarm", code, text)
        self.bridge.board.post("/heart/alarm", (code, text))

    def take_news(self) -> list[str]:
        """Lines for a person that have come up since the last call."""
        news, self._news = self._news, []
        return news
