"""The beat clock: when the coming first and second sounds fall on the tape. numpy only, no clock of its own.

RR intervals vary like a resting heart's: a breathing wave of one breath in 4.6 beats (the resting
pulse-respiration quotient lies between 4 and 5; Scholkmann and Wolf, Frontiers in Physiology 2019), a slower
blood pressure wave and noise. Their shares of the squared RMSSD are fixed, so any RMSSD can be asked for;
SDNN then comes out about equal to RMSSD, as it does in short recordings at rest. The variation is a
function of (seed, beat number) alone: what was rewound comes back the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from heart.records import SAMPLE_RATE_HZ, Beat

FIRST_S1 = 6_615
"""Frame of the very first S1: 0.15 s, so that it does not begin inside the fade of a start."""
MIN_DIASTOLE_MS = 90.0
HISTORY = 256
"""Beats remembered for whoever reads behind; the oldest are dropped."""
_BREATH_BEATS, _PRESSURE_BEATS = 4.6, 17.3
_SHARES = (0.60, 0.05, 0.35)
"""Parts of RMSSD squared: breathing, pressure wave, noise."""
_NUDGE_PART = 0.01
"""Largest part of one RR interval by which phase locking may move a beat: 0.7 bpm at 70."""


def systole_ms(rr_ms: float) -> float:
    """Time from S1 to S2 at a given RR interval, in ms.

    Weissler's regression of left ventricular ejection time on rate (LVET = 413 - 1.7 HR for men;
    Weissler, Harris, Schoenfeld, Circulation 1968) plus 30 ms of isovolumic contraction before it.
    Held between 150 ms and what leaves MIN_DIASTOLE_MS before the next beat.
    """
    law_ms = 443.0 - 1.7 * 60_000.0 / rr_ms
    return float(min(max(law_ms, 150.0), rr_ms - MIN_DIASTOLE_MS))


def variation_ms(seed: int, n: int, rmssd_ms: float) -> float:
    """Deviation of the RR interval of beat n from its mean, in ms."""
    random = np.random.default_rng([abs(int(seed)), n])
    phases = np.random.default_rng([abs(int(seed)), 2**32]).uniform(0, 2 * math.pi, 2)
    waves = 0.0
    for phase, beats, share in zip(phases, (_BREATH_BEATS, _PRESSURE_BEATS), _SHARES):
        # A wave's successive differences have the mean square 2 (amplitude sin(pi / beats))^2.
        amplitude = math.sqrt(share / 2) / math.sin(math.pi / beats)
        waves += amplitude * math.sin(2 * math.pi * n / beats + phase)
    return rmssd_ms * (waves + math.sqrt(_SHARES[2] / 2) * float(random.standard_normal()))


@dataclass(frozen=True)
class _Step:
    """A scheduled beat and the tempo it was made with; `exact` is its S1 before rounding."""

    beat: Beat
    exact: float
    mean_ms: float


class BeatClock:
    """Beats on absolute frames, made on demand, changed only where the caller rewinds.

    Args:
        bpm: mean rate, 20..300.
        rmssd_ms: asked beat-to-beat variability; RR is held within half and one and a half of its mean.
        seed: decides the variation.
        first_s1: frame of the first S1.
    """

    def __init__(self, bpm: float = 72.0, rmssd_ms: float = 30.0, seed: int = 0, first_s1: int = FIRST_S1) -> None:
        self.bpm, self.rmssd_ms, self.seed = float(bpm), float(rmssd_ms), int(seed)
        self._steps: list[_Step] = []
        self._next = float(first_s1)
        self._number = 0
        self._owed_ms = 0.0

    def set(self, bpm: float | None = None, rmssd_ms: float | None = None) -> None:
        """New tempo or variability, from the next scheduled beat on (`rewind` makes it sooner)."""
        self.bpm = self.bpm if bpm is None else float(bpm)
        self.rmssd_ms = self.rmssd_ms if rmssd_ms is None else float(rmssd_ms)

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
        earliest = self._steps[-1].beat.s2 + _frames(MIN_DIASTOLE_MS) if self._steps else 0.0
        self._next, self._owed_ms = max(float(frame), earliest), 0.0
        if self._steps:
            last = self._steps[-1]
            rr_ms = (self._next - last.exact) * 1_000.0 / SAMPLE_RATE_HZ
            self._steps[-1] = replace(last, beat=replace(last.beat, rr_ms=rr_ms))

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
        """Drop all beats whose S1 lies at or after `frame`; they will be made anew with the tempo of now.

        The beat under way keeps its phase: what is left of its RR interval is stretched or shortened to
        the new tempo, so a moved knob is heard within this very beat.
        """
        while self._steps and self._steps[-1].beat.s1 >= frame:
            dropped = self._steps.pop()
            self._next, self._number = dropped.exact, dropped.beat.n
        if self._steps and self._next > frame:
            self._bend(frame)

    def _bend(self, frame: int) -> None:
        """Fit the running RR interval to a tempo that changed after it was made."""
        last, mean_ms = self._steps[-1], 60_000.0 / self.bpm
        if mean_ms == last.mean_ms:
            return
        left = (self._next - frame) * mean_ms / last.mean_ms
        earliest = last.beat.s2 + _frames(MIN_DIASTOLE_MS)
        self._next = max(frame + left, float(min(earliest, self._next)))
        rr_ms = (self._next - last.exact) * 1_000.0 / SAMPLE_RATE_HZ
        self._steps[-1] = replace(last, beat=replace(last.beat, rr_ms=rr_ms), mean_ms=mean_ms)

    def _schedule(self) -> None:
        mean_ms = 60_000.0 / self.bpm
        rr_ms = mean_ms + variation_ms(self.seed, self._number, self.rmssd_ms)
        rr_ms = min(max(rr_ms, 0.5 * mean_ms), 1.5 * mean_ms) + self._pay(mean_ms)
        s1 = round(self._next)
        s2 = s1 + round(_frames(systole_ms(rr_ms)))
        beat = Beat(n=self._number, s1=s1, s2=s2, rr_ms=rr_ms)
        self._steps.append(_Step(beat, self._next, mean_ms))
        self._next += _frames(rr_ms)
        self._number += 1

    def _pay(self, mean_ms: float) -> float:
        most = _NUDGE_PART * mean_ms
        paid = min(max(self._owed_ms, -most), most)
        self._owed_ms -= paid
        return paid


def _frames(ms: float) -> float:
    return ms * SAMPLE_RATE_HZ / 1_000.0
