"""The wire: the engine's one UDP socket, protocol 1 of docs/osc.md.

    datagram ─▶ decode ─▶ check against the table ─▶ on_hello, on_credit, ... here, or `on_message`
    tape ─▶ Sender ─▶ paced audio to every client

Everything runs in one asyncio loop; no call here waits or blocks. What it hands out:

    on_message(address, args, sender)         a checked message that is not the wire's own; `sender` is the
                                              Client, or (ip, port) for somebody who never said hello
    on_foreign(address, args, sender)         a message of another program's namespace; True when it was of use
    on_input(channel, seq, samples, sender)   sound for the ear, float32 [n]
    on_client(event, client)                  "hello", "start" (first credit), "lost", "bye", "expired"
    on_sent(samples)                          float32 [n, channels]: what the first client was sent, once it
                                              can no longer change; format: `recorded_format`
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any

from heart.clock import Clock, monotonic
from heart.errors import WireError
from heart.plumbing.clients import Client, ClientTable
from heart.plumbing.desk import Faders
from heart.plumbing.door import Door, is_loopback
from heart.plumbing.endpoint import Endpoint, bound_socket, drained
from heart.plumbing.feed import TapeLike
from heart.plumbing.post import Post, Target
from heart.plumbing.reception import OnClient, OnForeign, OnInput, OnMessage, Reception
from heart.plumbing.sender import OnSent, Sender

TICK_S = 0.005
"""When something waits for the pacer or the tape."""

SWEEP_S = 0.1
STOPPED_S = 1.0
"""Who did nothing for so long was stopped (SIGSTOP, a machine that swaps): what waited meanwhile is not done."""

CLIENT_PORT = 9701
"""Where a client on this computer listens by habit: it is told when the engine starts."""


class Wire(Reception):
    """The engine's end of the protocol. `start` and `stop` from a running asyncio loop."""

    def __init__(
        self,
        tape: TapeLike,
        *,
        host: str = "127.0.0.1",
        port: int = 9700,
        on_message: OnMessage | None = None,
        on_foreign: OnForeign | None = None,
        on_input: OnInput | None = None,
        on_client: OnClient | None = None,
        on_sent: OnSent | None = None,
        lead_ms: float = 200.0,
        allow: Iterable[str] | None = None,
        phrase: str | None = None,
        clock: Clock = monotonic,
        version: str = "0",
        voice_name: str = "",
        on_stopped: Callable[[float, int], None] | None = None,
    ) -> None:
        """`on_stopped(seconds, dropped)`: the engine stood still, and so many datagrams that waited were dropped.

        Raises UsageError for an engine open to a network without allow-list and phrase."""
        table, post = ClientTable(), Post()
        super().__init__(
            table,
            post,
            Sender(tape, table, post.datagram, lead_ms, on_sent),
            Door(host, allow, phrase),
            clock,
            version,
            voice_name,
        )
        self.host, self.port = host, port
        self._on_message = on_message or self._on_message
        self._on_foreign = on_foreign or self._on_foreign
        self._on_input = on_input or self._on_input
        self._on_client = on_client or self._on_client
        self._on_stopped = on_stopped or (lambda seconds, dropped: None)
        self._socket: socket.socket | None = None
        self._awake_s = clock()
        self._tick: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None

    # --- life

    async def start(self) -> None:
        """Open the socket. Raises HeartError when the port is taken or the address is not ours."""
        sock = bound_socket(self.host, self.port)
        loop = asyncio.get_running_loop()
        endpoint = Endpoint(self.received)
        self._post.transport, _ = await loop.create_datagram_endpoint(lambda: endpoint, sock=sock)
        self.port = sock.getsockname()[1]
        self._post.own = (sock.getsockname()[0], self.port)
        self._socket, self._awake_s = sock, self._clock()
        self._sweep = loop.call_later(SWEEP_S, self._swept)
        if is_loopback(self.host):
            self._post.send(("127.0.0.1", CLIENT_PORT), "/heart/startup")

    async def stop(self) -> None:
        """Say bye to all clients and close the socket."""
        for handle in (self._tick, self._sweep):
            if handle:
                handle.cancel()
        self._tick = self._sweep = None
        self._socket = None
        self.broadcast("/heart/bye")
        for client in self._table.all():
            self._sender.close(client)
            self._table.remove(client)
        if self._post.transport:
            self._post.transport.close()
            await asyncio.sleep(0)

    # --- for the stage

    @property
    def clients(self) -> list[Client]:
        """All clients, the longest connected first."""
        return self._table.all()

    @property
    def told(self) -> list[Client]:
        """The clients that are told things unasked: not those who named a reply port and have not proven it."""
        return [client for client in self._table.all() if client.proven or client.addr == client.source]

    @property
    def streaming(self) -> list[Client]:
        """The clients that are hearing sound."""
        return [client for client in self._table.streaming() if client.stream and client.stream.feed]

    @property
    def committed(self) -> int:
        """Tape frame before which nothing may change any more."""
        return self._sender.committed

    @property
    def recorded_format(self) -> tuple[int, int] | None:
        """(rate in Hz, channels) of what `on_sent` gets; None before the first client."""
        return self._sender.recorded_format

    def demand(self, now: float) -> int:
        """Tape frame up to which sound is needed now; `committed` while nobody listens."""
        return self._sender.demand(now)

    def send(self, target: Target, address: str, *args: Any) -> bool:
        """A message to a client or an address; False when its address is unproven and has had enough."""
        return self._post.send(target, address, *args)

    def broadcast(self, address: str, *args: Any, except_for: Target | None = None) -> None:
        """A message to every client that has proven its address."""
        for client in self._table.proven():
            if client is not except_for:
                self._post.send(client, address, *args)

    def error(self, target: Target, code: str, address: str, text: str) -> None:
        """/heart/error to the one who asked, in measure."""
        self._post.error(target, WireError(code, address, text), self._clock())

    def admits(self, ip: str) -> bool:
        """Whether somebody at `ip` may come in without showing the phrase (again)."""
        return self._door.knows(ip) or self._table.speaks_from(ip)

    def panic(self) -> None:
        """Silence within 20 ms, also of what clients hold already, until `resume`."""
        self._later(self._sender.panic(self._clock()))

    def resume(self) -> None:
        """Sound again, softly."""
        self._sender.resume()

    def turn(self, faders: Faders) -> None:
        """Levels of all streams; they glide in 8 ms, heard one lead later."""
        self._sender.turn(faders)

    def set_lead_ms(self, lead_ms: float) -> None:
        """How far streams run ahead, 30..1000 ms."""
        self._sender.set_lead_ms(lead_ms)

    def stats(self) -> dict[str, Any]:
        """Counts since start, and the state of each client (fill_ms as the engine sees it)."""
        now = self._clock()
        clients = [
            {
                "name": c.name,
                "addr": c.addr,
                "state": c.state.value,
                "rate_hz": c.rate_hz,
                "fill_ms": c.stream.fill_ms(now) if c.stream else 0.0,
                "reported_fill_ms": c.fill_ms,
                "underruns": c.underruns,
            }
            for c in self._table.all()
        ]
        return {
            "clients": clients,
            **self._sender.counts(),
            **{k: self._post.counts[k] for k in ("errors", "unanswered", "junk", "dropped", "refused", "stale")},
        }

    # --- time

    def _later(self, needed: bool) -> None:
        if needed and self._tick is None and self._sweep:
            self._tick = asyncio.get_running_loop().call_later(TICK_S, self._ticked)

    def _ticked(self) -> None:
        self._tick = None
        self._later(self._sender.pump(self._clock()))

    def _wake_up(self, ahead_s: float) -> None:
        if self._sweep:
            asyncio.get_running_loop().call_later(ahead_s, self._do_due)

    def _stood_still(self, now: float) -> bool:
        slept_s, self._awake_s = now - self._awake_s, now
        if slept_s < STOPPED_S or self._socket is None:
            return False
        dropped = 1 + drained(self._socket)
        self._post.counts["stale"] += dropped
        self._on_stopped(slept_s, dropped)
        return True

    def _swept(self) -> None:
        self._stood_still(self._clock())
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._swept)
        for event, client in self._table.sweep(self._clock()):
            if event == "lost":
                self._sender.close(client)
                self._post.send(
                    client,
                    "/heart/alarm",
                    "lost",
                    "no credit for 500 ms: the stream stopped; it begins again with the next credit or hello",
                )
            if event == "expired":
                self._sender.close(client)
            self._on_client(event, client)
