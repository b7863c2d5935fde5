"""Figures of what both ears said of many recordings: errors of the rate, of the beats, calibration of the trust.

Intervals are bootstrapped over groups, because recordings of one group are no independent witnesses: with few
groups they are wide, and say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heart.listening.decoder import S1, S2

MOMENTS_S = (4.0, 6.0, 10.0)
"""When the live rate is asked for."""


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
    windows: list[Any] = field(default_factory=list)
    """What was heard in each 8 s (`ear_windows.Window`)."""
    true_hrv_ms: tuple[float, float] | None = None
    """SDNN and RMSSD by the ECG; None without one."""
    hrv_ms: tuple[float, float] | None = None
    """The same as heard, trusted or not."""
    hrv_said: bool = False


def interval(
    groups: list[str], values: np.ndarray, statistic: Callable[[np.ndarray], float], seed: int = 0
) -> list[float]:
    """95 % bootstrap interval of a statistic of values [n], whole groups drawn; empty for one group, of which
    nothing can be drawn."""
    if len(set(groups)) < 2:
        return []
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
    figures["first_rate_s"] = {f"p{q}": finite(np.percentile(first, q, method="higher")) for q in (50, 75, 90)}
    return figures


def finite(value: float) -> float | None:
    """To one digit; None for what never came."""
    return round(float(value), 1) if np.isfinite(value) else None


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


def table(figures: dict[str, Any]) -> str:
    """The figures as plain lines for a terminal."""
    lines = []
    for title, part in figures.items():
        lines.append(f"{title}:")
        rows = part.items() if isinstance(part, dict) else enumerate(part, 1)
        for name, values in rows:
            lines.append(f"  {name}: " + ", ".join(f"{k} {v}" for k, v in values.items()))
    return "\n".join(lines)
