"""What the textures' voice can do, in figures: spectra and movement like recordings, a steady stream, speed.

A sound is described by its spectrum in 30 bands of equal width on the ear's scale, without its level, and by how
its level moves. Sung sounds are compared with validation clips of their class, and beside them other recordings of
that class with the same clips: as near as those is as near as it gets. Classes without a validation clip (wind,
sea, bells, jazz, piano) are compared with the training recordings; that tells whether they were learned, no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heart.errors import FileError
from heart.learning.texture_data import Piece, gather_pieces
from heart.learning.texture_style import level_moves_db
from heart.learning.voice_evaluate import border_bend
from heart.records import SAMPLE_RATE_HZ, TEXTURES
from heart.sounding.offline import generate
from heart.sounding.registry import Singer, labels_of, open_voice

LIVE_STEPS = 4
SEEDS = 6
SUNG_S = 5.0
SPEED_STEPS = (2, 4, 8)
DRIFTING = ("rain", "bells")
"""A noise and a tone, sung for a minute."""
BANDS = 30
_SIZE = 4_096


@dataclass(frozen=True)
class Heard:
    """A sound as the measures see it."""

    spectrum_db: np.ndarray
    """float64 [BANDS], mean 0."""
    moves_db: float
    """Spread of its level over 50 ms pieces."""


def hear(sound: np.ndarray) -> Heard:
    """Spectrum and movement of a sound [n] at 44.1 kHz, n at least 0.2 s."""
    starts = range(0, len(sound) - _SIZE, _SIZE // 2)
    power = np.mean([np.abs(np.fft.rfft(sound[a : a + _SIZE] * np.hanning(_SIZE))) ** 2 for a in starts], axis=0)
    hz = np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE_HZ)
    bands = np.array([power[(hz >= a) & (hz < b)].mean() for a, b in zip(edges_hz()[:-1], edges_hz()[1:])])
    spectrum_db = 10 * np.log10(bands + 1e-9 * bands.max() + 1e-20)
    return Heard(spectrum_db - spectrum_db.mean(), level_moves_db(sound))


def edges_hz() -> np.ndarray:
    """Edges of the bands, evenly on the ERB-rate scale (Glasberg and Moore 1990) from 60 Hz to 16 kHz."""
    low, high = (21.4 * np.log10(1 + 0.00437 * hz) for hz in (60.0, 16_000.0))
    rates = np.linspace(low, high, BANDS + 1)
    edges: np.ndarray = (10 ** (rates / 21.4) - 1) / 0.00437
    return edges


def distance_db(one: Heard, two: Heard) -> float:
    """RMS difference of two spectra over the bands, in dB."""
    return float(np.sqrt(np.mean((one.spectrum_db - two.spectrum_db) ** 2)))


def evaluate_texture(
    data_dir: Path,
    pack: Path | None = None,
    picture: Path | None = None,
    voice: Singer | None = None,
    seeds: int = SEEDS,
    minute_s: float = 60.0,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """All figures of the textures' voice: `classes`, `recognised`, `stream`, `realtime`, each a table; and `text`.

    Args:
        data_dir: folder with manifest.csv and the recordings.
        pack: packed pieces; made when missing (default build/train/voice-texture/clips.npz).
        picture: a PNG of the spectra of every class, sung and recorded.
        voice: one that is already open instead of the shipped one.
        seeds: sounds of each class.
        minute_s: length of the stream that is watched for drift.

    Raises:
        FileError: no recordings there, or no textures' voice among the models.
    """
    if voice is None and not set(TEXTURES) <= set(labels_of("voice")):
        raise FileError("voice-texture: no such model; `heart train voice-texture` makes it")
    pieces = gather_pieces(data_dir, pack or Path("build/train/voice-texture/clips.npz"))
    voice = voice or open_voice("voice", threads=1)
    sung = {}
    for done, label in enumerate(TEXTURES):
        progress(done, len(TEXTURES))
        sung[label] = [generate(SUNG_S, label, seed=seed, steps=LIVE_STEPS, voice=voice) for seed in range(seeds)]
    real = {label: recordings(pieces, number) for number, label in enumerate(TEXTURES)}
    known = {label: train for label, (train, _) in real.items()}
    figures = {
        "classes": {label: compare(sung[label], *real[label]) for label in TEXTURES},
        "recognised": recognised(sung, known),
        "recordings_recognised": recognised({label: val for label, (_, val) in real.items() if val}, known),
        "stream": {label: steadiness(voice, label, minute_s) for label in DRIFTING},
        "realtime": {f"{steps} steps": cpu_ratio(voice, "rain", steps) for steps in SPEED_STEPS},
        "realtime_with_a_heart": {f"{steps} steps": cpu_ratio(voice, "N,rain", steps) for steps in SPEED_STEPS},
    }
    if picture:
        from heart.learning.texture_plot import draw_spectra

        draw_spectra(sung, real, picture)
    return {**figures, "text": as_text(figures)}


def recordings(pieces: Sequence[Piece], label: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Recorded pieces of a class at their own speed, float32 each: of training and of validation."""
    own = [p for p in pieces if p.label == label and p.speed == 1 and not p.path.startswith("arithmetic/")]
    train, val = ([p.sound.astype(np.float32) for p in own if p.split == split] for split in ("train", "val"))
    return train, val


