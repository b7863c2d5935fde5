"""What the voice can do, in figures, with the loop closed: what was asked is compared with what is heard.

Everything is sung once at the live number of steps (`voice_sung`) and heard by others: beats by a judge of its own,
rate, variability and label by the ear (`voice_heard`), its nearness to recordings by fixed features
(`voice_likeness`); and a minute of stream is watched for drift, bends and repeatability.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from heart.learning.voice_data import Clip, gather_clips
from heart.learning.voice_heard import beats_heard, classes_heard, judge_on, rhythm_heard
from heart.learning.voice_likeness import likeness, styles
from heart.learning.voice_sung import LIKENESSES, sing_likenesses, sing_tempi
from heart.learning.voice_table import as_text
from heart.records import OVERLAP, SAMPLE_RATE_HZ
from heart.sounding.offline import HOP, generate
from heart.sounding.registry import Singer, open_voice

LIVE_STEPS = 4
STREAM_S = 30.0
_PIECE = SAMPLE_RATE_HZ // 50


def evaluate_voice(
    data_dir: Path,
    name: str = "voice-heart",
    pack: Path | None = None,
    picture: Path | None = None,
    steps: int = LIVE_STEPS,
    every: int = 1,
    voice: Singer | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """All figures of a voice: `beats`, `rhythm`, `classes`, `frechet`, `copying`, `styles`, `stream`; and `text`.

    Args:
        data_dir: folder with manifest.csv and yaseen/.
        name: a voice of the registry.
        pack: packed clips; made when missing (default build/train/voice-heart/clips.npz).
        picture: a PNG of the spectra of every label, sung and recorded.
        steps: sampling steps, by default those of the stage.
        every: sing every n-th tempo and one n-th of the likenesses only.
        voice: one that is already open, instead of `name`.

    Raises:
        FileError: no recordings there, no weights, or a picture that cannot be written.
    """
    clips = packed(data_dir, pack)
    voice = voice or open_voice(name)
    tempi = sing_tempi(voice, steps, every, progress)
    validation = [clip for clip in clips if clip.split == "val"]
    likenesses = sing_likenesses(voice, validation, steps, -(-LIKENESSES // every), progress)
    figures = {
        "voice": getattr(voice, "name", name),
        "steps": steps,
        "beats": {**beats_heard(tempi), "judge_on_recordings": judge_on(validation)},
        "rhythm": rhythm_heard(tempi),
        "classes": classes_heard(likenesses, data_dir),
        **likeness(likenesses, clips),
        "styles": styles(likenesses, clips),
        "stream": steadiness(voice, STREAM_S / every, steps),
    }
    if picture:
        from heart.learning.voice_plot import draw_spectra

        draw_spectra(likenesses, clips, picture)
    return {**figures, "text": as_text(figures)}


def packed(data_dir: Path, pack: Path | None = None) -> list[Clip]:
    """The recordings of the voice, packed when they are not yet. Raises FileError where there are none."""
    return gather_clips(data_dir, pack or Path("build/train/voice-heart/clips.npz"))


def steadiness(voice: Singer, seconds: float = STREAM_S, steps: int = LIVE_STEPS) -> dict[str, float]:
    """A stream: drift of level and floor between its first and last third, bends where chunks meet, repeats."""
    sound = generate(seconds, "N", 72, 30, seed=1, steps=steps, voice=voice)
    thirds = np.array_split(sound, 3)
    first, last = thirds[0], thirds[-1]
    return {
        "seconds": round(seconds, 1),
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
