"""Figures that compare heart-rate estimators: errors, octave errors, variability, calibration of the trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heart.learning.ear_figures import interval
from heart.listening.estimators import NOTHING, Estimate

CLOSE_BPM = 5.0
OCTAVE = 0.1
"""A rate this close (relative) to half or double the true one is an octave error."""
NO_RATE_BPM = 0.0
"""A sound of which an estimator says nothing counts as this."""


@dataclass(frozen=True)
class Case:
    """One sound with its truth, and what each estimator says of it."""

    path: str
    source: str
    group: str
    bpm: float
    hrv_ms: float | None
    estimates: dict[str, Estimate]


def errors(cases: Sequence[Case], name: str) -> np.ndarray:
    """Absolute errors in bpm, [cases]."""
    said = np.array([case.estimates.get(name, NOTHING).bpm or NO_RATE_BPM for case in cases])
    return np.abs(said - np.array([case.bpm for case in cases]))


def octave(said: float | None, true: float) -> bool:
    """Half or double the true rate?"""
    return said is not None and min(abs(said / true / 2 - 1), abs(2 * said / true - 1)) <= OCTAVE


def figures(cases: Sequence[Case], name: str) -> dict[str, Any]:
    """Of one estimator: MAE (with interval by group), share within 5 bpm, octave errors, HRV MAE where known, and
    what it would trust."""
    error = errors(cases, name)
    mine = [case.estimates.get(name, NOTHING) for case in cases]
    hrv = [
        abs(e.hrv_ms - c.hrv_ms)
        for c, e in zip(cases, mine, strict=True)
        if c.hrv_ms is not None and e.hrv_ms is not None
    ]
    trusted = np.array([e.trust >= 0.5 for e in mine])
    return {
        "sounds": len(cases),
        "mae_bpm": round(float(error.mean()), 2),
        "mae_bpm_interval": interval([c.group for c in cases], error, lambda e: float(e.mean())),
        "within_5": round(float((error <= CLOSE_BPM).mean()), 3),
        "octave_errors": sum(octave(e.bpm, c.bpm) for c, e in zip(cases, mine, strict=True)),
        "trusted": round(float(trusted.mean()), 3),
        "trusted_within_5": round(float((error[trusted] <= CLOSE_BPM).mean()), 3) if trusted.any() else None,
        "hrv_mae_ms": round(float(np.mean(hrv)), 1) if hrv else None,
        "hrv_sounds": len(hrv),
    }


def compared(cases: Sequence[Case]) -> dict[str, dict[str, Any]]:
    """Figures of every estimator over all cases: {name: figures}."""
    names = dict.fromkeys(name for case in cases for name in case.estimates)
    return {name: figures(cases, name) for name in names}


def by_source(cases: Sequence[Case]) -> dict[str, dict[str, dict[str, Any]]]:
    """The same for all cases and for each source: {source: {name: figures}}."""
    sources = sorted({case.source for case in cases})
    return {"all": compared(cases)} | {s: compared([c for c in cases if c.source == s]) for s in sources}


def table(title: str, rows: dict[str, dict[str, Any]]) -> str:
    """One table as plain lines: an estimator a line."""
    lines = [f"{title} ({next(iter(rows.values()))['sounds']} sounds)" if rows else title]
    lines.append(
        f"  {'estimator':16} {'MAE bpm':>8} {'in 5':>6} {'octave':>6} {'HRV MAE':>8} {'trusted':>8} {'right':>6}"
    )
    for name, row in rows.items():
        lines.append(
            f"  {name:16} {row['mae_bpm']:8.2f} {row['within_5']:6.1%} {row['octave_errors']:6d} "
            f"{_or_dash(row['hrv_mae_ms'], '.1f'):>8} {row['trusted']:8.1%} "
            f"{_or_dash(row['trusted_within_5'], '.1%'):>6}"
        )
    return "\n".join(lines)


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
