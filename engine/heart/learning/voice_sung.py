"""What a voice is measured on: sounds sung once, by two plans, each with the beats that were asked.

The tempi go through all rates and labels. The likenesses are as long, as fast and as varied as recordings are, so
that whatever they differ in is the voice's doing and not the tempo's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heart.learning.voice_data import Clip
from heart.records import LABELS, SAMPLE_RATE_HZ, Beat
from heart.sounding.beats import BeatClock
from heart.sounding.offline import generate
from heart.sounding.registry import Singer

BPMS = (40.0, 60.0, 72.0, 90.0, 110.0, 130.0, 150.0, 180.0)
RMSSDS_MS = (10.0, 30.0, 50.0)
"""Asked in turn, but no more than a tenth of an RR interval: a fast heart varies little."""
TEMPO_S = 12.0
LIKENESSES = 16
"""Of each label."""
LIKENESS_RMSSD_MS = 10.0
BEATS = 3
"""A recording of the five-class set holds three."""
EDGE_S = 0.15
"""Beats closer to the end than this are not asked of a judge: their sound is cut."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sung:
    """One sound and what was asked of it."""

    label: str
    bpm: float
    sound: np.ndarray
    """float32 [n] at 44.1 kHz."""
    beats: tuple[Beat, ...]
    """All beats whose S1 lies in the sound; the last may be cut."""

    @property
    def seconds(self) -> float:
        return len(self.sound) / SAMPLE_RATE_HZ

    def asked_s(self, part: str = "s1") -> np.ndarray:
        """Onsets of "s1" or "s2" in s, but for those too near the end."""
        onsets = np.array([getattr(beat, part) for beat in self.beats]) / SAMPLE_RATE_HZ
        return onsets[onsets < self.seconds - EDGE_S]

    @property
    def cycles(self) -> np.ndarray:
        """Whole beats as in `voice_data.Clip`: int64 [beats, 3]."""
        ends = [beat.s1 + round(beat.rr_ms * SAMPLE_RATE_HZ / 1_000) for beat in self.beats]
        rows = [(b.s1, b.s2, end) for b, end in zip(self.beats, ends) if end <= len(self.sound)]
        return np.array(rows, np.int64).reshape(-1, 3)


def sing(voice: Singer, label: str, bpm: float, rmssd_ms: float, seed: int, seconds: float, steps: int) -> Sung:
    """One sound of the voice, and the beats its clock asked for."""
    sound = generate(seconds, label, bpm, rmssd_ms, seed=seed, steps=steps, voice=voice)
    return Sung(label, bpm, sound, BeatClock(bpm, rmssd_ms, seed).beats_until(len(sound)))


def sing_tempi(voice: Singer, steps: int, every: int = 1, progress: Progress = lambda done, of: None) -> list[Sung]:
    """Every label at every n-th of BPMS, each with its own variability and seed."""
    plan = [(label, bpm) for bpm in BPMS[::every] for label in LABELS]
    sung = []
    for seed, (label, bpm) in enumerate(plan):
        rmssd_ms = min(RMSSDS_MS[seed % len(RMSSDS_MS)], 6_000 / bpm)
        sung.append(sing(voice, label, bpm, rmssd_ms, seed, TEMPO_S, steps))
        progress(seed + 1, len(plan))
    return sung


def sing_likenesses(
    voice: Singer,
    clips: Sequence[Clip],
    steps: int,
    count: int = LIKENESSES,
    progress: Progress = lambda done, of: None,
) -> list[Sung]:
    """`count` sounds of each label of BEATS beats at the rates of that label's `clips`, each of another seed."""
    sung = []
    for number, label in enumerate(LABELS):
        rates = np.sort([rate_of(clip) for clip in clips if clip.label == number])
        for seed in range(count if len(rates) else 0):
            bpm = float(rates[(seed * 7919) % len(rates)])
            seconds = BEATS * 60 / bpm + 0.3
            sung.append(sing(voice, label, bpm, LIKENESS_RMSSD_MS, 1_000 + seed, seconds, steps))
            progress(len(sung), count * len(LABELS))
    return sung


def rate_of(clip: Clip) -> float:
    """Beats a minute of a recording."""
    return float(60 * SAMPLE_RATE_HZ / np.median(clip.cycles[:, 2] - clip.cycles[:, 0]))
