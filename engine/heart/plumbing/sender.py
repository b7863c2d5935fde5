"""Feeds all streams from the tape: begins them in step, keeps them ahead, paces what goes out.

Everybody hears the same tape frame at about the same time: who joins is set to what the most advanced
client hears. The first one begins at `committed`, the first frame that nobody has been sent yet, so that
nothing but the lead lies between the tape and the ear.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heart.plumbing.clients import Address, Client, ClientTable
from heart.plumbing.desk import Faders
from heart.plumbing.feed import TapeLike
from heart.plumbing.limits import Pacer
from heart.plumbing.stream import Stream
from heart.records import SAMPLE_RATE_HZ

TIGHT_LEAD_MS = 80.0
"""Under this lead the stream is topped up between two credits as well, by a guess of the play position:
waiting for the next credit alone would let a lead of 30 ms fall to 10."""

SendBytes = Callable[[bytes, Address], None]
OnSent = Callable[[np.ndarray], None]


class Sender:
    """The sound side of the wire. Pure: `now` comes in, packets go to `send_bytes(packet, address)`."""

    def __init__(
        self,
        tape: TapeLike,
        table: ClientTable,
        send_bytes: SendBytes,
        lead_ms: float = 200.0,
        on_sent: OnSent | None = None,
    ) -> None:
        self.tape, self.table, self.lead_ms = tape, table, lead_ms
        self.faders, self.muted = Faders(), False
        self.sent = self.resent = self.late = self.restarts = self.broken = 0
        self._send_bytes, self._on_sent = send_bytes, on_sent
        self._pacer = Pacer()
        self._committed = 0
        self._recorded: tuple[Address, int, int] | None = None

    @property
    def committed(self) -> int:
        """Tape frame before which nothing may change any more."""
        return self._committed

    @property
    def recorded_format(self) -> tuple[int, int] | None:
        """(rate in Hz, channels) of what `on_sent` gets; None before the first client."""
        return self._recorded[1:] if self._recorded else None

    def demand(self, now: float) -> int:
        """Tape frame up to which the most advanced client needs sound now; `committed` without clients."""
        streams = [c.stream for c in self.table.streaming() if c.stream]
        return max((s.demand(now, self._committed) for s in streams), default=self._committed)

    def open(self, client: Client) -> None:
        """A stream for a client that has just proven itself."""
        client.stream = Stream(
            self.tape,
            client.epoch,
            client.rate_hz,
            client.channels,
            client.block,
            self.lead_ms,
            self.faders,
            self.muted,
        )
        if self._recorded is None or not self._recorded_is_here():
            self._follow(client)

    def close(self, client: Client) -> None:
        """End the client's stream; its last sound counts as sent."""
        stream, client.stream = client.stream, None
        if stream:
            self._record(client, stream.history.settled(None))
            self._count(stream)

    def pump(self, now: float, client: Client | None = None) -> bool:
        """Send what is due (to all, or to one client); True when something must wait for the next tick."""
        clients = [client] if client else self.table.streaming()
        short = [each for each in clients if not self._prepare(each, now)]
        waiting = not self._send_round(clients, now)
        return waiting or bool(short) or (self.lead_ms < TIGHT_LEAD_MS and bool(self.table.streaming()))

    def panic(self, now: float) -> bool:
        """Silence everywhere, also in what the clients hold already; True when a tick is needed."""
        self.muted = True
        for stream in self._streams():
            stream.panic(now)
        return self.pump(now)

    def resume(self) -> None:
        self.muted = False
        for stream in self._streams():
            stream.resume()

    def turn(self, faders: Faders) -> None:
        """Glide all streams to other levels."""
        self.faders = faders
        for stream in self._streams():
            stream.turn(faders)

    def set_lead_ms(self, lead_ms: float) -> None:
        """30..1000 ms ahead of the clients from now on."""
        self.lead_ms = lead_ms
        for stream in self._streams():
            stream.lead_ms = lead_ms

    def counts(self) -> dict[str, int]:
        """Blocks sent, sent again, too late; streams begun anew, times the sound was broken; since the start."""
        streams = self._streams()
        return {
            "sent": self.sent,
            "resent": self.resent + sum(s.history.resent for s in streams),
            "late": self.late + sum(s.history.late for s in streams),
            "restarts": self.restarts + sum(s.restarts for s in streams),
            "broken": self.broken + sum(s.broken for s in streams),
        }

    def _streams(self) -> list[Stream]:
        return [client.stream for client in self.table.all() if client.stream]

    def _prepare(self, client: Client, now: float) -> bool:
        """Begin the client's stream where needed and make what is missing; False when the tape is short."""
        stream = client.stream
        if stream is None:
            return True
        start = stream.start_frame(now)
        if start is not None and not stream.begin(start, self._place(client, stream, start, now)):
            return False
        full = stream.fill(now)
        self._committed = max(self._committed, stream.committed)
        self._record(client, stream.history.settled(stream.playhead.played))
        return full

    def _place(self, client: Client, stream: Stream, start: int, now: float) -> int:
        """Tape frame that is to sound at stream frame `start` of a client."""
        others = [c.stream for c in self.table.streaming() if c is not client and c.stream]
        heard = [s.heard_frame(now) or 0 for s in others if not s.is_dry()]
        if heard:
            ahead = (start - stream.playhead.estimate(now)) * SAMPLE_RATE_HZ / stream.rate_hz
            frame = max(heard) + round(ahead)
        else:
            frame = max(self._committed, self.tape.sealed)
        return min(max(frame, self.tape.tail), self.tape.head)

    def _send_round(self, clients: list[Client], now: float) -> bool:
        """A block for each in turn until all have theirs; False when the pacer says wait."""
        waiting = [(c, c.stream, c.stream.playhead.estimate(now)) for c in clients if c.stream]
        while waiting:
            for each in list(waiting):
                client, stream, playing = each
                block = stream.peek(playing)
                if block is None:
                    waiting.remove(each)
                    continue
                packets = stream.packets(block)
                if not self._pacer.spend(sum(map(len, packets)), now):
                    return False
                stream.history.gone(block)
                self.sent += 1
                for packet in packets:
                    self._send_bytes(packet, client.addr)
        return True

    def _follow(self, client: Client) -> None:
        """Record this client from now on, if its sound fits what was recorded so far."""
        format_ = (client.rate_hz, client.channels)
        if self.recorded_format in (None, format_):
            self._recorded = (client.addr, *format_)

    def _recorded_is_here(self) -> bool:
        assert self._recorded is not None
        former = self.table.at(self._recorded[0])
        return former is not None and (former.rate_hz, former.channels) == self._recorded[1:]

    def _record(self, client: Client, blocks: list[np.ndarray]) -> None:
        """Hand on what can no longer change: float32 [n, channels]."""
        if self._on_sent and blocks and self._recorded == (client.addr, client.rate_hz, client.channels):
            sound = np.concatenate(blocks)
            self._on_sent(sound[:, [ch % sound.shape[1] for ch in range(client.channels)]])

    def _count(self, stream: Stream) -> None:
        self.resent += stream.history.resent
        self.late += stream.history.late
        self.restarts += stream.restarts
        self.broken += stream.broken
