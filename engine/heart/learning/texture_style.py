"""What a texture sounds like, in numbers: the level of each band, and how it moves.

The band levels scale the net's frames (`sounding.conditions`), so a texture's spectrum is right from the first
step of training on, whatever the net has learned; the net is told them too.
"""

from __future__ import annotations

import numpy as np

from heart.records import SAMPLE_RATE_HZ
from heart.sounding.conditions import LEVEL_CENTRE_DB, LEVEL_WIDTH_DB
from heart.sounding.filterbank import BANDS, analyse_span

MOVES = ("flatness", "modulation", "crest")
"""Spectral flatness below 5 kHz (noise is high, tones are low); spread of the level over 50 ms pieces in dB; peak
over RMS within them."""
STYLES = BANDS + len(MOVES)
CENTRES = np.array([-14.0, 4.0, 10.0], np.float32)
WIDTHS = np.array([8.0, 4.0, 3.0], np.float32)
LIMIT = 2.5
_PIECE = SAMPLE_RATE_HZ // 20
_DEEPEST_DB = 40.0
"""Of a band's level below the loudest band: silence between notes would else leave nothing to scale with."""


def measure_style(sound: np.ndarray) -> np.ndarray:
    """Style of a sound [n] at 44.1 kHz, n at least 0.1 s: float32 [STYLES] in +-LIMIT."""
    return style_of(band_levels_db(sound), _moves(sound))


def style_of(levels_db: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Band levels [BANDS] in dB and movement [3] as a style: float32 [STYLES]."""
    levels = (levels_db - LEVEL_CENTRE_DB) / LEVEL_WIDTH_DB
    return np.append(levels, (moves - CENTRES) / WIDTHS).clip(-LIMIT, LIMIT).astype(np.float32)


def band_levels_db(sound: np.ndarray) -> np.ndarray:
    """Level of each band: half way in dB between its RMS and the median of its pieces; float64 [BANDS].

    The median alone is the ground a bird sings over, the RMS alone the bird: with the one, songs lie far out on
    the net's scale, with the other, hiss fills the pauses.
    """
    frames = analyse_span(sound.astype(np.float32)).astype(np.float64)
    size = 128
    pieces = frames[:, : frames.shape[1] // size * size].reshape(BANDS, -1, size)
    power = (pieces**2).mean(-1)
    mean_db, median_db = (10 * np.log10(p + 1e-12) for p in (power.mean(1), np.median(power, axis=1)))
    levels = (mean_db + np.maximum(median_db, mean_db - 30)) / 2
    return np.maximum(levels, levels.max() - 2 * _DEEPEST_DB)


def _moves(sound: np.ndarray) -> np.ndarray:
    pieces = sound[: len(sound) // _PIECE * _PIECE].astype(np.float64).reshape(-1, _PIECE)
    rms = np.sqrt((pieces**2).mean(1)) + 1e-6
    power = np.abs(np.fft.rfft(pieces * np.hanning(_PIECE), axis=1)[:, 4:250]) ** 2 + 1e-12
    flatness = np.exp(np.log(power).mean(1)) / power.mean(1)
    crest = np.abs(pieces).max(1) / rms
    medians_db = 10 * np.log10([np.median(flatness) + 1e-9, np.median(crest) ** 2 + 1e-9])
    return np.array([medians_db[0], (20 * np.log10(rms)).std(), medians_db[1]])


def level_moves_db(sound: np.ndarray) -> float:
    """Spread of a sound's level over pieces of 50 ms, in dB."""
    return float(_moves(sound)[1])
