"""Three ways to a heart rate, each with a trust, and how to make one of two: `ESTIMATORS`, `reconcile`.

beats   the S1 onsets of the beat net and its decoder, helped by the rhythm: finest, alone in following each beat
rhythm  the period after which the sound repeats itself (autocorrelation alone)
cnn     the heart-rate net `ear-rate`: a distribution over rates and an RMSSD for every 5 s

numpy, soxr and, for the net, onnxruntime, which is loaded with the first window.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heart.audio import resample
from heart.cards import Model, find_model
from heart.errors import FileError, UsageError
from heart.listening import features, files, rate
from heart.listening.graph import open_graph
from heart.listening.weights import load_weights

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL = "ear-rate"
ESTIMATORS = {
    "beats": "heart.listening.estimators:by_beats",
    "rhythm": "heart.listening.estimators:by_rhythm",
    "cnn": "heart.listening.estimators:by_net",
}
"""name: the function that estimates, `estimate(samples, rate_hz) -> Estimate`."""
SHORTEST_S = 2.0
"""Of less sound nothing is said."""
MOST_WINDOWS = 120
"""A long sound is looked at in this many windows, evenly spread: about a second of work."""
BATCH = 8
NEAR = 0.08
"""Rates this close (relative) are one rate, for the trust."""
FLOOR = 1e-3
"""Least chance a window leaves to any rate, so that one bad window cannot forbid the true one."""
WORD, NEUTRAL, LEAST_CHANCE = 0.5, 0.2, 0.02
"""How much the net's word moves the trust of the beats (`reconcile`)."""
UNSURE, SURE, AWAY = 0.5, 0.8, 0.1
"""The net's rate replaces the beats' where their trust is under the first, its own over the second, and it gives
their rate less than the third."""
ALONE = 0.8


@dataclass(frozen=True)
class Estimate:
    """bpm: 30..220 or None; hrv_ms: RMSSD or None; trust: 0..1, chance that bpm is right."""

    bpm: float | None
    hrv_ms: float | None
    trust: float


NOTHING = Estimate(None, None, 0.0)
Estimator = Callable[[np.ndarray, int], Estimate]


def estimator(name: str) -> Estimator:
    """An estimator by name. Raises UsageError for an unknown one; loads nothing but its module."""
    if name not in ESTIMATORS:
        raise UsageError(f"no estimator called {name!r}; there are {', '.join(ESTIMATORS)}")
    module, _, function = ESTIMATORS[name].partition(":")
    found: Estimator = getattr(importlib.import_module(module), function)
    return found


def by_beats(samples: np.ndarray, rate_hz: int) -> Estimate:
    """Rate and RMSSD of the beats in float32 [n], as `heart listen` says them, with the trust that it says."""
    weights = load_weights()
    parts = files.take_apart(resample(samples, rate_hz, features.RATE_HZ), weights)
    _, bpm = files.rate_of(parts)
    if bpm is None:
        return NOTHING
    trust = rate.trust(files.evidence(parts), weights.file_trust)
    return Estimate(bpm, rate.rmssd_ms(parts.s1_s), trust)


def by_rhythm(samples: np.ndarray, rate_hz: int) -> Estimate:
    """Rate by autocorrelation; trust: how plainly the sound repeats itself. It knows no variability."""
    parts = files.take_apart(resample(samples, rate_hz, features.RATE_HZ), load_weights())
    if parts.rhythm is None:
        return NOTHING
    return Estimate(parts.rhythm.bpm, None, parts.rhythm.clearness)


def by_net(samples: np.ndarray, rate_hz: int) -> Estimate:
    """Rate and RMSSD by the heart-rate net."""
    return load_net().listen(samples, rate_hz).estimate


@dataclass(frozen=True)
class NetHeard:
    """What the heart-rate net says of a sound.

    estimate: one for all of it; chances: float64 [rates], of each of `bpm` over the whole sound, 1 in all;
    bpm: float64 [rates], the grid.
    """

    estimate: Estimate
    chances: np.ndarray
    bpm: np.ndarray

    def near(self, bpm: float) -> float:
        """Chance, 0..1, that the rate is about `bpm`."""
        return float(self.chances[np.abs(self.bpm / bpm - 1) <= NEAR].sum())


