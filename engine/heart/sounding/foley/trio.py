"""Piano, double bass and brushes: a chorus of sixteen bars, swung, in a small room.

Swing: the second eighth of a beat comes at 0.64 of it, between triplet and even, as at this tempo (Friberg and
Sundstrom, "Swing ratios and ensemble timing in jazz performance", Music Perception 2002, who also find soloists
behind the cymbal and together with it off the beat). Nobody is exact: the bass is a little ahead, the tune a little
behind.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heart.sounding.foley import bass, brushes, piano, tune
from heart.sounding.foley.circle import band, filtered, frames, place, room

BPM = 138.0
SWING = 0.64
_LEVELS = {"melody": 0.30, "comping": 0.17, "bass": 0.58, "ride": 0.06, "hat": 0.045, "tap": 0.085, "swish": 0.055}


def trio(seconds: float, random: np.random.Generator) -> np.ndarray:
    """As many of the sixteen bars as come nearest to `seconds`: float64 [n], a loop."""
    bar_s = tune.BEATS_A_BAR * 60 / BPM
    bars = int(np.clip(round(seconds / bar_s), 1, 16))
    n = frames(bars * bar_s)
    keys = np.zeros(n)
    for part, notes, late_s in (
        ("melody", tune.melody(bars, random), 0.014),
        ("comping", tune.comping(bars, random), 0.006),
    ):
        for heard in notes:
            sound = piano.note(heard.pitch, heard.beats * 60 / BPM, heard.velocity)
            place(keys, seconds_of(heard.beat) + late_s + random.normal(0, 0.004), _LEVELS[part] * sound)
    low = np.zeros(n)
    for heard in tune.walking(bars, random):
        sound = bass.note(heard.pitch, heard.beats * 60 / BPM, heard.velocity, random)
        place(low, seconds_of(heard.beat) - 0.004 + random.normal(0, 0.003), _LEVELS["bass"] * sound)
    drums = _drums(n, bars, random)
    mixed = room(keys, random, 0.9, band(200, 5_000, 1), 0.10)
    mixed += room(drums, random, 0.6, band(300, 8_000, 1), 0.06) + room(low, random, 0.5, band(80, 900, 1), 0.03)
    return filtered(mixed, band(28, np.inf, 2))


def seconds_of(beat: float) -> float:
    """When a beat, counted in even eighths, sounds: off-beats are swung."""
    whole, part = divmod(beat, 1.0)
    swung = SWING * part / 0.5 if part <= 0.5 else SWING + (1 - SWING) * (part - 0.5) / 0.5
    return (whole + swung) * 60 / BPM


def _drums(n: int, bars: int, random: np.random.Generator) -> np.ndarray:
    """Ride on every beat with its skip, hat on two and four, the brush round and round, taps that answer."""
    sound = np.zeros(n)

    def hit(part: str, beat: float, made: np.ndarray, early_s: float = 0.0) -> None:
        place(sound, seconds_of(beat) - early_s + random.normal(0, 0.003), _LEVELS[part] * made)

    for bar in range(bars):
        _bar_of_drums(hit, bar * tune.BEATS_A_BAR, bar, random)
    return sound


def _bar_of_drums(hit: Callable[..., None], begin: int, bar: int, random: np.random.Generator) -> None:
    beat_s = 60 / BPM
    for beat in range(tune.BEATS_A_BAR):
        back = beat % 2 == 1
        hit("ride", begin + beat, brushes.ride(0.95 if back else 0.75, random))
        if back:
            hit("ride", begin + beat + 0.5, brushes.ride(0.55, random))
            hit("hat", begin + beat, brushes.hat(0.9, random))
            hit("tap", begin + beat, brushes.tap(0.6 + random.uniform(-0.1, 0.1), random))
        hit("swish", begin + beat, brushes.swish(1.04 * beat_s, random), 0.5 * 1.04 * beat_s)
    if bar % 4 == 3:  # a small fill leads over
        for at, velocity in ((2.5, 0.5), (3.0, 0.7), (3.5, 0.9)):
            hit("tap", begin + at, brushes.tap(velocity, random))
    elif random.random() < 0.5:
        hit("tap", begin + float(random.choice([0.5, 2.5, 3.5])), brushes.tap(0.35, random))
