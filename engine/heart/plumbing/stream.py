"""One client's stream: from its credits to the blocks it needs next. Pure: no clock, no socket.

    credit ─▶ Playhead ─▶ want: played + lead ─▶ Feed (tape, desk, soxr, guard) ─▶ History ─▶ packets

Stream frame 0 lands at ring offset 0; the client counts from its welcome. The first credit says how far
it has come, and the first block is put just ahead of that. After running dry the stream begins again in
the same way, further on in the ring.
"""

from __future__ import annotations

import numpy as np

from heart.plumbing.desk import Faders
from heart.plumbing.feed import STANDING, Feed, TapeLike
from heart.plumbing.history import RING_FRAMES, SEQ_WRAP, Block, History
from heart.plumbing.osc import pack_audio
from heart.plumbing.playhead import Playhead
from heart.records import SAMPLE_RATE_HZ

START_S = 0.150
AGAIN_S = 0.050
"""How far ahead of the play position a stream begins, or begins again after a hole: time enough for a lost
first block to be asked for and to come, but never more than three quarters of the lead."""

PANIC_MARGIN_S = 0.009
PANIC_FADE_S = 0.006
"""Together 15 ms of the 20 that panic may take. The margin is the time for the new blocks to arrive: a fade
that the client has passed already when it comes would be a click."""

RING_SPARE = 8192
"""Frames of the ring that are never filled ahead, so that a late client is not overwritten."""


class Stream:
    """The stream of one epoch of one client."""

    def __init__(
        self,
        tape: TapeLike,
        epoch: int,
        rate_hz: int,
        channels: int = 1,
        block: int = 256,
        lead_ms: float = 200.0,
        faders: Faders = STANDING,
        muted: bool = False,
    ) -> None:
        self.tape, self.epoch, self.rate_hz, self.channels = tape, epoch, rate_hz, channels
        self.block, self.lead_ms, self.faders, self.muted = block, lead_ms, faders, muted
        self.playhead = Playhead(rate_hz)
        self.history = History(rate_hz)
        self.feed: Feed | None = None
        self.restarts = 0
        """How often the stream had to begin again after running dry."""
        self._broken = 0
        self._columns = [ch % min(tape.channels, channels) for ch in range(channels)]

    @property
    def lead_frames(self) -> int:
        """How far ahead of the play position the stream is kept, within what the ring can hold."""
        return min(round(self.lead_ms * self.rate_hz / 1000), RING_FRAMES - RING_SPARE)

    @property
    def committed(self) -> int:
        """First tape frame that this stream has not read; 0 before it began."""
        return self.feed.next_tape if self.feed else 0

    @property
    def broken(self) -> int:
        """How often the sound was no number and was faded to silence."""
        return self._broken + (self.feed.guard.alarms if self.feed else 0)

    def is_dry(self) -> bool:
        """Whether nothing is left to play: not begun, overtaken by its client, or fallen off the tape."""
        return self.feed is None or self.feed.next_stream <= self.playhead.played or not self.feed.has_tape()

    def start_frame(self, now: float) -> int | None:
        """Stream frame at which the stream must (again) begin, or None when it runs: see `begin`."""
        if not self.is_dry():
            return None
        ahead_s = min(AGAIN_S if self.feed else START_S, 0.75 * self.lead_ms / 1000)
        ahead = self.playhead.estimate(now) + round(ahead_s * self.rate_hz)
        if self.feed:
            ahead = max(ahead, self.feed.next_stream)
        return -(-ahead // self.block) * self.block

    def begin(self, stream_start: int, tape_start: int) -> bool:
        """From `stream_start` on let the tape sound from `tape_start` on; False: too little tape to begin."""
        if self.tape.head - tape_start < 2 * self.block:
            return False
        self.restarts += self.feed is not None
        self._broken = self.broken
        self.feed = Feed(self.tape, tape_start, stream_start, self.rate_hz, self.channels, self.faders)
        return True

    def fill(self, now: float) -> bool:
        """Make the blocks that are missing up to the lead; False when the tape ends before."""
        if self.feed is None:
            return False
        end = self.playhead.estimate(now) + self.lead_frames
        end = min(end, self.playhead.played + RING_FRAMES - RING_SPARE)
        start = self.feed.next_stream
        missing = (end - start) // self.block * self.block
        if missing > 0 and self.feed.has_tape():
            self._add(start, self.feed.take(missing, self.block))
            self.history.forget(self.playhead.played)
        return self.feed.next_stream - start >= missing

    def _add(self, start: int, samples: np.ndarray) -> None:
        if self.muted:
            samples = np.zeros_like(samples)
        for at in range(0, len(samples), self.block):
            self.history.add(start + at, samples[at : at + self.block])

    def peek(self, playing: int) -> Block | None:
        """The block that should go next when the client is at stream frame `playing`, or None."""
        return self.history.peek(playing)

    def packets(self, block: Block) -> list[bytes]:
        """The messages of a block, one a channel."""
        seq = block.seq % SEQ_WRAP
        return [
            pack_audio(ch, self.epoch, seq, block.offset, block.samples[:, column])
            for ch, column in enumerate(self._columns, 1)
        ]

    def nack(self, seq: int, count: int, now: float) -> None:
        """Blocks the client misses."""
        self.history.ask(seq, count, self.playhead.estimate(now))

    def turn(self, faders: Faders) -> None:
        """Glide to other levels, heard one lead later."""
        self.faders = faders
        if self.feed:
            self.feed.desk.turn(faders)

    def panic(self, now: float) -> None:
        """Silence, also of what the client holds already, until `resume`. Again: nothing more."""
        if self.muted:
            return
        fade = round(PANIC_FADE_S * self.rate_hz)
        shape = 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
        self.history.fade(self.playhead.estimate(now) + round(PANIC_MARGIN_S * self.rate_hz), shape)
        self.muted = True

    def resume(self) -> None:
        """Sound again, faded in by the guard."""
        if self.muted and self.feed:
            self.feed.guard.reset()
        self.muted = False

    def ring_offset(self, frame: int) -> int | None:
        """Ring frame at which tape frame `frame` sounds."""
        return None if self.feed is None else round(self.feed.stream_frame(frame)) % RING_FRAMES

    def heard_frame(self, now: float) -> int | None:
        """Tape frame that sounds now."""
        return None if self.feed is None else round(self.feed.tape_frame(self.playhead.estimate(now)))

    def frame_at(self, offset: int, now: float) -> float | None:
        """Tape frame that sounds when the ring next plays frame `offset`: the inverse of `ring_offset`."""
        if self.feed is None:
            return None
        played = self.playhead.estimate(now)
        return self.feed.tape_frame(played + (offset - played) % RING_FRAMES)

    def demand(self, now: float, committed: int) -> int:
        """Tape frame up to which the tape must be laid now; a dry stream begins at `committed`."""
        ratio = SAMPLE_RATE_HZ / self.rate_hz
        if self.feed is None or self.is_dry():
            return committed + round((self.lead_frames + self.block) * ratio)
        ahead = self.playhead.estimate(now) + self.lead_frames + self.block
        return round(self.feed.tape_frame(ahead)) + self.feed.hold_frames

    def fill_ms(self, now: float) -> float:
        """Reserve in the client's ring, as far as we know; below 0 it has run dry."""
        if self.feed is None:
            return 0.0
        return (self.feed.next_stream - self.playhead.estimate(now)) * 1000 / self.rate_hz
