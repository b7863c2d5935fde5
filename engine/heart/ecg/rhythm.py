"""Rate and variability of a record's beats: mean rate, SDNN, RMSSD and pNN50.

The measures of the Task Force of ESC and NASPE (Circulation 1996), as neurokit2 computes them. An interval that
spans a gap of the signal, or is longer than LONGEST_S, does not count; ectopic beats do, as in all of this house,
and the figures between normal beats alone stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heart.ecg.record import Record

LONGEST_S = 3.0
AFTER_R_S = 0.03
"""S1 begins some hundredths of a second after R: electrical activation, then the valves close."""
STEP_MS = 50.0
"""pNN50 counts neighbouring intervals further apart than this."""


@dataclass(frozen=True)
class Variability:
    """bpm, sdnn_ms, rmssd_ms; pnn50: share 0..1. None: too few intervals to say. intervals: how many count."""

    bpm: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    pnn50: float | None
    intervals: int


def rr_s(record: Record) -> np.ndarray:
    """Seconds from each beat to the next: float64 [beats - 1], NaN where the interval does not count."""
    intervals = np.diff(record.beats_s)
    intervals[intervals > LONGEST_S] = np.nan
    for begin_s, end_s in record.gaps:
        intervals[(record.beats_s[:-1] < end_s) & (record.beats_s[1:] > begin_s)] = np.nan
    return intervals


def variability(intervals_s: np.ndarray) -> Variability:
    """Of intervals float64 [n], NaN where they do not count: neighbours across such a one are none."""
    known_ms = 1_000 * intervals_s[np.isfinite(intervals_s)]
    steps_ms = 1_000 * np.diff(intervals_s)
    steps_ms = steps_ms[np.isfinite(steps_ms)]
    return Variability(
        bpm=float(60_000 / known_ms.mean()) if len(known_ms) else None,
        sdnn_ms=float(known_ms.std(ddof=1)) if len(known_ms) > 1 else None,
        rmssd_ms=float(np.sqrt(np.mean(steps_ms**2))) if len(steps_ms) else None,
        pnn50=float(np.mean(np.abs(steps_ms) > STEP_MS)) if len(steps_ms) else None,
        intervals=len(known_ms),
    )


def normal_only(record: Record, intervals_s: np.ndarray) -> np.ndarray:
    """The intervals between two beats that the atria lead; the others NaN."""
    ectopic = record.ectopic
    return np.where(ectopic[:-1] | ectopic[1:], np.nan, intervals_s)


def report(record: Record) -> dict[str, Any]:
    """What `heart ecg --json` prints: numbers rounded, times in seconds from the begin of the span."""
    intervals_s = rr_s(record)
    all_beats = variability(intervals_s)
    told = {
        "record": record.name,
        "seconds": round(record.seconds, 4),
        "from_s": round(record.from_s, 4),
        "rate_hz": record.rate_hz,
        "channels": list(record.channels),
        "r_peaks_s": [round(float(at), 4) for at in record.beats_s],
        "beats_from": record.source,
        **_rounded(all_beats),
        "gaps_s": [[round(begin, 3), round(end, 3)] for begin, end in record.gaps],
        "notes": list(record.notes),
    }
    if record.source == "annotated":
        told["symbols"] = "".join(record.symbols)
        told["normal"] = _rounded(variability(normal_only(record, intervals_s)))
    return told


def _rounded(found: Variability) -> dict[str, Any]:
    def at(value: float | None, digits: int) -> float | None:
        return None if value is None else round(value, digits)

    return {
        "bpm": at(found.bpm, 2), "sdnn_ms": at(found.sdnn_ms, 2), "rmssd_ms": at(found.rmssd_ms, 2),
        "pnn50": at(found.pnn50, 4), "intervals": found.intervals,
    }  # fmt: skip
