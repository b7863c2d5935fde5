"""The rate heard in 8 s of sound, and the variability heard in whole recordings, against the ECG or a hand.

Eight seconds are what a person waits for, and what many clips last; octave errors, which a long recording averages
away or hides, show here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning.ear_figures import Heard, interval
from heart.listening import features, files, rate
from heart.listening.weights import EarWeights

SECONDS = 8.0
LEAST_INTERVALS = 3
CLOSE_BPM = 5.0


@dataclass(frozen=True)
class Window:
    """One window: the true rate, the best guess, and what was said aloud (None: not trusted)."""

    group: str
    true_bpm: float
    best_bpm: float | None
    said_bpm: float | None


def true_beats(row: dict[str, str], data_dir: Path, hand_s1_s: np.ndarray) -> np.ndarray:
    """Times of beats in s, [n]: R peaks of the ECG where the manifest has them (NaN at gaps), else hand-made S1."""
    if row.get("rpeaks"):
        return np.atleast_1d(np.loadtxt(data_dir / row["rpeaks"]))
    return hand_s1_s


def true_rate(beats_s: np.ndarray, start_s: float) -> float | None:
    """bpm of the whole intervals within a window; None with fewer than LEAST_INTERVALS, or where beats lack."""
    inside = beats_s[~((beats_s < start_s) | (beats_s >= start_s + SECONDS))]  # keeps the NaN of a gap
    if np.isfinite(inside).sum() < LEAST_INTERVALS + 1:
        return None
    rr_s = np.diff(inside)
    if np.isnan(rr_s).any() or not rate.sound_intervals(inside).all():
        return None
    edge_s = max(float(inside[0]) - start_s, start_s + SECONDS - float(inside[-1]))
    return float(60 / rr_s.mean()) if edge_s < rate.MISSED * float(np.median(rr_s)) else None


def windows(samples: np.ndarray, beats_s: np.ndarray, group: str, weights: EarWeights) -> list[Window]:
    """Hear every 8 s of a recording, float32 [n] at the ear's rate, as if it were a file of its own."""
    found = []
    for start_s in np.arange(0, len(samples) / features.RATE_HZ - SECONDS + 0.01, SECONDS):
        true_bpm = true_rate(beats_s, float(start_s))
        if true_bpm is None:
            continue
        first = int(start_s * features.RATE_HZ)
        parts = files.take_apart(samples[first : first + int(SECONDS * features.RATE_HZ)], weights)
        said = files.describe(parts, SECONDS, weights)["bpm"]
        found.append(Window(group, true_bpm, files.rate_of(parts)[1], said))
    return found


def window_figures(heard: list[Heard]) -> dict[str, Any]:
    """Errors of the rate in 8 s; a window without any rate counts as wrong by its full rate."""
    every = [window for h in heard for window in h.windows]
    if not every:
        return {"windows": 0}
    error = np.array([abs((w.best_bpm or 0.0) - w.true_bpm) for w in every])
    said = np.array([w.said_bpm is not None for w in every])
    near = error <= CLOSE_BPM
    return {
        "windows": len(every),
        "mae_bpm": round(float(error.mean()), 2),
        "within_5": round(float(near.mean()), 4),
        "within_5_interval": interval([w.group for w in every], near, lambda v: float(v.mean())),
        "trusted": round(float(said.mean()), 3),
        "trusted_within_5": round(float(near[said].mean()), 4) if said.any() else None,
        "octave_errors": int(sum(_octave(w) for w in every)),
    }


def _octave(window: Window) -> bool:
    """Half or double the rate, within a tenth?"""
    octaves = abs(np.log2((window.best_bpm or window.true_bpm) / window.true_bpm))
    return bool(abs(octaves - 1) < np.log2(1.1))


def variability_figures(heard: list[Heard]) -> dict[str, Any]:
    """Errors in ms against `truth=ecg_r`: of all recordings, and of those where the ear trusts itself."""
    known = [h for h in heard if h.true_hrv_ms is not None]
    figures: dict[str, Any] = {"recordings": len(known), "said": sum(h.hrv_said for h in known)}
    for part, mine in (("", known), ("trusted_", [h for h in known if h.hrv_said])):
        for k, name in enumerate(("sdnn", "rmssd")):
            off = [h.hrv_ms[k] - h.true_hrv_ms[k] for h in mine if h.hrv_ms and h.true_hrv_ms]
            figures[f"{part}{name}_mae_ms"] = round(float(np.abs(off).mean()), 1) if off else None
            figures[f"{part}{name}_bias_ms"] = round(float(np.mean(off)), 1) if off else None
    return figures
