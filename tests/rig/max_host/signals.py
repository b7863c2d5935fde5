"""Objects of the signal world: one vector at a time, float64 as in Max."""

from __future__ import annotations

from typing import Any

import numpy as np

from rig.max_host.core import BANG, Message, Obj, named, number

Vector = np.ndarray


class Signal(Obj):
    """An object with sound. `work` makes the outlet vectors from those of the inlets (None: no cord)."""

    signal = True

    def setup(self) -> None:
        self.value = float(self.args[0]) if self.args and not isinstance(self.args[0], str) else 0.0
        self.vectors: list[Vector] = [np.zeros(self.host.vector)]

    def input(self, inlet: int) -> Vector | None:
        sources = self.ins.get(inlet)
        if not sources:
            return None
        total = sources[0][0].vectors[sources[0][1]]
        for source, outlet in sources[1:]:
            total = total + source.vectors[outlet]
        return total

    def step(self) -> None:
        made = self.work()
        if made is not None:
            self.vectors[0] = made

    def work(self) -> Vector | None:
        raise NotImplementedError

    def other(self, inlet: int, message: Message) -> None:
        self.value = float(number(message))

    def left(self, message: Message) -> None:
        self.value = float(number(message))


def _two(name: str, work: Any) -> None:
    """`name` of the left signal and the right signal or number."""

    def run(self: Signal) -> Vector:
        left, right = self.input(0), self.input(1)
        assert left is not None, f"{name} without a signal"
        return np.asarray(work(left, self.value if right is None else right), float)

    named(name)(type(f"Signal{name}", (Signal,), {"work": run}))


for _name, _work in {
    "+~": np.add,
    "-~": np.subtract,
    "*~": np.multiply,
    "/~": np.divide,
    "%~": np.fmod,
    "==~": np.equal,
}.items():
    _two(_name, _work)


@named("trunc~")
class Trunc(Signal):
    def work(self) -> Vector:
        return np.trunc(self.input(0))  # type: ignore[arg-type]


@named("count~")
class Count(Signal):
    def setup(self) -> None:
        super().setup()
        self.limit, self.at = int(self.args[1]), 0

    def work(self) -> Vector:
        vector = (self.at + np.arange(self.host.vector)) % self.limit
        self.at = (self.at + self.host.vector) % self.limit
        return vector.astype(float)


@named("index~")
class Index(Signal):
    def work(self) -> Vector:
        at = self.input(0)
        assert at is not None
        assert np.array_equal(at, np.trunc(at)), "index~ is asked between samples"
        return self.host.buffers[self.args[0]][at.astype(int)].astype(float)


@named("poke~")
class Poke(Signal):
    def work(self) -> Vector | None:
        sound, at = self.input(0), self.input(1)
        if sound is not None and at is not None:
            self.host.buffers[self.args[0]][at.astype(int)] = sound
        return None


@named("delay~")
class DelaySignal(Signal):
    def setup(self) -> None:
        super().setup()
        self.memory = np.zeros(int(self.args[0]))
        self.value = int(self.args[1])

    def work(self) -> Vector:
        line = np.concatenate([self.memory, self.input(0)])
        self.memory = line[self.host.vector :]
        start = len(self.memory) - int(self.value)
        return line[start : start + self.host.vector]


@named("rampsmooth~")
class RampSmooth(Signal):
    """At each change of the input a line to it, as many samples long as its direction says."""

    def setup(self) -> None:
        super().setup()
        self.now = self.goal = self.slope = 0.0
        self.left_over = 0

    def work(self) -> Vector:
        vector = self.input(0)
        assert vector is not None
        if self.left_over == 0 and (vector == self.goal).all():
            return np.full(len(vector), self.goal)
        made = np.empty(len(vector))
        for n, goal in enumerate(vector):
            if goal != self.goal:
                self.goal, self.left_over = goal, int(self.args[0 if goal > self.now else 1])
                self.slope = (goal - self.now) / self.left_over
            if self.left_over:
                self.left_over -= 1
                self.now = self.goal if not self.left_over else self.now + self.slope
            made[n] = self.now
        return made


@named("line~")
class Line(Signal):
    def setup(self) -> None:
        super().setup()
        self.step_size, self.goal = 0.0, self.value

    def left(self, message: Message) -> None:
        self.goal = float(number(message))
        ms = float(message[1]) if len(message) > 1 else 0.0
        frames = max(1.0, ms * self.host.rate_hz / 1000)
        self.step_size = (self.goal - self.value) / frames

    def work(self) -> Vector:
        if self.value == self.goal:
            return np.full(self.host.vector, self.goal)
        line = self.value + self.step_size * np.arange(1, self.host.vector + 1)
        line = np.minimum(line, self.goal) if self.step_size > 0 else np.maximum(line, self.goal)
        self.value = float(line[-1])
        return line


@named("phasor~")
class Phasor(Signal):
    def setup(self) -> None:
        super().setup()
        self.phase = 0.0

    def other(self, inlet: int, message: Message) -> None:
        self.phase = number(message)

    def work(self) -> Vector:
        step = self.value / self.host.rate_hz
        vector = (self.phase + step * np.arange(self.host.vector)) % 1.0
        self.phase = float((self.phase + step * self.host.vector) % 1.0)
        return vector


@named("sah~")
class SampleAndHold(Signal):
    def setup(self) -> None:
        super().setup()
        self.held = self.before = 0.0

    def work(self) -> Vector:
        sound, trigger = self.input(0), self.input(1)
        assert sound is not None
        assert trigger is not None
        above = np.concatenate([[self.before], trigger]) > self.value
        at = np.flatnonzero(above[1:] & ~above[:-1])
        made = np.full(len(sound), self.held)
        for n in at:
            made[n:] = self.held = float(sound[n])
        self.before = float(trigger[-1])
        return made


@named("edge~")
class Edge(Signal):
    def setup(self) -> None:
        super().setup()
        self.before = False

    def work(self) -> None:
        sound = self.input(0)
        assert sound is not None
        high = np.concatenate([[self.before], sound != 0])
        self.before = bool(high[-1])
        for n in np.flatnonzero(high[1:] != high[:-1]):
            self.host.soon(lambda outlet=0 if high[n + 1] else 1: self.out(outlet, BANG))


@named("snapshot~")
class Snapshot(Signal):
    def work(self) -> Vector | None:
        sound = self.input(0)
        self.value = float(sound[0]) if sound is not None else 0.0
        return None

    def left(self, message: Message) -> None:
        assert message == BANG
        self.out(0, [self.value])


@named("send~")
class SendSignal(Signal):
    def work(self) -> Vector:
        vector = self.input(0)
        assert vector is not None
        self.host.wireless[self.args[0]] = vector
        return vector


@named("receive~")
class ReceiveSignal(Signal):
    """A vector late, which is the worst that Max may do."""

    def work(self) -> Vector:
        return self.host.wireless.get(self.args[0], np.zeros(self.host.vector))
