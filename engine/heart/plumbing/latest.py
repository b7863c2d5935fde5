"""Of many values for one address only the latest: a flood of a runaway fader costs no more than a slow one.

The first value of a while is handed over at once. What follows within PAUSE_S waits, the newest of each address and
sender, in the order in which they came last; and nothing else overtakes what waits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

PAUSE_S = 0.005
"""Five milliseconds: half a turn of the engine, and less than any fader's step is heard."""
VERBS = ("/heart/set/", "/heart/norm/")
"""What may be left out when a newer one has come."""

Item = TypeVar("Item")


class Latest(Generic[Item]):
    """`hand_over` takes what is done now; `later(seconds)` has `flush` called then."""

    def __init__(self, hand_over: Callable[[Item], object], later: Callable[[float], object]) -> None:
        self._hand_over, self._later = hand_over, later
        self._waiting: dict[Hashable, Item] = {}
        self._free_s = 0.0
        """When the next value may be handed over at once."""
        self.left_out = 0
        """Values that a newer one took the place of."""

    def put(self, address: str, sender: Hashable, item: Item, now: float) -> None:
        """One message that came in, of any kind."""
        if not address.startswith(VERBS):
            self.flush()
            self._hand_over(item)
        elif not self._waiting and now >= self._free_s:
            self._free_s = now + PAUSE_S
            self._hand_over(item)
        else:
            self._wait((address, sender), item, now)

    def flush(self) -> None:
        """Hand over what waits."""
        waiting, self._waiting = self._waiting, {}
        for item in waiting.values():
            self._hand_over(item)

    def _wait(self, key: Hashable, item: Item, now: float) -> None:
        if not self._waiting:
            self._later(max(0.0, self._free_s - now))
            self._free_s = max(self._free_s, now) + PAUSE_S
        self.left_out += self._waiting.pop(key, None) is not None
        self._waiting[key] = item
