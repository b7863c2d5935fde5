"""The live ear: blocks of sound in, `Heard` records out, ten a second.

It looks 130 ms ahead (half a window and five steps of the net), decodes as it goes, and reports what the best
path through the last seconds says: a rate from the last few beats, how far to trust it, when the next S1 is due.
What it says depends on the sound alone, never on how the sound was cut into blocks.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from heart.listening import features, rate, rhythm
from heart.listening.decimate import Decimator
from heart.listening.decoder import S1, S2, Decoder, boundary_s, emissions
from heart.listening.net import LOOK_AHEAD_STEPS, LiveNet
from heart.listening.segment import durations_near, softmax
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


class EarStream:
    """Push blocks of any size, get what the ear heard.

    Not thread-safe: one owner. Costs about 1 % of a core. `weights` default to the shipped model.
    """

    def __init__(self, rate_hz: int = 44_100, weights: EarWeights | None = None) -> None:
        """rate_hz: rate of what will be pushed, 500..192000.

        Raises UsageError or FileError where the shipped weights cannot be had.
        """
        self._weights = weights or load_weights()
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
        self.evidence: rate.Evidence | None = None
        """What spoke for the newest record's rate; for calibration."""
        self.heard_bpm: float | None = None
        """The newest record's rate, trusted or not; for calibration."""

    def push(self, samples: np.ndarray) -> list[Heard]:
        """samples: float32 [n], the next of one channel; what is not finite counts as silence.

        Returns the records that became due, one for every 100 ms of sound.
        """
        clean = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        records = []
        for block in self._decimator.push(clean):
            for output in self._outputs_of(block):
                self._hear(output)
                if self._steps and self._outputs % REPORT_STEPS == 0:
                    records.append(self._report())
        return records

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
        if self._outputs <= LOOK_AHEAD_STEPS:
            return
        posterior = softmax(output[:4])
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
        now_s = (self._outputs * features.STEP * features.HOP + features.WINDOW - features.HOP) / features.RATE_HZ
        rr_s, trust = self._rate(s1_s, path_certainty(path, posteriors, first))
        ease = 1.0 if self._bpm is None else HOLD
        sure = trust >= ease * rate.MIN_TRUST and self._heartness() >= ease * rate.MIN_HEART
        bpm = self._bpm = self.heard_bpm if sure else None
        self._decoder.durations = durations_near(bpm and round(60 / bpm * features.STEPS_PER_S))
        return Heard(
            time_s=now_s,
            heart=self._heartness(),
            trust=trust,
            bpm=bpm,
            rr_ms=newest_rr_s(rr_s, bpm) * 1e3 if bpm is not None else None,
            rmssd_ms=rate.rmssd_ms(s1_s) if bpm is not None else None,
            next_s1_s=next_beat_s(s1_s, rr_s, bpm, now_s) if bpm is not None else None,
            beats=self._certain(s1_s, np.array(onsets[S2])) if self._heartness() >= rate.MIN_HEART else (),
        )

    def _heartness(self) -> float:
        return float(np.mean(self._heart))

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
            self._heartness(),
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


def path_certainty(path: list, posteriors: np.ndarray, first: int) -> float:
    """Mean posterior of the decoded states over the last seconds, 0..1."""
    states = np.zeros(len(posteriors), int)
    for part in path:
        states[max(part.start - first, 0) : part.end - first] = part.state
    window = int(RATE_WINDOW_S * features.STEPS_PER_S)
    return float(np.take_along_axis(posteriors, states[:, None], 1)[-window:].mean()) if len(posteriors) else 0.0


def newest_rr_s(rr_s: np.ndarray, bpm: float) -> float:
    """The newest RR that fits the rate said (within a third: breathing and more), else that of the rate."""
    fitting = rr_s[np.abs(rr_s * bpm / 60 - 1) < 1 / 3]
    return float(fitting[-1]) if len(fitting) else 60 / bpm


def next_beat_s(s1_s: np.ndarray, rr_s: np.ndarray, bpm: float, now_s: float) -> float:
    """When the next S1 is due after now_s, counted on from the last one."""
    fitting = rr_s[-3:][np.abs(rr_s[-3:] * bpm / 60 - 1) < 1 / 3]
    period = float(np.median(fitting)) if len(fitting) else 60 / bpm
    missed = max(0.0, np.floor((now_s - s1_s[-1]) / period))
    return float(s1_s[-1] + (missed + 1) * period)
