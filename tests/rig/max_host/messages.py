"""Objects of the message world, each as its reference page tells."""

from __future__ import annotations

import math
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
    """A message box: $1 $2 ... are replaced; words in quotes are one symbol; a comma begins another message."""

    def take(self, inlet: int, message: Message) -> None:
        assert inlet == 0
        if message[0] == "set":
            self.args = [" ".join(str(word) for word in message[1:])]
            return
        for text in re.findall(r'(?:"[^"]*"|[^,"])+', str(self.args[0])):
            self._tell(text, [] if message == BANG else message)

    def _tell(self, text: str, given: Message) -> None:
        words = re.findall(r'"([^"]*)"|(\S+)', text)
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
            self.out(0, [self.result(self.values)])

    def result(self, values: list[float]) -> float:
        found = eval(self.code, {"v": values, "sin": math.sin, "cos": math.cos, "pow": math.pow})
        return int(found) if isinstance(found, bool) else found


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
    """As C's; `symout`: one symbol. A list fills the inlets from the left."""

    def setup(self) -> None:
        self.whole = bool(self.args) and self.args[0] == "symout"
        self.text = " ".join(str(a) for a in self.args[int(self.whole) :]).replace("ld", "d")
        self.values: Message = [0] * len(re.findall(r"%", self.text))

    def take(self, inlet: int, message: Message) -> None:
        for place, value in enumerate(message if message != BANG else [], inlet):
            if place < len(self.values):
                self.values[place] = value
        if inlet == 0:
            text = self.text % tuple(self.values)
            self.out(0, [text] if self.whole else [atom(word) for word in text.split()])


@named("uzi")
class Uzi(Obj):
    def left(self, message: Message) -> None:
        count = int(self.args[0]) if message == BANG else int(number(message))
        base = int(self.args[1]) if len(self.args) > 1 else 1
        for n in range(count):
            self.out(2, [n + base])
            self.out(0, BANG)
        self.out(1, BANG)
