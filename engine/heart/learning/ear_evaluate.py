"""How good the ear is on recordings it never learnt from: `evaluate_ear`, and `table` to print it.

Only rows of the val split (and sounds that are no heart kept out of training). Intervals are bootstrapped over
groups, because recordings of one group are no independent witnesses: with few groups they are wide, and say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning import ear_data
from heart.listening import features, files, rate
from heart.listening.decoder import S1, S2
from heart.listening.segment import onsets, segment
from heart.listening.stream import EarStream
from heart.listening.weights import EarWeights, load_weights

TOLERANCE_S = 0.1
MOMENTS_S = (4.0, 6.0, 10.0)
LOCAL_S = 6.0
"""The live rate is also compared with the annotated rate of the seconds just heard."""


@dataclass
class Heard:
    """What both ears said of one recording."""

    path: str
    source: str
    group: str
    true_bpm: float
    bpm: float | None
    best_bpm: float | None
    """The rate before the question of trust."""
    trust: float
    heart: float
    live: dict[float, tuple[float | None, float]] = field(default_factory=dict)
    """At each of MOMENTS_S: bpm, trust."""
    local_bpm: dict[float, float] = field(default_factory=dict)
    first_s: float | None = None
    counts: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """For S1 and S2: matched, found, annotated."""
    offsets_s: list[float] = field(default_factory=list)


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


def hear_row(row: dict[str, str], data_dir: Path, weights: EarWeights) -> Heard:
    """Run both ears over one recording."""
    samples = ear_data.read_sound(data_dir / row["path"])
    result = files.hear(samples, weights)
    beats, states, path = segment(weights.file, samples)
    s1_s = np.array([beat.s1_s for beat in beats])
    best = files.rate_of(s1_s, states, path)[1]
    heard = Heard(
        row["path"],
        row["source"],
        row["group"],
        float(row["hr_bpm"]),
        result["bpm"],
        best,
        result["trust"],
        result["heart"],
    )
    if ear_data.is_heart(row):
        rows = np.loadtxt(data_dir / row["beats"], delimiter="\t", skiprows=1, ndmin=2)
        for state in (S1, S2):
            truth, found = annotated(rows, state), within(onsets(path, states.posteriors, state), rows)
            pairs = match(found, truth)
            heard.counts[state] = (len(pairs), len(found), len(truth))
            heard.offsets_s += pairs
        _local_rates(heard, annotated(rows, S1))
    _hear_live(heard, samples, weights)
    return heard


def _local_rates(heard: Heard, s1_s: np.ndarray) -> None:
    for moment in MOMENTS_S:
        near = s1_s[(s1_s > moment - LOCAL_S) & (s1_s <= moment)]
        rr_s = np.diff(near)[rate.sound_intervals(near)]
        if len(rr_s) >= 2:
            heard.local_bpm[moment] = float(60 / rr_s.mean())


def _hear_live(heard: Heard, samples: np.ndarray, weights: EarWeights) -> None:
    """Play the first seconds as if live, in blocks of 20 ms."""
    ear = EarStream(features.RATE_HZ, weights)
    block = features.RATE_HZ // 50
    for start in range(0, min(len(samples), int(max(MOMENTS_S) * features.RATE_HZ)), block):
        for record in ear.push(samples[start : start + block]):
            if record.bpm is not None and heard.first_s is None:
                heard.first_s = record.time_s
            for moment in MOMENTS_S:
                if record.time_s <= moment:
                    heard.live[moment] = (record.bpm, record.trust)


def interval(
    groups: list[str], values: np.ndarray, statistic: Callable[[np.ndarray], float], seed: int = 0
) -> list[float]:
    """95 % bootstrap interval of a statistic of values [n], whole groups drawn."""
    rng = np.random.default_rng(seed)
    by_group = defaultdict(list)
    for group, value in zip(groups, values, strict=True):
        by_group[group].append(value)
    pools = [np.array(pool) for pool in by_group.values()]
    draws = [
        statistic(np.concatenate([pools[k] for k in rng.integers(len(pools), size=len(pools))]))
        for _ in range(1000)
    ]
    return [round(float(q), 3) for q in np.quantile(draws, [0.025, 0.975])]


def rate_figures(heard: list[Heard]) -> dict[str, Any]:
    """Errors of the whole-recording rate. A recording without any rate counts as wrong by its full rate."""
    error = np.array([abs((h.best_bpm or 0.0) - h.true_bpm) for h in heard])
    groups = [h.group for h in heard]
    said = np.array([h.bpm is not None for h in heard])

    def share5(e: np.ndarray) -> float:
        return float((e <= 5).mean())

    return {
        "recordings": len(heard),
        "groups": len(set(groups)),
        "mae_bpm": round(float(error.mean()), 2),
        "mae_bpm_interval": interval(groups, error, lambda e: float(e.mean())),
        "within_2": round(float((error <= 2).mean()), 3),
        "within_5": round(share5(error), 3),
        "within_5_interval": interval(groups, error, share5),
        "trusted": round(float(said.mean()), 3),
        "trusted_mae_bpm": round(float(error[said].mean()), 2) if said.any() else None,
        "trusted_within_5": round(share5(error[said]), 3) if said.any() else None,
    }


def live_figures(heard: list[Heard]) -> dict[str, Any]:
    """The live rate at MOMENTS_S against the whole recording's rate, and against that of the seconds just heard.

    A recording of which the live ear says nothing counts as missed.
    """
    figures: dict[str, Any] = {}
    for moment in MOMENTS_S:
        known = [h for h in heard if moment in h.live]
        said = [h.live[moment][0] for h in known]
        whole = np.array([abs(b - h.true_bpm) if b else np.inf for b, h in zip(said, known, strict=True)])
        near = np.array(
            [abs(b - h.local_bpm[moment]) if b else np.inf for b, h in _with_local(said, known, moment)]
        )
        figures[f"{moment:g} s"] = {
            "says_a_rate": round(float(np.isfinite(whole).mean()), 3),
            "within_2_of_recording": round(float((whole <= 2).mean()), 3),
            "within_5_of_recording": round(float((whole <= 5).mean()), 3),
            "within_2_of_last_seconds": round(float((near <= 2).mean()), 3),
            "within_5_of_last_seconds": round(float((near <= 5).mean()), 3),
        }
    first = np.array([h.first_s if h.first_s is not None else np.inf for h in heard])
    figures["first_rate_s"] = {f"p{q}": round(float(np.percentile(first, q)), 1) for q in (50, 75, 90)}
    return figures


def _with_local(said: list[float | None], known: list[Heard], moment: float) -> list[tuple[float | None, Heard]]:
    return [(b, h) for b, h in zip(said, known, strict=True) if moment in h.local_bpm]


def beat_figures(heard: list[Heard]) -> dict[str, Any]:
    """F1 of S1 and S2 by source (100 ms), with the spread of matched onsets (the annotation's grid is 20 ms)."""
    figures: dict[str, Any] = {}
    for source in sorted({h.source for h in heard if h.counts}):
        mine = [h for h in heard if h.source == source and h.counts]
        row: dict[str, Any] = {"recordings": len(mine)}
        for state, name in ((S1, "s1_f1"), (S2, "s2_f1")):
            hit, found, truth = (sum(h.counts[state][k] for h in mine) for k in range(3))
            row[name] = round(2 * hit / max(found + truth, 1), 4)
        offsets_ms = np.concatenate([h.offsets_s for h in mine]) * 1e3
        row["onset_bias_ms"], row["onset_sd_ms"] = (
            round(float(offsets_ms.mean()), 1),
            round(float(offsets_ms.std()), 1),
        )
        figures[source] = row
    return figures


def calibration(heard: list[Heard]) -> list[dict[str, Any]]:
    """How often a rate was within 5 bpm, by how far it was trusted."""
    rows = []
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.9), (0.9, 1.01)):
        mine = [h for h in heard if low <= h.trust < high]
        right = [abs((h.best_bpm or 0.0) - h.true_bpm) <= 5 for h in mine]
        rows.append(
            {
                "trust": f"{low:g}..{min(high, 1):g}",
                "recordings": len(mine),
                "mean_trust": round(float(np.mean([h.trust for h in mine])), 2) if mine else None,
                "right": round(float(np.mean(right)), 2) if mine else None,
            }
        )
    return rows


