"""What connects other programs, besides the wire: OSCQuery and discovery, presets, foreign controls, MIDI.

The engine hands over messages and time; everything here works through the same effects as any client.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from heart.clock import Clock
from heart.config import LiveConfig
from heart.errors import HeartError, WireError
from heart.namespace import DEFAULT_HTTP_PORT, ROWS
from heart.plumbing.announce import Announcement, can_announce, check_announce
from heart.plumbing.door import is_loopback
from heart.plumbing.http import HttpServer
from heart.plumbing.midi import TOPS, MidiLine, check_midi
from heart.plumbing.post import Target
from heart.plumbing.wire import Wire
from heart.stage.board import Board
from heart.stage.effects import Effect
from heart.stage.errands import Errands
from heart.stage.performance import Performance
from heart.stage.presets import Presets
from heart.stage.query import NAME, Query
from heart.stage.teach import Teacher
from heart.stage.troubles import Troubles

Do = Callable[[list[Effect]], None]


class Bridge:
    """One for an engine. `board` takes what everybody may know; `tell` a line for people and clients."""

    def __init__(
        self,
        config: LiveConfig,
        performance: Performance,
        wire: Wire,
        do: Do,
        tell: Callable[[str, str], None],
        clock: Clock,
        troubles: Troubles,
    ) -> None:
        """Raises HeartError for a folder, a file or an extra that `config` asks for and that cannot be used."""
        self.config, self.wire, self.do, self.tell = config, wire, do, tell
        self.board = Board()
        self.errands = Errands(wire, tell)
        presets = Presets(config.presets, performance, self.errands, do)
        self.teacher = Teacher(
            config.aliases, wire, self.board, self.errands, performance.values, self.message, clock
        )
        # Who takes which messages; the engine adds the cues of its score.
        self.owners: dict[str, Any] = {
            "performance": performance,
            "presets": presets,
            "teacher": self.teacher,
            "troubles": troubles,
        }
        self.query = Query(wire, performance, self.board, lambda: self.http.port if self.http else 0)
        self.http: HttpServer | None = None
        self.open = False
        """Whether everything that is to be opened is."""
        if config.announce:
            check_announce()
        if config.midi:
            check_midi()

    def message(self, address: str, args: Sequence[Any], origin: Target) -> None:
        """Have the owner of a row do what a checked message asks."""
        row = ROWS[address]
        owner = self.owners[row.owner]
        if row.owner == "performance":
            self.do(owner.message(address, args, origin))
        else:
            self.do(getattr(owner, row.handler)(args, origin))

    def foreign(self, address: str, args: tuple[Any, ...], sender: Target) -> bool:
        """A message that is not of our table; see `Teacher.foreign`."""
        return self.teacher.foreign(address, args, sender)

    def forget(self, client: Target) -> None:
        """A client went away, or came back as another."""
        self.teacher.echoes.forget(client)

    def tick(self) -> None:
        """Call often."""
        self.teacher.tick()

    @property
    def busy(self) -> bool:
        """Whether something asked for is still to come."""
        return self.errands.busy

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Open what `config` asks for; `stack` closes it again.

        Raises HeartError for what was named and cannot be had; what is only the default is told, and goes without.
        """
        stack.callback(self.teacher.close)
        stack.callback(self.errands.close)
        if self.config.midi:
            midi = MidiLine(self.config.midi, self._on_midi)
            midi.start()
            stack.callback(midi.stop)
            self.tell("midi", f"MIDI from {midi.name}")
        if self.config.http_port is None or self.config.http_port >= 0:
            await self._open_http(stack)
        if self.config.announce or (self.config.announce is None and self._is_open and can_announce()):
            announcing = asyncio.ensure_future(self._announce())  # takes a second: names are probed for
            stack.push_async_callback(self._end, announcing)
        self.open = True

    @property
    def _is_open(self) -> bool:
        """Whether it listens to a network: only then is it worth a socket for multicast, which hears all of it."""
        return not is_loopback(self.wire.host)

    async def _open_http(self, stack: contextlib.AsyncExitStack) -> None:
        named = self.config.http_port
        http = HttpServer(self.wire.host, DEFAULT_HTTP_PORT if named is None else named, self.query)
        try:
            await http.start()
        except HeartError as error:
            if named is not None:
                raise
            self.tell("http", f"no OSCQuery here: {error}")
            return
        self.http = http
        stack.push_async_callback(http.stop)
        self.tell("http", f"OSCQuery on http://{http.host}:{http.port}")

    async def _announce(self) -> None:
        announcement = Announcement(NAME, self.wire.host)
        ports = {"_osc._udp": self.wire.port, **({"_oscjson._tcp": self.http.port} if self.http else {})}
        try:
            await announcement.start(ports)
            self.tell("announce", f"announced by zeroconf as {NAME}")
            await asyncio.Event().wait()  # until it is cancelled
        except HeartError as error:
            self.tell("announce", str(error))
        finally:
            await announcement.stop()

    async def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def _on_midi(self, address: str, number: int, port: MidiLine) -> None:
        try:
            self.teacher.foreign(address, (number,), port, TOPS[address.split("/")[2]])
        except WireError as error:
            self.tell("midi", str(error))
        except HeartError as error:
            self.tell("midi", f"{address}: {error}")
