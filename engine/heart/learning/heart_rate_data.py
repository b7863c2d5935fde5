"""What `ear-rate` learns from: windows of 5 s with their beats, rate and variability, real and from arithmetic.

Real windows come from annotated recordings of the train split. Their rate is that of the R peaks where an ECG was
recorded beside, else of the hand-marked S1; their variability is known only where there are R peaks, because hand
marks lie on a 20 ms grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from heart.errors import FileError
from heart.learning import ear_data
from heart.learning.ear_evaluate import annotated
from heart.learning.nets.heart_rate import BPM, FRAME_S, FRAMES, MARK_FRAMES, RATE_HZ, SAMPLES, SECONDS
from heart.learning.synth import WIDE, Recipe, Synthetic, make, truth_of

LEAST_S = 2.5
"""A window's rate is known where its unbroken intervals cover this much."""
SOFT_BINS = 0.8
"""Spread of a true rate over the bins around it."""


@dataclass(frozen=True)
class Recording:
    """One annotated recording at RATE_HZ.

    samples: int16 [n], scaled to its peak; rows: [k, 3] states (start_s, end_s, state); truth_s: onsets the rate
    is counted from, NaN where the series breaks; exact: from an ECG.
    """

    path: str
    source: str
    group: str
    samples: np.ndarray
    rows: np.ndarray
    truth_s: np.ndarray
    exact: bool
    hr_bpm: float | None

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / RATE_HZ


@dataclass(frozen=True)
class Window:
    """One window to learn from. bpm, hrv_ms: NaN where not known; heart: False for a sound that is none.

    known: [2] s within which marks are known (a list of spans, [k, 2]).
    """

    audio: np.ndarray
    s1_s: np.ndarray
    s2_s: np.ndarray
    known: np.ndarray
    bpm: float
    hrv_ms: float
    heart: bool = True


@dataclass(frozen=True)
class Batch:
    """Arrays of float32: audio [B, SAMPLES], marks [B, 2, FRAMES] and marks_known [B, 1, FRAMES], rates [B, bins]
    and rates_known [B], rr_s [B], hrv_ms [B] and hrv_known [B]."""

    audio: np.ndarray
    marks: np.ndarray
    marks_known: np.ndarray
    rates: np.ndarray
    rates_known: np.ndarray
    rr_s: np.ndarray
    hrv_ms: np.ndarray
    hrv_known: np.ndarray


def read_int16(path: Path) -> np.ndarray:
    """Mono int16 [n] at RATE_HZ, scaled to the peak. Raises FileError where it cannot be read."""
    try:
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise FileError(f"{path}: cannot be read as sound ({error})") from None
    slow = soxr.resample(sound.mean(1), rate_hz, RATE_HZ)
    return np.asarray(slow / max(float(np.abs(slow).max(initial=0)), 1e-9) * 32_000, np.int16)


def unbroken(rows: np.ndarray) -> np.ndarray:
    """S1 onsets of a table of states with NaN between two that an unannotated stretch parts."""
    s1_s = annotated(rows, 0)
    gaps = rows[rows[:, 2] == 0, 0]
    broken = np.searchsorted(gaps, s1_s[1:]) > np.searchsorted(gaps, s1_s[:-1])
    return np.asarray(np.insert(s1_s, np.flatnonzero(broken) + 1, np.nan))


def read_recording(data_dir: Path, row: dict[str, str]) -> Recording:
    """A row of the manifest that has `beats`. Raises FileError where a file lacks."""
    rows = np.loadtxt(Path(data_dir) / row["beats"], delimiter="\t", skiprows=1, ndmin=2)
    exact = bool(row["rpeaks"])
    truth_s = np.loadtxt(Path(data_dir) / row["rpeaks"], ndmin=1) if exact else unbroken(rows)
    return Recording(
        *(row["path"], row["source"], row["group"], read_int16(Path(data_dir) / row["path"]), rows, truth_s, exact),
        float(row["hr_bpm"]) if row["hr_bpm"] else None,
    )


def load(
    data_dir: Path,
    keep: Callable[[dict[str, str]], bool],
    progress: Callable[[str, float, str], None] = lambda name, share, text: None,
) -> list[Recording]:
    """Annotated hearts among the rows that `keep` likes."""
    rows = [row for row in ear_data.read_manifest(data_dir) if ear_data.is_heart(row) and keep(row)]
    recordings = []
    for row in rows:
        recordings.append(read_recording(data_dir, row))
        if len(recordings) % 200 == 0:
            progress("recordings", len(recordings) / len(rows), f"{len(recordings)} of {len(rows)} read")
    return recordings


