"""The live ear: blocks of sound in, `Heard` records out, ten a second and one more for each beat.

It looks 130 ms ahead (half a window and five steps of the net), decodes as it goes, and reports what the best
path through the last seconds says: a rate from the last few beats, how far to trust it, when the next S1 is due.
An S1 that is due is told as soon as it begins (`onset`); any other one when the decoder is certain of it.
What it says depends on the sound alone, never on how the sound was cut into blocks.
"""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np

from heart.listening import features, rate, rhythm
from heart.listening.decimate import Decimator
from heart.listening.decoder import S1, S2, Decoder, boundary_s, emissions
from heart.listening.judgement import both
from heart.listening.net import LOOK_AHEAD_STEPS, LiveNet
from heart.listening.onset import Expected, OnsetWatch, OnsetWeights, onset_or_none
from heart.listening.segment import durations_near, softmax
from heart.listening.variability import Variability, variability
from heart.listening.weights import EarWeights, load_weights
from heart.records import Heard, HeardBeat

REPORT_STEPS = 5
"""Steps between records: 100 ms."""
MEMORY_STEPS = 500
"""Steps that are kept (10 s): enough for the slowest rhythm."""
RATE_WINDOW_S = 5.0
"""The rate is that of the beats and the rhythm of the last seconds, ..."""
RATE_BEATS = 7
"""... and of at most this many intervals, so that fast hearts are followed fast."""
CERTAIN_STEPS = 8
"""A sound this long (160 ms) behind the newest step will not move any more."""
SAME_BEAT_S = 0.25
HOLD = 0.7
"""A rate once said is held until trust or heart fall under this share of what it took to say it."""
HEART_MEMORY_STEPS = 100
VARIABILITY_S = 60.0
"""Variability is that of the beats of the last minute, ..."""
BREAK_S = 3.0
"""... unless there was no beat for so long: another sound, perhaps another heart."""
LEAN = 0.5
"""How far the expected RR leans from the mean of the last ones to the newest: of all shares, and of medians and
fading means, the one that was nearest to the next RR on hand-annotated training recordings."""
EXPECTED_RR = 8


