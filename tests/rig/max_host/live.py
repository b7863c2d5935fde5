"""Faces (dials, menus, buttons) and what of Live a device meets: enough to turn a knob and to lead a tempo."""

from __future__ import annotations

import numpy as np

from rig.max_host.core import BANG, Message, Obj, named, number
from rig.max_host.signals import Signal, Vector


@named(
    *("live.dial", "live.numbox", "live.text", "live.button", "live.tab", "led", "slider", "umenu", "nodes"),
    *("multislider", "button", "number", "flonum", "toggle", "panel"),
)
class Face(Obj):
    """Shows a value; `set` changes it in silence, a value by hand or cord goes on; LOOKS are its looks."""

    value: object = None
    LOOKS = ("text", "textcolor", "fontsize", "activebgcolor", "bgfillcolor")

    def setup(self) -> None:
        self.looks: dict[object, Message] = {}

    def take(self, inlet: int, message: Message) -> None:
        if message[0] in self.LOOKS:
            self.looks[message[0]] = message[1:]
        elif message[0] in ("set", "setsymbol"):
            self.value = message[1]
        else:
            self.value = message[0]
            self.out(0, message)


@named("live.menu")
class Menu(Face):
    """Its choice as a word leaves by the second outlet."""

    def take(self, inlet: int, message: Message) -> None:
        if message[0] == "setsymbol":
            self.value = message[1]
        else:
            self.value = message[0]
            self.out(1, message)


@named("comment")
class Comment(Face):
    """Text, changed by `set`, which may be several words."""

    def take(self, inlet: int, message: Message) -> None:
        if message[0] == "set":
            self.value = " ".join(str(word) for word in message[1:])
        else:
            super().take(inlet, message)


@named("clip")
class Clip(Obj):
    def left(self, message: Message) -> None:
        low, high = float(self.args[0]), float(self.args[1])
        self.out(0, [min(max(number(message), low), high)])


@named("slide")
class Slide(Obj):
    def setup(self) -> None:
        self.value = 0.0

    def left(self, message: Message) -> None:
        goal = number(message)
        self.value += (goal - self.value) / float(self.args[0 if goal > self.value else 1])
        self.out(0, [self.value])


@named("speedlim", "pcontrol")
class Through(Obj):
    def left(self, message: Message) -> None:
        self.out(0, message)


@named("live.thisdevice")
class ThisDevice(Obj):
    def loaded(self) -> None:
        self.out(0, BANG)


@named("live.path")
class LivePath(Obj):
    """A path becomes an id: here, the path itself."""

    def left(self, message: Message) -> None:
        assert message[0] == "path", message
        self.out(0, ["id", " ".join(str(word) for word in message[1:])])


@named("live.observer")
class Observer(Obj):
    """Tells a property of what it watches, at once and when Live changes it (`host.live_tempo`)."""

    def other(self, inlet: int, message: Message) -> None:
        assert message == ["id", "live_set"], message
        self.host.observers.append(self)
        self.out(0, [self.host.live_bpm])


@named("live.remote~")
class Remote(Obj):
    def setup(self) -> None:
        self.id = ""

    def left(self, message: Message) -> None:
        self.host.remote.setdefault(self.id, []).append(float(number(message)))

    def other(self, inlet: int, message: Message) -> None:
        self.id = str(message[1])


@named("plugin~")
class PlugIn(Signal):
    """The track's sound: silence on the left, a steady 0.25 on the right."""

    def setup(self) -> None:
        super().setup()
        self.vectors = [np.zeros(self.host.vector), np.full(self.host.vector, 0.25)]

    def work(self) -> None:
        return None


@named("plugout~")
class PlugOut(Signal):
    def setup(self) -> None:
        super().setup()
        self.heard: list[tuple[Vector, Vector]] = []

    def work(self) -> None:
        left, right = self.input(0), self.input(1)
        assert left is not None
        assert right is not None
        self.heard.append((left.copy(), right.copy()))
