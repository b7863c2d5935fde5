"""Windows of training sound for the textures: crops of one class, now and then of two, with any past.

Letters: B items, K frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heart.learning.texture_data import Piece
from heart.learning.texture_style import STYLES
from heart.learning.voice_loom import Batch, known_of, remembered, splice
from heart.records import TEXTURES
from heart.sounding import contour
from heart.sounding.conditions import LEVEL_WIDTH_DB, beat_channels, compand, mix_styles
from heart.sounding.filterbank import BANDS, HOP, TAPS, analyse_span
from heart.sounding.net import NetShape

SHAPE = NetShape(
    bands=BANDS,
    labels=TEXTURES,
    styles=STYLES,
    widths=(48, 96, 128, 192),
    knees=(1.0,) * BANDS,
    spreads=(0.8,) * BANDS,
    levelled=True,
    gain=1.4,
)
"""The heart's net over all bands, narrower where frames are many, because it may sing beside it. Knees are the
band levels themselves, so that noise stays nearly Gaussian; few steps sing that 3 dB too softly, hence the gain."""


@dataclass(frozen=True)
class Habits:
    """How often what happens to an item; parts of 1."""

    no_past: float = 0.3
    foreign_past: float = 0.2
    """The past is another texture: a label that changes on stage."""
    two_crops: float = 0.25
    """Two crops of one class at once."""
    two_labels: float = 0.15
    """Two classes at once, with the weights of their powers as label."""
    drop_label: float = 0.12
    drop_style: float = 0.1
    past_noise: float = 0.1
    gain_db: float = 4.0
    """What level a style may pretend; the frames themselves are relative to it."""


@dataclass(frozen=True)
class Crop:
    """Sound float32 [n], its label's weights [labels + 1], style [STYLES], and contour [ROWS, K] in dB."""

    sound: np.ndarray
    weights: np.ndarray
    style: np.ndarray
    contour: np.ndarray


class TextureLoom:
    """Weaves batches. The same seed gives the same batches; classes come equally often."""

    def __init__(self, pieces: Sequence[Piece], seed: int, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self.random = np.random.default_rng(seed)
        by_label = [[piece for piece in pieces if piece.label == n] for n in range(len(TEXTURES))]
        self.by_label = [group for group in by_label if group]

    def batch(self, size: int, frames: int) -> Batch:
        """`size` items of `frames` frames each; labels as weights [B, labels + 1]."""
        items = [self._item(frames) for _ in range(size)]
        clean, past, conditions, label, style = (np.stack(part) for part in zip(*items))
        return Batch(clean, past, conditions, label, style)

    def _item(self, frames: int) -> tuple[Any, ...]:
        random, habits = self.random, self.habits
        length = (frames - 1) * HOP + TAPS
        crop = self._mixture(length)
        sound = crop.sound
        known = 0 if random.random() < habits.no_past else known_of(frames, random)
        if known and random.random() < habits.foreign_past:
            sound = splice(self._mixture(length).sound, sound, known)
        clean = compand(analyse_span(sound) / contour.amplitude(crop.contour), SHAPE.scale(crop.style))
        mask = (np.arange(frames) < known).astype(np.float32)[None]
        label = crop.weights
        if random.random() < habits.drop_label:
            label = np.eye(1, len(label), dtype=np.float32)[0]
        style, moves = np.zeros(STYLES + 1, np.float32), beat_channels((), 0, frames)
        if random.random() >= habits.drop_style:
            style[:], moves = np.append(self._told(crop.style), 1), contour.told(crop.contour)
        conditions = np.concatenate([mask, moves])
        return clean, remembered(clean, known, habits.past_noise, random), conditions, label, style

    def _told(self, style: np.ndarray) -> np.ndarray:
        """The style as the net is told it: at some other level, and a little off."""
        told = style + 0.05 * self.random.standard_normal(STYLES)
        told[:BANDS] += self.random.uniform(-1, 1) * self.habits.gain_db / LEVEL_WIDTH_DB
        return told

    def _mixture(self, length: int) -> Crop:
        dice = self.random.random()
        group = self._group()
        if dice < self.habits.two_labels:
            return self._both(self._crop(group, length), self._crop(self._group(), length))
        if dice < self.habits.two_labels + self.habits.two_crops:
            return self._both(self._crop(group, length), self._crop(group, length))
        return self._crop(group, length)

    def _group(self) -> list[Piece]:
        return self.by_label[self.random.integers(len(self.by_label))]

    def _both(self, one: Crop, two: Crop) -> Crop:
        """The sum of two crops, with shares of power that add up to 1."""
        share = self.random.uniform(0.15, 0.85)
        sound = one.sound * np.float32(np.sqrt(share)) + two.sound * np.float32(np.sqrt(1 - share))
        weights = (share * one.weights + (1 - share) * two.weights).astype(np.float32)
        shares = (share, 1 - share)
        style = mix_styles([one.style, two.style], shares, BANDS)
        return Crop(sound, weights, style, contour.mixed([one.contour, two.contour], shares))

    def _crop(self, pieces: Sequence[Piece], length: int) -> Crop:
        piece = pieces[int(self.random.integers(len(pieces)))]
        sound = np.zeros(length, np.float32)
        room = length - len(piece.sound)
        begin = int(self.random.integers(abs(room) + 1))
        if room > 0:
            sound[begin : begin + len(piece.sound)] = piece.sound
        else:
            sound[:] = piece.sound[begin : begin + length]
        weights = np.eye(1, len(TEXTURES) + 1, piece.label + 1, dtype=np.float32)[0]
        first = (-begin if room > 0 else begin) / HOP
        moves = contour.at_frames(piece.points, first, (length - TAPS) // HOP + 1)
        return Crop(sound * np.float32(self.random.choice((-1, 1))), weights, piece.style, moves)
