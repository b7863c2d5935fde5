"""Clock, sockets and audio vectors: a thread that does what Max's scheduler and audio thread do."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from heart.errors import WireError
from heart.plumbing.osc import decode, encode
from rig.max_host import lists, live, messages, stage  # noqa: F401  their objects enter themselves
from rig.max_host.core import KINDS, Message, Obj
from rig.max_host.patch import Patch, join, read
from rig.max_host.signals import Signal
from rig.max_host.world import CloseBang, UdpReceive

PATCHERS = Path(__file__).parents[3] / "max" / "patchers"


SLACK_S = 0.01
"""How far this Max may fall behind the wall clock before its own clock waits: it judges patches, not Python."""


class Tap(Obj):
    """A listener at an outlet."""

    def setup(self) -> None:
        self.heard: list[Message] = []
        self.at: list[int] = []
        """Vector in which each came."""

    def take(self, inlet: int, message: Message) -> None:
        self.heard.append(list(message))
        self.at.append(self.host.vectors)


class Noise(Signal):
    """What a microphone would bring."""

    def setup(self) -> None:
        super().setup()
        self._rng = np.random.default_rng(int(self.args[0]))
        self.made: list[np.ndarray] = []

    def work(self) -> np.ndarray:
        self.made.append(self._rng.uniform(-0.5, 0.5, self.host.vector))
        return self.made[-1]


class MaxHost:
    """A Max without Max. Timers and sockets are looked after between two vectors, as with "
    "Scheduler in Audio Interrupt."""

    def __init__(self, vector: int = 64, rate_hz: int = 44_100, folder: Path = PATCHERS) -> None:
        self.vector, self.rate_hz, self.folder = vector, rate_hz, folder
        self.receivers: dict[Any, list[Obj]] = {}
        self.values: dict[Any, Message] = {}
        self.buffers: dict[Any, np.ndarray] = {}
        self.colls: dict[Any, dict[Any, Message]] = {}
        self.wireless: dict[Any, np.ndarray] = {}
        self.objects: list[Obj] = []
        self.dsp_states: list[Obj] = []
        self.observers: list[Obj] = []
        self.keys: list[Obj] = []
        self.here: Path = folder
        """Where the opened patch lies."""
        self.live_bpm = 120.0
        self.remote: dict[str, list[float]] = {}
        """What live.remote~ was told, by the path of the parameter."""
        self.instances = 0
        self.dsp_on = True
        self.vectors = 0
        self.errors: list[BaseException] = []
        self.lose: Callable[[str], bool] = lambda address: False
        """Whether a message that came is to be lost on its way."""
        self._due: list[list[Any]] = []
        self._numbers = itertools.count()
        self._soon: deque[Callable[[], None]] = deque()
        self._sockets: dict[UdpReceive, socket.socket] = {}
        self._speaker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._recordings: list[tuple[Obj, int, list[np.ndarray]]] = []
        self._now_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="max-host", daemon=True)
        self._calls: deque[Callable[[], None]] = deque()

    # --- building, before start

    def add(self, text: str) -> Patch:
        """An object of the package, as typed into a box."""
        made = Patch(
            self,
            {
                "boxes": [{"box": {"id": "x", "maxclass": "newobj", "text": text, "patching_rect": [0, 0, 0, 0]}}],
                "lines": [],
            },
            [],
        )
        thing = made.things["x"]
        assert isinstance(thing, Patch)
        return thing

    def device(self, path: Path) -> Patch:
        """A device of Live, or any other patch file."""
        return Patch(self, read(path), [])

    def set_live_bpm(self, bpm: float) -> None:
        """The tempo of the Live set, from any thread."""

        def change() -> None:
            self.live_bpm = bpm
            for observer in self.observers:
                observer.out(0, [bpm])

        self._calls.append(change)

    def turn(self, patch: Patch, name: str, *value: Any) -> None:
        """A face by its scripting name, turned by hand."""
        face = patch.named[name]
        assert isinstance(face, Obj)
        self._calls.append(lambda: face.take(0, list(value)))

    def tap(self, patch: Patch, outlet: int) -> Tap:
        """Everything that comes out there."""
        tap = Tap(self, [], {})
        join((patch, outlet), (tap, 0), [0.0, 0.0])
        return tap

    def record(self, patch: Patch, outlet: int) -> Callable[[], np.ndarray]:
        """Call it for all that has sounded there: float64 [n]."""
        source, index = patch.outlets[outlet].ins[0][0]
        blocks: list[np.ndarray] = []
        self._recordings.append((source, index, blocks))
        return lambda: np.concatenate([np.zeros(0), *blocks])

    def overhear(self, name: str) -> Tap:
        """Everything that is sent to a name."""
        tap = Tap(self, [], {})
        hear = KINDS["r"](self, [name], {})
        hear.connect(0, tap, 0, 0.0, 0.0)
        return tap

    def noise(self, into: Patch, seed: int) -> list[np.ndarray]:
        """Noise into the first inlet of a patch; what it was, vector by vector."""
        source = Noise(self, [seed], {})
        self.objects.append(source)
        join((source, 0), (into, 0), [0.0, 0.0])
        return source.made

    def set_dsp(self, on: bool) -> None:
        """The loudspeaker symbol, from any thread."""

        self._calls.append(lambda: self.switch_dsp(on))

    def press(self, ascii_code: int) -> None:
        """A key, while the patch's window is in front."""

        def type_it() -> None:
            for key in self.keys:
                key.out(0, [ascii_code])

        self._calls.append(type_it)

    def tell(self, patch: Patch, *message: Any, inlet: int = 0) -> None:
        """A message into an inlet, from any thread."""
        self._calls.append(lambda: patch.inlets[inlet].take(0, list(message)))

    # --- what objects ask for

    def after(self, ms: float, call: Callable[[], None]) -> list[Any]:
        timer = [self._now_s + max(ms, 0.0) / 1000, next(self._numbers), call]
        heapq.heappush(self._due, timer)
        return timer

    def switch_dsp(self, on: bool) -> None:
        """As set_dsp, from an object."""
        self.dsp_on = on
        for state in self.dsp_states:
            state.take(0, ["bang"])

    def cancel(self, timer: Any) -> None:
        if timer:
            timer[2] = None

    def soon(self, call: Callable[[], None]) -> None:
        """After this vector, as signal objects send messages."""
        self._soon.append(call)

    def listen(self, receiver: UdpReceive) -> None:
        old = self._sockets.pop(receiver, None)
        if old:
            old.close()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("127.0.0.1", receiver.port))
        sock.setblocking(False)
        self._sockets[receiver] = sock

    def post(self, address: str, args: Message, to: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            self._speaker.sendto(encode(address, *args), to)

    # --- running

    def start(self) -> MaxHost:
        self._order = self._sorted()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)
        for sock in (*self._sockets.values(), self._speaker):
            sock.close()
        if self.errors:
            raise self.errors[0]

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> float:
        """Wait for a condition; the seconds it took."""
        start = time.monotonic()
        while not condition():
            if self.errors:
                raise self.errors[0]
            assert time.monotonic() - start < timeout_s, f"{what}: not within {timeout_s} s"
            time.sleep(0.01)
        return time.monotonic() - start

    def _sorted(self) -> list[Signal]:
        """Signal objects, sources first."""
        order: list[Signal] = []
        seen: set[int] = set()

        def visit(thing: Obj) -> None:
            if id(thing) in seen:
                return
            seen.add(id(thing))
            for sources in thing.ins.values():
                for source, _ in sources:
                    visit(source)
            if isinstance(thing, Signal):
                order.append(thing)

        for thing in self.objects:
            if thing.signal:
                for inlet in thing.ins:
                    thing.ins[inlet] = [end for end in map(_through, thing.ins[inlet]) if end[0].signal]
        for thing in self.objects:
            if thing.signal:
                visit(thing)
        for n, (source, index, blocks) in enumerate(self._recordings):
            real, outlet = _through((source, index))
            self._recordings[n] = (real, outlet, blocks)
        return order

    def _run(self) -> None:
        try:
            for thing in list(self.objects):
                thing.loaded()
            began = time.monotonic()
            while not self._stop.is_set():
                self._messages()
                if self.dsp_on:
                    self._audio()
                self.vectors += 1
                self._now_s = self.vectors * self.vector / self.rate_hz
                early_s = began + self._now_s - time.monotonic()
                began += max(
                    0.0, -early_s - SLACK_S
                )  # a machine too busy: our clock goes slower, as no card's would
                time.sleep(max(0.0, early_s))
            for thing in self.objects:
                if isinstance(thing, CloseBang):
                    thing.closed()
        except BaseException as error:
            self.errors.append(error)

    def _messages(self) -> None:
        for queue in (self._calls, self._soon):
            while queue:
                queue.popleft()()
        for receiver, sock in list(self._sockets.items()):
            for _ in range(512):
                try:
                    datagram = sock.recv(65_536)
                except (BlockingIOError, OSError):
                    break
                with contextlib.suppress(WireError):
                    for address, args in decode(datagram):
                        if not self.lose(address):
                            receiver.out(0, [address, *_atoms(args)])
        while self._due and self._due[0][0] <= self._now_s:
            call = heapq.heappop(self._due)[2]
            if call:
                call()

    def _audio(self) -> None:
        for thing in self._order:
            thing.step()
        for source, outlet, blocks in self._recordings:
            blocks.append(source.vectors[outlet].copy())

    def __enter__(self) -> MaxHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _through(end: tuple[Obj, int]) -> tuple[Obj, int]:
    """Doors hand signals on: the object behind them."""
    thing, outlet = end
    while not thing.signal and thing.ins.get(0):
        thing, outlet = thing.ins[0][0]
    return thing, outlet


def _atoms(args: tuple[Any, ...]) -> Message:
    flat: Message = []
    for value in args:
        flat += value.tolist() if isinstance(value, np.ndarray) else [value]
    return flat
