"""Heart sounds from arithmetic with known beats, rate and variability: material for `ear-rate`, and its ruler.

Each heart is a train of skewed pulses: S1 and S2 have their own frequency, width and skew (skew-normal envelopes,
Azzalini, Scand. J. Statist. 1985), the systole its share of the beat by Weissler's law, RR a breathing wave, noise
and, where asked, early beats with their pause. Noise between white and brown is added at a given ratio. A heart is
a function of (recipe, seed, number) alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heart.errors import UsageError
from heart.sounding.rhythm import systole_ms

PULSE_S = 0.24
"""A pulse is over after this."""
LEVEL_AT_ONSET = 0.05
"""A pulse begins where its envelope reaches this part of its peak."""
SEEN_S = 0.1
"""A beat belongs to a window when its S1 begins inside, at least this long before the end."""
MOST_RMSSD = 0.2
"""Variability asked for is held below this part of RR."""
LIMITS = {"bpm": (20.0, 260.0), "snr_db": (-30.0, 60.0), "rmssd_ms": (0.0, 300.0), "seconds": (1.0, 600.0)}


@dataclass(frozen=True)
class Recipe:
    """Ranges that hearts are drawn from, evenly: (low, high). The defaults are the plain set: 1 kHz, 5 s, rest.

    ectopics: chance of each beat to come early; murmurs: share of hearts with a murmur.
    """

    bpm: tuple[float, float] = (50.0, 120.0)
    snr_db: tuple[float, float] = (5.0, 25.0)
    rmssd_ms: tuple[float, float] = (5.0, 80.0)
    seconds: float = 5.0
    rate_hz: int = 1_000
    ectopics: float = 0.0
    murmurs: float = 0.0

    def __post_init__(self) -> None:
        """Raises UsageError for a range that is upside down or outside LIMITS."""
        for name in ("bpm", "snr_db", "rmssd_ms"):
            low, high = getattr(self, name)
            least, most = LIMITS[name]
            if not least <= low <= high <= most:
                raise UsageError(f"{name} from {low:g} to {high:g}: must rise and stay within {least:g}..{most:g}")
        if not LIMITS["seconds"][0] <= self.seconds <= LIMITS["seconds"][1]:
            raise UsageError(f"seconds {self.seconds:g}: must be within 1..600")
        if not 500 <= self.rate_hz <= 48_000:
            raise UsageError(f"rate {self.rate_hz} Hz: must be within 500..48000")


WIDE = Recipe(bpm=(30.0, 220.0), snr_db=(-5.0, 25.0), rmssd_ms=(2.0, 120.0), ectopics=0.04, murmurs=0.3)
"""What the net learns from: all the plain set holds, and worse."""


@dataclass(frozen=True)
class Truth:
    """Rhythm of the beats inside a window; None where too few beats are inside to say."""

    bpm: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None


@dataclass(frozen=True)
class Synthetic:
    """sound: float32 [n] at rate_hz, peak 0.9 at most; s1_s, s2_s: onsets in s inside the sound."""

    sound: np.ndarray
    rate_hz: int
    s1_s: np.ndarray
    s2_s: np.ndarray
    snr_db: float
    truth: Truth


@dataclass(frozen=True)
class Pulse:
    """One valve's sound: width_s is the standard deviation of the envelope before skewing."""

    hz: float
    width_s: float
    skew: float
    level: float
    phase: float

    def at(self, t: np.ndarray) -> np.ndarray:
        """The pulse at times t in s after its onset, any shape."""
        grid = np.linspace(-4, 4, 801)
        envelope = _skewed(grid, self.skew)
        peak = envelope.max()
        begins = grid[np.argmax(envelope >= LEVEL_AT_ONSET * peak)]
        wave = np.sin(2 * np.pi * self.hz * t + self.phase)
        return np.asarray(self.level * _skewed(t / self.width_s + begins, self.skew) / peak * wave)


def _skewed(x: np.ndarray, skew: float) -> np.ndarray:
    """Skew-normal density, not normalised; the normal distribution by its logistic approximation."""
    return np.asarray(np.exp(-0.5 * x**2) / (1 + np.exp(np.clip(-1.702 * skew * x, -60, 60))))


def truth_of(s1_s: np.ndarray, seconds: float, begin_s: float = 0.0) -> Truth:
    """Rhythm of the S1 onsets that lie inside a window of `seconds` from begin_s on.

    bpm: 60 over the mean RR (two onsets at least); SDNN with ddof 1 and RMSSD want three intervals and two
    differences. Onsets may hold NaN, which breaks the series.
    """
    late = s1_s > begin_s + seconds - SEEN_S
    rr_s = np.diff(s1_s[~((s1_s < begin_s) | late)])
    steps = np.diff(rr_s)
    rr_s, steps = rr_s[np.isfinite(rr_s)], steps[np.isfinite(steps)]
    return Truth(
        float(60 / rr_s.mean()) if len(rr_s) else None,
        float(1e3 * rr_s.std(ddof=1)) if len(rr_s) > 2 else None,
        float(1e3 * np.sqrt((steps**2).mean())) if len(steps) > 1 else None,
    )


