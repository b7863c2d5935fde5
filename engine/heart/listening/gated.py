"""The live ear with the heart gate beside it, in one thread: as a running engine hears, but asked on the spot.

The ear's process asks its classifiers in a thread of its own (`opinions.Clerk`), so that beats never wait. Whoever
only measures or plays a file back has the time to wait.
"""

from __future__ import annotations

import numpy as np

from heart.listening.classifier import Classifier
from heart.listening.opinions import Case, Opinions
from heart.listening.stream import EarStream
from heart.records import Heard


class GatedEar:
    """An ear at rate_hz and, once a second, the gate; gate: None leaves the beats' net alone."""

    def __init__(self, ear: EarStream, rate_hz: int, gate: Classifier | None) -> None:
        self.ear = ear
        self._opinions = Opinions({"gate": gate} if gate else {}, rate_hz)

    def push(self, block: np.ndarray) -> list[Heard]:
        """block: float32 [n], at most a tenth of a second, as live. Returns what `EarStream.push` does."""
        self._opinions.push(block)
        self.ear.gate = self._opinions.gate
        heard = self.ear.push(block)
        if isinstance(case := self._opinions.case(self.ear.net_heart), Case):
            self._opinions.take(case, case.probabilities())
        return heard
