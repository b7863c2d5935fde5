"""What the ear hears in a file: `listen`.

Memory: a file is brought to 2 kHz while it is read (an hour: 29 MB), the net works in chunks of 16 s; the
classifiers hear at most the first ten minutes, at 16 kHz (38 MB).
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.listening import features, rate
from heart.listening.judgement import MAX_SECONDS as JUDGED_SECONDS
from heart.listening.judgement import NOBODY, RATE_HZ, Bench, Verdict, both, load_bench
from heart.listening.segment import NOTHING, Parts, certainty, interval_certainty, segment
from heart.listening.variability import UNKNOWN, Variability, variability
from heart.listening.weights import EarWeights, load_weights
from heart.records import HeardBeat

MAX_SECONDS = 4 * 3600.0
ENOUGH_S = 2.0
"""In less sound than this, noise may pass for a heart: a quarter of noises of 0.1 to 1.5 s did."""
STILL = 1e-4
"""A sound that never leaves this amplitude (-80 dB) is silence."""


def listen(
    path: str | os.PathLike[str], weights: EarWeights | None = None, bench: Bench | None = None
) -> dict[str, Any]:
    """Beats, rate, variability and the classifiers' verdicts of a sound file, ready for JSON.

    Returns {"file", "seconds", "heart" 0..1, "trust" 0..1, "bpm" or None, "beats": [{"s1": s, "s2": s or None}],
    "rr_s": [s], "sdnn_ms", "rmssd_ms" and "pnn50" (share 0..1) or None, "hrv_trust" 0..1, and for each of "scene",
    "valve", "condition" {"label": str or None, "probabilities": {label: 0..1}} or None}. Where there is no heart
    there are no beats; where there is no trustworthy rhythm (rate.MIN_TRUST) bpm is None and rr_s is empty; where
    too few beats are certain, there is no variability. A label is None where its classifier is too unsure; all of
    it is None where the model is missing, where the sound is silent, and for valve and condition where it is no
    heart.

    Raises FileError for a file that cannot be read as sound, UsageError where the shipped weights are missing.
    """
    samples, _ = read_audio(path, rate_hz=features.RATE_HZ, max_seconds=MAX_SECONDS)
    wide, _ = read_audio(path, rate_hz=RATE_HZ, max_seconds=MAX_SECONDS, first_seconds=JUDGED_SECONDS)
    return {"file": os.fspath(path), **hear(samples, weights or load_weights(), wide, bench or load_bench())}


def hear(
    samples: np.ndarray, weights: EarWeights, wide: np.ndarray | None = None, bench: Bench = NOBODY
) -> dict[str, Any]:
    """The same for float32 [n] at the ear's rate, without "file"; `wide`: its beginning at judgement.RATE_HZ."""
    parts = take_apart(samples, weights)
    seconds = len(samples) / features.RATE_HZ
    if wide is None or np.abs(wide).max(initial=0.0) <= STILL:
        return describe(parts, seconds, weights)
    gate = bench.heart(wide, RATE_HZ)
    result = describe(parts, seconds, weights, gate)
    verdicts = bench.verdicts(wide, RATE_HZ, result["heart"] >= rate.MIN_HEART)
    return {**result, **{name: verdict and _verdict(verdict) for name, verdict in verdicts.items()}}


def take_apart(samples: np.ndarray, weights: EarWeights) -> Parts:
    """Beats, states and rhythm of float32 [n] at the ear's rate; of silence nothing."""
    if np.abs(samples).max(initial=0.0) <= STILL:
        return Parts([], NOTHING, [], None)
    return segment(weights.file, samples)


def describe(parts: Parts, seconds: float, weights: EarWeights, gate: float | None = None) -> dict[str, Any]:
    """What was found, in the words of `listen`, before anybody judged it; `gate`: what the heart gate says."""
    heart = both(heartness(parts), gate)
    rr_s, bpm = rate_of(parts)
    trust = rate.trust(evidence(parts), weights.file_trust)
    rhythm = trust >= rate.MIN_TRUST and heart >= rate.MIN_HEART
    varies = variability_of(parts) if rhythm else UNKNOWN
    hrv_trust = varies.trust(weights.hrv_trust)
    told = varies if hrv_trust >= rate.MIN_TRUST else UNKNOWN
    return {
        "seconds": round(seconds, 3),
        "heart": round(heart, 3),
        "trust": round(trust, 3),
        "bpm": _rounded(bpm, 2) if rhythm else None,
        "beats": [_beat(beat) for beat in parts.beats] if heart >= rate.MIN_HEART else [],
        "rr_s": [round(float(rr), 4) for rr in rr_s] if rhythm else [],
        "sdnn_ms": _rounded(told.sdnn_ms, 1),
        "rmssd_ms": _rounded(told.rmssd_ms, 1),
        "pnn50": _rounded(told.pnn50, 3),
        "hrv_trust": round(hrv_trust, 3),
        "scene": None,
        "valve": None,
        "condition": None,
    }


def heartness(parts: Parts) -> float:
    """Mean of the net's heart output, 0..1; what a sound lacks to ENOUGH_S counts as no heart."""
    return float(parts.states.heart.sum() / max(len(parts.states.heart), ENOUGH_S * features.STEPS_PER_S))


def beat_rate(parts: Parts) -> tuple[np.ndarray, float | None]:
    """RR intervals of a sound in s, none broken by missed or false beats, and the rate of the sure ones."""
    s1_s = parts.s1_s
    if len(s1_s) < 2:
        return np.zeros(0), None
    good = rate.sound_intervals(s1_s)
    rr_s = np.diff(s1_s)[good]
    return rr_s, rate.certain_bpm(rr_s, interval_certainty(s1_s, parts.path, parts.states.posteriors)[good])


def variability_of(parts: Parts) -> Variability:
    """How much the intervals of a sound vary, trusted or not."""
    s1_s = parts.s1_s
    if len(s1_s) < 2:
        return UNKNOWN
    return variability(s1_s, interval_certainty(s1_s, parts.path, parts.states.posteriors))


def rate_of(parts: Parts) -> tuple[np.ndarray, float | None]:
    """RR intervals of a sound in s, and its rate in bpm, trusted or not."""
    rr_s, bpm = beat_rate(parts)
    if not len(rr_s):
        return rr_s, None
    return rr_s, rate.settle(bpm, certainty(parts.path, parts.states.posteriors), parts.rhythm)


def evidence(parts: Parts) -> rate.Evidence:
    """What speaks for the rate of a whole sound."""
    rr_s, bpm = beat_rate(parts)
    if not len(rr_s):
        return rate.Evidence(0.0, 0.0, 0.0, 0.0, heartness(parts), 0.0)
    return rate.Evidence(
        certainty(parts.path, parts.states.posteriors),
        rate.regularity(rr_s),
        rate.agreement(bpm, parts.rhythm),
        parts.rhythm.clearness if parts.rhythm else 0.0,
        heartness(parts),
        min(len(rr_s) / 5, 1.0),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    shares = {label: round(share, 4) for label, share in verdict.probabilities.items()}
    return {"label": verdict.label, "probabilities": shares}


def _beat(beat: HeardBeat) -> dict[str, float | None]:
    return {"s1": round(beat.s1_s, 4), "s2": _rounded(beat.s2_s, 4)}


__all__ = ["describe", "hear", "listen", "take_apart"]
