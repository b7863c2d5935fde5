"""Loops of drums made up for the gate: low, on a grid, some of them lub-dub."""

from __future__ import annotations

import numpy as np
import pytest

from heart.learning import gate_drums, gate_others
from heart.listening import judge

RATE_HZ = 4000


def spectrum(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(sound), 1 / RATE_HZ), np.abs(np.fft.rfft(sound)) ** 2


@pytest.mark.parametrize("drum", gate_drums.KIT)
def test_every_drum_is_finite_and_dies_away(drum: str) -> None:
    for seed in range(40):
        sound = gate_drums.KIT[drum](RATE_HZ, np.random.default_rng(seed))
        assert np.isfinite(sound).all()
        third = len(sound) // 3
        assert np.abs(sound[-third:]).max() < 0.5 * np.abs(sound).max()


def test_a_seed_makes_the_same_loop_again_and_another_seed_another() -> None:
    one, again, other = (gate_drums.drums(9000, RATE_HZ, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 0.1


@pytest.mark.parametrize("frames", [400, 7001, 40_000])
def test_a_loop_is_as_long_as_asked_and_finite(frames: int) -> None:
    for seed in range(30):
        sound = gate_drums.drums(frames, RATE_HZ, np.random.default_rng(seed))
        assert sound.shape == (frames,)
        assert np.isfinite(sound).all()


def test_pairs_beat_at_the_rate_of_a_heart_and_answer_where_s2_falls() -> None:
    for seed in range(60):
        step_s, bar = gate_drums.paired(np.random.default_rng(seed))
        force = np.max([bar[name] for name in ("kick", "low", "skin", "tom")], axis=0)
        first = np.flatnonzero(force == 1.0)
        assert first[0] == 0
        steps = gate_drums.STEPS // len(first)
        assert first.tolist() == list(range(0, gate_drums.STEPS, steps))
        assert 50 <= 60 / (steps * step_s) <= 180
        answers = np.flatnonzero(force >= 0.4) % steps / steps
        assert any(0.2 <= place <= 0.5 for place in answers)


def test_swing_and_feel_leave_every_stroke_inside_the_loop() -> None:
    for seed in range(100):
        strokes = gate_drums.pattern(4.0, np.random.default_rng(seed))
        assert strokes
        assert all(0 <= stroke.at_s < 4 and 0 < stroke.force <= 1 for stroke in strokes)
        assert {stroke.drum for stroke in strokes} <= set(gate_drums.KIT)


def test_pairs_are_deep_enough_to_be_taken_for_heart_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that knows nothing of drums finds their beats in the band of heart sounds."""
    low, found = [], []
    monkeypatch.setattr(gate_drums, "WAYS_SHARES", (0.0, 0.0, 1.0))
    for seed in range(30):
        sound = gate_drums.drums(8 * RATE_HZ, RATE_HZ, np.random.default_rng(seed))
        hz, power = spectrum(sound)
        low.append(power[hz < 200].sum() / power.sum())
        found.append(len(judge.onsets(sound, RATE_HZ)))
    assert np.median(low) > 0.7
    assert np.median(found) >= 10


def test_a_kit_is_cut_out_of_any_sound_however_short() -> None:
    tone = np.sin(2 * np.pi * 300 * np.arange(3 * RATE_HZ) / RATE_HZ).astype(np.float32)
    rng = np.random.default_rng(0)
    for part in gate_drums.sampled(tone, RATE_HZ, rng).values():
        hz, power = spectrum(part)
        assert 140 < hz[power.argmax()] < 460  # 300 Hz at half to one and a half times the speed
    for sound in (np.zeros(1, np.float32), np.zeros(50, np.float32), tone[:7]):
        loop = gate_drums.played(gate_drums.sampled(sound, RATE_HZ, rng), 5000, RATE_HZ, rng)
        assert loop.shape == (5000,)
        assert np.isfinite(loop).all()


def test_drums_are_among_the_made_up_sounds() -> None:
    share = gate_others.SHARES[gate_others.MAKERS.index(gate_drums.drums)]
    assert share == max(gate_others.SHARES)
    assert sum(gate_others.SHARES) == pytest.approx(1)
