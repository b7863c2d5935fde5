"""Sounds for `gate`: hearts of all collections, and what is no heart, all heard through the same bad sensors.

Whatever is no heart is shown low-passed and band-limited like a stethoscope most of the time, and hearts with noise
of rooms: otherwise the gate would learn bandwidths, not hearts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heart.learning import sound_changes as changes
from heart.learning.classes.task import Clip, Task, clips_from
from heart.learning.ear_data import gate_test, is_other
from heart.learning.gate_drums import played, sampled
from heart.learning.gate_others import other_sound
from heart.learning.nets.scene import RATE_HZ
from heart.learning.scene_data import read_sound

LABELS = ("heart", "other")
SECONDS = 2.5
FRAMES = round(SECONDS * RATE_HZ)
HALF = 32
"""Windows of hearts in a batch, and of others."""
MADE_UP = 0.4
"""Share of the others that come from arithmetic."""
BEATEN = 0.12
"""Share of the others that are a loop on a kit cut out of a recording."""
DRUMS = ("loop", "bd", "bass")
"""Labels of drums and bass in the manifest."""
TIMES = 4
"""A recording of drums or bass is shown so many times as often as another."""
HEARD_S = 12.0
"""Of a longer recording, training keeps the beginning."""
MOSTLY_SILENCE = 0.02
"""A window whose RMS is below this share of its recording's is not shown as a heart: nothing is heard in it."""


def label_of(row: dict[str, str]) -> str | None:
    """heart, other, or None for an ECG."""
    if is_other(row):
        return "other"
    return None if row["path"].startswith("ecg/") else "heart"


def clips(data_dir: Path) -> list[Clip]:
    """All sounds. As all music is in train, `gate_test` holds some of its groups back for val."""
    found = clips_from(data_dir, label_of)
    sides = {clip.group: "val" for clip in found if gate_test(clip.row)}
    return [
        Clip(clip.path, clip.label, clip.group, sides.get(clip.group, "train"), kind(clip.row), clip.row)
        for clip in found
    ]


def kind(row: dict[str, str]) -> str:
    """The collection of a row; env and music for what is no heart."""
    return row["path"].split("/")[0] if row["path"].startswith(("env/", "music/")) else row["source"]


def of_drums(clip: Clip) -> bool:
    """Is it a recording of drums or of a bass?"""
    return clip.row.get("label") in DRUMS


TASK = Task("ear-gate", LABELS, clips, RATE_HZ)


@dataclass(frozen=True)
class GateSounds:
    """What training draws from: train clips and their sounds."""

    clips: Sequence[Clip]
    sounds: Sequence[np.ndarray]

    def draw(self, rng: np.random.Generator, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 [2 * HALF, FRAMES] and int64 targets: hearts (0), then others (1), of the clips at `places`."""
        hearts = self._by_kind(places, "heart")
        others = [[p for kind in self._by_kind(places, "other") for p in kind]]  # few: each of them counts the same
        others[0] += [p for p in others[0] if of_drums(self.clips[p])] * (TIMES - 1)
        heart = np.stack([self._heart(rng, hearts) for _ in range(HALF)])
        other = np.stack([self._other(rng, others) for _ in range(HALF)])
        room = np.stack([self._other(rng, others) for _ in range(HALF // 2)])
        return np.concatenate([worn(heart, room, rng), disguised(other, rng)]), np.repeat([0, 1], HALF)

    def _by_kind(self, places: np.ndarray, label: str) -> list[list[int]]:
        """Places of a label, collection by collection: a small one is heard as often as a large one."""
        mine = [int(p) for p in places if self.clips[p].label == label]
        kinds = sorted({self.clips[p].source for p in mine})
        return [[p for p in mine if self.clips[p].source == name] for name in kinds]

    def _pick(self, rng: np.random.Generator, kinds: list[list[int]]) -> np.ndarray:
        places = kinds[rng.integers(len(kinds))]
        return self.sounds[places[rng.integers(len(places))]]

    def _heart(self, rng: np.random.Generator, kinds: list[list[int]]) -> np.ndarray:
        sound = self._pick(rng, kinds)
        for _ in range(4):
            cut = changes.window(changes.at_speed(sound, rng.uniform(0.75, 1.35)), FRAMES, rng)
            if cut.std() > MOSTLY_SILENCE * sound.std():
                break
        return cut

    def _other(self, rng: np.random.Generator, kinds: list[list[int]]) -> np.ndarray:
        way = rng.random()
        if not any(kinds) or way < MADE_UP:
            return other_sound(FRAMES, RATE_HZ, rng)
        sound = self._pick(rng, kinds)
        if way < MADE_UP + BEATEN:
            return played(sampled(sound, RATE_HZ, rng), FRAMES, RATE_HZ, rng)
        cut = changes.window(changes.at_speed(sound, np.exp(rng.uniform(-0.7, 0.7))), FRAMES, rng)
        if rng.random() < 0.2:
            cut = changes.levelled(cut) + rng.uniform(0.1, 1) * changes.levelled(other_sound(FRAMES, RATE_HZ, rng))
        return np.asarray(cut, np.float32)


def worn(hearts: np.ndarray, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hearts through other sensors: half in a `room` [B / 2, n] at 5 to 30 dB, a quarter hissing, some clipped."""
    hearts = changes.levelled(hearts)
    bins_hz = np.fft.rfftfreq(hearts.shape[-1], 1 / RATE_HZ)
    hearts = changes.filtered(hearts, changes.responses(len(hearts), bins_hz, 4.0, 0.3, rng))
    count = len(room)
    hearts[:count] = changes.buried(hearts[:count], room, (5.0, 30.0), rng)
    hiss = changes.coloured_noise(count // 2, hearts.shape[-1], rng)
    hearts[-len(hiss) :] = changes.buried(hearts[-len(hiss) :], hiss, (5.0, 30.0), rng)
    return changes.clipped(hearts, 0.15, rng)


def disguised(others: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Others through the same sensors, most of them as narrow as a stethoscope."""
    bins_hz = np.fft.rfftfreq(others.shape[-1], 1 / RATE_HZ)
    gain = changes.responses(len(others), bins_hz, 4.0, 0.6, rng)
    others = changes.compressed(changes.roomy(changes.levelled(others), RATE_HZ, 0.2, rng), RATE_HZ, 0.2, rng)
    others = changes.filtered(others, gain)
    return changes.clipped(others, 0.15, rng)


def low_take(sound: np.ndarray, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """`sound`, float32 [n], through some stethoscope at some speed: the first `seconds`, at least one window."""
    other = changes.at_speed(sound, np.exp(rng.uniform(-0.5, 0.5)))
    other = np.resize(other, max(len(other), FRAMES))[: round(seconds * RATE_HZ)]
    gain = changes.responses(1, np.fft.rfftfreq(len(other), 1 / RATE_HZ), 4.0, 1.0, rng)
    return changes.filtered(changes.levelled(other[None]), gain)[0]


def load(data_dir: Path, split: str = "train", seconds: float = HEARD_S) -> GateSounds:
    """The clips of a split with their sounds. Raises FileError where the data cannot be read."""
    found = TASK.read(data_dir, split)
    return GateSounds(found, [read_sound(clip.path, min(seconds, math.inf)) for clip in found])
