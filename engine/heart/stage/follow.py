"""Follow mode: tempo and phase of the sung beats, taken from what the ear hears."""

from __future__ import annotations

from heart.records import SAMPLE_RATE_HZ, Heard
from heart.sounding.beats import BeatClock

TRUSTED = 0.4
"""The ear is believed from this trust on."""

STEP_BPM = 0.7
"""A heard tempo this far from the sung one is worth singing the reserve again."""

REST_S = 0.5
"""... but not more often than this, or the voice would never get ahead."""

NEAR_S = 0.03
"""Beats nearer to the heart's are left alone: the ear itself is no surer."""


class Follower:
    """Leads a beat clock along a heart. No clock of its own: time comes in with what was heard."""

    def __init__(self, beats: BeatClock) -> None:
        self.beats = beats
        self.release()

    def release(self) -> None:
        """Follow nothing; begin anew with the next heart."""
        self._sung_again_s = self._sung_bpm = -1e9
        self._expected: tuple[float, float] | None = None
        """Tape frame of a heart's beat, and its RR in frames."""
        self._landed = False
        """Whether the sung beats were set onto the heart's since we began to follow it."""
        self.beats.nudge(0.0)

    def take_tempo(self, heard: Heard, bpm: float) -> bool:
        """Sing at `bpm` from the next beat on; whether what is in reserve should be sung again as well.

        The heart brings its own variability: none is added.
        """
        self.beats.set(bpm=bpm, rmssd_ms=0.0)
        rested = not 0 <= heard.time_s - self._sung_again_s < REST_S
        if rested and abs(bpm - self._sung_bpm) >= STEP_BPM:
            self._sung_again_s, self._sung_bpm = heard.time_s, bpm
            return True
        return False

    def take_phase(self, frame: float, heard_bpm: float, horizon: int) -> None:
        """The heart's next beat falls on tape frame `frame`: lead the sung beats onto it.

        `horizon`: up to there beats are scheduled. The first one behind is compared with the heart's beats,
        continued at the heard rate, and what is missing is spread over those to come. The first time that
        the reserve is sung again (`land`) they are set onto the heart's at once.
        """
        self._expected = (frame, SAMPLE_RATE_HZ * 60.0 / heard_bpm)
        self.beats.beats_until(horizon)
        off = self._nearest_heard(self.beats.next_s1) - self.beats.next_s1
        self.beats.nudge(off * 1000 / SAMPLE_RATE_HZ if abs(off) > NEAR_S * SAMPLE_RATE_HZ else 0.0)

    def land(self, frame: int) -> None:
        """The beats from `frame` on are to be made anew: let the next fall on one of the heart's."""
        if self._expected and not self._landed:
            coming = self._nearest_heard(self.beats.next_s1)
            self.beats.land(coming if coming >= frame else coming + self._expected[1])
            self._landed = True

    def _nearest_heard(self, frame: float) -> float:
        """The heart's beat, expected or continued at its rate, that is nearest to `frame`."""
        expected, rr = self._expected or (frame, 1.0)
        return expected + round((frame - expected) / rr) * rr
