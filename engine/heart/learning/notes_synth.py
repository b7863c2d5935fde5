"""Notes from arithmetic: six families, each instrument with a timbre of its own, each note with its own play.

Harmonic families are a polynomial: with z(t) = exp(-decay t + i theta(t)) the harmonics k of a note, each with
amplitude c_k and a decay that grows with k, are the real part of sum c_k z^k, which Horner's rule sums with one
multiplication a harmonic.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.signal import butter, sosfilt

from heart.sounding.notes.kinds import BARS, FAMILIES, HIGHEST, LOWEST, RATE_HZ, SAMPLES, hertz

HELD_S, RELEASE_S = 3.0, 0.15
MOST_HZ = 0.48 * RATE_HZ
VIBRATO_HZ = (4.5, 6.5)
VELOCITIES = (25, 50, 75, 100, 127)
"""Those of NSynth."""
_T = np.arange(SAMPLES) / RATE_HZ


@dataclass(frozen=True)
class Play:
    """How a note is played; what the latents' faders are measured against.

    pitch: MIDI. velocity: 1..127. brightness, noise: 0..1. attack_s: until full. decay_s: time constant of the
    fundamental, infinite (here 30) where the note is held. vibrato_cents: depth.
    """

    family: str
    pitch: int
    velocity: int
    brightness: float
    noise: float
    attack_s: float
    decay_s: float
    vibrato_cents: float

    def facts(self) -> dict[str, Any]:
        """As a plain table."""
        return asdict(self)


@dataclass(frozen=True)
class Instrument:
    """A timbre: what all notes of it share. Numbers 0..1 mean something else in each family."""

    family: str
    brightness: float
    noise: float
    shape: tuple[float, float, float]
    formants_hz: tuple[float, ...]
    lowest: int
    highest: int


def make_instrument(seed: int, number: int) -> Instrument:
    """Instrument `number` of the set `seed`; families take turns."""
    rng = np.random.default_rng((seed, number))
    middle = int(rng.integers(LOWEST + 20, HIGHEST - 19))
    return Instrument(
        FAMILIES[number % len(FAMILIES)],
        float(rng.uniform(0.1, 0.9)),
        float(rng.uniform(0, 1) ** 2),
        tuple(rng.uniform(0, 1, 3)),
        tuple(np.exp(rng.uniform(np.log(250), np.log(4000), 3))),
        max(LOWEST, middle - 32),
        min(HIGHEST, middle + 32),
    )


def make_play(instrument: Instrument, seed: int, number: int, turn: int) -> Play:
    """Note `turn` of instrument `number`."""
    rng = np.random.default_rng((seed, number, turn))
    family = instrument.family
    velocity = int(rng.choice(VELOCITIES))
    # Louder is brighter, as on every acoustic instrument.
    bright = np.clip(instrument.brightness + 0.3 * (velocity / 127 - 0.6) + rng.normal(0, 0.1), 0, 1)
    noise = np.clip(instrument.noise + rng.normal(0, 0.08), 0, 1)
    pitch = int(rng.integers(instrument.lowest, instrument.highest + 1))
    held = family in ("additive", "bowed", "blown") or (family == "fm" and instrument.shape[2] > 0.5)
    slow = {"plucked": (0.002, 0.01), "struck": (0.002, 0.015), "fm": (0.003, 0.1)}.get(family, (0.01, 0.5))
    attack_s = float(np.exp(rng.uniform(np.log(slow[0]), np.log(slow[1]))))
    decay_s = 30.0 if held else float(np.exp(rng.uniform(np.log(0.25), np.log(2.5)))) * (64 / pitch) ** 0.7
    sways = held and rng.uniform() < 0.4
    return Play(
        family=family,
        pitch=pitch,
        velocity=velocity,
        brightness=round(float(bright), 4),
        noise=round(float(noise), 4),
        attack_s=round(attack_s, 5),
        decay_s=round(min(decay_s, 30.0), 4),
        vibrato_cents=round(float(rng.uniform(5, 40)), 2) if sways else 0.0,
    )


def render(instrument: Instrument, play: Play, seed: tuple[int, ...] = (0,)) -> np.ndarray:
    """The sound of a note: float32 [SAMPLES], peak by velocity, at most 0.9."""
    rng = np.random.default_rng((*seed, 1))
    turns = _phase(play, rng)
    if instrument.family == "fm":
        tone = _fm(instrument, play, turns)
    elif instrument.family == "struck":
        tone = _bars(instrument, play, turns, rng)
    else:
        tone = _polynomial(_amplitudes(instrument, play, rng), play, turns)
    tone /= max(np.abs(tone).max(), 1e-9)
    sound = _envelope(play) * tone + _noise(instrument, play, rng)
    level = 0.9 * (play.velocity / 127) ** 1.2
    return (sound * (level / max(np.abs(sound).max(), 1e-9))).astype(np.float32)


def _phase(play: Play, rng: np.random.Generator) -> np.ndarray:
    """Of the fundamental at each sample, in radians; vibrato comes in over half a second."""
    rate = rng.uniform(*VIBRATO_HZ)
    depth = play.vibrato_cents / 1200 * np.log(2) * np.clip((_T - 0.15) / 0.5, 0, 1)
    sway = depth * np.sin(2 * np.pi * rate * _T) if play.vibrato_cents else 0.0
    steps = 2 * np.pi * hertz(play.pitch) / RATE_HZ * (1 + sway + 0 * _T)
    return np.cumsum(steps) - steps[0]


def _envelope(play: Play) -> np.ndarray:
    """Attack and, of held notes, release: [SAMPLES]."""
    rise = np.sin(0.5 * np.pi * np.clip(_T / play.attack_s, 0, 1)) ** 2
    return rise * np.exp(-np.maximum(_T - HELD_S, 0) / RELEASE_S)


def _amplitudes(instrument: Instrument, play: Play, rng: np.random.Generator) -> np.ndarray:
    """Complex amplitudes of harmonics 1, 2, ... below MOST_HZ: a slope by brightness, body and family."""
    k = np.arange(1, max(2, int(MOST_HZ / hertz(play.pitch)) + 1))
    slope = {"bowed": 2.4, "blown": 3.2, "plucked": 2.8, "additive": 3.6}[play.family] * (1.15 - play.brightness)
    c = k**-slope
    first, second, third = instrument.shape
    if play.family == "plucked":  # a string is silent where a node lies under the finger
        c = c * (np.abs(np.sin(np.pi * k * (0.08 + 0.4 * first))) + 0.02)
    elif play.family == "blown":  # closed pipes lack even harmonics
        c = np.where(k % 2 == 0, c * (0.03 + first), c)
    elif play.family == "additive":  # drawbars
        bars = np.array([1, first, second, third, 1 - first, 1 - second])[(k - 1) % 6]
        c = c * (0.05 + bars)
    if play.family in ("bowed", "blown"):
        hz = k * hertz(play.pitch)
        body = sum(np.exp(-((np.log2(hz / f)) ** 2) / 0.18) for f in instrument.formants_hz)
        c = c * (0.25 + body)
    return c * np.exp(2j * np.pi * rng.uniform(size=len(k)))


def _polynomial(c: np.ndarray, play: Play, turns: np.ndarray) -> np.ndarray:
    """Sum of harmonics; those of a plucked string die the faster the higher they are."""
    fade = np.exp(-_T / play.decay_s)
    z = np.exp(-_T * (1.6 - 1.2 * play.brightness) * (play.decay_s < 30) + 1j * turns)
    tone = np.zeros(SAMPLES, complex)
    for amplitude in c[::-1]:
        tone += amplitude
        tone *= z
    return fade * tone.real


def _fm(instrument: Instrument, play: Play, turns: np.ndarray) -> np.ndarray:
    """Two operators (Chowning 1973), the modulator a harmonic, its index falling as the note goes on."""
    ratio = 1 + int(instrument.shape[0] * 4)
    room = max(MOST_HZ / hertz(play.pitch) / ratio - 1, 0.1)  # sidebands stay below half the rate
    index = min(0.3 + 6 * play.brightness**1.5, room) * (0.35 + 0.65 * np.exp(-_T / (0.1 + instrument.shape[1])))
    return np.exp(-_T / play.decay_s) * np.sin(turns + index * np.sin(ratio * turns))


def _bars(instrument: Instrument, play: Play, turns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Modes of a bar; a harder mallet wakes more of the high ones, which die first."""
    ratios = [r for r in BARS if r * hertz(play.pitch) < MOST_HZ]
    tone = np.zeros(SAMPLES)
    for number, ratio in enumerate(ratios):
        loud = (0.15 + 0.85 * play.brightness) ** (number * (0.6 + instrument.shape[0]))
        fade = np.exp(-_T / play.decay_s * ratio ** (0.3 + 0.7 * instrument.shape[1]))
        tone += loud * fade * np.sin(ratio * turns + rng.uniform(0, 2 * np.pi) * (number > 0))
    return tone


def _noise(instrument: Instrument, play: Play, rng: np.random.Generator) -> np.ndarray:
    """Breath and bow last as long as the tone; pluck and strike are bursts at its beginning."""
    white = rng.standard_normal(SAMPLES)
    high = min(1500 + 5500 * play.brightness, 7600)
    low = min(hertz(play.pitch), 0.5 * high)
    coloured = sosfilt(butter(1, (low, high), "band", fs=RATE_HZ, output="sos"), white)
    coloured /= max(coloured.std(), 1e-9)
    if play.decay_s < 30:
        return 0.3 * play.noise * coloured * np.exp(-_T / (0.01 + 0.08 * instrument.shape[2]))
    return 0.06 * play.noise * coloured * _envelope(play)
