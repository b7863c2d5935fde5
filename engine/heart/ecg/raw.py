"""The ECG itself as sound: its samples, faster, or shifted up into hearing.

An ECG lies between 0.5 and 40 Hz, below what a loudspeaker plays. Three ways out:

    as it is    the samples, in a file of the record's own rate: whoever plays it faster hears it
    faster      `speed` times as fast and as high, and as much shorter (audification)
    transposed  every frequency f sounds at f + shift, in the time of the record: single side band, by the analytic
                signal. Beats stay where they are, each QRS complex a knock at `shift`.

What is missing (NaN) is silent, with short fades at both sides.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heart.records import SAMPLE_RATE_HZ

PEAK = 10 ** (-1.2 / 20)
"""Of the loudest sample: a resampler may pass it by a little."""
BASELINE_HZ = 0.5
"""What moves slower than this is breathing and electrodes, and would hum."""
FADE_S = 0.02
BLOCK_S = 10.0


def as_it_is(samples: np.ndarray, rate_hz: float) -> np.ndarray:
    """float32 [n, channels] within -1..1: the samples [n, channels] on a common scale, each about its median."""
    signal, weight = _known(samples, rate_hz)
    centred = (signal - np.median(signal, axis=0)) * weight
    return _scaled(centred).astype(np.float32)


def audible(samples: np.ndarray, rate_hz: float, shift_hz: float, speed: float = 1.0) -> Iterator[np.ndarray]:
    """Pieces of sound float32 [frames, channels] at 44.1 kHz, of samples [n, channels], about BLOCK_S each.

    Args:
        shift_hz: 0 for none.
        speed: above 0; times the record's own.
    """
    import soxr

    signal, weight = _known(samples, rate_hz)
    centred = _scaled(_without_baseline(signal, rate_hz) * weight)
    channels = centred.shape[1]
    # The quadrature of a signal rings on where the signal is silent.
    both = np.concatenate([centred, _quadrature(centred) * weight], axis=1) if shift_hz else centred
    stream = soxr.ResampleStream(rate_hz * speed, SAMPLE_RATE_HZ, both.shape[1], dtype="float32", quality="HQ")
    block, done = max(1, round(BLOCK_S * rate_hz * speed)), 0
    for first in range(0, len(both), block):
        last = first + block >= len(both)
        piece = stream.resample_chunk(np.ascontiguousarray(both[first : first + block], np.float32), last=last)
        if shift_hz:
            turns = (done + np.arange(len(piece))) * (shift_hz / SAMPLE_RATE_HZ)
            angle = (2 * np.pi * (turns % 1.0))[:, None]
            piece = piece[:, :channels] * np.cos(angle) - piece[:, channels:] * np.sin(angle)
        done += len(piece)
        yield piece.astype(np.float32)


def _known(samples: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """The samples with what is missing bridged, and a weight [n, channels] that is 0 there and fades around it."""
    signal = np.array(samples, np.float64)
    weight = np.ones_like(signal)
    fade = max(1, round(FADE_S * rate_hz))
    shape = np.hanning(2 * fade + 3)[1:-1]
    places = np.arange(len(signal))
    for channel in range(signal.shape[1]):
        known = np.isfinite(signal[:, channel])
        if not known.all():
            signal[:, channel] = np.interp(places, places[known], signal[known, channel]) if known.any() else 0.0
            wide = np.convolve(~known, np.ones(2 * fade + 1), "same") > 0
            weight[:, channel] = 1 - np.minimum(1, np.convolve(wide, shape / shape.sum(), "same"))
            weight[~known, channel] = 0.0
    return signal, weight


def _without_baseline(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    from scipy.signal import butter, sosfiltfilt

    if len(signal) < rate_hz:
        return np.asarray(signal - signal.mean(0))
    sos = butter(2, BASELINE_HZ, "highpass", fs=rate_hz, output="sos")
    return np.asarray(sosfiltfilt(sos, signal, axis=0))


def _quadrature(signal: np.ndarray) -> np.ndarray:
    """The imaginary part of the analytic signal of each column."""
    from scipy.fft import next_fast_len
    from scipy.signal import hilbert

    size = next_fast_len(len(signal))
    return np.asarray(np.imag(hilbert(signal, size, axis=0))[: len(signal)])


def _scaled(signal: np.ndarray) -> np.ndarray:
    return signal * (PEAK / max(float(np.abs(signal).max(initial=0.0)), 1e-12))
