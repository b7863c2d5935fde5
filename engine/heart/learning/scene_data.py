"""Sounds for `scene`: PASCAL's own recordings, hearts of another collection beside them, and noises made up.

What a fold learns from is drawn here, class by class, and changed on the way: played faster or slower, stretched,
shifted in pitch, heard through other sensors, buried in noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heart.audio import read_audio
from heart.errors import UsageError
from heart.learning import sound_changes as changes
from heart.learning.classes.task import Clip, Task, clips_from
from heart.learning.gate_others import other_sound
from heart.learning.nets.scene import RATE_HZ

LABELS = ("artifact", "murmur", "normal")
SECONDS = 5.0
FRAMES = round(SECONDS * RATE_HZ)
EACH = 20
"""Windows of each class in a batch: the rare classes weigh as much as the common one."""
FROM_ELSEWHERE = (0.3, 0.25, 0.2)
"""Share of each class that does not come from PASCAL: made-up noises, murmurs and normals of other collections."""
CHANGED = 0.4
"""Share of PASCAL windows taken from a stretched or pitch-shifted copy."""
STRETCHES = (0.8, 1.25)
SEMITONES = (-2.0, 2.0)


def own_label(row: dict[str, str]) -> str | None:
    """Label of PASCAL's three kinds of scene; None for other collections and for extra sounds and beats."""
    return row["label"] if row["source"].startswith("pascal2011") and row["label"] in LABELS else None


def other_label(row: dict[str, str]) -> str | None:
    """Label of recordings elsewhere that surely are a murmur or normal.

    CinC's normals are left out: with them, cross-validated, a sound of unknown sensor is called normal too easily.
    """
    if row["split"] != "train" or "label_conflict" in row["note"]:
        return None
    if row["source"] == "yaseen2018":
        return "normal" if row["label"] == "N" else "murmur"
    return "normal" if row["label"] == "murmur_absent" else None


TASK = Task("ear-scene", LABELS, lambda data_dir: clips_from(data_dir, own_label), RATE_HZ)


def read_sound(path: Path, seconds: float = math.inf) -> np.ndarray:
    """float32 [n] of one channel at RATE_HZ, at most the first `seconds`."""
    samples, _ = read_audio(path, RATE_HZ, first_seconds=seconds)
    return samples


@dataclass(frozen=True)
class SceneSounds:
    """What training draws from: PASCAL's train clips, their sounds and changed copies, and sounds of elsewhere."""

    clips: Sequence[Clip]
    sounds: Sequence[np.ndarray]
    copies: Sequence[Sequence[np.ndarray]]
    """For every clip: stretched and pitch-shifted copies."""
    elsewhere: dict[str, list[np.ndarray]]

    def draw(self, rng: np.random.Generator, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 [3 * EACH, FRAMES] and int64 targets, from the clips at `places` and from elsewhere."""
        rows = [self._one(label, rng, places) for label in range(len(LABELS)) for _ in range(EACH)]
        return disturbed(np.stack(rows), rng), np.repeat(np.arange(len(LABELS)), EACH)

    def _one(self, label: int, rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
        name = LABELS[label]
        away = rng.random() < FROM_ELSEWHERE[label]
        if away and name == "artifact":
            return other_sound(FRAMES, RATE_HZ, rng)
        if away and self.elsewhere.get(name):
            sounds = self.elsewhere[name]
            sound = sounds[rng.integers(len(sounds))]
        else:
            sound = self._own(name, rng, places)
        return changes.window(changes.at_speed(sound, rng.uniform(0.85, 1.18)), FRAMES, rng)

    def _own(self, name: str, rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
        """A clip of PASCAL; large groups are drawn more seldom, as their clips are much alike."""
        mine = [int(p) for p in places if self.clips[p].label == name]
        groups = [self.clips[p].group for p in mine]
        weights = np.array([groups.count(group) ** -0.5 for group in groups])
        place = mine[rng.choice(len(mine), p=weights / weights.sum())]
        copies = self.copies[place]
        changed = bool(copies) and rng.random() < CHANGED
        return copies[int(rng.integers(len(copies)))] if changed else self.sounds[place]


def disturbed(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other sensors, other rooms: so that the recording's style does not give the class away."""
    bins_hz = np.fft.rfftfreq(batch.shape[-1], 1 / RATE_HZ)
    batch = changes.filtered(changes.levelled(batch), changes.responses(len(batch), bins_hz, 3.0, 0.15, rng))
    noisy = np.flatnonzero(rng.random(len(batch)) < 0.5)
    noise = changes.coloured_noise(len(noisy), batch.shape[-1], rng)
    batch[noisy] = changes.buried(batch[noisy], noise, (8.0, 40.0), rng)
    return changes.clipped(batch, 0.05, rng)


def copies_of(sound: np.ndarray, seed: int) -> list[np.ndarray]:
    """A stretched and a pitch-shifted copy of float32 [n] at RATE_HZ, by audiomentations.

    Raises UsageError where audiomentations is not installed.
    """
    try:
        from audiomentations import PitchShift, TimeStretch
    except ImportError:
        raise UsageError("needs audiomentations: pip install 'sounds-of-the-heart[train]'") from None
    import random

    random.seed(seed)  # audiomentations draws from both
    np.random.seed(seed)
    if len(sound) < RATE_HZ:
        sound = np.resize(sound, RATE_HZ)
    stretch = TimeStretch(*STRETCHES, leave_length_unchanged=False, p=1.0)
    shift = PitchShift(*SEMITONES, p=1.0)
    return [np.asarray(change(sound, RATE_HZ), np.float32) for change in (stretch, shift)]


def load(data_dir: Path, *, with_copies: bool = True) -> SceneSounds:
    """Everything `scene` trains on. Raises FileError where the data cannot be read."""
    clips = TASK.read(data_dir, "train")
    sounds = [read_sound(clip.path) for clip in clips]
    copies = [copies_of(sound, k) if with_copies else [] for k, sound in enumerate(sounds)]
    elsewhere: dict[str, list[np.ndarray]] = {}
    for clip in clips_from(data_dir, other_label):
        elsewhere.setdefault(clip.label, []).append(read_sound(clip.path, 12.0))
    return SceneSounds(clips, sounds, copies, elsewhere)
