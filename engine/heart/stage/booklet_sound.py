"""What a picture of a long sound is drawn from: envelope and spectrogram, as few numbers as a page has dots.

Both take one pass over the sound and keep one column for each dot across, so that eight minutes cost seconds and
no plot ever holds millions of points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.audio import resample

COLUMNS = 1_800
"""Dots across: A4 at 200 dpi has 2,338, with margins."""
ROWS = 220
HIGHEST_HZ, LOWEST_HZ = 16_000.0, 20.0
SPLIT_HZ = 600.0
"""Below, a window of 0.19 s at a low rate tells pitches apart; above, 46 ms tell moments apart."""
LOW_RATE_HZ = 4_000
WINDOW = 2_048
LOW_WINDOW = 768
FRAMES_AT_ONCE = 2_048
FLOOR = 1e-16
"""Of power: silence has no logarithm."""


@dataclass(frozen=True)
class Envelope:
    """Least, greatest and root mean square of each column: float32 [columns] each, at times_s [columns]."""

    times_s: np.ndarray
    least: np.ndarray
    most: np.ndarray
    rms: np.ndarray


@dataclass(frozen=True)
class Spectrogram:
    """level_db: float32 [rows, columns], the lowest pitch first, rows evenly apart in the logarithm of pitch."""

    level_db: np.ndarray
    low_hz: float
    high_hz: float


def mono(sound: np.ndarray) -> np.ndarray:
    """float32 [n] of [n] or [n, channels]; what is no number is silent."""
    sound = np.asarray(sound, np.float32)
    return np.nan_to_num(sound.mean(1) if sound.ndim == 2 else sound, posinf=0.0, neginf=0.0)


def envelope(sound: np.ndarray, rate_hz: float, columns: int = COLUMNS) -> Envelope:
    """Of a sound float32 [n], n > 0."""
    edges = np.unique(np.linspace(0, len(sound), min(columns, len(sound)), endpoint=False).astype(np.int64))
    counts = np.diff(edges, append=len(sound))
    power = np.add.reduceat(sound.astype(np.float64) ** 2, edges) / counts
    least, most = np.minimum.reduceat(sound, edges), np.maximum.reduceat(sound, edges)
    return Envelope((edges + counts / 2) / rate_hz, least, most, np.sqrt(power).astype(np.float32))


def spectrogram(sound: np.ndarray, rate_hz: float, columns: int = COLUMNS) -> Spectrogram:
    """Mean power of each column and pitch of a sound float32 [n], n > 0."""
    high_hz = min(HIGHEST_HZ, rate_hz / 2)
    low_hz = min(LOWEST_HZ, high_hz / 50)
    rows_hz = np.geomspace(low_hz, high_hz, ROWS)
    power = _read(rows_hz, *_power(sound, rate_hz, min(WINDOW, _window(rate_hz)), columns))
    if rate_hz > 2 * LOW_RATE_HZ:
        low = rows_hz < SPLIT_HZ
        deep = resample(sound, rate_hz, LOW_RATE_HZ)
        power[low] = _read(rows_hz[low], *_power(deep, LOW_RATE_HZ, LOW_WINDOW, columns))
    return Spectrogram((10 * np.log10(power + FLOOR)).astype(np.float32), low_hz, high_hz)


def _window(rate_hz: float) -> int:
    """Half a second, as a power of two: for sounds of a low rate."""
    return int(2 ** np.floor(np.log2(max(16.0, rate_hz / 2))))


def _power(sound: np.ndarray, rate_hz: float, width: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean power [bins, columns] of Hann windows, and the bins' frequencies in Hz."""
    padded = np.pad(sound, (width // 2, width))
    hop = max(1, min(width // 4, len(sound) // columns or 1))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[: len(sound) : hop]
    window = np.hanning(width).astype(np.float32)
    total, counts = np.zeros((columns, width // 2 + 1), np.float64), np.zeros(columns)
    for first in range(0, len(frames), FRAMES_AT_ONCE):
        spectra = np.abs(np.fft.rfft(frames[first : first + FRAMES_AT_ONCE] * window)) ** 2
        places = (first + np.arange(len(spectra))) * columns // len(frames)
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        total[places[starts]] += np.add.reduceat(spectra, starts)
        counts += np.bincount(places, minlength=columns)
    filled = np.flatnonzero(counts)
    nearest = filled[np.searchsorted(filled, np.arange(columns), side="right").clip(1) - 1]
    mean = (total[nearest] / counts[nearest, None]).T / (window**2).sum() / rate_hz
    return mean, np.fft.rfftfreq(width, 1 / rate_hz)


def _read(rows_hz: np.ndarray, power: np.ndarray, bins_hz: np.ndarray) -> np.ndarray:
    """Power at `rows_hz`: between bins as they stand, and over all bins that a row spans where it spans several."""
    ratio = np.sqrt(rows_hz[-1] / rows_hz[0]) ** (1 / max(1, len(rows_hz) - 1))
    found = np.empty((len(rows_hz), power.shape[1]))
    for row, pitch_hz in enumerate(rows_hz):
        first, last = np.searchsorted(bins_hz, (pitch_hz / ratio, pitch_hz * ratio))
        if last - first > 1:
            found[row] = power[first:last].mean(0)
            continue
        at = np.clip(np.searchsorted(bins_hz, pitch_hz), 1, len(bins_hz) - 1)
        share = np.clip((pitch_hz - bins_hz[at - 1]) / (bins_hz[at] - bins_hz[at - 1]), 0, 1)
        found[row] = (1 - share) * power[at - 1] + share * power[at]
    return found
