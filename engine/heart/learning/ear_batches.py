"""Batches for the beat nets: crops of recordings, changed as other rooms, sensors and hearts would change them.

The changes to a sound by itself are in `ear_changes`; here other sounds are mixed in, and sounds that are no heart
are made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.learning import ear_changes as changes
from heart.learning.ear_data import Recording
from heart.listening import features
from heart.listening.net import LOOK_AHEAD_STEPS

LENGTHS = {True: (100, 200, 400, 800), False: (100, 200, 400)}
"""Steps of a crop (2 to 16 s), by `both_ways`; a batch holds one length. Short ones teach the start of a stream."""
STEPS_A_BATCH = 12_800
NOISES = ((0.7, 0.3), (0.3, 1.0))
"""Noises laid over a heart: the chance of each, and how loud it may be, in bels against the heart's mean power."""


@dataclass(frozen=True)
class Batch:
    """frames: [B, 2 * steps, BANDS] normalised; states: soft targets [B, steps, 4]; known: [B, steps], weight of
    the state loss (0 where nobody annotated); heart: [B], 1 or 0; heart_known: [B, steps]."""

    frames: np.ndarray
    states: np.ndarray
    known: np.ndarray
    heart: np.ndarray
    heart_known: np.ndarray


class Batches:
    """Endless random batches from recordings. both_ways decides normalisation and the delay of targets."""

    def __init__(self, recordings: list[Recording], both_ways: bool, seed: int) -> None:
        self.both_ways = both_ways
        self.rng = np.random.default_rng(seed)
        self.hearts = [r for r in recordings if r.states is not None and (r.states >= 0).any()]
        self.others = [r for r in recordings if r.states is None]
        weight = np.array([len(r.bels) ** 0.5 * (8 if r.source == "circor2022" else 1) for r in self.hearts])
        self._chance = weight / weight.sum()

    def next(self) -> Batch:
        """One batch of about STEPS_A_BATCH steps; one crop in six is no heart."""
        steps = int(self.rng.choice(LENGTHS[self.both_ways]))
        count = STEPS_A_BATCH // steps
        crops = [self._other(2 * steps) if k % 6 == 5 else self._heart(2 * steps) for k in range(count)]
        delay = 0 if self.both_ways else LOOK_AHEAD_STEPS
        states, known = zip(*(soft_targets(c[1], delay) for c in crops), strict=True)
        heart = np.array([k % 6 != 5 for k in range(count)], np.float32)
        known_steps = np.stack(known)
        heart_known = np.where(heart[:, None] > 0, known_steps, 1.0)
        frames = changes.masked(self.rng, self._normalise(np.stack([c[0] for c in crops])))
        return Batch(frames, np.stack(states), known_steps, heart, heart_known.astype(np.float32))

    def _normalise(self, powers: np.ndarray) -> np.ndarray:
        powers = powers.astype(np.float32)
        return features.normalise(powers) if self.both_ways else features.RunningNormaliser().push(powers)

    def _heart(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Powers [frames, BANDS] and states [frames] of a changed crop of a heart."""
        rng = self.rng
        recording = self.hearts[rng.choice(len(self.hearts), p=self._chance)]
        assert recording.states is not None
        at = changes.places(rng, recording.states, frames)
        states = np.where((at >= 0) & (at < len(recording.states)), recording.states[_clip(at, recording)], -1)
        powers = changes.valves(rng, changes.dynamics(rng, interpolate(recording.bels, at)), states)
        powers = changes.beat_by_beat(rng, powers, states)
        powers = changes.drowned(rng, changes.gain(rng, changes.sensor(rng, changes.room(rng, powers))))
        for chance, loudest_bels in NOISES:
            if rng.random() < chance:
                powers = powers + self._noise(frames, powers.mean(), rng.uniform(-2.5, loudest_bels))
        if rng.random() < 0.3:
            powers = powers + self._bursts(frames, float(np.quantile(powers.mean(1), 0.9)))
        return self._drop_out(changes.gate(rng, powers), states)

    def _bursts(self, frames: int, level: float) -> np.ndarray:
        """Bumps, breaths and crackles about as loud as heart sounds, at random moments: [frames, BANDS]."""
        rng = self.rng
        powers = np.zeros((frames, features.BANDS))
        for _ in range(rng.poisson(frames / 100 * rng.uniform(0.2, 3))):
            start, length = rng.integers(frames), int(rng.integers(2, 20))
            shape = np.hanning(length + 2)[1:-1, None] * rng.chisquare(4, (length, features.BANDS)) / 4
            shape = shape * changes.colour(rng, 0.8) * level * 10 ** rng.uniform(-1.5, 0.5)
            powers[start : start + length] += shape[: frames - start]
        return powers

    def _noise(self, frames: int, level: float, bels: float) -> np.ndarray:
        """Powers of noise `bels` above (below: negative) a mean level: another sound, or hiss of any colour."""
        rng = self.rng
        if self.others and rng.random() < 0.5:
            noise = self._crop_other(frames)
        else:
            noise = rng.chisquare(4, (frames, features.BANDS)) / 4 * changes.colour(rng, 0.8)
        if rng.random() < 0.3:
            noise = noise * np.repeat(10 ** rng.normal(0, 0.5, frames // 50 + 1), 50)[:frames, None]
        return noise * (level * 10**bels / max(noise.mean(), 1e-12))

    def _crop_other(self, frames: int) -> np.ndarray:
        """Powers of a piece of a sound that is no heart, repeated where it is short."""
        recording = self.others[self.rng.integers(len(self.others))]
        start = self.rng.integers(len(recording.bels))
        at = (start + np.arange(frames)) % len(recording.bels)
        return 10 ** recording.bels[at].astype(np.float32)

    def _other(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Powers of no heart at all: a recorded sound, a mixture, hiss, clicks in any rhythm, or silence."""
        rng, kind = self.rng, self.rng.random()
        powers = self._crop_other(frames) if self.others else np.ones((frames, features.BANDS))
        powers = powers * 10 ** rng.uniform(-1.5, 1.5) * changes.colour(rng, 0.3)
        if kind < 0.25:
            powers = self._noise(frames, 10 ** rng.uniform(-8, -2), 0.0)
        elif kind < 0.35:
            powers = self._clicks(frames)
        elif kind < 0.4:
            powers = np.zeros((frames, features.BANDS)) + rng.choice([0.0, 1e-9])
        elif kind < 0.55:
            powers = powers + self._noise(frames, powers.mean(), rng.uniform(-2, 0.5))
        return powers, np.full(frames, -1)

    def _clicks(self, frames: int) -> np.ndarray:
        """One short sound over and over, evenly: a metronome, a dripping tap. Rhythm alone makes no heart."""
        rng = self.rng
        period = int(rng.uniform(20, 150))
        shape = np.exp(-np.arange(frames) / rng.uniform(0.5, 6))[: period * 2]
        train = np.zeros(frames)
        train[rng.integers(period) :: period] = 1
        clicks = np.convolve(train, shape)[:frames, None] * changes.colour(rng, 0.8)
        return (clicks * 10 ** rng.uniform(-6, -2) + 1e-9) * rng.chisquare(20, (frames, features.BANDS)) / 20

    def _drop_out(self, powers: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sometimes a bump of the sensor covers everything for a moment; the beat under it stays annotated."""
        if self.rng.random() < 0.1:
            start, length = self.rng.integers(len(powers)), self.rng.integers(3, 30)
            powers = powers.copy()
            powers[start : start + length] += powers.max() * 10 ** self.rng.uniform(-1, 1)
        return powers, states


def _clip(at: np.ndarray, recording: Recording) -> np.ndarray:
    return np.rint(at).astype(int).clip(0, len(recording.bels) - 1)


def interpolate(bels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Powers [len(at), BANDS] between frames of bels at fractional places; nothing (1e-12) outside."""
    low = np.floor(at).astype(int)
    inside = (low >= 0) & (low < len(bels) - 1)
    low = low.clip(0, max(len(bels) - 2, 0))
    part = (at - np.floor(at))[:, None].astype(np.float32)
    mixed = bels[low].astype(np.float32) * (1 - part) + bels[low + 1].astype(np.float32) * part
    return np.where(inside[:, None], 10**mixed, 1e-12)


def soft_targets(states: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    """States of frames [2 * steps] to targets [steps, 4] and weights [steps], `delay` steps late."""
    pairs = states.reshape(-1, features.STEP)
    soft = np.stack([(pairs == s).mean(1) for s in range(4)], axis=1).astype(np.float32)
    known = np.asarray((pairs >= 0).all(1), np.float32)
    if delay:
        soft = np.concatenate([np.zeros((delay, 4), np.float32), soft[:-delay]])
        known = np.concatenate([np.zeros(delay, np.float32), known[:-delay]])
    return soft, known