class EarStream:
    """Push blocks of any size, get what the ear heard.

    Not thread-safe: one owner. Costs about 1 % of a core. `weights` default to the shipped model.
    """

    def __init__(
        self, rate_hz: int = 44_100, weights: EarWeights | None = None, onset: OnsetWeights | None = None
    ) -> None:
        """rate_hz: rate of what will be pushed, 500..192000.

        Raises UsageError or FileError where the shipped weights cannot be had; without those of `onset` all beats
        are told when they are certain.
        """
        self._weights = weights or load_weights()
        self._watch = OnsetWatch(onset or onset_or_none())
        self._decimator = Decimator(rate_hz)
        self._samples = np.zeros(0, np.float32)
        self._normaliser = features.RunningNormaliser()
        self._net = LiveNet(self._weights.live)
        self._decoder = Decoder()
        self._posteriors = np.zeros((MEMORY_STEPS, 4), np.float32)  # ring
        self._bands = np.zeros((MEMORY_STEPS, features.BANDS), np.float32)  # ring, as late as the posteriors
        self._shown: deque[np.ndarray] = deque()  # what the net was shown, waiting for its answer
        self._bpm: float | None = None
        self._steps = 0  # of the sound: outputs of the net less its look-ahead
        self._outputs = 0
        self._heart: deque[float] = deque(maxlen=HEART_MEMORY_STEPS)
        self._told_s = -1.0
        self._told_s1_s = -1.0
        self._minute: deque[tuple[float, float]] = deque()  # S1, and certainty of the interval that it ends
        self._newest = Heard(0.0)
        self._certain_s = self._rr_s = 0.0  # the newest certain S1, and the RR expected after it
        self.gate: float | None = None
        """0..1, what the heart gate last said of this sound, told by whoever asks it; None: nobody did."""
        self.evidence: rate.Evidence | None = None
        """What spoke for the newest record's rate; for calibration."""
        self.heard_bpm: float | None = None
        """The newest record's rate, trusted or not; for calibration."""
        self.onset_row: np.ndarray | None = None
        """What the onset net was shown of the newest step; for training."""

    def push(self, samples: np.ndarray) -> list[Heard]:
        """samples: float32 [n], the next of one channel; what is not finite counts as silence.

        Returns the records that became due, one for every 100 ms of sound, and one at once for each S1 that was
        expected and came.
        """
        clean = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        records = []
        for block in self._decimator.push(clean):
            for output in self._outputs_of(block):
                self._hear(output)
                due = self._steps > 0 and self._outputs % REPORT_STEPS == 0
                if due:
                    self._newest = self._report()
                begun = self._begun()
                if due or begun:
                    s1_s, next_s1_s = (*self._newest.s1_s, *begun), self._next_s1_s()
                    records.append(
                        dataclasses.replace(self._newest, time_s=self.time_s, s1_s=s1_s, next_s1_s=next_s1_s)
                    )
                    self._newest = dataclasses.replace(self._newest, s1_s=(), beats=())
        return records

    def _begun(self) -> tuple[float, ...]:
        """The S1 that began within the newest step or a little before, if it was expected."""
        heard, now_s = self._newest, self.time_s
        self.onset_row = None
        if heard.bpm is None:
            return ()
        # From what is certain only: one S1 told falsely must not make the next one be expected falsely.
        expected = Expected(self._certain_s + self._rr_s, 60.0 / heard.bpm, heard.trust)
        self.onset_row = self._watch.row(now_s, expected)
        s1_s = self._watch.look(now_s, expected, self._told_s1_s)
        if s1_s is None:
            return ()
        self._told_s1_s = s1_s
        return (s1_s,)

    @property
    def time_s(self) -> float:
        """Seconds of sound that the newest step has seen."""
        return (self._outputs * features.STEP * features.HOP + features.WINDOW - features.HOP) / features.RATE_HZ

    def _outputs_of(self, block: np.ndarray) -> np.ndarray:
        """Raw outputs of the net for one more block at the ear's rate, [0..1, OUTPUTS]."""
        self._samples = np.concatenate([self._samples, block])
        powers = features.band_powers(self._samples)
        self._samples = self._samples[len(powers) * features.HOP :]
        frames = self._normaliser.push(powers)
        self._shown.extend(frames)
        return self._net.push(frames)

    def _hear(self, output: np.ndarray) -> None:
        """Take one output of the net, [OUTPUTS]; the first ones speak of a time before the sound."""
        self._outputs += 1
        self._heart.append(float(0.5 + 0.5 * np.tanh(0.5 * output[4])))
        posterior = softmax(output[:4])
        self._watch.push(np.stack([self._shown[k - features.STEP] for k in range(features.STEP)]), posterior)
        if self._outputs <= LOOK_AHEAD_STEPS:
            return
        pair = [self._shown.popleft() for _ in range(features.STEP)]
        self._bands[self._steps % MEMORY_STEPS] = sum(pair) / features.STEP
        self._posteriors[self._steps % MEMORY_STEPS] = posterior
        self._steps += 1
        self._decoder.push(emissions(np.log(np.maximum(posterior, 1e-5))))
        if self._steps % MEMORY_STEPS == 0:
            self._decoder.forget(2 * MEMORY_STEPS)

    def _recent(self, ring: np.ndarray, steps: int = MEMORY_STEPS) -> tuple[np.ndarray, int]:
        """The newest rows of a ring, in order, [n, ...], and the step of the first."""
        kept = min(self._steps, steps)
        first = self._steps - kept
        return ring[(first + np.arange(kept)) % MEMORY_STEPS], first

    def _report(self) -> Heard:
        posteriors, first = self._recent(self._posteriors)
        path = self._decoder.path(MEMORY_STEPS - 10)
        onsets: dict[int, list[float]] = {S1: [], S2: []}
        newest = self._steps - CERTAIN_STEPS
        for part in path:
            if part.state in onsets and max(first + 3, 1) <= part.start <= newest:
                onsets[part.state].append(boundary_s(posteriors, part.start, (part.state - 1) % 4, first))
        s1_s = np.array(onsets[S1])
        now_s = self.time_s
        believed = path_posteriors(path, posteriors, first)
        rr_s, trust = self._rate(s1_s, mean_of_last(believed))
        ease = 1.0 if self._bpm is None else HOLD
        heart = both(self.net_heart, self.gate)
        sure = trust >= ease * rate.MIN_TRUST and heart >= ease * rate.MIN_HEART
        bpm = self._bpm = self.heard_bpm if sure else None
        self._decoder.durations = durations_near(bpm and round(60 / bpm * features.STEPS_PER_S))
        is_heart = heart >= rate.MIN_HEART
        beats = self._certain(s1_s, np.array(onsets[S2])) if is_heart else ()
        self._remember(beats, believed, first)
        if bpm is not None:
            self._certain_s, self._rr_s = float(s1_s[-1]), expected_rr_s(rr_s, bpm)
        sure_s1_s = s1_s if is_heart and bpm is not None else np.array([beat.s1_s for beat in beats])
        heard = Heard(now_s, heart, trust, beats=beats, s1_s=self._late(sure_s1_s))
        if bpm is None:
            return heard
        vary = self._variability()
        return dataclasses.replace(
            heard,
            bpm=bpm,
            rr_ms=newest_rr_s(rr_s, bpm) * 1e3,
            sdnn_ms=vary.sdnn_ms,
            rmssd_ms=vary.rmssd_ms,
            pnn50=vary.pnn50,
        )

    def _next_s1_s(self) -> float | None:
        """When the next S1 is due, counted on from the last one that was told or is certain."""
        if self._newest.bpm is None:
            return None
        told = self._told_s1_s > self._certain_s + SAME_BEAT_S
        return next_beat_s(self._told_s1_s if told else self._certain_s, self._rr_s, self.time_s)

    def _late(self, s1_s: np.ndarray) -> tuple[float, ...]:
        """Those S1 of the decoder, [n], that were not told when they began. Without a rhythm s1_s are those whose
        S2 is certain too: a first sound and a second one are hard to tell apart then."""
        late = []
        for onset_s in s1_s:
            if onset_s > self._told_s1_s + SAME_BEAT_S:
                self._told_s1_s = float(onset_s)
                late.append(float(onset_s))
        return tuple(late)

    def _remember(self, beats: tuple[HeardBeat, ...], believed: np.ndarray, first: int) -> None:
        """Keep the certain beats of the last minute. believed: posteriors of the path from step `first` on."""
        known = self._minute
        for beat in beats:
            if known and beat.s1_s - known[-1][0] > BREAK_S:
                known.clear()
            begin_s = known[-1][0] if known else beat.s1_s - 1.0
            steps = [
                round((at_s - features.CENTRE_S) * features.STEPS_PER_S) - first for at_s in (begin_s, beat.s1_s)
            ]
            inside = believed[max(steps[0], 0) : max(steps[1], 1)]
            known.append((beat.s1_s, float(inside.mean()) if len(inside) else 0.0))
        while known and known[0][0] < known[-1][0] - VARIABILITY_S:
            known.popleft()

    def _variability(self) -> Variability:
        """Of the intervals of the last minute of which the net was certain."""
        rows = np.array(self._minute).reshape(-1, 2)
        return variability(rows[:, 0], rows[1:, 1])

    @property
    def net_heart(self) -> float:
        """0..1: how sure the beats' net alone is that the last seconds are a heart; 0 before any sound."""
        return float(np.mean(self._heart)) if self._heart else 0.0

    def _rate(self, s1_s: np.ndarray, certainty: float) -> tuple[np.ndarray, float]:
        """RR intervals of the last beats, and the trust in the rate, which goes to heard_bpm."""
        end_s = self._steps / features.STEPS_PER_S
        recent = s1_s[s1_s > end_s - RATE_WINDOW_S - 1.0][-RATE_BEATS - 1 :]
        rr_s = rate.since_change(np.diff(recent)[rate.sound_intervals(recent)])
        window = int(RATE_WINDOW_S * features.STEPS_PER_S)
        said, shown = (self._recent(ring, window)[0] for ring in (self._posteriors, self._bands))
        found = rhythm.newest(said, shown, 60 / self._bpm if self._bpm else None)
        beats_bpm = rate.bpm_of(rr_s)
        self.evidence, self.heard_bpm = None, rate.settle(beats_bpm, certainty, found)
        if len(rr_s) < 2:
            return rr_s, 0.0
        self.evidence = rate.Evidence(
            certainty,
            rate.regularity(rr_s),
            rate.agreement(beats_bpm, found),
            found.clearness if found else 0.0,
            self.net_heart,
            min(len(rr_s) / 5, 1.0),
        )
        return rr_s, rate.trust(self.evidence, self._weights.live_trust)

    def _certain(self, s1_s: np.ndarray, s2_s: np.ndarray) -> tuple[HeardBeat, ...]:
        """Beats not told yet whose S2 is certain, or that the next S1 has ended."""
        beats = []
        for k, start in enumerate(s1_s):
            end = s1_s[k + 1] if k + 1 < len(s1_s) else np.inf
            inside = s2_s[(s2_s > start) & (s2_s < end)]
            if start > self._told_s + SAME_BEAT_S and (len(inside) or end < np.inf):
                beats.append(HeardBeat(float(start), float(inside[0]) if len(inside) else None))
                self._told_s = float(start)
        return tuple(beats)


