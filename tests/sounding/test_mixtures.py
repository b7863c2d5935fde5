"""What a wish asks for, as shares of labels."""

from __future__ import annotations

import numpy as np
import pytest
from small_voice import wish

from heart.errors import UsageError
from heart.records import CROSSFADE, MIXTURES, Crossing
from heart.sounding.mixtures import find_sung, gain_track, gains, parse_mix, shares, shares_of


def test_weights_become_shares():
    assert shares((("N", 2.0), ("rain", 6.0))) == {"N": 0.25, "rain": 0.75}
    assert shares((("N", 0.3), ("MR", 0.0))) == {"N": 1.0}
    assert shares_of(wish(label="MS")) == {"MS": 1.0}
    assert shares_of(wish(label="")) == {}
    assert shares_of(wish(label="MS", mix=(("sea", 0.5),))) == {"sea": 1.0}


def test_a_murmur_is_equal_parts_of_the_murmuring_conditions():
    assert shares_of(wish(label="murmur")) == dict.fromkeys(MIXTURES["murmur"], 0.25)
    assert shares((("murmur", 0.5), ("MR", 0.5)))["MR"] == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("mix", "says"),
    [
        ((("N", 0.0), ("rain", 0.0)), r"all weights are 0 \(N, rain\): raise one"),
        ((("N", -0.5),), "weight -0.5 of N"),
        ((("N", float("nan")),), "weight nan of N"),
        ((("N", float("inf")),), "weight inf of N"),
        ((("snow", 1.0),), "label 'snow': take one of N, .*breath"),
    ],
)
def test_what_is_no_mix_is_refused_by_name(mix, says):
    with pytest.raises(UsageError, match=says):
        shares(mix)


def test_heart_and_texture_share_the_power():
    assert gains({}) == gains({"N": 0.4, "MR": 0.6}) == gains({"heart": 1.0}) == (1.0, 0.0)
    assert gains({"rain": 1.0}) == gains({"texture": 1.0}) == (0.0, 1.0)
    heart, texture = gains(shares((("N", 0.3), ("sea", 0.5), ("bells", 0.2))))
    assert (heart**2, texture**2) == pytest.approx((0.3, 0.7))


def test_a_crossing_hands_over_with_equal_power_and_ends_on_its_frame():
    w = wish(label="N", crossing=Crossing(40_960 + 4_000, (("rain", 1.0),)))
    track = gain_track(w)
    assert np.allclose((track**2).sum(1), 1, atol=1e-6)
    assert (track[: 4_000 - CROSSFADE] == (1, 0)).all()
    assert (track[4_000:] == (0, 1)).all()
    assert np.abs(np.diff(track, axis=0)).max() < 1.7 / CROSSFADE
    assert (gain_track(wish(label="rain")) == (0, 1)).all()


def test_a_mix_is_written_as_labels_with_weights():
    assert parse_mix("N:0.5,storm:0.25") == (("N", 0.5), ("storm", 0.25))
    assert parse_mix(" mvp , Rain:2") == (("MVP", 1.0), ("rain", 2.0))
    assert find_sung(" BELLS ") == "bells"
    for wrong, says in (("N:loud", "'N:loud': write LABEL:WEIGHT"), ("N:0", "all weights are 0"), ("x:1", "'x'")):
        with pytest.raises(UsageError, match=says):
            parse_mix(wrong)
