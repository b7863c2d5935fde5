"""What keeps a network in its place: pacing, rate limits, and the allowance of an unproven address.

Three small machines without clocks; the time comes in as an argument, in seconds.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

PACED_BYTES = 32_000
PACED_WINDOW_S = 0.005
"""An unpaced burst overflows a receiver at once: Linux' default socket holds about 92 audio blocks."""

UNPROVEN_FACTOR = 3
"""RFC 9000 section 8: at most three times the bytes received go to an address that has not proven itself."""


class Pacer:
    """At most `bytes_per_window` in any stretch of `window_s`, over all clients together."""

    def __init__(self, bytes_per_window: int = PACED_BYTES, window_s: float = PACED_WINDOW_S) -> None:
        self.bytes_per_window, self.window_s = bytes_per_window, window_s
        self._sent: deque[tuple[float, int]] = deque()
        self._sum = 0

    def spend(self, size: int, now: float) -> bool:
        """Whether `size` bytes may go now; if so they count."""
        while self._sent and self._sent[0][0] <= now - self.window_s:
            self._sum -= self._sent.popleft()[1]
        if self._sum + size > self.bytes_per_window:
            return False
        self._sent.append((now, size))
        self._sum += size
        return True


class Buckets:
    """One token bucket a key: `burst` at once, then `per_s`. Remembers the last `keys` keys only."""

    def __init__(self, burst: float, per_s: float, keys: int = 1024) -> None:
        self.burst, self.per_s, self.keys = burst, per_s, keys
        self._tokens: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        """Whether `key` may act now; if so one token is gone."""
        tokens, since = self._tokens.pop(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - since) * self.per_s)
        allowed = tokens >= 1
        self._tokens[key] = (tokens - 1 if allowed else tokens, now)
        if len(self._tokens) > self.keys:
            self._tokens.popitem(last=False)
        return allowed

    def forget(self, key: Hashable) -> None:
        """A full bucket again for `key`."""
        self._tokens.pop(key, None)

    def __len__(self) -> int:
        return len(self._tokens)


class Allowance:
    """How many bytes may still be sent to each unproven IP address: three for every one received.

    Kept by IP and not by port, because a source address can be forged with any port; never more than
    `cap` bytes, so that nobody saves up for a flood.
    """

    def __init__(self, cap: int = 16_384, keys: int = 1024) -> None:
        self.cap, self.keys = cap, keys
        self._left: OrderedDict[str, int] = OrderedDict()

    def received(self, ip: str, size: int) -> None:
        left = self._left.pop(ip, 0)
        self._left[ip] = min(self.cap, left + UNPROVEN_FACTOR * size)
        if len(self._left) > self.keys:
            self._left.popitem(last=False)

    def spend(self, ip: str, size: int) -> bool:
        """Whether `size` bytes may go to `ip`; if so they are taken from what is left."""
        left = self._left.get(ip, 0)
        if size > left:
            return False
        self._left[ip] = left - size
        return True
