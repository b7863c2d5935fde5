"""Figures of 8 s windows and of variability: true rates only where beats are known, octaves counted."""

from __future__ import annotations

import numpy as np
import pytest

from heart.learning.ear_figures import Heard
from heart.learning.ear_windows import Window, true_rate, variability_figures, window_figures


def test_a_true_rate_needs_beats_all_through_the_window() -> None:
    beats_s = np.arange(0.3, 40, 0.8)
    assert true_rate(beats_s, 8.0) == pytest.approx(75)
    assert true_rate(beats_s[beats_s < 12], 8.0) is None
    assert true_rate(np.delete(beats_s, 14), 8.0) is None
    assert true_rate(np.where(np.arange(len(beats_s)) == 14, np.nan, beats_s), 8.0) is None
    assert true_rate(np.zeros(0), 0.0) is None


def heard(windows: list[Window], hrv: tuple[float, float] | None = None, said: bool = True) -> Heard:
    one = Heard("a.flac", "a", "g", 60.0, 60.0, 60.0, 0.9, 0.9, windows=windows)
    one.true_hrv_ms, one.hrv_ms, one.hrv_said = (30.0, 40.0), hrv, said
    return one


def test_windows_count_silence_as_wrong_and_octaves_by_name() -> None:
    windows = [
        Window("g", 60, 61, 61),
        Window("g", 60, 119, None),
        Window("h", 60, None, None),
        Window("h", 60, 66, 66),
    ]
    figures = window_figures([heard(windows)])
    assert figures["windows"] == 4
    assert figures["mae_bpm"] == pytest.approx((1 + 59 + 60 + 6) / 4, abs=0.01)
    assert figures["within_5"] == 0.25
    assert figures["trusted"] == 0.5
    assert figures["trusted_within_5"] == 0.5
    assert figures["octave_errors"] == 1
    assert window_figures([]) == {"windows": 0}


def test_variability_is_told_with_and_without_trust() -> None:
    figures = variability_figures([heard([], (32.0, 44.0)), heard([], (50.0, 80.0), said=False)])
    assert (figures["recordings"], figures["said"]) == (2, 1)
    assert figures["sdnn_mae_ms"] == 11.0
    assert figures["trusted_rmssd_mae_ms"] == 4.0
    assert figures["trusted_sdnn_bias_ms"] == 2.0
