"""Six numbers that say how a recording sounds beside its condition: the voice's style.

Given to the net as a condition, they make a recording's habits (its hiss, how loud S2 is, how bright) a
choice instead of a guess: a stream keeps one character over minutes, and a clean one can be asked for.
"""

from __future__ import annotations

import numpy as np

from heart.records import SAMPLE_RATE_HZ
from heart.sounding.style import CENTRES, NAMES, WIDTHS

STYLES = len(NAMES)
LIMIT = 2.5


def measure_style(sound: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Style of a levelled sound [n] at 44.1 kHz with beats [beats, 3]: float32 [STYLES] in +-LIMIT."""
    ms = SAMPLE_RATE_HZ // 1_000
    s1 = [sound[a : a + 110 * ms] for a, _, _ in cycles]
    s2 = [sound[b : b + 90 * ms] for _, b, _ in cycles]
    systole = [sound[a + 120 * ms : max(b - 10 * ms, a + 150 * ms)] for a, b, _ in cycles]
    diastole = [sound[b + 110 * ms : max(e - 50 * ms, b + 150 * ms)] for _, b, e in cycles]
    reference = np.median([_rms(part) for part in s1])
    measured = [
        _floor(sound) / reference,
        np.median([_rms(part) for part in s2]) / reference,
        np.median([_rms(part) for part in systole]) / reference,
        np.median([_rms(part) for part in diastole]) / reference,
    ]
    db = 20 * np.log10(np.maximum(measured, 1e-5))
    octaves = [_octave(s1 + s2), _octave(systole)]
    return ((np.append(db, octaves) - CENTRES) / WIDTHS).clip(-LIMIT, LIMIT).astype(np.float32)


def _rms(part: np.ndarray) -> float:
    return float(np.sqrt(np.mean(part.astype(np.float64) ** 2))) if len(part) else 0.0


def _floor(sound: np.ndarray) -> float:
    """RMS of the quiet tenth of all 20 ms pieces."""
    piece = SAMPLE_RATE_HZ // 50
    pieces = sound[: len(sound) // piece * piece].reshape(-1, piece)
    return float(np.percentile(np.sqrt((pieces.astype(np.float64) ** 2).mean(1)), 10))


def _octave(parts: list[np.ndarray]) -> float:
    """Power-weighted centre of gravity below 2 kHz, in octaves over 100 Hz."""
    size = 8_192
    power = sum(np.abs(np.fft.rfft(part * np.hanning(len(part)), size)) ** 2 for part in parts if len(part) > 64)
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    inside = (hz > 20) & (hz < 2_000)
    if np.ndim(power) == 0:
        return 0.0
    weights = np.asarray(power)[inside]
    return float(np.log2((weights * hz[inside]).sum() / (weights.sum() + 1e-20) / 100 + 1e-6))
