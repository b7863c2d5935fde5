"""A recording that the net half hears teaches what its own beats sound like."""

from __future__ import annotations

import numpy as np

from heart.listening import features
from heart.listening.decoder import Segment
from heart.listening.own_sound import adapted, own_chances, stacked

LENGTHS = (6, 9, 5, 20)
"""Steps of S1, systole, S2, diastole."""


def beats(count: int) -> tuple[list[Segment], np.ndarray]:
    """The path of `count` equal beats, and the state of each step."""
    path, at = [], 0
    for k in range(4 * count):
        path.append(Segment(k % 4, at, at + LENGTHS[k % 4]))
        at += LENGTHS[k % 4]
    return path, np.tile(np.repeat(np.arange(4), LENGTHS), count)


def bands_of(states: np.ndarray, seed: int = 0) -> np.ndarray:
    """S1 low, S2 higher, silence between, in noise: [steps, BANDS]."""
    bands = np.random.default_rng(seed).normal(0, 0.4, (len(states), features.BANDS))
    bands[states == 0, :6] += 1.5
    bands[states == 2, 4:10] += 1.5
    return bands.astype(np.float32)


def test_beats_that_the_net_overhears_are_found_by_what_the_others_sound_like() -> None:
    path, states = beats(20)
    net = np.full((len(states), 4), 0.04, np.float32)
    net[np.arange(len(states)), states] = 0.88
    hidden = slice(len(states) // 2, None)
    net[hidden] = 0.25  # of the second half it knows nothing
    better = adapted(net, bands_of(states), path)
    assert better.shape == net.shape
    np.testing.assert_allclose(better.sum(1), 1, atol=1e-5)
    sounds = np.isin(states[hidden], (0, 2))
    assert (better[hidden].argmax(1) == states[hidden])[sounds].mean() > 0.9


def test_labels_may_be_soft_and_a_state_may_lack() -> None:
    _, states = beats(10)
    labels = np.eye(4)[states] * 0.8 + 0.05
    labels[:, 3] = 0.0
    found = own_chances(stacked(bands_of(states)), labels)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_a_sound_without_any_change_is_left_as_it_is() -> None:
    path, states = beats(4)
    net = np.random.default_rng(1).dirichlet(np.ones(4), len(states)).astype(np.float32)
    still = adapted(net, np.zeros((len(states), features.BANDS), np.float32), path)
    assert np.isfinite(still).all()
    assert (still.argmax(1) == net.argmax(1)).mean() > 0.7
