"""What joins a patch to time, sockets and the audio driver."""

from __future__ import annotations

from typing import Any

from rig.max_host.core import BANG, Atom, Message, Obj, named, number


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

    def other(self, inlet: int, message: Message) -> None:
        self.ms = number(message)


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