def gate_figures(data_dir: Path, weights: EarWeights) -> dict[str, Any]:
    """Sounds that are no heart (kept out of training): how many either ear takes for a rhythm to trust."""
    rows = [r for r in ear_data.read_manifest(data_dir) if ear_data.is_other(r) and ear_data.gate_test(r)]
    kinds: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in rows:
        samples = ear_data.read_sound(data_dir / row["path"])
        samples = np.resize(samples, max(len(samples), 6 * features.RATE_HZ))[: 30 * features.RATE_HZ]
        ear = EarStream(features.RATE_HZ, weights)
        live = [record.bpm is not None for record in ear.push(samples)]
        kinds[row["path"].split("/")[0]].append((files.hear(samples, weights)["bpm"] is not None, any(live)))
    return {
        kind: {"sounds": len(v), "file_fooled": sum(a for a, _ in v), "live_ever_fooled": sum(b for _, b in v)}
        for kind, v in sorted(kinds.items())
    }


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
    heard = []
    for done, row in enumerate(rows):
        heard.append(hear_row(row, data_dir, weights))
        progress(done + 1, len(rows))
    sources = sorted({h.source for h in heard})
    return {
        "rate": {"all": rate_figures(heard)}
        | {s: rate_figures([h for h in heard if h.source == s]) for s in sources},
        "live": live_figures(heard),
        "beats": beat_figures(heard),
        "trust": calibration(heard),
        "not_a_heart": gate_figures(data_dir, weights),
        "worst": [
            {"path": h.path, "true": h.true_bpm, "heard": h.best_bpm and round(h.best_bpm, 1), "trust": h.trust}
            for h in sorted(heard, key=lambda h: -abs((h.best_bpm or 0.0) - h.true_bpm))[:10]
        ],
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as plain lines for a terminal."""
    lines = []
    for title, part in figures.items():
        lines.append(f"{title}:")
        rows = part.items() if isinstance(part, dict) else enumerate(part, 1)
        for name, values in rows:
            lines.append(f"  {name}: " + ", ".join(f"{k} {v}" for k, v in values.items()))
    return "\n".join(lines)
