"""How good the ear is on recordings it never learnt from: `evaluate_ear`.

Only rows of the val split, and sounds that are no heart kept out of training.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning import ear_data, ear_figures, ear_windows
from heart.learning.ear_figures import MOMENTS_S, Heard
from heart.listening import features, files, rate
from heart.listening.classifier import Classifier
from heart.listening.decoder import S1, S2
from heart.listening.gated import GatedEar
from heart.listening.judgement import load_bench
from heart.listening.segment import Parts, onsets
from heart.listening.stream import EarStream
from heart.listening.weights import EarWeights, load_weights

TOLERANCE_S = 0.1
BLOCK = features.RATE_HZ // 10
LOCAL_S = 6.0
"""The live rate is also compared with the annotated rate of the seconds just heard."""


def match(found: np.ndarray, truth: np.ndarray, tolerance_s: float = TOLERANCE_S) -> list[float]:
    """Differences (found less truth) of onsets matched one to one, in order, within the tolerance; both sorted."""
    i = j = 0
    pairs = []
    while i < len(found) and j < len(truth):
        apart = float(found[i] - truth[j])
        if abs(apart) <= tolerance_s:
            pairs.append(apart)
        i, j = i + (apart <= tolerance_s), j + (apart >= -tolerance_s)
    return pairs


def annotated(rows: np.ndarray, state: int) -> np.ndarray:
    """Onsets in s of a state (S1 or S2) in an annotation [n, 3] that follow another annotated state."""
    after = np.concatenate([[False], (rows[1:, 2] > 0) & (rows[:-1, 2] > 0)])
    return np.asarray(rows[after & (rows[:, 2] == state + 1), 0])


def within(times_s: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Those times at which something is annotated."""
    at = np.searchsorted(rows[:, 0], times_s, side="right") - 1
    return np.asarray(times_s[(at >= 0) & (rows[at.clip(0), 2] > 0) & (times_s < rows[at.clip(0), 1])])


def hear_row(row: dict[str, str], data_dir: Path, weights: EarWeights, gate: Classifier | None) -> Heard:
    """Run both ears over one recording."""
    samples = ear_data.read_sound(data_dir / row["path"])
    parts = files.take_apart(samples, weights)
    result = files.describe(parts, len(samples) / features.RATE_HZ, weights)
    heard = Heard(
        row["path"],
        row["source"],
        row["group"],
        float(row["hr_bpm"]),
        result["bpm"],
        files.rate_of(parts)[1],
        result["trust"],
        result["heart"],
    )
    _hear_variability(heard, row, parts, result["sdnn_ms"] is not None)
    if ear_data.is_heart(row):
        rows = np.loadtxt(data_dir / row["beats"], delimiter="\t", skiprows=1, ndmin=2)
        for state in (S1, S2):
            truth, found = (
                annotated(rows, state),
                within(onsets(parts.path, parts.states.posteriors, state), rows),
            )
            pairs = match(found, truth)
            heard.counts[state] = (len(pairs), len(found), len(truth))
            heard.offsets_s += pairs
        _local_rates(heard, annotated(rows, S1))
        beats_s = ear_windows.true_beats(row, data_dir, annotated(rows, S1))
        heard.windows = ear_windows.windows(samples, beats_s, row["group"], weights)
    _hear_live(heard, samples, weights, gate)
    return heard


def _hear_variability(heard: Heard, row: dict[str, str], parts: Parts, said: bool) -> None:
    if row["truth"] != "ecg_r" or not row["sdnn_ms"] or not row["rmssd_ms"]:
        return
    varies = files.variability_of(parts)
    heard.true_hrv_ms, heard.hrv_said = (float(row["sdnn_ms"]), float(row["rmssd_ms"])), said
    if varies.sdnn_ms is not None and varies.rmssd_ms is not None:
        heard.hrv_ms = (varies.sdnn_ms, varies.rmssd_ms)


def _local_rates(heard: Heard, s1_s: np.ndarray) -> None:
    for moment in MOMENTS_S:
        near = s1_s[(s1_s > moment - LOCAL_S) & (s1_s <= moment)]
        rr_s = np.diff(near)[rate.sound_intervals(near)]
        if len(rr_s) >= 2:
            heard.local_bpm[moment] = float(60 / rr_s.mean())


