"""What the voice can do, in figures: beats on time, labels that sound like their recordings, a steady stream.

Beats are judged by `listening.judge`, which shares no code with the beat clock, the net or the ear.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning.voice_data import Clip, load_clips, pack_clips
from heart.learning.voice_style import CENTRES, NAMES, WIDTHS, measure_style
from heart.listening import judge
from heart.records import LABELS, OVERLAP, SAMPLE_RATE_HZ
from heart.sounding.beats import BeatClock
from heart.sounding.offline import HOP, generate
from heart.sounding.registry import Singer, open_voice

BPMS = (45.0, 60.0, 72.0, 90.0, 110.0, 130.0, 150.0)
STEPS = (2, 4, 8, 16)
LIVE_STEPS = 4
TOLERANCE_S = 0.04
EDGE_S = 0.15
"""Beats closer to the end than this are not asked of a judge: their sound is cut."""
_PIECE = SAMPLE_RATE_HZ // 50


def evaluate_voice(data_dir: Path, name: str = "voice-heart", pack: Path | None = None) -> dict[str, Any]:
    """All figures of a voice by name: `beats`, `labels`, `stream`.

    Args:
        data_dir: folder with manifest.csv and yaseen/.
        name: a voice of the registry.
        pack: packed clips; made when missing (default build/train/<name>/clips.npz).
    """
    pack = pack or Path("build/train") / name / "clips.npz"
    clips = load_clips(pack) if pack.is_file() else pack_clips(data_dir, pack)
    voice = open_voice(name)
    validation = [clip for clip in clips if clip.split == "val"]
    return {
        "beats": {f"{steps} steps": beats_on_time(voice, steps) for steps in STEPS},
        "labels": {label: sounds_like(voice, label, validation) for label in LABELS},
        "stream": steadiness(voice),
    }


def beats_on_time(voice: Singer, steps: int, seconds: float = 15.0, label: str = "N") -> dict[str, float]:
    """F1 of S1 and S2 against the schedule over BPMS, at 40 ms; and how far off they lie."""
    scores = []
    for seed, bpm in enumerate(BPMS):
        sound = generate(seconds, label, bpm, 20, seed=seed, steps=steps, voice=voice)
        found_s = judge.onsets(sound, SAMPLE_RATE_HZ)
        asked_s = asked_onsets_s(bpm, 20, seed, seconds)
        scores.append(judge.score(found_s[found_s < seconds - EDGE_S], asked_s, TOLERANCE_S))
    weights = [score.asked for score in scores]
    return {
        "f1": round(float(np.average([score.f1 for score in scores], weights=weights)), 4),
        "f1_worst_bpm": round(min(score.f1 for score in scores), 4),
        "lag_ms": round(float(np.median([score.lag_ms for score in scores])), 1),
        "spread_ms": round(float(np.median([score.spread_ms for score in scores])), 1),
        "asked": sum(weights),
    }


def asked_onsets_s(bpm: float, rmssd_ms: float, seed: int, seconds: float) -> np.ndarray:
    """All onsets a sound of that length was asked for, in s, sorted."""
    beats = BeatClock(bpm, rmssd_ms, seed).beats_until(int(seconds * SAMPLE_RATE_HZ))
    onsets = np.sort([frame / SAMPLE_RATE_HZ for beat in beats for frame in (beat.s1, beat.s2)])
    return onsets[onsets < seconds - EDGE_S]


def sounds_like(
    voice: Singer, label: str, clips: Sequence[Clip], steps: int = LIVE_STEPS, seeds: int = 6
) -> dict[str, dict[str, float]]:
    """The six numbers of a style, in dB and octaves: median sung, and the range of the recordings.

    Recordings are validation clips of the label; sung are `seeds` sounds of 6 s at 72 bpm.
    """
    real = np.array([clip.style for clip in clips if clip.label == LABELS.index(label)])
    sung = np.array([_style_of(voice, label, seed, steps) for seed in range(seeds)])
    units = [values * WIDTHS + CENTRES for values in (real, sung)]
    low, high = np.percentile(units[0], [10, 90], axis=0)
    median = np.median(units[1], axis=0)
    return {
        name: {"sung": round(float(median[i]), 1), "low": round(float(low[i]), 1), "high": round(float(high[i]), 1)}
        for i, name in enumerate(NAMES)
    }


def _style_of(voice: Singer, label: str, seed: int, steps: int) -> np.ndarray:
    seconds = 6.0
    sound = generate(seconds, label, 72, 20, seed=seed, steps=steps, voice=voice)
    beats = BeatClock(72, 20, seed).beats_until(int((seconds - 1) * SAMPLE_RATE_HZ))
    rr = np.array([beat.rr_ms for beat in beats]) * SAMPLE_RATE_HZ / 1_000
    cycles = np.array([(beat.s1, beat.s2, int(beat.s1 + length)) for beat, length in zip(beats, rr)])
    return measure_style(sound, cycles)


def steadiness(voice: Singer, seconds: float = 60.0, steps: int = LIVE_STEPS) -> dict[str, float]:
    """A minute of stream: drift of level and floor, bends where chunks meet, repeatability."""
    sound = generate(seconds, "N", 72, 30, seed=1, steps=steps, voice=voice)
    thirds = np.array_split(sound, 3)
    first, last = thirds[0], thirds[-1]
    return {
        "level_drift_db": round(loud_db(last) - loud_db(first), 2),
        "floor_first_db": round(floor_db(first), 1),
        "floor_last_db": round(floor_db(last), 1),
        "bend_at_borders": round(border_bend(sound), 3),
        "repeats": float(np.array_equal(sound[: 5 * HOP], generate(2, "N", 72, 30, 1, steps, voice)[: 5 * HOP])),
    }


def loud_db(sound: np.ndarray) -> float:
    """Median peak of the sound's seconds, in dB of full scale."""
    whole = sound[: len(sound) // SAMPLE_RATE_HZ * SAMPLE_RATE_HZ].reshape(-1, SAMPLE_RATE_HZ)
    return float(20 * np.log10(np.median(np.abs(whole).max(1)) + 1e-9))


def floor_db(sound: np.ndarray) -> float:
    """RMS of the quiet tenth of all 20 ms pieces against the loud peaks, in dB."""
    pieces = sound[: len(sound) // _PIECE * _PIECE].reshape(-1, _PIECE).astype(np.float64)
    quiet = np.percentile(np.sqrt((pieces**2).mean(1)), 10)
    return float(20 * np.log10(quiet + 1e-9)) - loud_db(sound)


def border_bend(sound: np.ndarray) -> float:
    """99.9th percentile of the second difference where chunks meet over that everywhere else.

    About 1 when borders cannot be told; a click is far above 1.
    """
    bend = np.abs(np.diff(sound.astype(np.float64), 2))
    at_border = np.zeros(len(bend), bool)
    for border in range(HOP, len(bend), HOP):
        at_border[border - 16 : border + OVERLAP + 16] = True
    return float(np.percentile(bend[at_border], 99.9) / np.percentile(bend[~at_border], 99.9))
