"""What the ear hears in files: rates, onsets, octaves, things that are no heart, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from synthetic_heart import RATE_HZ, heart, nearest_ms

from heart.errors import FileError
from heart.listening.files import hear, listen
from heart.listening.portrait import plot
from heart.listening.weights import load_weights

NO_HEARTS = ("silence", "hiss", "tone", "chord", "rain")


def no_heart(kind: str, seconds: float = 10.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    sounds = {
        "silence": 0 * t,
        "hiss": 0.1 * rng.normal(size=len(t)),
        "tone": 0.3 * np.sin(2 * np.pi * 110 * t),
        "chord": 0.1 * sum(np.sin(2 * np.pi * f * t) * np.exp(-(t % 2.0)) for f in (110, 138.6, 164.8, 220)),
        "rain": 0.05 * rng.normal(size=len(t)) + 0.5 * rng.normal(size=len(t)) * (rng.random(len(t)) < 0.01),
    }
    return sounds[kind].astype(np.float32)


@pytest.mark.parametrize("bpm", [45, 60, 75, 100, 130, 150])
@pytest.mark.parametrize("change", [{}, {"jitter_ms": 20.0}, {"murmur": 0.15}, {"hiss": 0.03}, {"s2_level": 1.1}])
def test_rate_and_onsets_of_a_known_heart(bpm: int, change: dict[str, float]) -> None:
    made = heart(bpm, **change)
    result = hear(made.sound, load_weights())
    assert result["bpm"] == pytest.approx(made.bpm, rel=0.03)
    s1_s, s2_s = (np.array([b[name] for b in result["beats"] if b[name] is not None]) for name in ("s1", "s2"))
    assert np.percentile(nearest_ms(s1_s, made.s1_s[1:-1]), 90) < 40
    assert np.percentile(nearest_ms(s2_s, made.s2_s[1:-1]), 90) < 40


def test_loud_second_sounds_do_not_double_or_swap() -> None:
    made = heart(62, s2_level=1.3)
    result = hear(made.sound, load_weights())
    assert result["bpm"] == pytest.approx(62, abs=1.5)
    assert all(b["s2"] - b["s1"] < 0.5 * 60 / 62 for b in result["beats"] if b["s2"])


@pytest.mark.parametrize("bpm", [50, 80, 120])
def test_digital_silence_between_beats_is_no_reason_to_doubt_a_heart(bpm: int) -> None:
    made = heart(bpm, hiss=0.0)
    gated = np.where(np.abs(made.sound) < 2e-3, 0.0, made.sound).astype(np.float32)
    for sound in (made.sound, gated, 1e-3 * gated):
        result = hear(sound, load_weights())
        assert result["heart"] > 0.5
        assert result["bpm"] == pytest.approx(bpm, rel=0.03)


def test_variability_is_that_of_the_beats() -> None:
    made = heart(70, seconds=40, jitter_ms=40)
    result = hear(made.sound, load_weights())
    assert result["sdnn_ms"] == pytest.approx(np.diff(made.s1_s).std(ddof=1) * 1e3, rel=0.2)
    assert len(result["rr_s"]) == pytest.approx(len(made.s1_s) - 1, abs=2)


def test_level_and_colour_of_the_sensor_do_not_matter() -> None:
    made = heart(80)
    quiet = hear(0.02 * made.sound, load_weights())
    loud = hear(np.clip(4 * made.sound, -1, 1), load_weights())
    assert quiet["bpm"] == pytest.approx(80, abs=1.5)
    assert loud["bpm"] == pytest.approx(80, abs=1.5)


@pytest.mark.parametrize("kind", NO_HEARTS)
def test_what_is_no_heart_has_no_rhythm(kind: str) -> None:
    result = hear(no_heart(kind), load_weights())
    assert result["bpm"] is None
    assert result["rr_s"] == []
    assert result["sdnn_ms"] is None


def test_result_of_a_file_is_json_of_the_agreed_shape(tmp_path: Path) -> None:
    made = heart(72, rate_hz=8_000, seconds=8)
    path = tmp_path / "heart.wav"
    soundfile.write(path, made.sound, 8_000)
    result = listen(path)
    assert list(result) == [
        *("file", "seconds", "heart", "trust", "bpm", "beats", "rr_s"),
        *("sdnn_ms", "rmssd_ms", "pnn50", "hrv_trust", "scene", "valve", "condition"),
    ]
    assert json.loads(json.dumps(result)) == result
    assert result["seconds"] == pytest.approx(8, abs=0.01)
    assert set(result["beats"][0]) == {"s1", "s2"}
    picture = tmp_path / "heart.png"
    plot(path, result, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FileError, match="nowhere"):
        plot(path, result, tmp_path / "nowhere" / "x.png")


def test_a_long_file_is_cut_into_chunks_that_cannot_be_heard() -> None:
    made = heart([60, 100], seconds=100)
    result = hear(made.sound, load_weights())
    s1_s = np.array([b["s1"] for b in result["beats"]])
    assert np.percentile(nearest_ms(s1_s, made.s1_s[1:-1]), 98) < 40
    assert len(s1_s) == pytest.approx(len(made.s1_s), abs=3)


@pytest.mark.parametrize("seconds", [0.01, 0.06, 0.3, 0.9])
def test_a_moment_of_sound_is_too_short_for_a_rate(seconds: float) -> None:
    result = hear(heart(72, seconds=2).sound[: int(seconds * RATE_HZ)], load_weights())
    assert result["bpm"] is None


def test_files_that_are_no_sound_are_one_line(tmp_path: Path) -> None:
    text = tmp_path / "note.wav"
    text.write_text("not a sound")
    for path in (text, tmp_path / "missing.wav", tmp_path):
        with pytest.raises(FileError) as caught:
            listen(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
