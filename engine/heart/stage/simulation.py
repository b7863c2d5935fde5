"""A conductor, a voice and one listener in simulated time: ten minutes of stream in seconds, the same each run.

The sound is real: wishes, chunks, bed and tape are those of the live engine. Only time is arithmetic: a wish takes
`work_s`, and `step_s` more for each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ, Wish
from heart.sounding.choir import sing_all
from heart.sounding.pulse import Pulse
from heart.sounding.registry import Singer
from heart.stage.conductor import Conductor, Laid
from heart.stage.effects import SingAgain
from heart.stage.performance import Performance

TICK = 441
"""Frames between two ticks: 10 ms, as live."""


class Simulation:
    """`run` lets time pass; `sound` is what the listener was sent, `laid` every chunk in the order of laying."""

    def __init__(
        self,
        work_s: float = 0.1,
        step_s: float = 0.0,
        voice: Singer | None = None,
        voices: int = 1,
        log: Callable[[Laid], object] = lambda laid: None,
    ) -> None:
        self.tape, self.performance = Tape(seconds=20, channels=voices), Performance(voices=voices)
        self.voice: Singer = voice or Pulse()
        self.work_s, self.step_s, self.alive = work_s, step_s, True
        self.now_s, self.needed = 0.0, 0
        self.wishes: list[tuple[float, Wish]] = []
        """Under way, with the time of the answer: one is sung, of those sent meanwhile only the newest waits."""
        self.sent: list[np.ndarray] = []
        self.told: list[tuple[str, str]] = []
        self.laid: list[Laid] = []
        self._log = log
        self.conductor = Conductor(
            self.tape,
            self.performance,
            self._send,
            lambda: self.alive,
            clock=lambda: self.now_s,
            tell=lambda code, text: self.told.append((code, text)),
            log=self._note,
        )

    def run(self, seconds: float, listening: bool = True) -> None:
        """Let `seconds` pass, with a listener or without."""
        for _ in range(round(seconds * SAMPLE_RATE_HZ / TICK)):
            self.now_s += TICK / SAMPLE_RATE_HZ
            self._answer()
            if listening:
                self.needed += TICK
            self.conductor.tick(self.needed if listening else None)
            if listening:
                self._listen()

    def turn(self, name: str, value: object) -> None:
        """A performer sets a parameter."""
        for effect in self.performance.message(f"/heart/set/{name}", (value,), "simulation"):
            if isinstance(effect, SingAgain):
                self.conductor.sing_again(effect.beats)

    def kill(self) -> None:
        """The voice dies; set `alive` for a new one."""
        self.alive = False
        self.wishes.clear()
        self.conductor.voice_lost()

    @property
    def sound(self) -> np.ndarray:
        """float32 [n], of several voices [n, voices]: what the listener was sent, from tape frame 0 on."""
        sound = np.concatenate(self.sent)
        return sound[:, 0] if self.tape.channels == 1 else sound

    def _send(self, wish: Wish) -> None:
        begin_s = max(self.now_s, self.wishes[0][0] if self.wishes else 0.0)
        self.wishes[1:] = [(begin_s + self._work_s(wish.steps), wish)]

    def _answer(self) -> None:
        while self.alive and self.wishes and self.wishes[0][0] <= self.now_s:
            chunk = sing_all(self.voice, self.wishes.pop(0)[1])
            self.conductor.chunk(replace(chunk, spent_s=self._work_s(chunk.steps)))

    def _work_s(self, steps: int) -> float:
        return self.work_s + self.step_s * steps

    def _note(self, laid: Laid) -> None:
        self.laid.append(laid)
        self._log(laid)

    def _listen(self) -> None:
        start, end = self.tape.sealed, min(self.needed, self.tape.head)
        if end > start:
            self.tape.seal(end)
            self.sent.append(self.tape.read(start, end - start))