def compare(sung: Sequence[np.ndarray], train: Sequence[np.ndarray], val: Sequence[np.ndarray]) -> dict[str, Any]:
    """How near sung sounds are to recordings of their class; see the module."""
    heard, known, met = ([hear(sound) for sound in sounds] for sounds in (sung, train, val))
    if val:
        among = [distance_db(a, b) for a in known for b in met]
    else:
        among = [distance_db(a, b) for i, a in enumerate(known) for b in known[:i]]
    to = met or known
    nearest = [min(distance_db(one, other) for other in to) for one in heard]
    return {
        "against": "val" if val else "train",
        "distance_db": round(float(np.median([distance_db(one, other) for one in heard for other in to])), 1),
        "distance_among_recordings_db": round(float(np.median(among)), 1) if among else None,
        "distance_to_nearest_db": round(float(np.median(nearest)), 1),
        "moves_db": round(float(np.median([one.moves_db for one in heard])), 1),
        "moves_of_recordings_db": round(float(np.median([one.moves_db for one in to])), 1),
        "rms_db": round(20 * np.log10(float(np.median([sound.std() for sound in sung])) + 1e-9), 1),
        "rms_of_recordings_db": round(20 * np.log10(float(np.median([s.std() for s in val or train])) + 1e-9), 1),
        "peak": round(max(float(np.abs(sound).max()) for sound in sung), 2),
        "dc": round(max(abs(float(sound.mean())) for sound in sung), 5),
        "finite": bool(all(np.isfinite(sound).all() for sound in sung)),
        "bend_at_borders": round(float(np.median([border_bend(sound) for sound in sung])), 2),
    }


def recognised(sung: dict[str, list[np.ndarray]], train: dict[str, list[np.ndarray]]) -> dict[str, float]:
    """Share of sounds of each class whose nearest class of recordings is their own (guessing: 0.1).

    Nearest in spectrum and movement to the mean of a class, each band over its spread between recordings.
    """
    features = {label: np.array([_features(sound) for sound in sounds]) for label, sounds in train.items()}
    spread = np.concatenate([values - values.mean(0) for values in features.values()]).std(0) + 1e-6
    means = {label: values.mean(0) / spread for label, values in features.items()}

    def nearest(sound: np.ndarray) -> str:
        return min(means, key=lambda label: float(((_features(sound) / spread - means[label]) ** 2).sum()))

    shares = {label: float(np.mean([nearest(s) == label for s in sounds])) for label, sounds in sung.items()}
    return {
        label: round(share, 2) for label, share in (*shares.items(), ("all", float(np.mean([*shares.values()]))))
    }


def _features(sound: np.ndarray) -> np.ndarray:
    heard = hear(sound)
    return np.append(heard.spectrum_db, 3 * heard.moves_db)


def steadiness(voice: Singer, label: str, seconds: float) -> dict[str, float]:
    """A stream: drift of level and spectrum between its first and last third, bends where chunks meet."""
    sound = generate(seconds, label, seed=1, steps=LIVE_STEPS, voice=voice)
    first, last = np.array_split(sound, 3)[0], np.array_split(sound, 3)[-1]
    return {
        "level_drift_db": round(float(20 * np.log10(last.std() / first.std())), 2),
        "spectrum_drift_db": round(distance_db(hear(first), hear(last)), 1),
        "bend_at_borders": round(border_bend(sound), 2),
    }


def cpu_ratio(voice: Singer, mix: str, steps: int, seconds: float = 6.0) -> float:
    """CPU seconds of this process for a second of sound."""
    generate(0.5, mix=mix, steps=steps, voice=voice)
    began_s = time.process_time()
    generate(seconds, mix=mix, steps=steps, voice=voice)
    return round((time.process_time() - began_s) / seconds, 3)


def as_text(figures: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [
        "class    spectrum dB  (among rec.)  nearest  moves dB (rec.)  rms dB (rec.)  bend  recognised  against"
    ]
    for label, row in figures["classes"].items():
        among = row["distance_among_recordings_db"]
        lines.append(
            f"{label:8} {row['distance_db']:11.1f}  {'-' if among is None else f'{among:.1f}':>11}"
            f"  {row['distance_to_nearest_db']:7.1f}  {row['moves_db']:8.1f} {row['moves_of_recordings_db']:6.1f}"
            f"  {row['rms_db']:6.1f} {row['rms_of_recordings_db']:7.1f}  {row['bend_at_borders']:4.2f}"
            f"  {figures['recognised'][label]:10.2f}  {row['against']}"
        )
    lines += [f"{label}, a minute: {row}" for label, row in figures["stream"].items()]
    real = figures["recordings_recognised"]["all"]
    lines.append(f"recognised: {figures['recognised']['all']:.2f}; validation recordings {real:.2f}; guessing 0.10")
    lines.append(f"CPU seconds for a second of sound, one thread: {figures['realtime']}")
    lines.append(f"with a heart at once: {figures['realtime_with_a_heart']}")
    return "\n".join(lines)
