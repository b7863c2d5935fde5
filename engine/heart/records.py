"""What crosses between rooms and processes: small frozen records, arrays of float32, nothing else.

All frames are absolute frames of the engine's tape at `SAMPLE_RATE_HZ`, counted from 0 at the
engine's start, unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

SAMPLE_RATE_HZ = 44_100
"""The engine's own rate; clients with another rate get a resampled stream."""

GRAIN = 64
"""Voices start only at multiples of this many frames."""

OVERLAP = 256
"""Frames by which a chunk reaches into the next one; the tape cross-fades there (5.8 ms)."""

LABELS = ("N", "AS", "MR", "MS", "MVP")
"""Heart conditions the voice can sing: normal, aortic stenosis, mitral regurgitation,
mitral stenosis, mitral valve prolapse."""

PATTERNS = ("sinus", "pvc", "bigeminy", "trigeminy", "couplet", "skipped", "af")
"""Rhythms the beats can have; heart.sounding.rhythm says what each is."""

TEXTURES = ("storm", "rain", "wind", "sea", "birds", "fire", "bells", "jazz", "piano", "breath")
"""What else it can sing, over the full band."""

MIXTURES = {"murmur": ("AS", "MR", "MS", "MVP"), "extrasystole": ("N",)}
"""Names for equal shares of several labels."""

RHYTHMS = {"extrasystole": "pvc"}
"""Labels that bring a pattern along, as long as none but sinus is asked for."""

UNNAMED = ("heart", "texture")
"""A heart, or a texture, of no condition or class that is named."""

SUNG = (*LABELS, *MIXTURES, *TEXTURES, *UNNAMED)
"""Every label that can be asked for."""

VOICES = 4
"""Voices that a live engine sings at once, at most."""

CROSSFADE = 1_323
"""Frames (30 ms) in which one net hands over to the other."""

Mix = tuple[tuple[str, float], ...]
"""Labels with their weights, 0 or more; what counts is their share of the sum."""


@dataclass(frozen=True)
class Beat:
    """One beat on the tape: frames of the onsets of its first and second sound."""

    n: int
    s1: int
    s2: int
    rr_ms: float
    """Time from this S1 to the next one."""
    gain1: float = 1.0
    """Level of S1 against what the voice would sing, 0..1."""
    gain2: float = 1.0
    """The same of S2."""


MODES = ("generate", "vary", "morph")
"""How a voice sings: from noise alone, from a sound and noise, from the inverted noise of several sounds."""

METHODS = ("slerp", "fade")
"""How sounds are morphed: along the sphere of inverted noise, or as a plain cross-fade of coefficients."""

SLOTS = 8
"""Sounds a live engine holds ready for vary and morph."""


@dataclass(frozen=True)
class Source:
    """One of the sounds a wish is made from: what of it lies around the wish on the tape, and its weight."""

    sound: np.ndarray
    """float32 [n]: from tape frame `begin` on; beyond both ends it is silent."""
    begin: int
    weight: float = 1.0
    """0..1; the weights of a wish sum to 1."""
    loop: int = 0
    """Frames after which it begins anew (whenever a tape frame is a multiple of it), 0 when it does not."""


@dataclass(frozen=True)
class Crossing:
    """From `frame` on, `mix` is sung instead; the hand-over of CROSSFADE frames ends there."""

    frame: int
    mix: Mix


@dataclass(frozen=True)
class Wish:
    """What the engine asks of a voice: `frames` new frames from `start` on.

    A voice keeps no state between wishes: all it needs is here, so a restarted voice goes on where
    the old one stopped, a rewound stream needs no undo, and any second can be sung again.
    """

    number: int
    start: int
    """First new frame, a multiple of GRAIN."""
    frames: int
    """New frames wanted, a multiple of GRAIN; the chunk holds OVERLAP more."""
    past: np.ndarray
    """float32 [n]: the sound of the frames just before `start + OVERLAP` (n may be 0)."""
    beats: tuple[Beat, ...]
    """All beats whose sounds may touch [start - len(past), start + frames + one second)."""
    label: str = "N"
    """One of SUNG, or "" for the null class; beside a `mix` only what it is called."""
    seed: int = 0
    steps: int = 4
    guidance: float = 1.0
    mode: str = "generate"
    """One of MODES. With no sources every mode is generate."""
    strength: float = 1.0
    """Of vary: 0 gives the source, 1 is generate."""
    method: str = "slerp"
    """Of morph: one of METHODS."""
    sources: tuple[Source, ...] = ()
    future: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 [n]: the sound from `start + frames` on where it is known already (inpainting), else empty."""
    mix: Mix = ()
    """What to sing instead of `label`, if anything."""
    crossing: Crossing | None = None
    parts: np.ndarray | None = None
    """float32 [n, 2]: of `past`, the heart and the texture, each before its gain; None: it is all of the one that
    is asked for, and all heart where both are."""
    voice: int = 1
    """Which of the voices that sing at once, from 1 on."""
    others: tuple[Wish, ...] = ()
    """Of voice 1: what the further voices are to sing over the same frames."""


@dataclass(frozen=True)
class Chunk:
    """A voice's answer: float32 [frames + OVERLAP] from `start` on, peak nominally below 1."""

    number: int
    start: int
    audio: np.ndarray
    spent_s: float
    """Wall-clock seconds of work, for the real-time ratio."""
    seed: int = 0
    recipe: str = ""
    """Short hash of everything that decides the sound: wish and weights."""
    steps: int = 0
    parts: np.ndarray | None = None
    """float32 [frames + OVERLAP, 2]: the heart and the texture in it, each before its gain; None: all heart."""
    voice: int = 1
    others: tuple[Chunk, ...] = ()
    """The answers to the wish's `others`."""


@dataclass(frozen=True)
class HeardBeat:
    """One beat in the listened-to sound; seconds on the ear's own timeline (0 = first sample)."""

    s1_s: float
    s2_s: float | None = None


@dataclass(frozen=True)
class Heard:
    """What the ear knows after `time_s` seconds of input."""

    time_s: float
    heart: float = 0.0
    """0..1: how sure the ear is that this is a heart."""
    trust: float = 0.0
    """0..1: how far bpm can be trusted."""
    bpm: float | None = None
    """None: no trustworthy rhythm."""
    rr_ms: float | None = None
    """Last RR interval."""
    sdnn_ms: float | None = None
    rmssd_ms: float | None = None
    pnn50: float | None = None
    """0..1: share of neighbouring RR intervals that differ by more than 50 ms. Like sdnn_ms and rmssd_ms over the
    beats of the last minute."""
    next_s1_s: float | None = None
    """When the next S1 is expected, on the ear's timeline."""
    s1_s: tuple[float, ...] = field(default=())
    """Onsets of S1 heard since the last record, each told once and as soon as can be: with a rhythm, before the net
    is sure of it."""
    beats: tuple[HeardBeat, ...] = field(default=())
    """Beats that became certain since the last record, with their S2: the same ones, later and surer."""


@dataclass(frozen=True)
class Judged:
    """What a classifier thinks of the last seconds before `time_s` of the ear's input."""

    time_s: float
    what: str
    """scene, valve, condition or gate."""
    label: str | None = None
    """None: it is not sure enough, or the question makes no sense here (no heart)."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """0..1 for each label; empty where nothing was asked."""
    off: str = ""
    """Why this is not judged at all, "" otherwise."""
