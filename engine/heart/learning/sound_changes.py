"""What a sensor, a room and a hand do to a sound: changes of whole batches of windows, for training only.

All of them act on float32 [B, n] at any level and give float32 [B, n]; levels do not matter, as the nets normalise.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

NODES_HZ = np.array([0.0, 30, 60, 120, 240, 480, 960, 2000, 4000])
"""Between these a sensor's response is a straight line in dB."""
LEAST = 1e-9


def window(sound: np.ndarray, frames: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [frames] from anywhere in `sound` [n]; a shorter one is repeated from anywhere on."""
    if len(sound) < frames:
        return np.take(sound, np.arange(frames) + rng.integers(len(sound)), mode="wrap")
    start = rng.integers(len(sound) - frames + 1)
    return sound[start : start + frames]


def at_speed(sound: np.ndarray, speed: float) -> np.ndarray:
    """Played `speed` times as fast: float32 [n / speed], pitch and tempo together."""
    at = np.arange(0, len(sound) - 1, speed)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def levelled(batch: np.ndarray) -> np.ndarray:
    """Without mean, at RMS 1; silence stays silence."""
    batch = batch - batch.mean(-1, keepdims=True)
    return batch / np.maximum(np.sqrt(np.square(batch).mean(-1, keepdims=True)), LEAST)


def responses(
    count: int, bins_hz: np.ndarray, tilt_db: float, narrow: float, rng: np.random.Generator
) -> np.ndarray:
    """Responses of sensors, float32 [count, bins]: a random line through NODES_HZ, and for a share `narrow` of
    them a stethoscope's limits (low-pass 120..1500 Hz, high-pass up to 60 Hz, 12 to 36 dB an octave)."""
    decibels = rng.normal(0, tilt_db, (count, len(NODES_HZ)))
    gain = 10 ** (np.array([np.interp(bins_hz, NODES_HZ, line) for line in decibels]) / 20)
    low, high = 120 * 12.5 ** rng.random((count, 1)), 5 * 12 ** rng.random((count, 1))
    order = rng.integers(2, 7, (count, 1))
    bands = 1 / np.sqrt((1 + (bins_hz / low) ** (2 * order)) * (1 + (high / np.maximum(bins_hz, 1)) ** (2 * order)))
    limited = rng.random((count, 1)) < narrow
    return np.asarray(gain * np.where(limited, bands, 1.0), np.float32)


def filtered(batch: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """batch [B, n] through responses [B, n // 2 + 1], without phase, around the ends."""
    frames = batch.shape[-1]
    return np.asarray(fft.irfft(fft.rfft(np.asarray(batch, np.float32)) * gain, frames), np.float32)


def coloured_noise(count: int, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of RMS 1 whose power falls by 0 to 9 dB an octave: float32 [count, frames]."""
    bins = frames // 2 + 1
    spectrum = rng.standard_normal((count, 2 * bins), np.float32).view(np.complex64)
    octaves = np.log2(np.maximum(np.arange(bins), 1)).astype(np.float32)
    fall_db = rng.uniform(0, 9, (count, 1)).astype(np.float32)
    noise = fft.irfft(spectrum * np.exp(-np.float32(np.log(10) / 20) * fall_db * octaves), frames)
    return levelled(np.asarray(noise, np.float32))


def buried(
    batch: np.ndarray, noise: np.ndarray, snr_db: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """batch with noise (any level) at a ratio drawn from snr_db for every row, where silence stays silence."""
    ratio_db = rng.uniform(*snr_db, (len(batch), 1))
    loudness = np.sqrt(np.square(batch).mean(-1, keepdims=True))
    return np.asarray(batch + levelled(noise) * loudness * 10 ** (-ratio_db / 20), np.float32)


def clipped(batch: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the rows cut at 15 to 60 % of their peak, as an input set too high does."""
    peak = np.abs(batch).max(-1, keepdims=True)
    limit = np.where(rng.random((len(batch), 1)) < share, rng.uniform(0.15, 0.6, (len(batch), 1)), 1.0) * peak
    return np.clip(batch, -limit, limit).astype(np.float32)


def roomy(batch: np.ndarray, rate_hz: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the rows in a room: its echo dies away by 60 dB in 0.1 to 1.5 s and is -20 to 3 dB of what sounds
    in it; around the ends."""
    rows = np.flatnonzero(rng.random(len(batch)) < share)
    dry = batch[rows]
    falls_s = 0.1 * 15 ** rng.random((len(rows), 1))
    echo = rng.standard_normal(dry.shape, np.float32) * np.exp(-6.9 / rate_hz / falls_s * np.arange(dry.shape[-1]))
    wet = levelled(fft.irfft(fft.rfft(dry) * fft.rfft(echo), dry.shape[-1]))
    loud = np.sqrt(np.square(dry).mean(-1, keepdims=True)) * 10 ** (rng.uniform(-20, 3, (len(rows), 1)) / 20)
    return _with(batch, rows, dry + loud * wet)


def compressed(batch: np.ndarray, rate_hz: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the rows with their loudness over 50 ms raised to the power 0.2 to 0.7: tails come forward."""
    rows = np.flatnonzero(rng.random(len(batch)) < share)
    width = max(1, round(0.05 * rate_hz))
    sums = np.cumsum(np.pad(np.square(batch[rows], dtype=np.float64), ((0, 0), (width, 0))), 1)
    loud = np.sqrt(np.maximum(sums[:, width:] - sums[:, :-width], 0) / width)
    loud = loud / (loud.max(-1, keepdims=True) + LEAST) + 1e-3
    return _with(batch, rows, batch[rows] * loud ** -rng.uniform(0.3, 0.8, (len(rows), 1)))


def _with(batch: np.ndarray, rows: np.ndarray, changed: np.ndarray) -> np.ndarray:
    batch = np.array(batch, np.float32)
    batch[rows] = changed
    return batch