def load_others(data_dir: Path) -> list[np.ndarray]:
    """Training sounds that are no heart: int16 [n] at RATE_HZ each."""
    rows = [r for r in ear_data.read_manifest(data_dir) if ear_data.is_other(r) and ear_data.training_rows(r)]
    return [read_int16(Path(data_dir) / row["path"]) for row in rows]


def cut(recording: Recording, begin_s: float, speed: float = 1.0) -> Window:
    """The window of a recording from begin_s on, played `speed` times as fast (which moves its rate along)."""
    length_s = SECONDS * speed
    first, count = round(begin_s * RATE_HZ), round(length_s * RATE_HZ)
    audio = recording.samples[first : first + count].astype(np.float32) / 32_768
    if speed != 1.0 or len(audio) < SAMPLES:
        audio = np.interp(np.arange(SAMPLES) * speed, np.arange(len(audio)), audio, right=0.0).astype(np.float32)
    s1_s, s2_s = ((annotated(recording.rows, state) - begin_s) / speed for state in (0, 2))
    spans = recording.rows[recording.rows[:, 2] > 0, :2]
    times = (recording.truth_s - begin_s) / speed
    truth = truth_of(times, SECONDS)
    covered = np.isfinite(np.diff(times[~((times < 0) | (times > SECONDS))])).sum() * 60 / (truth.bpm or np.inf)
    bpm = truth.bpm if truth.bpm and covered >= LEAST_S else np.nan
    hrv = truth.rmssd_ms if recording.exact and truth.rmssd_ms is not None and np.isfinite(bpm) else np.nan
    return Window(audio, s1_s, s2_s, (spans - begin_s) / speed, bpm, hrv)


def of_synthetic(heart: Synthetic) -> Window:
    """A heart from arithmetic as a window."""
    bpm, hrv_ms = (np.nan if v is None else v for v in (heart.truth.bpm, heart.truth.rmssd_ms))
    return Window(heart.sound, heart.s1_s, heart.s2_s, np.array([[0.0, SECONDS]]), bpm, hrv_ms)


def batch_of(windows: list[Window]) -> Batch:
    """Windows with their targets as arrays."""
    at_s = (np.arange(FRAMES) + 0.5) * FRAME_S
    marks = np.stack([[bumps(w.s1_s), bumps(w.s2_s)] for w in windows]) if windows else np.zeros((0, 2, FRAMES))
    known = np.stack([[_inside(at_s, w.known)] for w in windows])
    bpm, hrv = (np.array([getattr(w, name) for w in windows]) for name in ("bpm", "hrv_ms"))
    heart = np.array([w.heart for w in windows])
    parts = (
        np.stack([w.audio for w in windows]),
        *(marks, known, soft_rates(np.where(heart, bpm, np.nan)), np.isfinite(bpm) | ~heart),
        *(60 / np.nan_to_num(bpm, nan=75.0), np.nan_to_num(hrv), np.isfinite(hrv)),
    )
    return Batch(*(np.asarray(part, np.float32) for part in parts))


def bumps(onsets_s: np.ndarray) -> np.ndarray:
    """A bump of height 1 at each onset, [FRAMES]."""
    apart = np.arange(FRAMES)[:, None] - onsets_s / FRAME_S
    return np.exp(-0.5 * (apart / MARK_FRAMES) ** 2).max(1, initial=0.0)


def soft_rates(bpm: np.ndarray) -> np.ndarray:
    """True rates [B] as distributions [B, bins]; even where NaN."""
    octaves = np.log2(np.clip(bpm, BPM[0], BPM[-1])[:, None] / BPM) * 32
    soft = np.exp(-0.5 * (octaves / SOFT_BINS) ** 2)
    return np.asarray(np.where(np.isfinite(soft), soft / soft.sum(1, keepdims=True), 1 / len(BPM)))


def _inside(at_s: np.ndarray, spans: np.ndarray) -> np.ndarray:
    return np.asarray(((at_s[:, None] >= spans[:, 0]) & (at_s[:, None] < spans[:, 1])).any(1))