def _hear_live(heard: Heard, samples: np.ndarray, weights: EarWeights, gate: Classifier | None) -> None:
    """Play the first seconds as if live, in blocks of 20 ms, with the gate that a running engine has."""
    ear = GatedEar(EarStream(features.RATE_HZ, weights), features.RATE_HZ, gate)
    block = features.RATE_HZ // 50
    for start in range(0, min(len(samples), int(max(MOMENTS_S) * features.RATE_HZ)), block):
        for record in ear.push(samples[start : start + block]):
            if record.bpm is not None and heard.first_s is None:
                heard.first_s = record.time_s
            for moment in MOMENTS_S:
                if record.time_s <= moment:
                    heard.live[moment] = (record.bpm, record.trust)


def gate_figures(data_dir: Path, weights: EarWeights) -> dict[str, Any]:
    """Sounds that are no heart (kept out of training): how many either ear takes for a rhythm to trust.

    live_ever_fooled: by the beats' net alone; live_gated_ever_fooled: with the heart gate beside it, as a running
    engine has it.
    """
    rows = [r for r in ear_data.read_manifest(data_dir) if ear_data.is_other(r) and ear_data.gate_test(r)]
    gate = load_bench().gate
    kinds: dict[str, list[tuple[bool, ...]]] = defaultdict(list)
    for row in rows:
        samples = ear_data.read_sound(data_dir / row["path"])
        samples = np.resize(samples, max(len(samples), 6 * features.RATE_HZ))[: 30 * features.RATE_HZ]
        live = [ever_a_rhythm(samples, weights, judge) for judge in (None, gate)]
        kinds[row["path"].split("/")[0]].append((files.hear(samples, weights)["bpm"] is not None, *live))
    return {
        kind: {
            "sounds": len(fooled),
            **dict(zip(("file_fooled", "live_ever_fooled", "live_gated_ever_fooled"), map(sum, zip(*fooled)))),
        }
        for kind, fooled in sorted(kinds.items())
    }


def ever_a_rhythm(samples: np.ndarray, weights: EarWeights, gate: Classifier | None) -> bool:
    """Does the live ear ever name a rate in float32 [n]? gate: asked once a second about the last seconds."""
    ear = GatedEar(EarStream(features.RATE_HZ, weights), features.RATE_HZ, gate)
    blocks = (samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK))
    return any(record.bpm is not None for block in blocks for record in ear.push(block))


def evaluate_ear(
    data_dir: Path,
    weights: EarWeights | None = None,
    every: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """All figures of `ear-beats` on the validation recordings that have a `truth`.

    data_dir: folder with manifest.csv; every: take each n-th recording only. Raises FileError, UsageError.
    """
    weights = weights or load_weights()
    data_dir = Path(data_dir)
    rows = [r for r in ear_data.read_manifest(data_dir) if r["split"] == "val" and r["truth"] and r["hr_bpm"]]
    rows = [r for r in rows if not r["path"].startswith("ecg/")][::every]
    heard, gate = list[Heard](), load_bench().gate
    for done, row in enumerate(rows):
        heard.append(hear_row(row, data_dir, weights, gate))
        progress(done + 1, len(rows))
    sources = sorted({h.source for h in heard})
    return {
        "rate": {"all": ear_figures.rate_figures(heard)}
        | {s: ear_figures.rate_figures([h for h in heard if h.source == s]) for s in sources},
        "windows of 8 s": {"all": ear_windows.window_figures(heard)}
        | {s: ear_windows.window_figures([h for h in heard if h.source == s]) for s in sources},
        "variability": {"ecg_r": ear_windows.variability_figures(heard)},
        "live": ear_figures.live_figures(heard),
        "beats": ear_figures.beat_figures(heard),
        "trust": ear_figures.calibration(heard),
        "not_a_heart": gate_figures(data_dir, weights),
        "worst": [
            {
                "path": h.path,
                "true": h.true_bpm,
                "heard": h.best_bpm and round(h.best_bpm, 1),
                "trust": h.trust,
            }
            for h in sorted(heard, key=lambda h: -abs((h.best_bpm or 0.0) - h.true_bpm))[:10]
        ],
    }
