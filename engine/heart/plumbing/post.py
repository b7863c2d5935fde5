"""Outgoing messages: who may be sent how much, errors in measure, and the counts of what went wrong.

An address that has not proven itself gets at most three times the bytes it sent (RFC 9000 section 8),
so that nobody can use the engine to flood somebody else. The source of a datagram on the loopback
cannot be forged and counts as proven; a reply port that is only named in a hello does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

from heart.errors import WireError
from heart.namespace import find
from heart.plumbing.clients import Address, Client
from heart.plumbing.door import is_loopback, may_be_answered
from heart.plumbing.limits import Allowance, Buckets
from heart.plumbing.lines import Line
from heart.plumbing.osc import encode

log = logging.getLogger("heart.wire")

MAX_BACKLOG = 1_000_000
"""Bytes the system may have left unsent before new ones are dropped."""

Target = Client | Address | Line


def ip_of(target: Target) -> str:
    """The address that a target is reached at."""
    if isinstance(target, Line):
        return target.ip
    return target.addr[0] if isinstance(target, Client) else target[0]


class Post:
    """The sending half of the socket."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self.own: Address = ("", 0)
        self.counts: Counter[str] = Counter()
        """"errors" answered, "unanswered", "junk", "dropped", and "refused" by the allowance."""
        self.allowance = Allowance()
        self._errors = Buckets(burst=20, per_s=10)
        self._errors_of_ip = Buckets(burst=100, per_s=50)
        self._phrases = Buckets(burst=1, per_s=1)
        self._lines = Buckets(burst=1, per_s=1)

    def datagram(self, packet: bytes, addr: Address) -> None:
        """Send bytes to an address that is known to want them."""
        transport = self.transport
        if transport is None or transport.is_closing() or _backlog(transport) > MAX_BACKLOG:
            self.counts["dropped"] += 1
            return
        transport.sendto(packet, addr)

    def send(self, target: Target, address: str, *args: Any) -> bool:
        """Send a message; False when the target's address is unproven and its allowance is used up."""
        return self._deliver(target, encode(address, *args))

    def _deliver(self, target: Target, packet: bytes) -> bool:
        if isinstance(target, Line):
            return target.send(packet)
        addr = target.addr if isinstance(target, Client) else target
        if not may_be_answered(*addr) or addr == self.own:
            return False
        if not self._is_proven(target) and not self.allowance.spend(addr[0], len(packet)):
            self.counts["refused"] += 1
            return False
        self.datagram(packet, addr)
        return True

    def _is_proven(self, target: Client | Address) -> bool:
        return target.proven if isinstance(target, Client) else is_loopback(target[0])

    def welcome(self, client: Client, *args: Any, voice: str) -> bool:
        """/heart/welcome, without the voice's name where the hello was too short for it."""
        return self.send(client, "/heart/welcome", *args, voice) or self.send(client, "/heart/welcome", *args, "")

    def error(self, target: Target, error: WireError, now: float) -> None:
        """Answer a mistake with one /heart/error, in measure; the text gives way to the allowance."""
        if not self._may_complain(ip_of(target), error, now):
            self.counts["unanswered"] += 1
            return
        text = str(error)
        for length in (400, 120, 40, 0):
            if self.send(target, "/heart/error", error.code, error.address[:120], text[:length]):
                self.counts["errors"] += 1
                return

    def _may_complain(self, ip: str, error: WireError, now: float) -> bool:
        if error.address.startswith("/heart/error"):  # two engines must not argue for ever
            return False
        if error.code in ("phrase", "forbidden"):
            return self._phrases.take(ip, now)
        kind = (ip, error.code, error.address if find(error.address) else "")
        return self._errors.take(kind, now) and self._errors_of_ip.take(ip, now)

    def junk(self, error: WireError, source: Address, now: float) -> None:
        """Count something unreadable; at most a line a second and kind goes to the log."""
        self.counts["junk"] += 1
        self.line(
            error.code,
            now,
            "unreadable datagram from %s port %d: %s (%d so far)",
            *source,
            error,
            self.counts["junk"],
        )

    def line(self, kind: str, now: float, text: str, *args: Any) -> None:
        """One line in the log, at most one a second of each kind."""
        if self._lines.take(kind, now):
            log.warning(text, *args)


def _backlog(transport: asyncio.DatagramTransport) -> int:
    """Bytes the system has not taken yet; every loop's transport tells, only the base class does not."""
    return transport.get_write_buffer_size()  # type: ignore[attr-defined]
