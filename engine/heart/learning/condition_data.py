"""Hearts of many sites, normal or abnormal, as band powers: what the condition net learns from and is measured on.

Measured on PhysioNet/CinC 2016 only, whose sites label whole patients. The five valve classes and PASCAL's
murmurs and extra beats, labelled by their sound, are further sites to learn from: a net that has met many
sensors leans less on any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from heart.audio import read_audio
from heart.learning.classes.task import Clip, Task, clips_from
from heart.learning.nets.condition import RATE_HZ, Bands, Segmenter, normalised
from heart.listening.features import STEP

LABELS = ("normal", "abnormal")
WINDOW_S, HOP_S = 8.0, 4.0
SAMPLES = round(WINDOW_S * RATE_HZ)
FRAMES_PER_S = 100
FRAMES = 796
"""Frames of a window: 8 s less the length of a frame."""
HOP_FRAMES = round(HOP_S * FRAMES_PER_S)
LONGEST_S = 60.0
SHORTEST_S = 14.0
"""Shorter sounds are repeated to this length, so that a window also fits when they are played faster."""
FURTHER = {"N": "normal", "normal": "normal", "murmur_absent": "normal"} | dict.fromkeys(
    ("AS", "MR", "MS", "MVP", "murmur", "extrastole", "extrahls"), "abnormal"
)
CONFLICT = "label_conflict"


@dataclass(frozen=True)
class Sound:
    """One recording ready for training.

    target: 0 normal, 1 abnormal. site: where it was recorded. powers: float32 [frames, BANDS], frames at least
    those of SHORTEST_S. states: int8 [frames], 0..3 for S1, systole, S2, diastole as the beat net hears them.
    frames: how many of them are no repetition (at least FRAMES).
    """

    path: str
    target: int
    group: str
    site: str
    powers: np.ndarray
    states: np.ndarray
    frames: int


def condition_label(row: dict[str, str]) -> str | None:
    """The label of a row that the task is measured on: CinC 2016's normal or abnormal; None for all others."""
    return row["label"] if row["source"].startswith("cinc2016") and row["label"] in LABELS else None


def condition_clips(data_dir: Path) -> list[Clip]:
    """Clips of CinC 2016. Raises FileError where there is no manifest."""
    return clips_from(data_dir, condition_label)


TASK = Task("ear-condition", LABELS, condition_clips, RATE_HZ, sources_as_groups=True)


def further_label(row: dict[str, str]) -> str | None:
    """Label of a training recording of another collection, where its own label says normal or not; else None."""
    if row["split"] != "train" or row["note"] == CONFLICT:
        return None
    return FURTHER.get(row["label"]) if row["source"].startswith(("yaseen", "pascal", "circor")) else None


def further_clips(data_dir: Path) -> list[Clip]:
    """Training clips of the other collections."""
    return clips_from(data_dir, further_label)


def site_of(clip: Clip) -> str:
    """The site of a clip: a, b, e, f of CinC 2016, or the first letters of its collection."""
    return clip.source.removeprefix("cinc2016-").split("2", 1)[0]


def band_powers(samples: np.ndarray, bands: Bands) -> np.ndarray:
    """float32 [frames, BANDS] of float32 [n] at RATE_HZ, as the graph's own front end makes them."""
    with torch.inference_mode():
        return bands(torch.from_numpy(samples.astype(np.float32))[None])[0].numpy()


def heard_states(powers: np.ndarray, segmenter: Segmenter) -> np.ndarray:
    """The likeliest state at each frame of band powers [frames, BANDS], int8 [frames], heard in windows."""
    count = -(-len(powers) // FRAMES)
    cut = np.resize(powers, (count * FRAMES, powers.shape[1])).reshape(count, FRAMES, -1)
    with torch.inference_mode():
        told = segmenter(normalised(torch.from_numpy(cut)))[..., :4].argmax(2).numpy()
    return told.repeat(STEP, 1).reshape(-1)[: len(powers)].astype(np.int8)


def repeated(samples: np.ndarray, least: int) -> np.ndarray:
    """A sound from its beginning again and again until it has `least` samples."""
    return samples if len(samples) >= least else np.resize(samples, least)


def read_sounds(
    clips: Sequence[Clip],
    segmenter: Segmenter,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Sound]:
    """The clips as sounds, in their order; progress(done, total). Raises FileError for one that cannot be read."""
    bands, sounds = Bands(), []
    for clip in clips:
        samples, _ = read_audio(clip.path, rate_hz=RATE_HZ, first_seconds=LONGEST_S)
        powers = band_powers(repeated(samples, round(SHORTEST_S * RATE_HZ)), bands)
        frames = max(FRAMES, min(len(powers), len(samples) * FRAMES_PER_S // RATE_HZ - 4))
        target = LABELS.index(clip.label)
        sounds.append(
            Sound(
                clip.path.name, target, clip.group, site_of(clip), powers, heard_states(powers, segmenter), frames
            )
        )
        progress(len(sounds), len(clips))
    return sounds


def window_starts(frames: int) -> list[int]:
    """First frames of the windows of a sound, every HOP_S, the last one ending with it."""
    last = max(0, frames - FRAMES)
    return sorted({*range(0, last + 1, HOP_FRAMES), last})
