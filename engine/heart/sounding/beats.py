"""The beat clock: when the coming first and second sounds fall on the tape, and how loud. No clock of its own.

Its laws are in `rhythm`; a `Track` of given RR intervals may take the place of the law. The settings move on
the tape's frames (`Glide`), so what is rewound comes back the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from heart.records import SAMPLE_RATE_HZ, Beat
from heart.sounding.glide import Glide, still
from heart.sounding.levels import reach
from heart.sounding.rhythm import (
    ECTOPIC_LEVELS,
    MIN_DIASTOLE_MS,
    balance_levels,
    coupling_ms,
    fibrillation_ms,
    is_ectopic,
    sinus_ms,
    systole_ms,
)
from heart.sounding.track import Track

FIRST_S1 = 6_615
"""Frame of the very first S1: 0.15 s, so that it does not begin inside the fade of a start."""
HISTORY = 256
"""Beats remembered for whoever reads behind; the oldest are dropped."""
_NUDGE_PART = 0.01
"""Largest part of one RR interval by which phase locking may move a beat: 0.7 bpm at 70."""
_SHORTEST_SYSTOLE_MS = 40.0
"""Of a beat that the next one overtakes: it still has two sounds."""
_SHORTEST_PART = 0.5
"""No RR interval before an agreed downbeat is shorter than this part of a mean one."""


@dataclass(frozen=True)
class _Step:
    """A scheduled beat and what it was made with; `exact` is its S1 before rounding."""

    beat: Beat
    exact: float
    tempo: Glide
    ectopic: bool = False
    early_ms: float = 0.0
    """How much sooner than the sinus node had it the next beat comes: above 0 that one is ectopic."""


class BeatClock:
    """Beats on absolute frames, made on demand, changed only where the caller rewinds.

    Args:
        bpm: mean rate, 20..300.
        rmssd_ms: asked beat-to-beat variability; RR is held within half and one and a half of its mean.
        seed: decides the variation.
        first_s1: frame of the first S1.
        systole: 0.7..1.3, share of the systole that the rate would have.
        balance: -1 (S1 alone) .. 1 (S2 alone).
        pattern: one of records.PATTERNS.
        ectopy: 0..0.33, share of beats that are premature or missing, where the pattern leaves it open.
    """

    def __init__(
        self,
        bpm: float = 72.0,
        rmssd_ms: float = 30.0,
        seed: int = 0,
        first_s1: int = FIRST_S1,
        systole: float = 1.0,
        balance: float = 0.0,
        pattern: str = "sinus",
        ectopy: float = 0.1,
    ) -> None:
        self.seed, self.pattern = int(seed), pattern
        self._settings: dict[str, Glide] = {}
        self.set(bpm=bpm, rmssd_ms=rmssd_ms, systole=systole, balance=balance, ectopy=ectopy)
        self._steps: list[_Step] = []
        self._next = float(first_s1)
        self._number = 0
        self._owed_ms = 0.0
        self._downbeat = 0.0
        self._track: Track | None = None
        self._track_first: int | None = None

    def set(self, **settings: float) -> None:
        """New bpm, rmssd_ms, systole, balance or ectopy, from the next scheduled beat on (`rewind`: sooner)."""
        self._settings.update({name: still(value) for name, value in settings.items()})

    def glide(self, name: str, glide: Glide) -> None:
        """Let one of those settings move; a later `set` ends it."""
        self._settings[name] = glide

    def play(self, track: Track | None) -> None:
        """Beats of a track from the next scheduled one on, at its own rate when bpm is `track.bpm`; None: none."""
        self._track, self._track_first = track, None

    @property
    def rmssd_ms(self) -> float:
        """Variability asked for, where it is going."""
        return self._settings["rmssd_ms"].after

    def systole_at(self, frame: float) -> float:
        """Share of the systole that the rate would have, of a beat with its S1 there."""
        return self._settings["systole"].at(frame)

    def reseed(self, seed: int) -> None:
        """Another variation, from the next scheduled beat on."""
        self.seed = int(seed)

    def nudge(self, shift_ms: float) -> None:
        """Move the beats to come later (positive) or earlier, spread so that no RR interval jumps.

        A new call replaces what is still owed from the last one.
        """
        self._owed_ms = float(shift_ms)

    def land(self, frame: float) -> None:
        """Let the next unscheduled S1 fall on `frame`, or as soon after as the last beat's diastole allows."""
        self._next, self._owed_ms = max(float(frame), self._earliest()), 0.0
        if self._steps:
            last = self._steps[-1]
            self._steps[-1] = replace(last, beat=self._reaching(last, self._next), early_ms=0.0)

    def meet(self, frame: float, soonest: float = 0.0) -> None:
        """Let an S1 fall exactly on `frame`: the last RR interval before it takes what is left.

        Too soon for that, or sooner than `soonest`, it falls as many mean RR intervals later as it has to.
        Beats behind follow from there.
        """
        mean = self._settings["bpm"].frames_of(1.0, self._next)
        late = max(self._earliest(), soonest) - frame
        self._downbeat = frame + max(0, math.ceil(late / mean)) * mean
        if self._next + _SHORTEST_PART * mean > self._downbeat:
            self.land(self._downbeat)

    @property
    def next_s1(self) -> float:
        """Frame of the next S1 that is not scheduled yet."""
        return self._next

    def beats_until(self, frame: int) -> tuple[Beat, ...]:
        """All remembered beats with S1 before `frame`, scheduling those still missing."""
        while self._next < frame:
            self._schedule()
        del self._steps[:-HISTORY]
        return tuple(step.beat for step in self._steps if step.beat.s1 < frame)

    def rewind(self, frame: int) -> None:
        """Drop all beats whose S1 lies at or after `frame`; they will be made anew with the settings of now.

        The beat under way keeps its phase: what is left of its RR interval is stretched or shortened to
        the new tempo, so a moved knob is heard within this very beat. Its S2 takes the new level, if it is to come.
        """
        while self._steps and self._steps[-1].beat.s1 >= frame:
            dropped = self._steps.pop()
            self._next, self._number = dropped.exact, dropped.beat.n
        if self._track_first is not None:
            self._track_first = min(self._track_first, self._number)
        if self._steps and self._next > frame:
            self._bend(frame)
        if self._steps and reach(self._steps[-1].beat.s2) > frame:
            last = self._steps[-1]
            self._steps[-1] = replace(last, beat=replace(last.beat, gain2=self._levels(last)[1]))

    def _bend(self, frame: int) -> None:
        """Fit the running RR interval to a tempo that changed after it was made."""
        last, tempo = self._steps[-1], self._settings["bpm"]
        if tempo == last.tempo:
            return
        left = tempo.frames_of(last.tempo.beats_between(frame, self._next), frame)
        self._next = max(frame + left, min(self._earliest(), self._next))
        self._steps[-1] = replace(last, beat=self._reaching(last, self._next), tempo=tempo)
        if last.exact < self._downbeat:
            self.meet(self._downbeat)

    def _earliest(self) -> float:
        """The soonest frame for the next S1."""
        return self._steps[-1].beat.s2 + _frames(MIN_DIASTOLE_MS) if self._steps else 0.0

    def _reaching(self, step: _Step, frame: float) -> Beat:
        """The step's beat with an RR interval that ends at `frame`."""
        return replace(step.beat, rr_ms=(frame - step.exact) * 1_000.0 / SAMPLE_RATE_HZ)

    def _schedule(self) -> None:
        exact, tempo = self._next, self._settings["bpm"]
        last = self._steps[-1] if self._steps else None
        mean_ms = tempo.frames_of(1.0, exact) * 1_000.0 / SAMPLE_RATE_HZ
        plain_ms, given_systole_ms = self._plain(mean_ms)
        rr_ms, early_ms = self._placed(plain_ms, mean_ms, last.early_ms if last else 0.0)
        left_ms = (self._downbeat - exact) * 1_000.0 / SAMPLE_RATE_HZ
        if 0 < left_ms < rr_ms + _SHORTEST_PART * mean_ms:
            rr_ms, early_ms = left_ms, 0.0
        premature = bool(last and last.early_ms > 0)
        filled_ms = last.beat.rr_ms if last and premature else plain_ms
        share = self._settings["systole"].at(exact)
        systole = share * given_systole_ms or systole_ms(filled_ms, share)
        s1 = round(exact)
        s2 = s1 + round(_frames(max(min(systole, rr_ms - MIN_DIASTOLE_MS), _SHORTEST_SYSTOLE_MS)))
        step = _Step(Beat(self._number, s1, s2, rr_ms), exact, tempo, premature, early_ms)
        gain1, gain2 = self._levels(step)
        self._steps.append(replace(step, beat=replace(step.beat, gain1=gain1, gain2=gain2)))
        self._next += _frames(rr_ms)
        self._number += 1

    def _plain(self, mean_ms: float) -> tuple[float, float]:
        """RR interval of the next beat as the track or the law has it, and the track's systole (0: none), in ms."""
        if self._track:
            if self._track_first is None:
                self._track_first = self._number
            given = self._track.beat(self._number - self._track_first)
            if given:
                return given[0] * mean_ms / self._track.mean_ms, given[1]
        if self.pattern == "af":
            return fibrillation_ms(self.seed, self._number, mean_ms), 0.0
        rmssd_ms = self._settings["rmssd_ms"].at(self._next)
        return sinus_ms(self.seed, self._number, mean_ms, rmssd_ms) + self._pay(mean_ms), 0.0

    def _placed(self, plain_ms: float, mean_ms: float, early_ms: float) -> tuple[float, float]:
        """RR interval with what is premature or missing behind it, and how early the next beat then comes."""
        ectopy = self._settings["ectopy"].at(self._next)
        if not is_ectopic(self.pattern, ectopy, self.seed, self._number + 1):
            return plain_ms + early_ms, 0.0
        if self.pattern == "skipped":
            return plain_ms + mean_ms, 0.0
        rr_ms = coupling_ms(plain_ms)
        return rr_ms, early_ms + plain_ms - rr_ms

    def _levels(self, step: _Step) -> tuple[float, float]:
        """Levels of S1 and S2 of a beat, each by the balance where it sounds."""
        balance, beat = self._settings["balance"], step.beat
        weak = ECTOPIC_LEVELS if step.ectopic else (1.0, 1.0)
        if self._track and self._track_first is not None and beat.n >= self._track_first:
            given = self._track.levels_of(beat.n - self._track_first)
            weak = (weak[0] * given[0], weak[1] * given[1])
        return (
            balance_levels(balance.at(beat.s1))[0] * weak[0],
            balance_levels(balance.at(beat.s2))[1] * weak[1],
        )

    def _pay(self, mean_ms: float) -> float:
        most = _NUDGE_PART * mean_ms
        paid = min(max(self._owed_ms, -most), most)
        self._owed_ms -= paid
        return paid


def _frames(ms: float) -> float:
    return ms * SAMPLE_RATE_HZ / 1_000.0
