"""Objects of the message world, each as its reference page tells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from rig.max_host.core import BANG, Atom, Message, Obj, atom, named, number


@named("inlet", "outlet")
class Pass(Obj):
    def take(self, inlet: int, message: Message) -> None:
        self.out(0, message)


@named("t", "trigger")
class Trigger(Obj):
    def left(self, message: Message) -> None:
        for outlet in range(len(self.args) - 1, -1, -1):
            self.out(outlet, self._as(self.args[outlet], message))

    @staticmethod
    def _as(kind: Atom, message: Message) -> Message:
        if kind == "b":
            return BANG
        if kind == "i":
            return [int(number(message))]
        if kind == "f":
            return [float(number(message))]
        return list(message) if kind in ("l", "a", "s") else [kind]


@named("message")
class Box(Obj):
    """A message box: $1 $2 ... are replaced; words in quotes are one symbol."""

    def take(self, inlet: int, message: Message) -> None:
        assert inlet == 0
        given = [] if message == BANG else message
        words = re.findall(r'"([^"]*)"|(\S+)', str(self.args[0]))
        result: Message = []
        for quoted, plain in words:
            if quoted:
                result.append(quoted)
            elif re.fullmatch(r"\$\d", plain):
                result.append(given[int(plain[1]) - 1])
            else:
                result.append(atom(plain))
        self.out(0, result)


@named("s", "send")
class Send(Obj):
    def left(self, message: Message) -> None:
        for receiver in self.host.receivers.get(self.args[0], ()):
            receiver.out(0, message)


@named("r", "receive")
class Receive(Obj):
    def setup(self) -> None:
        self.host.receivers.setdefault(self.args[0], []).append(self)


@named("v", "value")
class Value(Obj):
    def setup(self) -> None:
        if len(self.args) > 1:
            self.host.values.setdefault(self.args[0], self.args[1:])

    def left(self, message: Message) -> None:
        if message != BANG:
            self.host.values[self.args[0]] = list(message)
        elif self.args[0] in self.host.values:
            self.out(0, list(self.host.values[self.args[0]]))


@named("i", "int")
class Int(Obj):
    def setup(self) -> None:
        self.value = int(self.args[0]) if self.args else 0

    def take(self, inlet: int, message: Message) -> None:
        if message != BANG:
            self.value = int(number(message))
        if inlet == 0:
            self.out(0, [self.value])


@named("f", "float")
class Float(Obj):
    def setup(self) -> None:
        self.value = float(self.args[0]) if self.args else 0.0

    def take(self, inlet: int, message: Message) -> None:
        if message != BANG:
            self.value = float(number(message))
        if inlet == 0:
            self.out(0, [self.value])


class Arithmetic(Obj):
    """Two numbers; whole numbers unless the argument has a point."""

    def setup(self) -> None:
        given: Atom = self.args[0] if self.args else 0
        self.whole = isinstance(given, int)
        self.right: float = given if isinstance(given, int | float) else 0
        self.last: float = 0

    def take(self, inlet: int, message: Message) -> None:
        if message != BANG:
            value = int(number(message)) if self.whole else float(number(message))
            if inlet:
                self.right = value
                return
            self.last = value
        result = self.work(self.last, self.right)
        self.out(0, [int(result) if self.whole or isinstance(result, bool) else result])

    def work(self, a: float, b: float) -> float:
        raise NotImplementedError


def _arithmetic(name: str, work: Any) -> None:
    named(name)(type(f"Arithmetic{name}", (Arithmetic,), {"work": lambda self, a, b: work(a, b)}))


for _name, _work in {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else 0,
    "%": lambda a, b: np.fmod(a, b) if b else 0,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "maximum": max,
    "minimum": min,
}.items():
    _arithmetic(_name, _work)


@named("expr")
class Expr(Obj):
    """C's arithmetic: whole numbers stay whole, a comparison is 1 or 0."""

    def setup(self) -> None:
        text = " ".join(str(a) for a in self.args)
        self.values: list[float] = [0.0] * max(int(n) for n in re.findall(r"\$[if](\d)", text))
        text = re.sub(r"\$i(\d)", r"int(v[\1-1])", text)
        text = re.sub(r"\$f(\d)", r"float(v[\1-1])", text)
        text = re.sub(r"(?<![\w.])(\d+)\.(?!\d)", r"\1.0", text)
        self.code = compile(text.replace("&&", " and ").replace("||", " or "), text, "eval")

    def take(self, inlet: int, message: Message) -> None:
        if message != BANG:
            for place, value in enumerate(message if inlet == 0 else message[:1], inlet):
                if place < len(self.values):
                    self.values[place] = float(value) if isinstance(value, int | float) else 0.0
        if inlet == 0:
            result = eval(self.code, {"v": self.values})
            self.out(0, [int(result) if isinstance(result, bool) else result])


@named("pack")
class Pack(Obj):
    def setup(self) -> None:
        self.items: Message = list(self.args)

    def take(self, inlet: int, message: Message) -> None:
        if message != BANG:
            for place, value in enumerate(message if inlet == 0 else message[:1], inlet):
                if place < len(self.items):
                    first = self.args[place]
                    self.items[place] = (
                        int(value) if isinstance(first, int) and not isinstance(value, str) else value
                    )
        if inlet == 0:
            self.out(0, list(self.items))


