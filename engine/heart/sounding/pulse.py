"""A heartbeat from arithmetic: the engine's bed when the voice is late, and a voice of its own. numpy only.

S1 and S2 are bursts of damped modes (after Tran, Leung et al., "Modelling the heart sounds", 1995, who fit
them so), the murmurs are band-shaped noise under the envelopes that textbooks draw. Everything is a function
of the beats, the seed and absolute time, so what follows always fits what was.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from heart.audio import rise
from heart.records import OVERLAP, SAMPLE_RATE_HZ, Beat, Chunk, Wish
from heart.sounding.levels import with_levels
from heart.sounding.sources import heard_mix, material_of

_DECIMATION = 8
_NOISE_HZ = SAMPLE_RATE_HZ / _DECIMATION
"""Murmur noise is drawn at this rate: murmurs lie below 600 Hz."""


@dataclass(frozen=True)
class Burst:
    """A damped multi-mode burst: frequencies (Hz), their levels, decay time (s), a second onset (s)."""

    hz: tuple[float, ...]
    levels: tuple[float, ...]
    decay_s: float
    echo_s: float


@dataclass(frozen=True)
class Murmur:
    """Noise of [low_hz, high_hz] between two points of systole or diastole (parts of it, 0..1)."""

    low_hz: float
    high_hz: float
    begin: float
    end: float
    shape: str
    """diamond, plateau, rising or falling."""
    level: float
    diastolic: bool = False


S1 = Burst((38.0, 62.0, 97.0, 148.0), (0.55, 1.0, 0.5, 0.2), 0.024, 0.022)
S2 = Burst((52.0, 84.0, 131.0, 205.0), (0.5, 1.0, 0.6, 0.3), 0.016, 0.018)
_CLICK = Burst((180.0, 290.0, 410.0), (1.0, 0.7, 0.4), 0.007, 0.004)
_SNAP = Burst((120.0, 190.0, 270.0), (1.0, 0.8, 0.3), 0.009, 0.005)
_LEVELS = {"N": (0.5, 0.36), "AS": (0.42, 0.24), "MR": (0.36, 0.34), "MS": (0.55, 0.36), "MVP": (0.46, 0.36)}
"""Peak of S1 and S2 for each label."""
_MURMURS = {
    "AS": (Murmur(90, 380, 0.14, 0.95, "diamond", 0.20),),
    "MR": (Murmur(140, 480, 0.08, 1.0, "plateau", 0.11),),
    "MS": (
        Murmur(40, 130, 0.22, 0.85, "falling", 0.10, diastolic=True),
        Murmur(50, 160, 0.84, 0.99, "rising", 0.11, diastolic=True),
    ),
    "MVP": (Murmur(150, 480, 0.55, 0.98, "rising", 0.10),),
}
_TAIL_S = 0.25
"""A burst is inaudible after this."""


def sing(wish: Wish) -> Chunk:
    """The wish from arithmetic: same contract as every voice, about a millisecond for 0.4 s.

    The first OVERLAP frames lead over from the past, whoever sang it.
    """
    began_s = time.perf_counter()
    audio = np.zeros(wish.frames + OVERLAP, np.float32)
    for beat in wish.beats:
        _add_beat(audio, wish, beat)
    audio = with_levels(audio, wish)
    if wish.sources and wish.mode != "generate":
        # Without a net, vary is a cross-fade of pulse and source, and morph one of the sources.
        own = np.float32(wish.strength if wish.mode == "vary" else 0.0)
        audio = own * audio + (1 - own) * heard_mix(wish)
    if len(wish.past) >= OVERLAP:
        fade = rise(OVERLAP)
        audio[:OVERLAP] = audio[:OVERLAP] * fade + wish.past[-OVERLAP:] * (1 - fade)
    spent_s = time.perf_counter() - began_s
    return Chunk(wish.number, wish.start, audio, spent_s, wish.seed, _recipe(wish), wish.steps)


class Pulse:
    """The same as an object, for the registry."""

    name = "pulse"

    def __init__(self, folder: Path | None = None, threads: int = 0, sampler: str = "", device: str = "") -> None:
        """Takes what every voice takes; needs none of it."""

    def warm_up(self) -> None:
        """Nothing to load."""

    def sing(self, wish: Wish) -> Chunk:
        return sing(wish)

    def sing_many(self, wishes: Sequence[Wish]) -> list[Chunk]:
        return [sing(wish) for wish in wishes]


def _recipe(wish: Wish) -> str:
    beats = [(beat.s1, beat.s2, beat.gain1, beat.gain2) for beat in wish.beats]
    text = f"pulse {wish.start} {wish.frames} {wish.label} {wish.seed} {beats}"
    return hashlib.sha256(text.encode() + material_of(wish)).hexdigest()[:12]


def _add_beat(audio: np.ndarray, wish: Wish, beat: Beat) -> None:
    rr = int(beat.rr_ms * SAMPLE_RATE_HZ / 1_000)
    if beat.s1 + rr < wish.start or beat.s1 >= wish.start + len(audio):
        return
    random = np.random.default_rng([abs(wish.seed), abs(beat.n), int(beat.n < 0)])
    touch = 1 + 0.06 * random.standard_normal(3)
    pitch = round(float(touch[2]), 2)  # few different ones, so that bursts are made once
    loud1, loud2 = _LEVELS.get(wish.label, _LEVELS["N"])
    at = beat.s1 - wish.start
    _place(audio, at, loud1 * touch[0] * _burst(S1, pitch))
    _place(audio, beat.s2 - wish.start, loud2 * touch[1] * _burst(S2, pitch))
    if wish.label == "MVP":
        _place(audio, at + int(0.55 * (beat.s2 - beat.s1)), 0.13 * _burst(_CLICK, 1.0))
    if wish.label == "MS":
        _place(audio, beat.s2 - wish.start + int(0.075 * SAMPLE_RATE_HZ), 0.12 * _burst(_SNAP, 1.0))
    for murmur in _MURMURS.get(wish.label, ()):
        first, last = (beat.s2, beat.s1 + rr) if murmur.diastolic else (beat.s1, beat.s2)
        begin = first + int(murmur.begin * (last - first))
        sound = _noise(murmur, max(first + int(murmur.end * (last - first)) - begin, 64), random)
        _place(audio, begin - wish.start, sound)


@lru_cache(maxsize=256)
def _burst(burst: Burst, pitch: float) -> np.ndarray:
    """A burst of peak 1, float64 [n], without DC; pitch 1 is as written."""
    t = np.arange(int(_TAIL_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound, whole = np.zeros(len(t)), np.zeros(len(t))
    for onset_s, gain in ((0.0, 1.0), (burst.echo_s, 0.6)):
        since = np.maximum(t - onset_s, 0)
        envelope = gain * (1 - np.exp(-since / 0.006)) * np.exp(-since / burst.decay_s)
        whole += envelope
        for hz, level in zip(burst.hz, burst.levels):
            sound += envelope * level * np.sin(2 * np.pi * hz * pitch * since)
    sound -= whole * (sound.sum() / whole.sum())
    return sound / np.abs(sound).max()


def _noise(murmur: Murmur, length: int, random: np.random.Generator) -> np.ndarray:
    """Band-shaped noise under the murmur's envelope; float64 [length], RMS about level / 3 at its height."""
    size = 2_048
    hz = np.fft.rfftfreq(size, 1 / _NOISE_HZ)
    band = np.exp(-0.5 * (np.log2(np.maximum(hz, 1) / np.sqrt(murmur.low_hz * murmur.high_hz))) ** 2 * 4)
    band *= (hz > murmur.low_hz / 2) & (hz < murmur.high_hz * 1.5)
    spectrum = band * np.exp(2j * np.pi * random.random(len(hz)))
    sound = np.fft.irfft(spectrum, size * _DECIMATION)  # periodic, and interpolated without images
    sound *= murmur.level / 3 / sound.std()
    return np.resize(sound, length) * _shape(murmur.shape, np.arange(length) / length)


def _shape(name: str, x: np.ndarray) -> np.ndarray:
    """Envelope over a murmur's own time, 0..1; silent at both ends."""
    ends = np.sin(0.5 * np.pi * np.minimum(1, np.minimum(x, 1 - x) / 0.08)) ** 2
    if name == "diamond":
        return ends * np.sin(np.pi * x) ** 1.2
    if name == "rising":
        return ends * (0.25 + 0.75 * x)
    if name == "falling":
        return ends * (1 - 0.75 * x)
    return ends


def _place(audio: np.ndarray, at: int, sound: np.ndarray) -> None:
    """Add a sound from frame `at` of the chunk on; what hangs over is cut."""
    begin, end = max(at, 0), min(at + len(sound), len(audio))
    if begin < end:
        audio[begin:end] += sound[begin - at : end - at]