class Batches:
    """Endless random batches: `share_real` of the hearts from recordings, the rest from arithmetic."""

    OTHERS = 0.08
    SPEED = (0.72, 1.4)

    def __init__(
        self, real: list[Recording], others: list[np.ndarray], share_real: float, seed: int, recipe: Recipe = WIDE
    ) -> None:
        self.real, self.others, self.share_real, self.recipe = real, others, share_real, recipe
        self.seed, self.rng, self.number = seed, np.random.default_rng([seed, 1]), 0

    def next(self, size: int) -> Batch:
        """The next `size` windows."""
        return batch_of([self._window() for _ in range(size)])

    def _window(self) -> Window:
        draw = self.rng.random()
        if draw < self.OTHERS and self.others:
            return self._other()
        return self._real() if self.rng.random() < self.share_real else self._synthetic()

    def _synthetic(self) -> Window:
        self.number += 1
        recipe = Recipe() if self.rng.random() < 0.4 else self.recipe
        window = of_synthetic(make(recipe, self.seed + 1_000, self.number))
        return self._worn(window, 0.3)

    def _real(self) -> Window:
        for _ in range(20):
            recording = self.real[self.rng.integers(len(self.real))]
            speed = float(np.exp(self.rng.uniform(*np.log(self.SPEED)))) if self.rng.random() < 0.6 else 1.0
            window = cut(recording, self.rng.uniform(0, max(recording.seconds - SECONDS * speed, 0.01)), speed)
            if np.isfinite(window.bpm):
                break
        return self._worn(window, 0.8)

    def _other(self) -> Window:
        sound = self.others[self.rng.integers(len(self.others))]
        sound = np.resize(sound, max(len(sound), SAMPLES + 1)).astype(np.float32) / 32_768
        start = self.rng.integers(len(sound) - SAMPLES)
        nothing = np.zeros(0)
        audio = sound[start : start + SAMPLES] + self.rng.normal(0, 1e-5, SAMPLES).astype(np.float32)
        return Window(audio, nothing, nothing, np.array([[0.0, SECONDS]]), np.nan, np.nan, heart=False)

    def _worn(self, window: Window, chance: float) -> Window:
        """Another sensor, another room: with the given chance each, colour, hiss, and a sound from around."""
        audio = window.audio
        if self.rng.random() < chance:
            audio = coloured(audio, self.rng)
        if self.rng.random() < 0.6 * chance:
            audio = mixed(audio, tilted(self.rng), self.rng.uniform(0, 30))
        if self.others and self.rng.random() < 0.3 * chance:
            audio = mixed(audio, self._other().audio, self.rng.uniform(0, 20))
        if self.rng.random() < 0.15 * chance:
            audio = bumped(audio, self.rng)
        return Window(audio, window.s1_s, window.s2_s, window.known, window.bpm, window.hrv_ms)


def coloured(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Through a random smooth filter of up to +-12 dB, as another stethoscope would."""
    knots_hz = np.array([0, 25, 50, 90, 150, 250, 500])
    gain_db = rng.normal(0, 5, len(knots_hz)).clip(-12, 12)
    hz = np.fft.rfftfreq(len(audio), 1 / RATE_HZ)
    spectrum = np.fft.rfft(audio) * 10 ** (np.interp(hz, knots_hz, gain_db) / 20)
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


def tilted(rng: np.random.Generator) -> np.ndarray:
    """Noise between white and brown, [SAMPLES]."""
    spectrum = np.fft.rfft(rng.normal(size=SAMPLES))
    tilt = np.maximum(np.arange(len(spectrum)), 25) ** (-rng.uniform(0, 1.2))
    return np.asarray(np.fft.irfft(spectrum * tilt, SAMPLES))


def mixed(audio: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Audio with noise snr_db below it."""
    gain = audio.std() / max(float(noise.std()), 1e-9) * 10 ** (-snr_db / 20)
    return np.asarray(audio + gain * noise, np.float32)


def bumped(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With one knock against the sensor, up to ten times as loud as the heart."""
    start, length = rng.integers(SAMPLES), rng.integers(30, 400)
    knock = rng.normal(size=length) * np.exp(-np.arange(length) / length * 4)
    worn = audio.copy()
    worn[start : start + length] += (
        knock[: SAMPLES - start] * np.abs(audio).max() * rng.uniform(0.3, 10) / 3
    ).astype(np.float32)
    return worn
