"""How soon the live ear tells a beat, and how well it foretells the next one, on hand-annotated recordings.

Latency runs from the annotated S1 onset (20 ms grid) to the moment in which the record that tells it leaves the
ear: time of the sound that had to be heard, plus time of the work on the block that brought it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning import ear_data
from heart.listening import features
from heart.listening.classifier import Classifier
from heart.listening.gated import GatedEar
from heart.listening.judgement import load_bench
from heart.listening.onset import OnsetWeights
from heart.listening.stream import EarStream

START_S = 4.0
"""Beats count from here on: the ear needs some to know a rhythm."""
END_S = 0.5
"""Beats so near to the end of a recording do not count."""
SAME_S = 0.1
SOON_MS = 120.0
CLOSE_MS = 30.0
AHEAD_S = 0.05
"""A beat is foretold by what was said at least so long before it."""
BLOCK_S = 0.01
SECONDS = 30.0


@dataclass
class Score:
    """Counts and errors over any number of recordings; times in ms."""

    beats: int = 0
    with_rhythm: int = 0
    """Those of the beats at whose time the ear knew a rate."""
    late: int = 0
    """Those with a rhythm that were not told within SOON_MS."""
    missed: int = 0
    """Those with a rhythm that were never told."""
    false: int = 0
    latency: list[float] = field(default_factory=list)
    """Of each beat told while there was a rhythm."""
    latency_all: list[float] = field(default_factory=list)
    placed: list[float] = field(default_factory=list)
    """Told onset less annotated onset."""
    foretold: list[float] = field(default_factory=list)
    """Expected onset less annotated onset, and ..."""
    foretold_r: list[float] = field(default_factory=list)
    """... less R peak, after the recording's own median."""

    def figures(self) -> dict[str, Any]:
        """Counts, shares, medians and percentiles by name."""
        known = max(self.with_rhythm, 1)
        return {
            "beats": self.beats,
            "with_rhythm": round(self.with_rhythm / max(self.beats, 1), 3),
            "latency_ms_median": _at(self.latency, 50),
            "latency_ms_p95": _at(self.latency, 95),
            "told_within_120_ms": round(1 - self.late / known, 3),
            "missed": round(self.missed / known, 3),
            "false_per_beat": round(self.false / max(self.beats, 1), 3),
            "latency_ms_median_with_or_without_rhythm": _at(self.latency_all, 50),
            "latency_ms_p95_with_or_without_rhythm": _at(self.latency_all, 95),
            "told_onset_error_ms_median": _at(np.abs(self.placed), 50),
            "told_onset_within_30_ms": _within(self.placed),
            "next_error_ms_median": _at(np.abs(self.foretold), 50),
            "next_error_ms_p90": _at(np.abs(self.foretold), 90),
            "next_within_30_ms": _within(self.foretold),
            "next_error_ms_median_ecg": _at(np.abs(self.foretold_r), 50),
            "next_within_30_ms_ecg": _within(self.foretold_r),
        }


def _at(values: Any, percentile: float) -> float | None:
    return round(float(np.percentile(values, percentile)), 1) if len(values) else None


def _within(errors: list[float]) -> float | None:
    return round(float((np.abs(errors) < CLOSE_MS).mean()), 3) if errors else None


def score_told(
    score: Score,
    sound: np.ndarray,
    states: np.ndarray,
    onset: OnsetWeights | None = None,
    r_peaks_s: np.ndarray | None = None,
    gate: Classifier | None = None,
) -> None:
    """Play a recording to the live ear and add what it told to `score`.

    sound: float32 [n] at the ear's rate; states: [rows, 3], start_s, end_s, state (1 S1, 0 noise); onset: None for
    the shipped weights; r_peaks_s: of a simultaneous ECG, NaN where it breaks off; gate: asked beside the beats.
    """
    ear, told, said = GatedEar(EarStream(features.RATE_HZ, onset=onset), features.RATE_HZ, gate), [], []
    block = int(BLOCK_S * features.RATE_HZ)
    for at in range(0, len(sound), block):
        began_s = time.perf_counter()
        records = ear.push(sound[at : at + block])
        left_s = (at + block) / features.RATE_HZ + time.perf_counter() - began_s
        told += [(s1_s, left_s) for heard in records for s1_s in heard.s1_s]
        said += [(left_s, heard.bpm is not None, heard.next_s1_s or np.nan) for heard in records]
    if not said:
        return
    truth_s = _truth(states, len(sound) / features.RATE_HZ)
    told_at, said_at = np.array(told).reshape(-1, 2), np.array(said)
    _add_told(score, truth_s, told_at, said_at)
    score.false += _false(told_at[:, 0], states, len(sound) / features.RATE_HZ)
    score.foretold += list(_foretold(truth_s, said_at))
    if r_peaks_s is not None:
        wrong_ms = _foretold(r_peaks_s[np.isfinite(r_peaks_s) & (r_peaks_s > START_S)], said_at)
        score.foretold_r += list(wrong_ms - np.median(wrong_ms)) if len(wrong_ms) else []


