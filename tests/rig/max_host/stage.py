"""What the concert patch needs besides: keys, a list of cells, a picture, a recorder, the loudspeaker button."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import soundfile as sf

from rig.max_host.core import BANG, Message, Obj, named, number
from rig.max_host.lists import List
from rig.max_host.messages import Expr
from rig.max_host.signals import Signal, Vector


@named("key")
class Key(Obj):
    """A keystroke: `host.press`."""

    def setup(self) -> None:
        self.host.keys.append(self)


@named("onebang")
class OneBang(Obj):
    def setup(self) -> None:
        self.open = bool(self.args and self.args[0])

    def take(self, inlet: int, message: Message) -> None:
        if inlet:
            self.open = True
            return
        self.out(0 if self.open else 1, BANG)
        self.open = False


@named("tosymbol")
class ToSymbol(Obj):
    def left(self, message: Message) -> None:
        self.out(0, [" ".join(str(word) for word in message)])


@named("atoi")
class Letters(Obj):
    def left(self, message: Message) -> None:
        self.out(0, [ord(letter) for letter in str(message[0])] or BANG)


@named("zl.len")
class ZlLen(List):
    def left(self, message: Message) -> None:
        self.out(0, [0 if message == BANG else min(len(message), self.most)])


@named("textedit")
class TextEdit(Obj):
    """What was typed, after the return key."""

    def left(self, message: Message) -> None:
        self.out(0, ["text", *message])


@named("line")
class LineOfMessages(Obj):
    """From where it is to a target in so many ms, a number each grain."""

    def setup(self) -> None:
        self.value, self.grain = float(self.args[0]), float(self.args[1])
        self.timer: object = None

    def left(self, message: Message) -> None:
        self.host.cancel(self.timer)
        ms = float(message[1]) if len(message) > 1 else 0.0
        self._step(self.value, float(number(message)), max(1, round(ms / self.grain)) if ms else 0, 0)

    def _step(self, start: float, goal: float, steps: int, done: int) -> None:
        self.value = start + (goal - start) * done / steps if steps else goal
        self.out(0, [self.value])
        if done < steps:
            self.timer = self.host.after(self.grain, lambda: self._step(start, goal, steps, done + 1))


@named("vexpr")
class VectorExpr(Expr):
    """An expression of each item of its lists; with @scalarmode a number goes with every item."""

    def setup(self) -> None:
        super().setup()
        self.lists: list[Message] = [[0.0] for _ in self.values]

    def take(self, inlet: int, message: Message) -> None:
        self.lists[inlet] = list(message)
        if inlet == 0:
            size = max(len(items) for items in self.lists)
            rows = zip(*([*items] * (size if len(items) == 1 else 1) for items in self.lists))
            self.out(0, [self.result([float(item) for item in row]) for row in rows])


@named("zl.lace")
class ZlLace(List):
    def left(self, message: Message) -> None:
        self.out(0, [item for pair in zip(message, self.held) for item in pair][: self.most])


@named("jit.lcd")
class Lcd(Obj):
    """Keeps the last drawing of each kind."""

    def setup(self) -> None:
        self.drawn: dict[object, Message] = {}
        self.frames = 0

    def left(self, message: Message) -> None:
        self.drawn[message[0]] = list(message[1:])
        if message == BANG:
            self.frames += 1
            self.out(0, ["jit_matrix", "x"])


@named("jit.pwindow")
class Window(Obj):
    def left(self, message: Message) -> None:
        assert message[0] == "jit_matrix"


@named("jit.cellblock")
class CellBlock(Obj):
    """Cells by (column, row); colours by row; a click is `host.turn(patch, "list", column, row)`."""

    def setup(self) -> None:
        self.cells: dict[tuple[int, int], object] = {}
        self.colours: dict[int, Message] = {}
        self.rows = 0

    def left(self, message: Message) -> None:
        word, rest = message[0], message[1:]
        if word == "clear":
            self.cells.clear()
        elif word == "rows":
            self.rows = int(rest[0])
        elif word == "row":
            assert rest[1] == "brgb", message
            self.colours[int(rest[0])] = rest[2:]
        elif word == "set":
            self.cells[int(rest[0]), int(rest[1])] = rest[2]
        elif word != "col":
            at = int(number(message)), int(message[1])
            self.out(0, [*at, str(self.cells.get(at, ""))])

    def table(self) -> list[list[object]]:
        return [[self.cells.get((column, row), "") for column in range(4)] for row in range(self.rows)]


@named("date")
class Date(Obj):
    def left(self, message: Message) -> None:
        now = time.localtime()
        if message == ["date"]:
            self.out(0, [now.tm_mon, now.tm_mday, now.tm_year])
        else:
            assert message == ["time"], message
            self.out(1, [now.tm_hour, now.tm_min, now.tm_sec])


@named("thispatcher")
class ThisPatcher(Obj):
    def left(self, message: Message) -> None:
        assert message == ["path"], message
        self.out(1, [f"{self.host.here}/"])


@named("sfrecord~")
class Recorder(Signal):
    """Writes what comes in while it is told 1; its outlet is the ms so far."""

    def setup(self) -> None:
        super().setup()
        self.file: sf.SoundFile | None = None
        self.subtype, self.on, self.frames = "PCM_16", False, 0
        self.channels = int(self.args[0])

    def left(self, message: Message) -> None:
        if message[0] == "samptype":
            self.subtype = {"float32": "FLOAT"}[str(message[1])]
        elif message[0] == "open":
            assert message[2] == "wave", message
            self.frames = 0
            if Path(str(message[1])).parent.is_dir():
                self.file = sf.SoundFile(
                    str(message[1]), "w", self.host.rate_hz, self.channels, self.subtype, format="WAV"
                )
        else:
            self.on = bool(number(message)) and self.file is not None
            if not self.on and self.file:
                self.file.close()
                self.file = None

    def work(self) -> Vector:
        if self.on and self.file:
            self.file.write(np.stack([self.input(n) for n in range(self.channels)], axis=1))  # type: ignore[arg-type]
            self.frames += self.host.vector
        return np.full(self.host.vector, 1000.0 * self.frames / self.host.rate_hz)


@named("live.gain~")
class Gain(Signal):
    """0 dB until it is told another level."""

    def work(self) -> None:
        self.vectors = [sound * 10 ** (self.value / 20) for sound in map(self.input, (0, 1)) if sound is not None]


@named("ezdac~")
class Loudspeakers(Signal):
    """The button that turns audio on and off, and what was heard since."""

    def setup(self) -> None:
        super().setup()
        self.heard: list[Vector] = []
        self.right: list[Vector] = []

    def left(self, message: Message) -> None:
        self.host.switch_dsp(bool(number(message)))

    def work(self) -> None:
        left, right = self.input(0), self.input(1)
        assert left is not None
        assert right is not None
        self.heard.append(left.copy())
        self.right.append(right.copy())

    def sound(self) -> np.ndarray:
        """The left side: float64 [n]."""
        return np.concatenate([np.zeros(0), *self.heard])


@named("qmetro")
class QMetro(Obj):
    def left(self, message: Message) -> None:
        if message == BANG or number(message):
            self._tick()

    def _tick(self) -> None:
        self.host.after(float(self.args[0]), self._tick)
        self.out(0, BANG)