@named("unpack")
class Unpack(Obj):
    def left(self, message: Message) -> None:
        for outlet in range(min(len(message), len(self.args)) - 1, -1, -1):
            kind, value = self.args[outlet], message[outlet]
            if isinstance(kind, int) and isinstance(value, float):
                value = int(value)
            elif isinstance(kind, float) and isinstance(value, int):
                value = float(value)
            if isinstance(value, str) == (isinstance(kind, str)):
                self.out(outlet, [value])


@named("route")
class Route(Obj):
    def left(self, message: Message) -> None:
        for outlet, choice in enumerate(self.args):
            if message[0] == choice and isinstance(message[0], str) == isinstance(choice, str):
                self.out(outlet, message[1:] or BANG)
                return
        self.out(len(self.args), message)


@named("sel", "select")
class Select(Obj):
    def left(self, message: Message) -> None:
        for outlet, choice in enumerate(self.args):
            if message[0] == choice:
                self.out(outlet, BANG)
                return
        self.out(len(self.args), message)


@named("split")
class Split(Obj):
    def left(self, message: Message) -> None:
        low, high = self.args
        self.out(0 if low <= number(message) <= high else 1, message)


@named("gate")
class Gate(Obj):
    def setup(self) -> None:
        self.open = int(self.args[1]) if len(self.args) > 1 else 0

    def take(self, inlet: int, message: Message) -> None:
        if inlet == 0:
            self.open = int(number(message))
        elif self.open:
            self.out(self.open - 1, message)


@named("switch")
class Switch(Obj):
    def setup(self) -> None:
        self.open = int(self.args[1]) if len(self.args) > 1 else 0

    def take(self, inlet: int, message: Message) -> None:
        if inlet == 0:
            self.open = int(number(message))
        elif inlet == self.open:
            self.out(0, message)


@named("change")
class Change(Obj):
    def setup(self) -> None:
        self.value = self.args[0] if self.args else 0

    def left(self, message: Message) -> None:
        if message[0] != self.value:
            self.value = message[0]
            self.out(0, message)


@named("prepend")
class Prepend(Obj):
    def left(self, message: Message) -> None:
        if message[0] == "set":
            self.args = message[1:]
        else:
            self.out(0, [*self.args, *message])


@named("sprintf")
class Sprintf(Obj):
    def left(self, message: Message) -> None:
        text = " ".join(str(a) for a in self.args).replace("%ld", "%d")
        self.out(0, [atom(word) for word in (text % tuple(message[: text.count("%")])).split()])


@named("uzi")
class Uzi(Obj):
    def left(self, message: Message) -> None:
        count = int(self.args[0]) if message == BANG else int(number(message))
        base = int(self.args[1]) if len(self.args) > 1 else 1
        for n in range(count):
            self.out(2, [n + base])
            self.out(0, BANG)
        self.out(1, BANG)


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


@named("js", "print")
class Nothing(Obj):
    """Scripts run in Node, in a test of their own."""

    def take(self, inlet: int, message: Message) -> None:
        pass


@named("loadbang")
class LoadBang(Obj):
    def loaded(self) -> None:
        self.out(0, BANG)


@named("closebang")
class CloseBang(Obj):
    def closed(self) -> None:
        self.out(0, BANG)


@named("patcherargs")
class PatcherArgs(Obj):
    patcher_args: list[Atom]

    def loaded(self) -> None:
        self.out(0, [*self.patcher_args, *self.args[len(self.patcher_args) :]])


@named("delay", "del")
class Delay(Obj):
    def setup(self) -> None:
        self.ms: float = float(self.args[0])
        self.timer: object = None

    def left(self, message: Message) -> None:
        self.host.cancel(self.timer)
        if message == ["stop"]:
            return
        if message != BANG:
            self.ms = number(message)
        self.timer = self.host.after(self.ms, lambda: self.out(0, BANG))


@named("metro")
class Metro(Obj):
    def setup(self) -> None:
        self.timer: object = None

    def left(self, message: Message) -> None:
        self.host.cancel(self.timer)
        if message == BANG or number(message):
            self._tick()

    def _tick(self) -> None:
        self.timer = self.host.after(float(self.args[0]), self._tick)
        self.out(0, BANG)


@named("pipe")
class Pipe(Obj):
    def setup(self) -> None:
        self.timers: list[object] = []

    def left(self, message: Message) -> None:
        if message == ["clear"]:
            for timer in self.timers:
                self.host.cancel(timer)
            self.timers = []
            return
        self.timers = [*self.timers[-64:], self.host.after(float(self.args[-1]), lambda: self._tell(message))]

    def _tell(self, message: Message) -> None:
        for outlet in range(len(self.args) - 2, -1, -1):
            self.out(outlet, [message[outlet]])


@named("udpsend")
class UdpSend(Obj):
    def setup(self) -> None:
        self.to: list[Any] = [str(self.args[0]), int(self.args[1])]

    def left(self, message: Message) -> None:
        if message[0] in ("host", "port"):
            self.to[message[0] == "port"] = message[1]
        else:
            self.host.post(str(message[0]), message[1:], (self.to[0], int(self.to[1])))


@named("udpreceive")
class UdpReceive(Obj):
    def setup(self) -> None:
        self.port = int(self.args[0])

    def loaded(self) -> None:
        self.host.listen(self)

    def left(self, message: Message) -> None:
        assert message[0] == "port", message
        self.port = int(message[1])
        self.host.listen(self)


@named("dspstate~")
class DspState(Obj):
    def setup(self) -> None:
        self.host.dsp_states.append(self)

    def left(self, message: Message) -> None:
        self.out(2, [self.host.vector])
        self.out(1, [float(self.host.rate_hz)])
        self.out(0, [int(self.host.dsp_on)])
