"""Lists and where they are kept: the zl objects, coll, buffer~ and what writes into it."""

from __future__ import annotations

import numpy as np

from rig.max_host.core import BANG, Message, Obj, named, number


class List(Obj):
    """The zl objects: without @zlmaxsize they keep 256 items, as in Max."""

    def setup(self) -> None:
        self.most = int(self.attrs.get("zlmaxsize", [256])[0])
        self.size = int(self.args[0]) if self.args else 0
        self.held: Message = []

    def other(self, inlet: int, message: Message) -> None:
        self.held = message[: self.most]


@named("zl.slice")
class ZlSlice(List):
    def left(self, message: Message) -> None:
        message = message[: self.most]
        if message[self.size :]:
            self.out(1, message[self.size :])
        self.out(0, message[: self.size])


@named("zl.nth")
class ZlNth(List):
    def left(self, message: Message) -> None:
        self.out(0, [message[self.size - 1]])


@named("zl.join")
class ZlJoin(List):
    def left(self, message: Message) -> None:
        self.out(0, [*message, *self.held][: self.most])


@named("zl.group")
class ZlGroup(List):
    def left(self, message: Message) -> None:
        self.held = [*self.held, *message]
        while len(self.held) >= min(self.size, self.most):
            group, self.held = self.held[: self.size], self.held[self.size :]
            self.out(0, group)


@named("coll")
class Coll(Obj):
    def left(self, message: Message) -> None:
        data = self.host.colls.setdefault(self.args[0], {})
        if len(message) > 1:
            data[message[0]] = message[1:]
        elif message[0] in data:
            self.out(0, data[message[0]])


@named("buffer~")
class Buffer(Obj):
    def setup(self) -> None:
        self.host.buffers[self.args[0]] = np.zeros(int(self.attrs["samps"][0]), np.float32)


@named("peek~")
class Peek(Obj):
    def left(self, message: Message) -> None:
        data, at = self.host.buffers[self.args[0]], int(number(message))
        if not 0 <= at < len(data):
            return
        if len(message) > 1:
            data[at] = message[1]
        else:
            self.out(0, [float(data[at])])


@named("array.tobuffer")
class ArrayToBuffer(Obj):
    def setup(self) -> None:
        self.at = 0

    def left(self, message: Message) -> None:
        if message[0] == "frameoffset":
            self.at = int(message[1])
        else:
            self.host.buffers[self.args[0]][self.at : self.at + len(message)] = message
            self.out(0, BANG)


@named("listfunnel")
class ListFunnel(Obj):
    def setup(self) -> None:
        self.at = 0

    def left(self, message: Message) -> None:
        if message[0] == "offset":
            self.at = int(message[1])
            return
        for n, value in enumerate(message):
            self.out(0, [self.at + n, value])
