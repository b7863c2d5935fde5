"""Live notes: through a real engine, its worker and a client; what is asked for, with a worker of arithmetic."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest

from heart.errors import UsageError, WireError
from heart.plumbing.client import HeartClient
from heart.plumbing.overlay import POLYPHONY
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.notes.wishes import NoteSound, NoteWish
from heart.stage.notes import Notes, check_notes
from heart.stage.performance import Performance
from rig.live import LiveEngine


class Worker:
    """Keeps what it was sent, and answers when it is told to."""

    ready = True

    def __init__(self) -> None:
        self.sent: list[NoteWish] = []

    def send(self, record: NoteWish) -> None:
        self.sent.append(record)


def stage(**values: Any) -> tuple[Notes, Worker, Tape]:
    performance, tape, worker = Performance(), Tape(), Worker()
    performance.values.update(values)
    tape.lay(0, np.zeros(5 * SAMPLE_RATE_HZ, np.float32))
    return Notes(performance, tape, worker), worker, tape


def answer(notes: Notes, worker: Worker) -> None:
    notes.sung(NoteSound(worker.sent[-1].number, np.ones(2 * SAMPLE_RATE_HZ, np.float32)))


def test_a_note_has_the_latents_of_now_and_begins_at_what_is_sealed() -> None:
    notes, worker, tape = stage(z3=1.5)
    tape.seal(4_000)
    notes.on_note_on((64, 90), None)
    assert (worker.sent[0].z[2], worker.sent[0].pitch, worker.sent[0].velocity) == (1.5, 64.0, 90)
    tape.seal(5_000)
    answer(notes, worker)
    assert notes.overlay.sounding(4_999) == 0
    assert notes.overlay.sounding(5_000) == 1
    notes.on_note_on((64, 0), None)
    assert notes.overlay.sounding(5_000) == 0


def test_a_note_let_go_before_it_came_is_short() -> None:
    notes, worker, _ = stage()
    notes.on_note_on((64, 90), None)
    notes.on_note_off((64,), None)
    answer(notes, worker)
    assert notes.overlay.mix(0, SAMPLE_RATE_HZ) is not None
    assert notes.overlay.mix(SAMPLE_RATE_HZ // 2, SAMPLE_RATE_HZ) is None


def test_a_flood_keeps_the_newest_eight() -> None:
    notes, worker, _ = stage()
    for pitch in range(21, 101):
        notes.on_note_on((pitch, 100), None)
    assert notes.stolen == 80 - 1 - POLYPHONY
    for _ in range(1 + POLYPHONY):
        answer(notes, worker)
    assert notes.overlay.sounding(100) == POLYPHONY
    assert [wish.pitch for wish in worker.sent[1:]] == list(range(93, 101))


def test_beats_bring_notes_where_they_fall() -> None:
    notes, worker, tape = stage(notes="beat", notes_pitch=40)
    for sealed in range(0, 2 * SAMPLE_RATE_HZ, 441):
        tape.seal(sealed)
        before = len(worker.sent)
        notes.tick(sealed)
        if len(worker.sent) > before:
            answer(notes, worker)
    beats = [beat.s1 for beat in notes.performance.beats.beats_until(2 * SAMPLE_RATE_HZ)]
    assert len(worker.sent) >= 2
    assert worker.sent[0].pitch == 40
    sounding = [notes.overlay.sounding(frame) for beat in beats[:2] for frame in (beat - 1, beat)]
    assert sounding == [0, 1, 1, 2]


def test_panic_is_silence_and_a_dead_worker_is_forgotten() -> None:
    notes, worker, tape = stage()
    notes.on_note_on((60, 100), None)
    answer(notes, worker)
    notes.performance.panicked = True
    notes.tick(tape.sealed)
    assert notes.overlay.sounding(tape.sealed) == 0
    notes.performance.panicked = False
    notes.on_note_on((60, 100), None)
    notes.lost()
    notes.on_note_on((61, 100), None)
    assert worker.sent[-1].pitch == 61


def test_without_notes_it_is_said() -> None:
    notes = Notes(Performance(), Tape(), None)
    with pytest.raises(WireError, match="--notes notes-ae"):
        notes.on_note_on((60, 100), None)
    notes.tick(0)
    with pytest.raises(UsageError, match="notes-ae-64"):
        check_notes("voice-heart")
    with pytest.raises(UsageError, match="no model called"):
        check_notes("piano")


def test_a_client_hears_the_notes_it_asks_for() -> None:
    settings = {"gain": 0.0, "label": "N", "z1": 1.0}
    with LiveEngine(notes="notes-ae", settings=settings) as live, HeartClient(port=live.port) as heart:
        assert live.engine is not None
        noter = live.engine.noter
        assert noter is not None
        assert heart.wait_until(lambda: noter.ready and len(heart.played_audio()) > 4_410, timeout_s=60)
        before = len(heart.played_audio())
        heart.send("/heart/set/z2", 0.5)
        heart.send("/heart/note/on", 81, 127)

        def loud() -> bool:
            sound = heart.played_audio()[before:]
            if len(sound) < SAMPLE_RATE_HZ:
                return False
            spectrum = np.abs(np.fft.rfft(sound[-SAMPLE_RATE_HZ:] * np.hanning(SAMPLE_RATE_HZ)))
            return bool(
                spectrum[870:890].max() > 5 * spectrum[600:860].max()
            )  # A5, 880 Hz, over the heart's rumble

        assert heart.wait_until(loud, timeout_s=20)
        heart.send("/heart/note/on", 5, 100)
        assert heart.wait_until(lambda: any(error[1] == "/heart/note/on" for error in heart.errors), timeout_s=5)


@pytest.mark.stage
def test_killed_notes_come_back() -> None:
    with LiveEngine(notes="notes-ae") as live, HeartClient(port=live.port) as heart:
        assert live.engine is not None
        noter = live.engine.noter
        assert noter is not None
        assert heart.wait_until(lambda: noter.ready, timeout_s=60)
        os.kill(noter.pid or 0, signal.SIGKILL)
        assert heart.wait_until(lambda: noter.restarts > 0 and noter.ready, timeout_s=60)
        heart.send("/heart/note/on", 60, 100)
        overlay, tape = live.engine.notes.overlay, live.engine.tape
        assert heart.wait_until(lambda: overlay.sounding(tape.sealed + 4_410) == 1, timeout_s=10)
