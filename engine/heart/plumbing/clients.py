"""Who is connected: welcomed by hello, proven by the first credit, lost, resumed, gone.

    hello ─▶ WELCOMED ──credit naming the epoch──▶ STREAMING ──500 ms without credit──▶ LOST
                 ▲                                                                       │
                 └────────────── any later credit: a fresh welcome, a new epoch ─────────┘
    bye, or 5 s without credit and ping: out of the table

The epoch is a random number that only who reads our answer can know, so a stream can never be aimed at
somebody else (the path validation of RFC 9000 section 8). Pure: no clock, no socket; `now` in seconds.
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heart.errors import WireError
from heart.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from heart.plumbing.stream import Stream

Address = tuple[str, int]
"""(ip, port)."""

MAX_CLIENTS = 8
LOST_S = 0.5
EXPIRY_S = 5.0
MAX_EPOCH = 2**24 - 1
"""Pure Data keeps numbers as 32-bit floats."""


class State(enum.Enum):
    WELCOMED = "welcomed"
    STREAMING = "streaming"
    LOST = "lost"


@dataclass(eq=False)
class Client:
    """One client; `addr` is where answers and sound go, `source` where its messages come from."""

    name: str
    addr: Address
    source: Address
    rate_hz: int = SAMPLE_RATE_HZ
    channels: int = 1
    epoch: int = 0
    block: int = 256
    state: State = State.WELCOMED
    proven: bool = False
    """Whether it has named the epoch, so that sending to it harms nobody."""
    trusted: bool = False
    """Whether it showed the pass phrase."""
    welcomed_s: float = 0.0
    credit_s: float = 0.0
    seen_s: float = 0.0
    """Time of the last hello, credit or ping."""
    underruns: int = 0
    fill_ms: float = 0.0
    """As the client reports them."""
    stream: Stream | None = field(default=None, repr=False)

    def ring_offset(self, frame: int) -> int | None:
        """Frame in the client's ring at which tape frame `frame` sounds; None while nothing streams."""
        return None if self.stream is None else self.stream.ring_offset(frame)

    def heard_frame(self, now: float) -> int | None:
        """Tape frame that sounds there now; None while nothing streams."""
        return None if self.stream is None else self.stream.heard_frame(now)

    def frame_at(self, offset: int, now: float) -> float | None:
        """Tape frame that sounds when the client's ring next plays `offset`; None while nothing streams."""
        return None if self.stream is None else self.stream.frame_at(offset, now)


class ClientTable:
    """All clients by their reply address, at most `capacity`."""

    def __init__(self, capacity: int = MAX_CLIENTS) -> None:
        self.capacity = capacity
        self._by_addr: dict[Address, Client] = {}
        self._by_source: dict[Address, Client] = {}

    def __len__(self) -> int:
        return len(self._by_addr)

    def all(self) -> list[Client]:
        """Every client, the longest connected first."""
        return list(self._by_addr.values())

    def proven(self) -> list[Client]:
        return [client for client in self._by_addr.values() if client.proven]

    def streaming(self) -> list[Client]:
        return [client for client in self._by_addr.values() if client.state is State.STREAMING]

    def at(self, addr: Address) -> Client | None:
        """The client that is answered at `addr`."""
        return self._by_addr.get(addr)

    def from_source(self, source: Address) -> Client | None:
        """The client that speaks from `source`."""
        return self._by_source.get(source)

    def speaks_from(self, ip: str) -> bool:
        """Whether a client that showed the phrase and proved its address lives at `ip`."""
        return any(c.addr[0] == ip and c.proven and c.trusted for c in self._by_addr.values())

    def hello(self, client: Client, now: float) -> Client | None:
        """Enter `client` under a new epoch; return the client whose place it takes, if any.

        That is the same client before its restart or, in a full table, the oldest that never proved its
        address. A restarted client keeps its place in the order.

        Raises:
            WireError: "full" when all places are taken by proven clients.
        """
        former = self._by_addr.get(client.addr)
        if former is None and len(self) >= self.capacity:
            former = self._oldest_unproven()
            self.remove(former)
        elif former is not None:
            self._forget_source(former)
        self._renew(client, now)
        self._by_addr[client.addr] = client
        self._by_source[client.source] = client
        return former

    def credit(self, epoch: int, source: Address, now: float) -> tuple[str, Client | None]:
        """What a credit from `source` means: a word, and the client it is from.

        "start": the first that names the epoch; "go": one more; "welcome": the client must be welcomed
        (again) with its new epoch; "old": of an earlier stream, to be ignored; "unknown": from nobody here.
        """
        client = self._by_source.get(source) or self._by_epoch(epoch, source)
        if client is None:
            return "unknown", None
        if client.state is State.LOST:
            self._renew(client, now)
            return "welcome", client
        if epoch != client.epoch:
            return self._old_credit(client, now), client
        word = "go" if client.state is State.STREAMING else "start"
        client.state, client.proven = State.STREAMING, True
        client.credit_s = client.seen_s = now
        return word, client

    def ping(self, number: int, source: Address, now: float) -> Client | None:
        """A sign of life; a client without sound proves its address by pinging with its epoch."""
        client = self._by_source.get(source)
        if client is not None:
            client.seen_s = now
            client.proven = client.proven or number == client.epoch
        return client

    def restart(self, client: Client, now: float) -> None:
        """A new epoch for a client whose counter began again without a hello."""
        self._renew(client, now)

    def remove(self, client: Client) -> None:
        """Take a client out (bye, expiry)."""
        if self._by_addr.get(client.addr) is client:
            del self._by_addr[client.addr]
        self._forget_source(client)

    def sweep(self, now: float) -> list[tuple[str, Client]]:
        """What silence has done since the last sweep: ("lost" | "expired", client) pairs."""
        events = []
        for client in self.all():
            if now - client.seen_s > EXPIRY_S:
                self.remove(client)
                events.append(("expired", client))
            elif client.state is State.STREAMING and now - client.credit_s > LOST_S:
                client.state = State.LOST
                events.append(("lost", client))
        return events

    def _renew(self, client: Client, now: float) -> None:
        old = client.epoch
        while client.epoch == old:
            client.epoch = secrets.randbelow(MAX_EPOCH) + 1
        client.state, client.proven = State.WELCOMED, False
        client.welcomed_s = client.seen_s = now

    def _old_credit(self, client: Client, now: float) -> str:
        """An old epoch is normal just after a welcome; later it means that the welcome was lost."""
        if client.state is State.WELCOMED and now - client.welcomed_s > LOST_S:
            client.welcomed_s = now
            return "welcome"
        return "old"

    def _by_epoch(self, epoch: int, source: Address) -> Client | None:
        """A client that opened a new sending socket: same computer, and it knows the epoch."""
        for client in self._by_addr.values():
            if client.epoch == epoch and client.addr[0] == source[0]:
                self._forget_source(client)
                client.source = source
                self._by_source[source] = client
                return client
        return None

    def _oldest_unproven(self) -> Client:
        for client in self._by_addr.values():
            if not client.proven and client.state is State.WELCOMED:
                return client
        raise WireError("full", "/heart/hello", f"{self.capacity} clients are connected already: end one first")

    def _forget_source(self, client: Client) -> None:
        if self._by_source.get(client.source) is client:
            del self._by_source[client.source]
