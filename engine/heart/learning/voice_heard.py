"""Does the voice sing what was asked? Beats by a judge, rate and variability by the ear, label by its valve net.

The judge (`listening.judge`) shares no code with the beat clock, the net or the ear. The valve net (`ear-valve`)
learnt from recordings and murmurs by the book, never from a sound of this voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from heart.learning.classes import evaluate_classifier
from heart.learning.valve_data import TASK
from heart.learning.voice_data import Clip
from heart.learning.voice_sung import EDGE_S, Sung
from heart.listening import features, files, judge
from heart.listening.classifier import load_classifier
from heart.listening.weights import EarWeights, load_weights
from heart.records import LABELS, SAMPLE_RATE_HZ

BEFORE_S = 0.06
"""What sounds earlier than this before the first marked beat belongs to none."""
TOLERANCES_S = {"f1_20ms": 0.02, "f1_40ms": 0.04}


def beats_heard(sung: Sequence[Sung]) -> dict[str, Any]:
    """F1 of S1 and S2 together against the schedule: all, of each label, of each rate; the worst sound by name.

    The judge takes one lag out of each sound before it counts, because an envelope has a delay; the lag is told.
    """
    scores = {id(s): {name: score(s, tolerance) for name, tolerance in TOLERANCES_S.items()} for s in sung}

    def mean(chosen: Sequence[Sung]) -> dict[str, float]:
        asked = [scores[id(s)]["f1_40ms"].asked for s in chosen]
        told = {
            name: round(float(np.average([scores[id(s)][name].f1 for s in chosen], weights=asked)), 4)
            for name in TOLERANCES_S
        }
        found = [scores[id(s)]["f1_40ms"] for s in chosen]
        lag, spread = (
            round(float(np.median([getattr(f, key) for f in found])), 1) for key in ("lag_ms", "spread_ms")
        )
        return {**told, "lag_ms": lag, "spread_ms": spread, "onsets": sum(asked)}

    worst = min(sung, key=lambda s: scores[id(s)]["f1_20ms"].f1)
    return {
        "all": mean(sung),
        "labels": {label: mean([s for s in sung if s.label == label]) for label in _labels(sung)},
        "bpm": {f"{bpm:g}": mean([s for s in sung if s.bpm == bpm]) for bpm in sorted({s.bpm for s in sung})},
        "worst_20ms": {"label": worst.label, "bpm": worst.bpm, "f1": round(scores[id(worst)]["f1_20ms"].f1, 4)},
    }


def judge_on(clips: Sequence[Clip]) -> dict[str, dict[str, float]]:
    """By label the same F1 of the judge on recordings, against the marks of the ear: what can be asked of it.

    Where a murmur is as loud as S1 and runs into S2, an envelope does not tell beats, whoever made the sound.
    """
    told: dict[str, dict[str, list[float]]] = {}
    for clip in clips:
        rows = told.setdefault(LABELS[clip.label], {name: [] for name in TOLERANCES_S})
        last_s = len(clip.sound) / SAMPLE_RATE_HZ - EDGE_S
        asked_s = np.unique(clip.cycles) / SAMPLE_RATE_HZ
        found_s = judge.onsets(clip.sound, SAMPLE_RATE_HZ)
        found_s = found_s[(found_s > asked_s[0] - BEFORE_S) & (found_s < last_s)]
        for name, tolerance_s in TOLERANCES_S.items():
            rows[name].append(judge.score(found_s, asked_s[asked_s < last_s], tolerance_s).f1)
    means = {label: {name: float(np.mean(values)) for name, values in rows.items()} for label, rows in told.items()}
    return {label: {name: round(value, 4) for name, value in row.items()} for label, row in means.items()}


def score(sung: Sung, tolerance_s: float) -> judge.Score:
    """How the onsets that the judge finds agree with those that were asked."""
    return _score(judge.onsets(sung.sound, SAMPLE_RATE_HZ), sung, tolerance_s)


def _score(found_s: np.ndarray, sung: Sung, tolerance_s: float) -> judge.Score:
    asked_s = np.concatenate([sung.asked_s("s1"), sung.asked_s("s2")])
    return judge.score(found_s[found_s < sung.seconds - EDGE_S], asked_s, tolerance_s)


@dataclass(frozen=True)
class Rhythm:
    """Rate in bpm and RMSSD in ms as asked, and as the ear heard them (None: it does not say); F1 of its beats."""

    label: str
    bpm: float
    asked: tuple[float, float]
    heard: tuple[float | None, float | None]
    f1: tuple[float, ...]
    """At each of TOLERANCES_S."""


def rhythm_heard(sung: Sequence[Sung]) -> dict[str, Any]:
    """Rate and RMSSD that the ear for files hears in the sounds, against those of the beats that were asked.

    And F1 of the ear's beats: a second witness where a murmur covers them from the judge, but not as independent,
    because the marks in the voice's training recordings are an ear's.
    """
    weights = load_weights()
    rows = [_rhythm_of(one, weights) for one in sung]
    return {
        "all": _means(rows),
        "labels": {label: _means([row for row in rows if row.label == label]) for label in _labels(sung)},
        "bpm": {
            f"{bpm:g}": _means([row for row in rows if row.bpm == bpm]) for bpm in sorted({r.bpm for r in rows})
        },
    }


def _rhythm_of(sung: Sung, weights: EarWeights) -> Rhythm:
    low = soxr.resample(sung.sound, SAMPLE_RATE_HZ, features.RATE_HZ)
    heard = files.hear(low.astype(np.float32), weights)
    rr_ms = np.diff(sung.asked_s()) * 1_000
    asked = (60_000 / float(rr_ms.mean()), float(np.sqrt(np.mean(np.diff(rr_ms) ** 2))))
    found_s = np.array([onset for beat in heard["beats"] for onset in beat.values() if onset is not None])
    f1 = tuple(_score(found_s, sung, tolerance_s).f1 for tolerance_s in TOLERANCES_S.values())
    return Rhythm(sung.label, sung.bpm, asked, (heard["bpm"], heard["rmssd_ms"]), f1)


def _means(rows: Sequence[Rhythm]) -> dict[str, Any]:
    """Mean absolute errors of what the ear said, how often it said something, and F1 of its beats."""
    told: dict[str, Any] = {}
    for place, name in enumerate(("bpm", "rmssd_ms")):
        errors = [abs(heard - row.asked[place]) for row in rows if (heard := row.heard[place]) is not None]
        told[f"{name}_mae"] = round(float(np.mean(errors)), 2) if errors else None
        told[f"{name}_median"] = round(float(np.median(errors)), 2) if errors else None
        told[f"{name}_said"] = round(len(errors) / len(rows), 3)
    for place, name in enumerate(TOLERANCES_S):
        told[f"ear_{name}"] = round(float(np.mean([row.f1[place] for row in rows])), 4)
    return told


def classes_heard(sung: Sequence[Sung], data_dir: Path) -> dict[str, Any]:
    """How often `ear-valve` hears the label that was asked, beside how often it is right on validation recordings.

    Each counts by its most probable label, whether the ear would tell it or not, and every label counts alike.
    """
    ear = load_classifier(TASK.name)
    heard = [max(shares, key=shares.get) for shares in (_shares(ear, one) for one in sung)]  # type: ignore[arg-type]
    real = evaluate_classifier(TASK, data_dir, with_baselines=False)
    recall = {row["label"]: row["recall"] for row in real["classes"]}
    agreement = {
        label: round(float(np.mean([h == label for h, s in zip(heard, sung) if s.label == label])), 4)
        for label in _labels(sung)
    }
    confusion = [[sum(s.label == a and h == b for s, h in zip(sung, heard)) for b in LABELS] for a in LABELS]
    mean, own = float(np.mean(list(agreement.values()))), float(np.mean([recall[label] for label in agreement]))
    return {
        "agreement": round(mean, 4),
        "ear_on_recordings": round(own, 4),
        "difference": round(mean - own, 4),
        "agreement_by_label": agreement,
        "ear_on_recordings_by_label": {label: recall[label] for label in agreement},
        "labels": list(LABELS),
        "asked_by_heard": confusion,
        "sounds": len(sung),
    }


def _shares(ear: Any, sung: Sung) -> Mapping[str, float]:
    shares: Mapping[str, float] = ear.judge(sung.sound, SAMPLE_RATE_HZ).probabilities
    return shares


def _labels(sung: Sequence[Sung]) -> list[str]:
    """The labels that were sung, in the order of LABELS."""
    return [label for label in LABELS if any(one.label == label for one in sung)]
