"""The pitch of a single note, by the comb of its harmonics in a long spectrum."""

from __future__ import annotations

import numpy as np

from heart.sounding.notes.kinds import HIGHEST, LOWEST, RATE_HZ, hertz

LONG_FFT = 32_768
LONG_S = 1.02
"""What is looked at: as long as the low notes need to have harmonics."""
BEGIN_S = 0.05
STEPS = 12
"""Candidates in a semitone."""
HARMONICS = 10
FADING = 0.86


def find_pitch(sound: np.ndarray, begin_s: float = BEGIN_S) -> float:
    """MIDI pitch of a note [n], with its fraction; nan for silence.

    Every candidate sums the compressed spectrum at its harmonics, the fundamental weighing most; the best is then
    tuned by the peaks it stands on.
    """
    spectrum = _spectrum(sound, begin_s)
    if spectrum.max() <= 0:
        return float("nan")
    loud = np.sqrt(spectrum / spectrum.max())
    pitches = np.arange((LOWEST - 1) * STEPS, (HIGHEST + 2) * STEPS) / STEPS
    scores = [_score(loud, hertz(pitch)) for pitch in pitches]
    return _tuned(spectrum, hertz(float(pitches[int(np.argmax(scores))])))


def _spectrum(sound: np.ndarray, begin_s: float) -> np.ndarray:
    begin = int(begin_s * RATE_HZ)
    part = sound[begin : begin + int(LONG_S * RATE_HZ)]
    return np.abs(np.fft.rfft(part * np.hanning(len(part)), LONG_FFT))


def _score(loud: np.ndarray, f0: float) -> float:
    """Weighted mean at the harmonics, less what lies halfway between: a comb of half the pitch has teeth there."""
    k = np.arange(1, HARMONICS + 1)
    places = k * f0 / RATE_HZ * LONG_FFT
    k, places = k[places < len(loud) - 2], places[places < len(loud) - 2]
    weights = FADING ** (k - 1.0)
    # An octave too low a comb meets every peak with every second tooth: its odd teeth stand in nothing.
    heights = _near(loud, places, 0.0029)
    return float((weights * heights).sum() / (weights.sum() + 1.5) + 0.25 * heights[0])


def _near(loud: np.ndarray, places: np.ndarray, share: float) -> np.ndarray:
    """Most within a share of each place."""
    found = []
    for place in places:
        reach = max(1, round(place * share))
        low = max(0, round(place) - reach)
        found.append(loud[low : low + 2 * reach + 1].max(initial=0))
    return np.array(found)


def _tuned(spectrum: np.ndarray, f0: float) -> float:
    """The pitch by the loudest peaks among the first harmonics, each told to a fraction of a bin."""
    votes = []
    for k in range(1, HARMONICS + 1):
        place = k * f0 / RATE_HZ * LONG_FFT
        reach = max(2, round(place * 0.006))
        low, high = round(place) - reach, round(place) + reach + 1
        if high >= len(spectrum) - 1:
            break
        top = low + int(np.argmax(spectrum[low:high]))
        before, here, after = np.log(spectrum[top - 1 : top + 2] + 1e-12)
        bend = before - 2 * here + after
        if bend < 0 and low < top < high - 1:
            votes.append(((top + 0.5 * (before - after) / bend) / k, spectrum[top] ** 2))
    if not votes:
        return float(69 + 12 * np.log2(f0 / 440))
    places, weights = np.array(votes).T
    place = np.average(places, weights=weights)
    return float(69 + 12 * np.log2(place * RATE_HZ / LONG_FFT / 440))
