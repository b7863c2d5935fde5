"""What comes in: every datagram is checked against the table, then handled here or handed to the stage."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from heart.clock import Clock
from heart.errors import HeartError, WireError
from heart.namespace import PROTOCOL, RING_FRAMES, check, find
from heart.plumbing.agenda import LATE_S, Agenda, seconds_ahead
from heart.plumbing.clients import Address, Client, ClientTable
from heart.plumbing.door import Door, may_be_answered
from heart.plumbing.limits import Buckets
from heart.plumbing.lines import Line
from heart.plumbing.osc import decode, decode_dated
from heart.plumbing.post import Post, Target, log
from heart.plumbing.sender import Sender

OnMessage = Callable[[str, tuple[Any, ...], Target], None]
OnForeign = Callable[[str, tuple[Any, ...], Target], bool]
OnInput = Callable[[int, int, np.ndarray, Target], None]
OnClient = Callable[[str, Client], None]


class Reception(ABC):
    """The handlers of the wire's own rows. No socket and no timer: `received` takes bytes."""

    def __init__(
        self,
        table: ClientTable,
        post: Post,
        sender: Sender,
        door: Door,
        clock: Clock,
        version: str,
        voice_name: str,
    ) -> None:
        self.version, self.voice_name = version, voice_name
        self._table, self._post, self._sender, self._door = table, post, sender, door
        self._clock = clock
        self._on_message: OnMessage = lambda address, args, sender: None
        self._on_foreign: OnForeign = lambda address, args, sender: False
        self._on_input: OnInput = lambda channel, seq, samples, sender: None
        self._on_client: OnClient = lambda event, client: None
        self.heard_s = clock()
        """When somebody who is let in last said anything."""
        self._agenda, self._wall = Agenda(), time.time
        self._late_words = Buckets(burst=1, per_s=1)
        self._welcomes = Buckets(burst=3, per_s=1 / 60)

    @abstractmethod
    def _wake_up(self, ahead_s: float) -> None:
        """Have `_do_due` called so much later."""

    @abstractmethod
    def _later(self, needed: bool) -> None:
        """Have the sender pumped again soon, when `needed`."""

    def _stood_still(self, now: float) -> bool:
        """Whether what comes now has waited while nobody could read it, and is dropped."""
        return False

    def received(self, datagram: bytes, source: Address) -> None:
        """One datagram. Never raises: nothing that arrives may stop the loop."""
        now = self._clock()
        if source == self._post.own or self._stood_still(now):
            return
        self._post.allowance.received(source[0], len(datagram))
        try:
            messages = decode_dated(datagram)
        except WireError as error:
            self._post.junk(error, source, now)
            if error.address or error.code == "size":
                self._post.error(proven(self._sender_of(source)), error, now)
            return
        for when, (address, args) in messages:
            ahead_s = seconds_ahead(when, self._wall())
            if ahead_s > 0:
                self._keep(address, args, source, now, ahead_s)
                continue
            if ahead_s < -LATE_S:
                self._tell_late(address, source, now, -ahead_s)
            self._take(address, args, source, now)

    def _keep(self, address: str, args: tuple[Any, ...], source: Address, now: float, ahead_s: float) -> None:
        """Until its time; a stranger's is not kept."""

        def keep(address: str, args: tuple[Any, ...], sender: Target) -> None:
            self._admit(address, source)
            self._agenda.put(address, ahead_s, now, (address, args, source))
            self._wake_up(ahead_s)

        self._answered(keep, address, args, self._sender_of(source))

    def _do_due(self) -> None:
        """Do what waited for now."""
        now = self._clock()
        for address, args, source in self._agenda.due(now):
            self._take(address, args, source, now)

    def _tell_late(self, address: str, source: Address, now: float, late_s: float) -> None:
        self._post.counts["late"] += 1
        if self._late_words.take(source[0], now):
            text = f"{address}: was for {late_s:.2f} s ago, and is done now; are the clocks of both machines set?"
            self._post.send(self._sender_of(source), "/heart/alarm", "late", text)

    def spoken(self, packet: bytes, line: Line) -> None:
        """One packet that came over a line, from somebody who was let in already. Never raises.

        Streams belong to datagrams: of the wire's own rows a line may only ping.
        """
        try:
            messages = decode(packet)
        except WireError as error:
            return self._post.error(line, error, self._clock())
        for address, args in messages:
            self._answered(self._hand_over_spoken, address, args, line)
        return None

    def _take(self, address: str, args: tuple[Any, ...], source: Address, now: float) -> None:
        def hand_over(address: str, args: tuple[Any, ...], sender: Target) -> None:
            self._admit(address, source)
            self.heard_s = now
            if self._is_foreign(address, args, sender):
                return
            clean = check(address, args, "client")
            row = find(address)
            if row and row.owner == "wire":
                getattr(self, row.handler)(address, clean, source)
            else:
                self._on_message(address, clean, sender)

        self._answered(hand_over, address, args, self._sender_of(source))

    def _hand_over_spoken(self, address: str, args: tuple[Any, ...], line: Target) -> None:
        if self._is_foreign(address, args, line):
            return
        clean = check(address, args, "client")
        row = find(address)
        if address == "/heart/ping":
            self._post.send(line, "/heart/pong", clean[0])
        elif row and row.owner == "wire":
            raise WireError("transport", address, f"{address}: only over UDP")
        else:
            self._on_message(address, clean, line)

    def _is_foreign(self, address: str, args: tuple[Any, ...], sender: Target) -> bool:
        """Whether it is of another program's namespace, and somebody here knew what to do with it."""
        return find(address) is None and self._on_foreign(address, args, sender)

    def _answered(self, hand_over: OnMessage, address: str, args: tuple[Any, ...], sender: Target) -> None:
        """Do it; what goes wrong is one answer to the sender and nothing else."""
        now = self._clock()
        try:
            hand_over(address, args, sender)
        except WireError as error:
            self._post.error(proven(sender), error, now)
        except HeartError as error:
            self._post.error(proven(sender), WireError("failed", address, str(error)), now)
        except Exception:
            log.exception("%s from %s", address, sender)

    def _admit(self, address: str, source: Address) -> None:
        """Who is not known may only say hello (with the phrase), prove its address by credit, and ping."""
        if address in ("/heart/hello", "/heart/credit", "/heart/ping") or self._door.knows(source[0]):
            return
        if not self._table.speaks_from(source[0]):
            raise WireError("forbidden", address, f"{source[0]} is not known: say hello with the phrase")

    def _sender_of(self, source: Address) -> Target:
        return self._table.from_source(source) or source

    def on_hello(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """Enter a client and welcome it under a new epoch."""
        name, reply_port, protocol, rate_hz, channels, *phrase = args
        addr = (source[0], reply_port or source[1])
        trusted = self._door.opens(phrase[0] if phrase else None)
        if not trusted and not self._door.knows(source[0]):
            raise WireError("phrase", address, f"{address}: a pass phrase is asked for as its last argument")
        if protocol != PROTOCOL:
            raise WireError("protocol", address, f"{address}: protocol is {protocol}, I speak {PROTOCOL}")
        if not may_be_answered(*addr) or addr == self._post.own:
            raise WireError("range", address, f"{address}: reply_port is {addr[1]}, must be 1024 to 65535")
        known = self._table.at(addr)
        if not (known and known.proven) and not self._welcomes.take(addr, self._clock()):
            return
        client = Client(name, addr, source, rate_hz, channels, trusted=trusted)
        former = self._table.hello(client, self._clock())
        if former:
            self._sender.close(former)
            if former.addr != client.addr:  # the stranger who had to make room
                self._on_client("expired", former)
        self._welcome(client)
        self._on_client("hello", client)

    def _welcome(self, client: Client) -> None:
        self._sender.close(client)
        self._post.welcome(
            client,
            PROTOCOL,
            self.version[:16],
            client.rate_hz,
            client.channels,
            client.block,
            RING_FRAMES,
            client.epoch,
            voice=self.voice_name[:40],
        )

    def on_credit(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """The heartbeat of a stream: how far the client has played."""
        epoch, played, fill_ms, underruns = args
        now = self._clock()
        word, client = self._table.credit(epoch, source, now)
        if client is None:
            raise WireError("unknown-client", address, f"{address}: say hello first, I may be new")
        if word == "welcome":
            return self._welcome(client) if self._welcomes.take(client.addr, now) else None
        if word == "old":
            return None
        client.fill_ms, client.underruns = fill_ms, underruns
        if word == "start":
            self._welcomes.forget(client.addr)
            self._sender.open(client)
            self._on_client("start", client)
        if client.stream and client.stream.playhead.report(played, now):
            return self._later(self._sender.pump(now, client))
        self._table.restart(client, now)
        return self._welcome(client)

    def on_nack(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """Send lost blocks again."""
        epoch, seq, count = args
        client, now = self._client(address, source), self._clock()
        if client.stream and client.epoch == epoch:
            client.stream.nack(seq, count, now)
            self._later(self._sender.pump(now, client))

    def on_block(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """Another block size: the stream begins again with a new welcome."""
        client = self._client(address, source)
        client.block = args[0]
        self._table.restart(client, self._clock())
        self._welcome(client)

    def on_ping(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """A sign of life, answered."""
        client = self._table.ping(args[0], source, self._clock())
        self._post.send(proven(client or source), "/heart/pong", args[0])

    def on_in(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """Sound for the ear."""
        self._on_input(int(address.rsplit("/", 1)[1]), args[0], args[1], self._sender_of(source))

    def on_bye(self, address: str, args: tuple[Any, ...], source: Address) -> None:
        """End of a stream."""
        self._leave("bye", self._client(address, source))

    def _client(self, address: str, source: Address) -> Client:
        client = self._table.from_source(source)
        if client is None:
            raise WireError("unknown-client", address, f"{address}: say hello first")
        return client

    def _leave(self, event: str, client: Client) -> None:
        self._sender.close(client)
        self._table.remove(client)
        self._on_client(event, client)


def proven(target: Target) -> Target:
    """Where mistakes and pings are answered: a reply port that is only named gets no answer to what others send."""
    return target.source if isinstance(target, Client) and not target.proven else target
