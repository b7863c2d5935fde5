"""Which recordings' styles a seed may choose."""

from __future__ import annotations

import numpy as np

from heart.sounding.style import CENTRES, WIDTHS, clear, units


def style(floor_db: float, s2_db: float, systole_db: float) -> np.ndarray:
    return ((np.array([floor_db, s2_db, systole_db, -40.0, 0.0, 1.0]) - CENTRES) / WIDTHS).astype(np.float32)


def test_a_style_in_its_units_is_what_was_measured():
    assert np.allclose(units(style(-60, -8, -1)), [-60, -8, -1, -40, 0, 1], atol=1e-4)


def test_a_seed_chooses_the_cleaner_half_and_no_drowned_second_sound():
    bank = np.stack(
        [style(-70, -4, -30), style(-66, -8, 0), style(-64, -5, 0), style(-50, 0, -40), style(-48, 0, -40)]
    )
    assert clear(bank).tolist() == [True, False, True, False, False]


def test_where_every_second_sound_is_drowned_the_cleaner_half_is_left():
    bank = np.stack([style(-70, -9, 0), style(-60, -9, 0)])
    assert clear(bank).tolist() == [True, False]