def path_posteriors(path: list, posteriors: np.ndarray, first: int) -> np.ndarray:
    """Chance of the decoded state at each step of posteriors [n, 4], whose first row is step first; [n]."""
    states = np.zeros(len(posteriors), int)
    for part in path:
        states[max(part.start - first, 0) : part.end - first] = part.state
    return np.take_along_axis(posteriors, states[:, None], 1)[:, 0]


def mean_of_last(believed: np.ndarray) -> float:
    """Certainty of the last RATE_WINDOW_S, 0..1."""
    return float(believed[-int(RATE_WINDOW_S * features.STEPS_PER_S) :].mean()) if len(believed) else 0.0


def newest_rr_s(rr_s: np.ndarray, bpm: float) -> float:
    """The newest RR that fits the rate said (within a third: breathing and more), else that of the rate."""
    fitting = rr_s[np.abs(rr_s * bpm / 60 - 1) < 1 / 3]
    return float(fitting[-1]) if len(fitting) else 60 / bpm


def next_beat_s(last_s: float, rr_s: float, now_s: float) -> float:
    """When the next S1 is due after now_s, counted on from the last one in steps of rr_s."""
    return last_s + (max(0.0, np.floor((now_s - last_s) / rr_s)) + 1) * rr_s


def expected_rr_s(rr_s: np.ndarray, bpm: float) -> float:
    """The RR to come: between the mean of the last ones that fit the rate and the newest of them."""
    newest = rr_s[-EXPECTED_RR:]
    fitting = newest[np.abs(newest * bpm / 60 - 1) < 1 / 3]
    if not len(fitting):
        return 60 / bpm
    middle = float(fitting.mean())
    return middle + LEAN * (float(fitting[-1]) - middle)