class HeartRateNet:
    """The heart-rate net's folder: model.onnx (audio [B, n] to bpm, hrv_ms, bpm_sd, hrv_sd [B], rates [B, k]),
    card.toml. Not for two threads at once in its first call.

    Attributes: rate_hz, seconds, hop_s, bpm (float64 [k]: the rates that `rates` gives chances of).
    """

    OUTPUTS = ("bpm", "hrv_ms", "bpm_sd", "hrv_sd", "rates")

    def __init__(self, model: Model, weights: Path | None = None) -> None:
        """weights: another graph of the same shape, for comparison. Raises FileError when the card lacks something
        or the weights are missing or damaged."""
        try:
            self.rate_hz = int(model.card["sample_rate"])
            self.seconds = float(model.card["window"]["seconds"])
            self.hop_s = float(model.card["window"]["hop_seconds"])
            low, per_octave = (model.card["rates"][key] for key in ("lowest_bpm", "per_octave"))
            count = int(model.card["rates"]["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(
                f"{model.path / 'card.toml'}: lacks or garbles {error}; fetch the model again"
            ) from None
        self.bpm = float(low) * 2.0 ** (np.arange(count) / float(per_octave))
        self.frames = round(self.seconds * self.rate_hz)
        self._weights = weights or model.weights

    @cached_property
    def session(self) -> InferenceSession:
        """The graph. Raises FileError when onnxruntime refuses it."""
        return open_graph(self._weights, self.frames)[0]

    def windows(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs by name, float32 [windows] and rates [windows, k], of float32 [n] at rate_hz.

        Windows begin every hop_s, or, where those were more than MOST_WINDOWS, so many evenly spread; a sound
        shorter than a window is continued by its mirror image, which keeps its intervals.
        """
        sound = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        if len(sound) < self.frames:
            missing = self.frames - len(sound)
            sound = np.pad(sound, (0, missing), mode="symmetric" if len(sound) else "constant")
        last = len(sound) - self.frames
        count = min(1 + round(last / (self.hop_s * self.rate_hz)), MOST_WINDOWS)
        starts = np.rint(np.linspace(0, last, count)).astype(int)
        parts: list[Any] = []
        for at in range(0, count, BATCH):
            audio = np.stack([sound[s : s + self.frames] for s in starts[at : at + BATCH]])
            parts.append(self.session.run(list(self.OUTPUTS), {"audio": audio}))
        return {name: np.concatenate(values) for name, values in zip(self.OUTPUTS, zip(*parts))}

    def listen(self, samples: np.ndarray, rate_hz: int) -> NetHeard:
        """One estimate for a whole sound, float32 [n] at any rate."""
        sound = resample(np.asarray(samples, np.float32), rate_hz, self.rate_hz)
        if len(sound) < SHORTEST_S * self.rate_hz or np.abs(sound).max(initial=0.0) <= files.STILL:
            return NetHeard(NOTHING, np.full(len(self.bpm), 1 / len(self.bpm)), self.bpm)
        heard = pooled(self.windows(sound), self.bpm)
        if len(sound) >= self.frames:
            return heard
        return replace(heard, estimate=replace(heard.estimate, hrv_ms=None))  # two beats and their mirror image


def pooled(windows: dict[str, np.ndarray], bpm: np.ndarray) -> NetHeard:
    """One estimate of many windows: the rate that most windows can agree on, then the mean of those that do.

    Trust is the chance that the windows give, on average, to rates about this one.
    """
    rates = windows["rates"].astype(np.float64)
    chances = np.exp(np.log(rates + FLOOR).mean(0)) - FLOOR
    chances = np.maximum(chances, 0) / np.maximum(chances, 0).sum()
    top = bpm[chances.argmax()]
    agree = np.abs(windows["bpm"] / top - 1) <= 2 * NEAR
    said = float(60 / (60 / windows["bpm"][agree]).mean()) if agree.any() else float(top)
    trust = float(rates[:, np.abs(bpm / said - 1) <= NEAR].sum(1).mean())
    hrv_ms = None
    if agree.any():
        weight = 1 / windows["hrv_sd"][agree].astype(np.float64) ** 2
        hrv_ms = float(np.sqrt((weight * windows["hrv_ms"][agree] ** 2).sum() / weight.sum()))
    return NetHeard(Estimate(said, hrv_ms, trust), chances, bpm)


@lru_cache(maxsize=2)
def load_net(name: str = MODEL) -> HeartRateNet:
    """The heart-rate net called `name`, once. Raises UsageError for an unknown name, FileError for damage."""
    return HeartRateNet(find_model(name))


def reconcile(beats: Estimate, net: NetHeard) -> Estimate:
    """One estimate of two witnesses: the beats' rate, trusted as far as the net bears it out.

    beats: of `by_beats`; net: of `HeartRateNet.listen`, both of the same sound. The trust of the beats is weighed
    with the chance that the net gives their rate (in log-odds, WORD of it; a chance of NEUTRAL changes nothing):
    agreement raises it, an octave apart lowers it. Where the beats are unsure and the net is sure of another rate,
    that rate is taken. Without beats the net speaks alone, at ALONE of its trust.
    """
    said = net.estimate
    if beats.bpm is None:
        return NOTHING if said.bpm is None else replace(said, trust=ALONE * said.trust)
    if said.bpm is None:
        return beats
    near = net.near(beats.bpm)
    if beats.trust < UNSURE and said.trust > SURE and near < AWAY:
        return replace(said, trust=ALONE * said.trust)
    odds = np.clip(beats.trust, 0.005, 0.995) / (1 - np.clip(beats.trust, 0.005, 0.995))
    odds *= ((near + LEAST_CHANCE) / (NEUTRAL + LEAST_CHANCE)) ** WORD
    return replace(beats, trust=float(odds / (1 + odds)))
