"""The blocks of one stream: made, waiting to go, gone, and for two seconds still there to be sent again.

A sent block can be changed as long as it has not been played: it is sent again with the same number to
the same place in the client's ring. That is how `panic` is silent at once although the client holds
`lead_ms` of sound already.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

SEQ_WRAP = 2**20
RING_FRAMES = 65_536
HISTORY_S = 2.0
MAX_RESENDS = 8
"""How often one block is sent again at most, whatever a client asks for."""


@dataclass
class Block:
    """One block of all channels: `samples` float32 [n, tape channels] at stream frame `start`."""

    seq: int
    start: int
    samples: np.ndarray
    sent: bool = False
    resends: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.samples)

    @property
    def offset(self) -> int:
        """Where it lands in the client's ring."""
        return self.start % RING_FRAMES


class History:
    """Blocks by their number, and the order in which they go out: repairs first, they are due first."""

    def __init__(self, rate_hz: int) -> None:
        self._keep = round(HISTORY_S * rate_hz)
        self._blocks: dict[int, Block] = {}
        self._fresh: deque[Block] = deque()
        self._again: dict[int, Block] = {}
        self._settled: deque[Block] = deque()
        self.next_seq = 0
        self.resent = 0
        self.late = 0
        """Blocks that were due before they could be sent."""

    def add(self, start: int, samples: np.ndarray) -> None:
        """The next block."""
        block = Block(self.next_seq, start, samples)
        self.next_seq += 1
        self._blocks[block.seq] = block
        self._fresh.append(block)

    def forget(self, played: int) -> None:
        """Drop what was played two seconds ago."""
        for seq in list(self._blocks):
            if self._blocks[seq].end > played - self._keep:
                break
            del self._blocks[seq]

    def ask(self, seq: int, count: int, playing: int) -> None:
        """Send `count` blocks from wire number `seq` on again, those that can still be in time."""
        behind = (self.next_seq - seq) % SEQ_WRAP
        first = self.next_seq - behind
        for number in range(first, min(first + count, self.next_seq)):
            block = self._blocks.get(number)
            if block and block.sent and block.end > playing and block.resends < MAX_RESENDS:
                self._again[number] = block

    def peek(self, playing: int) -> Block | None:
        """The block that should go next; what has been played meanwhile is passed over."""
        for number in list(self._again):
            if self._again[number].end > playing:
                return self._again[number]
            del self._again[number]
        while self._fresh and self._fresh[0].end <= playing:
            self._fresh.popleft()
            self.late += 1
        return self._fresh[0] if self._fresh else None

    def gone(self, block: Block) -> None:
        """`block`, as peeked, has been sent."""
        if self._again.pop(block.seq, None) is not None:
            block.resends += 1
            self.resent += 1
            return
        self._fresh.popleft()
        block.sent = True
        self._settled.append(block)

    def fade(self, start: int, shape: np.ndarray) -> None:
        """Fade everything to silence from stream frame `start` on, `shape` float32 [n] leading down to 0."""
        for block in self._blocks.values():
            if block.end > start:
                at = np.clip(np.arange(block.start, block.end) - start, -1, len(shape))
                curve = np.concatenate((shape, [0.0, 1.0])).astype(np.float32)  # -1 is the last: 1
                block.samples = block.samples * curve[at][:, np.newaxis]
                if block.sent:
                    self._again[block.seq] = block
                    block.resends = 0

    def settled(self, played: int | None) -> list[np.ndarray]:
        """Sent blocks that can no longer change, each once and in order; None: all that were sent."""
        done = []
        while self._settled and (played is None or self._settled[0].end <= played):
            done.append(self._settled.popleft().samples)
        return done

    def __len__(self) -> int:
        """Blocks waiting to go."""
        return len(self._fresh) + len(self._again)
