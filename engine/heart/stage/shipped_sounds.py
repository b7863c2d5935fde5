"""The sounds the piece needs, one entry each: what `heart sounds build` makes and sounds/README.md lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from heart.records import SAMPLE_RATE_HZ, Beat
from heart.sounding import foley
from heart.sounding.offline import generate
from heart.sounding.registry import open_voice
from heart.sounding.turns import Stretch, sing_turn, strung

STEPS = 16
"""Files have time: the voice's whole net, and more steps than on stage."""
Progress = Callable[[float], object]
Make = Callable[[float, int, Progress], np.ndarray]
"""(seconds, seed, told how many seconds are there) -> float [n]."""

REST = (Stretch(27, "sinus", 66, 42),)
FALTERING = (Stretch(8, "pvc", 72, 25, 0.2), Stretch(8, "bigeminy", 74), Stretch(17, "af", 88))
ARRHYTHMIA = (
    Stretch(30, "sinus", 70, 25),
    Stretch(36, "pvc", 74, 20, 0.16),
    Stretch(24, "bigeminy", 76, 15),
    Stretch(84, "af", 92),
    Stretch(18, "couplet", 84, 15, 0.24),
    Stretch(72, "af", 104),
)
"""A heart that begins to stumble, finds a limp, and loses its measure: three minutes."""


@dataclass(frozen=True)
class Entry:
    """A file: `seconds` about as asked of its maker; loop: its end leads into its beginning."""

    name: str
    what: str
    seconds: float
    loop: bool
    make: Make | None
    """None: a list of beats, not a sound."""
    suffix: str = ".flac"
    cost: float = 3.0
    """Seconds of one core it takes, about, for the progress bar."""

    @property
    def file(self) -> str:
        return self.name + self.suffix


def _heart(seconds: float, seed: int, told: Progress) -> np.ndarray:
    return generate(
        seconds, bpm=78, rmssd=35, seed=seed + 5, steps=STEPS, voice="voice", progress=lambda s: told(s / seconds)
    )


def _turn(stretches: tuple[Stretch, ...], seconds: float, seed: int, told: Progress) -> np.ndarray:
    """`seconds` at least two beats; shorter than the stretches, only their first beats are sung."""
    beats = tuple(beat for beat in strung(stretches, seed + 1) if beat.s1 < seconds * SAMPLE_RATE_HZ)
    length = beats[-1].s1 / SAMPLE_RATE_HZ
    return sing_turn(open_voice("voice"), beats, "N", seed + 7, STEPS, lambda sung_s: told(sung_s / length))


def _foley(name: str, seconds: float, seed: int, told: Progress) -> np.ndarray:
    return foley.make(name, seconds, seed)


def beats_of(seed: int) -> tuple[Beat, ...]:
    """The irregular rhythm of arrhythmia.csv."""
    return strung(ARRHYTHMIA, seed + 3)


def _texture(name: str, what: str, seconds: float, cost: float = 3.0) -> Entry:
    return Entry(name, what, seconds, True, partial(_foley, name), cost=cost)


SOUNDS = (
    Entry(
        "heart-rest",
        "a normal heart at rest, 78 bpm, RMSSD 35 ms: the patient of `heart demo`",
        30,
        False,
        _heart,
        cost=20,
    ),
    Entry("heart-normal", "a normal heart, 66 bpm, breath in its rhythm", 60, True, partial(_turn, REST), cost=18),
    Entry(
        "heart-arrhythmia",
        "a heart that stumbles: early beats, every second one early, then fibrillation",
        60,
        True,
        partial(_turn, FALTERING),
        cost=18,
    ),
    _texture("breath", "calm breathing, five breaths", 22),
    _texture("rain", "steady rain on leaves and puddles", 20),
    _texture("storm", "rain, wind in gusts, and thunder: one stroke near, two far", 30),
    _texture("sea", "four waves on a beach", 26),
    _texture("birds", "a wood in the morning, six singers", 24),
    _texture("jazz", "piano, double bass and brushes: sixteen bars in F, 138 bpm", 28, 9),
    Entry(
        "arrhythmia",
        "RR intervals for `--beats`: a rhythm that stumbles, limps, and loses its measure",
        0,
        False,
        None,
        ".csv",
        0.2,
    ),
)