def make(recipe: Recipe, seed: int, number: int) -> Synthetic:
    """Heart `number` of the set `seed`: the same arguments give the same samples."""
    rng = np.random.default_rng([seed, number])
    bpm = rng.uniform(*recipe.bpm)
    s1_s = _beats(recipe, bpm, rng)
    systole_s = np.array([systole_ms(1e3 * rr) for rr in np.diff(s1_s)]) / 1e3 * rng.uniform(0.9, 1.1)
    s1_s, s2_s = s1_s[:-1], s1_s[:-1] + np.minimum(systole_s, 0.7 * np.diff(s1_s))
    clean = _sing(recipe, s1_s, s2_s, rng)
    snr_db = rng.uniform(*recipe.snr_db)
    sound = clean + _noise(len(clean), rng) * np.sqrt((clean**2).mean()) * 10 ** (-snr_db / 20)
    sound *= rng.uniform(0.1, 0.9) / np.abs(sound).max()
    inside = [x[(x >= 0) & (x < recipe.seconds)] for x in (s1_s, s2_s)]
    truth = truth_of(s1_s, recipe.seconds)
    return Synthetic(sound.astype(np.float32), recipe.rate_hz, inside[0], inside[1], float(snr_db), truth)


def _beats(recipe: Recipe, bpm: float, rng: np.random.Generator) -> np.ndarray:
    """Onsets of S1 from up to a beat before the sound to beyond its end."""
    rr = 60 / bpm
    count = int(np.ceil(1.6 * recipe.seconds / rr)) + 8
    breath = np.sin(2 * np.pi * rng.uniform(0.12, 0.4) * rr * np.arange(count) + rng.uniform(0, 2 * np.pi))
    wave = breath * rng.uniform(0, 1.5) + rng.normal(size=count)
    unit = np.sqrt((np.diff(wave) ** 2).mean())
    rmssd = min(rng.uniform(*recipe.rmssd_ms) / 1e3, MOST_RMSSD * rr)
    rr_s = rr + np.clip(wave / unit * rmssd, -0.4 * rr, 0.4 * rr)
    for early in np.flatnonzero(rng.random(count - 1) < recipe.ectopics):
        rr_s[early] = rng.uniform(0.55, 0.8) * rr
        rr_s[early + 1] = max(2 * rr - rr_s[early], 0.6 * rr)
    s1_s = np.concatenate([[0.0], np.cumsum(rr_s)]) - rng.uniform(0, rr_s[0])
    return np.asarray(s1_s[: np.searchsorted(s1_s, recipe.seconds) + 2])


def _sing(recipe: Recipe, s1_s: np.ndarray, s2_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The clean heart, float64 [n]: two pulses for each sound (its valves), each beat a little different."""
    sound = np.zeros(round(recipe.seconds * recipe.rate_hz))
    breath = rng.uniform(0, 0.25) * np.sin(2 * np.pi * rng.uniform(0.12, 0.4) * s1_s + rng.uniform(0, 6))
    touch = 1 + breath + rng.normal(0, rng.uniform(0.02, 0.15), len(s1_s))
    for onsets_s, low_hz, high_hz, widths_s, level in (
        (s1_s, 28.0, 75.0, (0.012, 0.032), 1.0),
        (s2_s, 40.0, 120.0, (0.008, 0.024), rng.uniform(0.25, 1.3)),
    ):
        split_s = rng.uniform(0.0, 0.03)
        for share, delay_s in ((1.0, 0.0), (rng.uniform(0.0, 0.7), split_s)):
            width_s, skew = rng.uniform(*widths_s), rng.uniform(0.5, 5.0)
            hz, phase = rng.uniform(low_hz, high_hz), rng.uniform(0, 2 * np.pi)
            pulse = Pulse(hz, width_s, skew, level * share, phase)
            _place(sound, recipe.rate_hz, onsets_s + delay_s, touch, pulse)
    if rng.random() < recipe.murmurs:
        _murmur(sound, recipe.rate_hz, s1_s, s2_s, rng)
    return sound


def _place(sound: np.ndarray, rate_hz: int, onsets_s: np.ndarray, touch: np.ndarray, pulse: Pulse) -> None:
    """Add a pulse at each onset, between samples where the onset lies between samples."""
    first = np.ceil(onsets_s * rate_hz).astype(int)
    at = first[:, None] + np.arange(int(PULSE_S * rate_hz))
    values = pulse.at(at / rate_hz - onsets_s[:, None]) * touch[:, None]
    inside = (at >= 0) & (at < len(sound))
    np.add.at(sound, at[inside], values[inside])


def _murmur(sound: np.ndarray, rate_hz: int, s1_s: np.ndarray, s2_s: np.ndarray, rng: np.random.Generator) -> None:
    """Add noise of a middle band to every systole, swelling and fading."""
    centre_hz = rng.uniform(80, min(300, 0.35 * rate_hz))
    spectrum = np.fft.rfft(rng.normal(size=len(sound)))
    hz = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    hiss = np.fft.irfft(spectrum * np.exp(-0.5 * ((hz - centre_hz) / (0.3 * centre_hz)) ** 2), len(sound))
    t = np.arange(len(sound)) / rate_hz
    at = np.searchsorted(s1_s, t, side="right") - 1
    share = (t - s1_s[at.clip(0)]) / (s2_s - s1_s)[at.clip(0)]
    swell = np.where((at >= 0) & (share < 1), np.sin(np.pi * share.clip(0, 1)) ** rng.uniform(0.5, 2), 0)
    sound += hiss / hiss.std() * swell * rng.uniform(0.05, 0.5) * np.abs(sound).max()


def _noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of RMS 1, float64 [count]: its power falls with the frequency to a power of 0 (white) to 2 (brown)."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    tilt = np.maximum(np.arange(len(spectrum)), count / 200) ** (-rng.uniform(0, 1))
    noise = np.fft.irfft(spectrum * tilt, count)
    return np.asarray(noise / noise.std())
