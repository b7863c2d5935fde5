"""Keeps the tape ahead of the listeners: wishes to the voice, chunks onto the tape, the bed beneath.

Only one wish is under way at a time, so a fader in motion cannot starve the voice: a wish is always
finished, laid, and only then is what lies behind it sung again.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from heart.clock import Clock, monotonic
from heart.plumbing.tape import Tape
from heart.records import GRAIN, OVERLAP, SAMPLE_RATE_HZ, Chunk, Wish
from heart.sounding.choir import sing_all
from heart.sounding.offline import HOP, PAST
from heart.sounding.pulse import Pulse
from heart.stage.pace import Pace
from heart.stage.parts import Parts, lay
from heart.stage.performance import Performance

log = logging.getLogger(__name__)

BED_HOP = 4_416
"""New frames of the bed: 0.1 s, so that the voice can take over soon."""

PRIORITY_HOP = 8_192
"""New frames of a wish after a knob moved: 0.19 s, heard sooner than a whole hop."""


GLIDING_HOP = 12_288
"""New frames of a wish while what is sung is on its way: steps of 0.28 s."""

RESERVE_S = {"lead": 2.0, "track": 2.0, "follow": 1.0, "input": 0.4}
"""Finished sound kept ahead of the most advanced listener. It may be sung again when a knob moves, so it
costs no reaction time, and it hides a dying voice. Following, less of it lets beats settle later; what varies the
live input is late by all of it."""


def to_grain(frame: float) -> int:
    """The next multiple of GRAIN at or after `frame`."""
    return -(-int(frame) // GRAIN) * GRAIN


@dataclass(frozen=True)
class Laid:
    """A chunk on the tape: its first frame that counts, and the tempo it was asked with.

    With `after` and `sealed` the tape can be built again from its chunks: see `stage/again.py`.
    """

    first: int
    chunk: Chunk
    wish: Wish
    bpm: float
    after: int = 0
    """How many chunks had been laid when it was asked for, its past among them."""
    sealed: int = 0
    """Where the tape was sealed when it was laid."""
    by: str = "voice"
    """voice or bed."""


class Conductor:
    """Asks, lays and measures. Runs in the engine's loop; never blocks.

    Args:
        send: hands a wish to the voice.
        ready: whether there is a voice to hand it to.
        floor_s: below this the bed is laid.
        clock: seconds that never run backwards.
        tell: what performer and clients should know, as (code, text) of an alarm.
        log: gets every chunk that is laid, the bed's too, in the order of laying.
        begun: told the tape frame from which what was asked holds, and whether it is sung again exactly from there.
        timed: whether time goes by while the voice sings; offline it does not, and no step is dropped.
    """

    def __init__(
        self,
        tape: Tape,
        performance: Performance,
        send: Callable[[Wish], object],
        ready: Callable[[], bool] = lambda: True,
        floor_s: float = 0.05,
        clock: Clock = monotonic,
        tell: Callable[[str, str], object] = lambda code, text: None,
        log: Callable[[Laid], object] = lambda laid: None,
        begun: Callable[[int, bool], object] = lambda frame, exact: None,
        timed: bool = True,
    ) -> None:
        self.tape, self.parts = tape, Parts(tape)
        self.performance = performance
        self.send = send
        self.ready = ready
        self.clock, self.tell, self.log = clock, tell, log
        self.begun, self.timed = begun, timed
        self.floor = int(floor_s * SAMPLE_RATE_HZ)
        self.pending: Wish | None = None
        self._laid: deque[Laid] = deque()
        self.chunks = 0
        self.bed_frames = 0
        self.late_chunks = 0
        self.refused_chunks = 0
        self.expired_wishes = 0
        self.stale_chunks = 0
        self.pace = Pace()
        self._late = False
        self._lays = 0
        self._asked_bpm = 0.0
        self._asked_after = 0
        self._again: bool | None = None
        self._at = self._since = 0
        self._number = 0
        self._bed = Pulse()
        self._ratios: deque[float] = deque(maxlen=256)
        self._work_s: deque[float] = deque([0.1], maxlen=32)

    # What the stage calls.

    def sing_again(self, beats: bool) -> None:
        """What is not sealed no longer fits; `beats`: nor does the schedule."""
        self._again = beats or bool(self._again)

    def sing_again_at(self, frame: int) -> None:
        """What is asked next is to hold from this tape frame on, or as soon as can be where it is too late."""
        self._at = max(self._at, to_grain(frame))

    @property
    def changing(self) -> bool:
        """Whether something asked for has not been taken up yet."""
        return self._again is not None

    @property
    def soonest(self) -> int:
        """How many frames ahead of what is needed now the voice can still be asked to sing something else."""
        return self._margin() + GRAIN

    def tick(self, demand: int | None) -> None:
        """Do what is due. `demand`: frame up to which sound is needed now; None when nobody listens."""
        if demand is not None and self.tape.head - demand < self.floor:
            self._lay_bed(demand)
        self._expire()
        if self.pending is None and self.ready():
            self._ask(max(self.tape.sealed, demand or 0))

    def chunk(self, chunk: Chunk) -> bool:
        """A chunk came back: lay it. False when it was stale or broken."""
        wish = self.pending
        self._measure(chunk)
        if wish is None or chunk.number != wish.number:
            self.stale_chunks += 1
            return False
        if not fits(chunk, wish):
            self.refused_chunks += 1
            log.warning("voice: chunk %d refused (shape %s or not finite)", chunk.number, chunk.audio.shape)
            self.voice_lost()
            return False
        laid = self._lay(chunk, wish, self._asked_after)
        if laid is None:
            self.late_chunks += 1
            self.voice_lost()
            return False
        self.pending = None
        self.chunks += 1
        self._on_time()
        while self._laid and self._laid[-1].first >= laid.first:
            self._laid.pop()
        self._laid.append(laid)
        return True

    def sealed_chunks(self) -> list[Laid]:
        """Chunks whose beginning has become certain since the last call."""
        certain = []
        while self._laid and self._laid[0].first < self.tape.sealed:
            certain.append(self._laid.popleft())
        return certain

    def voice_lost(self) -> None:
        """What was asked of the voice will not come; what was to be sung again still has to be."""
        if self.pending and self.pending.start < self.tape.head - OVERLAP:
            self._again = True
        self.pending = None

    @property
    def settled(self) -> bool:
        """Nothing asked for is still to be sung."""
        return self._again is None and self.pending is None

    def p95(self) -> float:
        """95th percentile of work time over sound time, of the last chunks with as many steps as now (0: none)."""
        return float(np.percentile(self._ratios, 95)) if self._ratios else 0.0

    @property
    def steps(self) -> int:
        """Steps sung: those asked for, or fewer where the machine is too slow."""
        return self.pace.steps(int(self.performance.values["steps"]))

    # How it does it.

    def _measure(self, chunk: Chunk) -> None:
        """How long it took, and what follows from that for the steps; a chunk too late to lay counts as well."""
        frames = len(chunk.audio) - OVERLAP
        if frames <= 0:
            return
        self._work_s.append(chunk.spent_s)
        self._ratios.append(chunk.spent_s * SAMPLE_RATE_HZ / frames)
        asked = int(self.performance.values["steps"])
        if self.timed and self.pace.note(asked, chunk.steps, self._ratios[-1], self.clock()):
            self._ratios.clear()
            self.tell(
                "steps",
                f"voice: {self.steps} of {asked} steps sung; {chunk.steps} took {self.pace.p95:.2f} of real time",
            )

    def _expire(self) -> None:
        """A wish whose last frame is heard before it was sung is given up: the bed has taken its place."""
        wish = self.pending
        if wish is None or wish.start + wish.frames > self.tape.sealed:
            return
        self.expired_wishes += 1
        if not self._late:
            self._late = True
            self.tell("voice_late", f"voice: chunk {wish.number} expired, its time is over; the bed plays on")
        self.voice_lost()

    def _on_time(self) -> None:
        if self._late:
            self._late = False
            self.tell("voice_back", "voice: in time again")

    def _ask(self, edge: int) -> None:
        if self._again is not None:
            self._change(edge, self._again)
        if self.pending is None and self.tape.head - edge < RESERVE_S[self.performance.pace] * SAMPLE_RATE_HZ:
            start = max(0, self.tape.head - OVERLAP)
            self._begin(start, GLIDING_HOP if self.performance.gliding(start) else HOP)

    def _change(self, edge: int, beats: bool) -> None:
        """Take up what was asked: sing again from a frame that depends on nothing but when it is asked for.

        Behind that frame the tape must hold whole splices, as it would if no reserve had been sung: then the same
        messages at the same frames make the same chunks, live and offline.
        """
        start = max(to_grain(edge + self._margin()), self._at, self._since)
        start += GRAIN if any(laid.first == start for laid in self._laid) else 0
        exact = start + 2 * OVERLAP <= self.tape.head
        if not exact:  # no reserve to sing again: what is sung next is new anyway
            start = max(0, self.tape.head - OVERLAP)
        self._again, self._at, self._since = None, 0, start
        self.begun(start, exact or not self.tape.head)
        self.performance.begin(start if exact else self.tape.head, beats)
        if exact:
            self._begin(start, PRIORITY_HOP)

    def _begin(self, start: int, frames: int) -> None:
        self._number += 1
        wish = self.performance.wish(
            self._number, start, frames, self._past(start), self.parts.read(*self._span(start))
        )
        steps = self.pace.steps(wish.steps) if self.timed else wish.steps
        wish = replace(wish, steps=steps, others=tuple(replace(other, steps=steps) for other in wish.others))
        self.pending, self._asked_bpm = wish, float(self.performance.values["bpm"])
        self._asked_after = self._lays
        self.send(wish)

    def _past(self, start: int) -> np.ndarray:
        """float32 [n, voices]"""
        return self.tape.read(*self._span(start))

    def _span(self, start: int) -> tuple[int, int]:
        """First frame and length of the past of a wish from `start` on."""
        begin = max(self.tape.tail, start - PAST)
        return begin, min(self.tape.head, start + OVERLAP) - begin

    def _margin(self) -> int:
        """Frames that will go by while a priority wish is sung, and the floor that must then still be there."""
        if not self.timed:
            return 0
        slow_s = float(np.percentile(self._work_s, 90))
        return int((slow_s + 0.02) * SAMPLE_RATE_HZ) + self.floor

    def _lay(self, chunk: Chunk, wish: Wish, after: int, by: str = "voice") -> Laid | None:
        """Onto the tape, as far as it is not sealed; None when all came late."""
        sealed = self.tape.sealed
        first = max(chunk.start, sealed)
        if first > self.tape.head or chunk.start + len(chunk.audio) - first <= OVERLAP:
            return None
        self.parts.lay(chunk, first)
        lay(self.tape, chunk, first)
        self._lays += 1
        laid = Laid(first, chunk, wish, self._asked_bpm, after, sealed, by)
        self.log(laid)
        return laid

    def _lay_bed(self, demand: int) -> None:
        """The arithmetic pulse, from the tape's end on; the voice may later sing over what is not sent."""
        while self.tape.head - demand < self.floor:
            start = max(0, self.tape.head - OVERLAP)
            wish = self.performance.wish(0, start, BED_HOP, self._past(start))
            if self._lay(sing_all(self._bed, wish), wish, self._lays, "bed") is None:
                return
            self.bed_frames += BED_HOP


def fits(chunk: Chunk, wish: Wish) -> bool:
    """Whether all voices that were asked answered, whole and finite."""
    voices = [each.voice for each in (wish, *wish.others)]
    chunks = (chunk, *chunk.others)
    whole = all(each.audio.shape == (wish.frames + OVERLAP,) and np.isfinite(each.audio).all() for each in chunks)
    return whole and [each.voice for each in chunks] == voices
