"""The six numbers of a heart's style, and which recordings' styles a seed may choose. numpy only.

How they are measured: `learning.voice_style`. Letters: R recordings.
"""

from __future__ import annotations

import numpy as np

NAMES = ("floor_db", "s2_db", "systole_db", "diastole_db", "sounds_octave", "systole_octave")
"""Noise floor, S2, mid-systole and diastole against S1 in dB; centres of gravity in octaves over 100 Hz."""
CENTRES = np.array([-62.0, -4.0, -30.0, -42.0, 0.0, 1.0], np.float32)
WIDTHS = np.array([8.0, 6.0, 12.0, 10.0, 0.6, 0.8], np.float32)
"""So that (measured - centre) / width is about within -1..1."""
DROWNED_DB = -6.0
"""An S2 this far under the murmur before it cannot be told from it: not by eye, and not by the ear that marked the
recordings, so the voice has not learnt either where it belongs."""


def units(styles: np.ndarray) -> np.ndarray:
    """Styles [..., 6] as they are kept, in dB and octaves."""
    return np.asarray(styles * WIDTHS + CENTRES)


def clear(styles: np.ndarray) -> np.ndarray:
    """Which of the styles [R, 6] of a label a seed may choose: the cleaner half, but no drowned S2; bool [R].

    Where every S2 is drowned, the cleaner half.
    """
    clean = np.asarray(styles[:, 0] <= np.median(styles[:, 0]))
    told = units(styles)
    heard = clean & (told[:, NAMES.index("s2_db")] - told[:, NAMES.index("systole_db")] >= DROWNED_DB)
    return heard if heard.any() else clean