def _truth(states: np.ndarray, seconds: float) -> np.ndarray:
    """Annotated onsets of S1 that count, [n]."""
    s1_s = states[states[:, 2] == 1, 0]
    return np.asarray(s1_s[(s1_s > START_S) & (s1_s < min(seconds, states[-1, 1]) - END_S)])


def _add_told(score: Score, truth_s: np.ndarray, told: np.ndarray, said: np.ndarray) -> None:
    for s1_s in truth_s:
        rhythm = bool(said[max(np.searchsorted(said[:, 0], s1_s) - 1, 0), 1])
        score.beats += 1
        score.with_rhythm += rhythm
        near = told[np.abs(told[:, 0] - s1_s) < SAME_S]
        if not len(near):
            score.missed += rhythm
            score.late += rhythm
            continue
        latency_ms = float(near[0, 1] - s1_s) * 1e3
        score.latency_all.append(latency_ms)
        score.placed.append(float(near[0, 0] - s1_s) * 1e3)
        if rhythm:
            score.latency.append(latency_ms)
            score.late += latency_ms > SOON_MS


def _false(told_s: np.ndarray, states: np.ndarray, seconds: float) -> int:
    """Told onsets in annotated sound where there is none."""
    s1_s = states[states[:, 2] == 1, 0]
    count = 0
    for at_s in told_s[(told_s > START_S) & (told_s < min(seconds, states[-1, 1]) - END_S)]:
        state = states[max(int(np.searchsorted(states[:, 0], at_s, "right")) - 1, 0), 2]
        count += state != 0 and (not len(s1_s) or np.abs(s1_s - at_s).min() >= SAME_S)
    return int(count)


def _foretold(truth_s: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Errors in ms of what was last said at least AHEAD_S before each true onset, where a beat was expected."""
    before = np.searchsorted(said[:, 0], truth_s - AHEAD_S) - 1
    wrong_ms = (said[np.maximum(before, 0), 2] - truth_s) * 1e3
    return np.asarray(wrong_ms[(before >= 0) & np.isfinite(wrong_ms)])


def evaluate_latency(
    data_dir: Path, onset: OnsetWeights | None = None, limit: int | None = None
) -> dict[str, dict[str, Any]]:
    """Figures of all validation recordings with hand-annotated states, by source and of all.

    onset: None for the shipped weights; limit: only so many recordings of each source. Raises FileError where the
    data cannot be read.
    """
    gate = load_bench().gate
    scores: dict[str, Score] = {"all": Score()}
    counts: dict[str, int] = {}
    for row in ear_data.read_manifest(data_dir):
        source = row["source"]
        if row["split"] != "val" or not row["beats"] or source.startswith("pascal"):
            continue
        counts[source] = counts.get(source, 0) + 1
        if limit is not None and counts[source] > limit:
            continue
        sound = ear_data.read_sound(Path(data_dir) / row["path"])[: int(SECONDS * features.RATE_HZ)]
        states = np.loadtxt(Path(data_dir) / row["beats"], delimiter="\t", skiprows=1, ndmin=2)
        r_peaks_s = np.loadtxt(Path(data_dir) / row["rpeaks"], ndmin=1) if row["rpeaks"] else None
        own = Score()
        score_told(own, sound, states, onset, r_peaks_s, gate)
        for name in ("all", source):
            _merge(scores.setdefault(name, Score()), own)
    return {name: score.figures() for name, score in scores.items()}


def _merge(into: Score, more: Score) -> None:
    for name, value in vars(more).items():
        setattr(into, name, getattr(into, name) + value)
