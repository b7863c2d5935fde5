"""When exactly each first sound came: finer than the 20 ms of the nets, for variability.

The net places a sound within some milliseconds; what the difference between neighbouring beats needs is only that
all beats are placed alike. So the envelope of every S1 is shifted until it fits the mean S1 of its own recording
best (matched filter, as for averaged ECG and evoked potentials: Woody, Med. Biol. Eng. 1967), and the top of the
correlation is read between samples by a parabola.
"""

from __future__ import annotations

import numpy as np

from heart.listening.features import RATE_HZ

BEFORE_S, AFTER_S = 0.05, 0.13
"""What of a sound is compared: around its onset."""
REACH_S = 0.03
"""How far a beat may be moved."""
BAND_HZ = (20.0, 150.0)
LEAST_LIKENESS = 0.6
"""Correlation with the mean sound from which a beat is moved at all."""
LEAST_BEATS = 5
ROUNDS = 3
AT_ONCE = 2_000
"""Beats worked on at a time: 30 MB."""


def refine(samples: np.ndarray, s1_s: np.ndarray) -> np.ndarray:
    """Onsets of S1 in s, moved by at most REACH_S to where each sounds most like the others.

    samples: float32 [n] at RATE_HZ; s1_s: [beats]. Fewer than LEAST_BEATS stay where they are, as does a beat
    unlike the others. The median of all moves is nought.
    """
    if len(s1_s) < LEAST_BEATS:
        return s1_s
    parts = [envelopes(samples, s1_s[k : k + AT_ONCE]) for k in range(0, len(s1_s), AT_ONCE)]
    envelope = np.concatenate(parts)
    reach = round(REACH_S * RATE_HZ)
    moves = np.zeros(len(s1_s))
    for _ in range(ROUNDS):
        template = _standard(_aligned(envelope, moves, reach)).mean(0)
        moves, likeness = _best_moves(envelope, template, reach)
        sure = likeness >= LEAST_LIKENESS
        if sure.sum() < LEAST_BEATS:
            return s1_s
        moves = np.where(sure, moves - np.median(moves[sure]), 0.0)
    return np.asarray(s1_s + moves / RATE_HZ)


def envelopes(samples: np.ndarray, s1_s: np.ndarray) -> np.ndarray:
    """Square root of the envelope of BAND_HZ around each onset, [beats, samples], REACH_S more on either side."""
    margin_s = 0.06  # for the filter to settle
    first = np.rint((s1_s - BEFORE_S - REACH_S - margin_s) * RATE_HZ).astype(int)
    length = round((BEFORE_S + AFTER_S + 2 * (REACH_S + margin_s)) * RATE_HZ)
    at = first[:, None] + np.arange(length)
    pieces = np.where((at >= 0) & (at < len(samples)), samples[at.clip(0, len(samples) - 1)], 0.0)
    size = 1 << (length - 1).bit_length()
    spectrum = np.fft.fft((pieces - pieces.mean(1, keepdims=True)) * np.hanning(length) ** 0.25, size)
    hz = np.fft.fftfreq(size, 1 / RATE_HZ)
    analytic = np.fft.ifft(spectrum * np.where((hz > BAND_HZ[0]) & (hz < BAND_HZ[1]), 2.0, 0.0))
    margin = round(margin_s * RATE_HZ)
    return np.sqrt(np.abs(analytic[:, margin : length - margin])).astype(np.float32)


def _aligned(envelope: np.ndarray, moves: np.ndarray, reach: int) -> np.ndarray:
    """The middle of each row, moved."""
    width = envelope.shape[1] - 2 * reach
    start = (reach + np.rint(moves).astype(int)).clip(0, 2 * reach)
    return np.take_along_axis(envelope, start[:, None] + np.arange(width), 1)


def _standard(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(-1, keepdims=True)
    return rows / np.maximum(np.sqrt((rows**2).sum(-1, keepdims=True)), 1e-9)


def _best_moves(envelope: np.ndarray, template: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """For each row the move, in samples, at which it is most like the template, and how like, -1..1."""
    template = template / max(float(np.sqrt((template**2).sum())), 1e-9)
    width = len(template)
    windows = np.lib.stride_tricks.sliding_window_view(envelope, width, axis=1)
    total = np.concatenate([np.zeros((len(envelope), 1)), envelope.cumsum(1, dtype=np.float64)], 1)
    square = np.concatenate([np.zeros((len(envelope), 1)), (envelope**2).cumsum(1, dtype=np.float64)], 1)
    spread = square[:, width:] - square[:, :-width] - (total[:, width:] - total[:, :-width]) ** 2 / width
    likeness = (windows @ template) / np.sqrt(np.maximum(spread, 1e-12))  # the template has no mean
    best = likeness.argmax(1)
    rows, inner = np.arange(len(best)), best.clip(1, likeness.shape[1] - 2)
    before, here, after = (likeness[rows, inner + k] for k in (-1, 0, 1))
    bend = before - 2 * here + after
    part = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0).clip(-0.5, 0.5)
    return np.where(best == inner, best + part, best) - reach, likeness[rows, best]
