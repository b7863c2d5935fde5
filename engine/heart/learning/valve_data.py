"""What the valve net learns from: labelled murmurs, and hearts of other collections to set them in, as band powers.

Everything that is learnt is learnt on mel band powers at 100 frames a second, between 25 and 800 Hz. What lies
above tells collections apart rather than valves (most sensors stop there), and changing powers at random is cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from heart.audio import read_audio
from heart.learning.classes.task import Clip, Task, clips_from
from heart.learning.nets.logmel import Level, LogMel

LABELS = ("AS", "MR", "MS", "MVP", "N")
"""Aortic stenosis, mitral regurgitation, mitral stenosis, mitral valve prolapse, normal."""
RATE_HZ = 2_000
"""Rate of the sounds that the net learns from; the shipped graph takes 16 kHz and sees the same bands."""
FRAMES_PER_S = 100
MELS = 32
LOW_HZ, HIGH_HZ = 25.0, 800.0
WINDOW_S, FFT_S = 0.05, 0.128
LONGEST_S = 30.0
"""Longer recordings are used for their first half minute."""
CONFLICT = "label_conflict"
CENTRES_HZ = np.linspace(LOW_HZ, HIGH_HZ, MELS + 2)[1:-1]
"""Centres of the bands: below 1 kHz the mel scale is linear."""


@dataclass(frozen=True)
class Sound:
    """One recording ready for training.

    label: one of LABELS. powers: float32 [frames, MELS]. states: int8 [frames], 0..3 for S1, systole, S2, diastole,
    -1 where nobody annotated; None without annotation.
    """

    path: str
    label: str
    group: str
    source: str
    powers: np.ndarray
    states: np.ndarray | None = None


def front(rate_hz: int) -> LogMel:
    """The bands of the valve net for a sound of rate_hz (a multiple of 1000)."""
    return LogMel(
        rate_hz,
        round(FFT_S * rate_hz),
        rate_hz // FRAMES_PER_S,
        MELS,
        LOW_HZ,
        HIGH_HZ,
        window=round(WINDOW_S * rate_hz),
    )


def valve_label(row: dict[str, str]) -> str | None:
    """The label of a manifest row that the task is measured on; None for all other rows."""
    return row["label"] if row["source"].startswith("yaseen") and row["label"] in LABELS else None


def valve_clips(data_dir: Path) -> list[Clip]:
    """Clips of the five-class collection. Raises FileError where there is no manifest."""
    return clips_from(data_dir, valve_label)


TASK = Task("ear-valve", LABELS, valve_clips, 4_000)


def heart_label(row: dict[str, str]) -> str | None:
    """N for a normal training recording with annotated beats of another collection; None for all others."""
    known = row["source"].startswith(("cinc2016", "circor")) and row["beats"].endswith(".tsv")
    return "N" if known and row["split"] == "train" and row["label"] in ("normal", "murmur_absent") else None


def read_powers(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """float32 [frames, MELS] of each file: band powers of the sound at an RMS of 1.

    Raises FileError for a file that cannot be read.
    """
    level, bands = Level(), front(RATE_HZ)
    for path in paths:
        samples, _ = read_audio(path, rate_hz=RATE_HZ)
        with torch.inference_mode():
            audio = torch.from_numpy(samples[: int(LONGEST_S * RATE_HZ)])[None]
            yield bands.powers(level(audio))[0].T.contiguous().numpy()


def read_states(clip: Clip, data_dir: Path, frames: int) -> np.ndarray | None:
    """States at the frames of a clip, from its table of S1, systole, S2 and diastole; None for a labelled clip."""
    if heart_label(clip.row) is None:
        return None
    rows = np.loadtxt(Path(data_dir) / clip.row["beats"], delimiter="\t", skiprows=1, ndmin=2)
    middle_s = np.arange(frames) / FRAMES_PER_S
    at = np.searchsorted(rows[:, 0], middle_s, side="right") - 1
    inside = (at >= 0) & (middle_s < rows[at, 1])
    return np.where(inside, rows[at, 2] - 1, -1).astype(np.int8)


def read_sounds(
    clips: Sequence[Clip], data_dir: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Sound]:
    """Sounds of the clips, in their order; progress(done, total) as they come."""
    sounds = []
    for clip, powers in zip(clips, read_powers([clip.path for clip in clips])):
        states = read_states(clip, data_dir, len(powers))
        sounds.append(Sound(str(clip.path), clip.label, clip.group, clip.source, powers, states))
        progress(len(sounds), len(clips))
    return sounds


def training_sounds(
    data_dir: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Sound], list[Sound]]:
    """(the labelled training clips, annotated normal hearts of other collections).

    Clips whose label contradicts a twin's are left out. Raises FileError where the data cannot be read.
    """
    own = [clip for clip in TASK.read(data_dir, "train") if clip.row["note"] != CONFLICT]
    hearts = clips_from(data_dir, heart_label)
    sounds = read_sounds([*own, *hearts], data_dir, progress)
    return sounds[: len(own)], sounds[len(own) :]
