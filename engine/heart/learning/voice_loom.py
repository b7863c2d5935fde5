"""The loom: windows of training sound from clips, at any tempo, with any past.

A window follows a beat schedule. Around each S1 and S2 the recording plays as it is; the rest of systole
and of diastole is shortened or prolonged by jumps of some milliseconds, each faded over 23 ms (linearly
where both sides are the same sound, with equal power where they are not).

Letters: B items, K frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heart.learning.voice_data import Clip
from heart.learning.voice_style import STYLES
from heart.records import GRAIN, LABELS, OVERLAP, SAMPLE_RATE_HZ, Beat, Wish
from heart.sounding import pulse
from heart.sounding.beats import BeatClock
from heart.sounding.conditions import BANDS, beat_channels, compand
from heart.sounding.filterbank import AFTER, BEFORE, HOP, TAPS, analyse_span

_MS = SAMPLE_RATE_HZ / 1_000
_STEP = 1_024
"""Samples between fades: 23 ms."""
_CORES_MS = ((-45.0, 115.0), (-30.0, 95.0))
"""What is never stretched, around the onsets of S1 and S2."""
_JUMPS_MS = (20.0, 50.0)
"""Size of the jumps in systole and in diastole."""


@dataclass(frozen=True)
class Mix:
    """How often what happens to an item; parts of 1."""

    normal: float = 0.28
    """Part of label N; the others share the rest equally."""
    no_past: float = 0.3
    foreign_past: float = 0.2
    """The past is another recording, perhaps of another condition: a label that changes on stage."""
    pulse_past: float = 0.04
    """The past is the arithmetic pulse: the bed the voice takes over from."""
    drop_label: float = 0.12
    drop_style: float = 0.1
    drop_beats: float = 0.08
    past_noise: float = 0.06
    """Largest standard deviation of the noise on the past, so that a stream does not drift."""


@dataclass(frozen=True)
class Batch:
    """float32 arrays: clean [B, bands, K] (companded), past (same, as the net will see it), conditions
    [B, CHANNELS, K] with the mask first, style [B, styles + 1]; label int64 [B] (0 = null), or float32
    [B, labels + 1] where labels are mixed."""

    clean: np.ndarray
    past: np.ndarray
    conditions: np.ndarray
    label: np.ndarray
    style: np.ndarray


class Loom:
    """Weaves batches. The same seed gives the same batches."""

    def __init__(self, clips: Sequence[Clip], seed: int, mix: Mix | None = None) -> None:
        self.mix = mix or Mix()
        self.random = np.random.default_rng(seed)
        self.by_label = [[clip for clip in clips if clip.label == n] for n in range(len(LABELS))]

    def batch(self, size: int, frames: int) -> Batch:
        """`size` items of `frames` frames each."""
        items = [self._item(frames) for _ in range(size)]
        clean, past, conditions, label, style = (np.stack(part) for part in zip(*items))
        return Batch(clean, past, conditions, label, style)

    def _item(self, frames: int) -> tuple[Any, ...]:
        random, mix = self.random, self.mix
        length = (frames - 1) * HOP + TAPS
        clip, beats = self._clip(), self._beats(length)
        sound = self._play(clip, beats, length)
        known = 0 if random.random() < mix.no_past else known_of(frames, random)
        if known:
            sound = splice(self._other_past(sound, beats, length), sound, known)
        clean = compand(analyse_span(sound * 10 ** (random.uniform(-2, 1) / 20), BANDS))
        past = remembered(clean, known, mix.past_noise, random)
        mask = (np.arange(frames) < known).astype(np.float32)[None]
        track = beat_channels(() if random.random() < mix.drop_beats else beats, 0, frames)
        label = 0 if random.random() < mix.drop_label else clip.label + 1
        style = np.zeros(STYLES + 1, np.float32)
        if random.random() >= mix.drop_style:
            style[:] = np.append(clip.style + 0.1 * random.standard_normal(STYLES), 1)
        return clean, past, np.concatenate([mask, track]), np.int64(label), style

    def _clip(self) -> Clip:
        others = (1 - self.mix.normal) / (len(LABELS) - 1)
        weights = np.array([self.mix.normal] + [others] * (len(LABELS) - 1))
        weights *= [bool(clips) for clips in self.by_label]
        label = self.random.choice(len(LABELS), p=weights / weights.sum())
        clips = self.by_label[label]
        return clips[self.random.integers(len(clips))]

    def _beats(self, length: int) -> tuple[Beat, ...]:
        """A schedule over the window and a beat around it; systole a little off the law."""
        random = self.random
        bpm = float(np.exp(random.uniform(np.log(40), np.log(175))))
        rr = 60 * SAMPLE_RATE_HZ / bpm
        clock = BeatClock(bpm, random.uniform(0, 60) * min(1, 60 / bpm), int(random.integers(2**31)))
        clock = BeatClock(bpm, clock.rmssd_ms, clock.seed, first_s1=int(-random.uniform(1, 2) * rr))
        if random.random() < 0.15:
            clock.beats_until(int(random.uniform(0, length)))
            clock.set(bpm=float(np.clip(bpm * np.exp(random.normal(0, 0.25)), 40, 175)))
        return tuple(
            replace(beat, s2=beat.s1 + int((beat.s2 - beat.s1) * random.normal(1, 0.04)))
            for beat in clock.beats_until(length + int(1.6 * SAMPLE_RATE_HZ))
        )

    def _play(self, clip: Clip, beats: Sequence[Beat], length: int) -> np.ndarray:
        speed = float(np.exp(self.random.uniform(-0.08, 0.08)))
        sound = _faster(clip.sound, speed)
        return weave(sound, (clip.cycles / speed).astype(np.int64), beats, -BEFORE, length, self.random)

    def _other_past(self, sound: np.ndarray, beats: Sequence[Beat], length: int) -> np.ndarray:
        """What was sung before the window's own sound; the sound itself when nothing changes."""
        dice = self.random.random()
        gain = 10 ** (self.random.uniform(-4, 3) / 20)
        if dice < self.mix.foreign_past:
            return self._play(self._clip(), beats, length) * np.float32(gain)
        if dice < self.mix.foreign_past + self.mix.pulse_past:
            return self._pulse(beats, length) * np.float32(gain)
        return sound

    def _pulse(self, beats: Sequence[Beat], length: int) -> np.ndarray:
        shift = 2 * GRAIN  # the pulse wants a start on the grain; the window begins before 0
        moved = tuple(replace(b, s1=b.s1 + shift, s2=b.s2 + shift) for b in beats)
        label = LABELS[self.random.integers(len(LABELS))]
        frames = -(-(length + shift) // GRAIN) * GRAIN
        wish = Wish(0, 0, frames, np.zeros(OVERLAP, np.float32), moved, label)
        return pulse.sing(wish).audio[shift - BEFORE :][:length]


def known_of(frames: int, random: np.random.Generator) -> int:
    """Length of the past in a window: mostly about half of it, as on stage."""
    if random.random() < 0.5:
        return int(random.uniform(0.35, 0.65) * frames)
    return int(random.uniform(0.02, 0.8) * frames)


def splice(before: np.ndarray, after: np.ndarray, known: int) -> np.ndarray:
    """`before` for as long as the known frames reach, then `after` within 12 ms."""
    if before is after:
        return after
    edge = (known - 1) * HOP + AFTER + BEFORE
    fade = ((np.arange(len(after)) - edge) / 512).clip(0, 1).astype(np.float32)
    return before * np.cos(fade * np.pi / 2) + after * np.sin(fade * np.pi / 2)


def remembered(clean: np.ndarray, known: int, most: float, random: np.random.Generator) -> np.ndarray:
    """Frames [bands, K] as a net will see their past: often with a little noise, of deviation `most` at most."""
    past = clean.copy()
    if known and random.random() < 0.6:
        noise = random.standard_normal((len(clean), known)) * random.uniform(0, most)
        past[:, :known] += noise.astype(np.float32)
    return past


def _faster(sound: np.ndarray, speed: float) -> np.ndarray:
    """Play faster (and higher). Linear interpolation: the material lies far below the sample rate."""
    at = np.arange(0, len(sound) - 1, speed)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def weave(
    sound: np.ndarray,
    cycles: np.ndarray,
    beats: Sequence[Beat],
    begin: int,
    length: int,
    random: np.random.Generator,
) -> np.ndarray:
    """`length` samples from `begin` on of a recording [n] with cycles [beats, 3], moved onto `beats`.

    The beats must reach over the window on both sides. Returns float32 [length].
    """
    steps = -(-length // _STEP) + 1
    centres = begin + _STEP * np.arange(steps)
    offsets = _offsets(centres, cycles, beats, random)
    time = np.arange(_STEP)
    index = (centres[:-1, None] + time)[..., None] + np.stack([offsets[:-1], offsets[1:]], 1)[:, None]
    inside = (index >= 0) & (index < len(sound))
    parts = sound[index.clip(0, len(sound) - 1)] * inside
    ramp = ((time + 0.5) / _STEP)[None].astype(np.float32)
    same = (offsets[:-1] == offsets[1:])[:, None]
    fade_out = np.where(same, 1 - ramp, np.cos(ramp * np.pi / 2))
    fade_in = np.where(same, ramp, np.sin(ramp * np.pi / 2))
    woven = parts[..., 0] * fade_out + parts[..., 1] * fade_in
    return woven.reshape(-1)[:length].astype(np.float32)


def _offsets(
    centres: np.ndarray, cycles: np.ndarray, beats: Sequence[Beat], random: np.random.Generator
) -> np.ndarray:
    """How far into the recording each centre looks: int64, recording sample = tape sample + offset."""
    starts = np.array([beat.s1 + _CORES_MS[0][0] * _MS for beat in beats])
    played = np.searchsorted(starts, centres, side="right").clip(1) - 1
    offsets = np.zeros(len(centres), np.int64)
    for n in np.unique(played):
        source = cycles[random.integers(len(cycles))]
        following = beats[n + 1].s1 if n + 1 < len(beats) else beats[n].s1 + int(beats[n].rr_ms * _MS)
        mine = played == n
        offsets[mine] = _beat_offsets(centres[mine], source, (beats[n].s1, beats[n].s2, following))
    return offsets


def _beat_offsets(centres: np.ndarray, source: np.ndarray, target: tuple[int, int, int]) -> np.ndarray:
    """Offsets within one beat: constant around S1 and S2, in even jumps between."""
    first, second = int(source[0]) - target[0], int(source[1]) - target[1]
    (s1_before, s1_after), (s2_before, s2_after) = _CORES_MS
    last = int(source[2]) - target[2]
    edge = target[0] + s1_after * _MS
    knots = np.array([edge, max(target[1] + s2_before * _MS, edge + 1)])
    systole = np.interp(centres, knots, [first, second])
    jump = _JUMPS_MS[0] * _MS
    in_systole = first + np.round((systole - first) / jump) * jump
    knots = np.array([target[1] + s2_after * _MS, max(target[2] + s1_before * _MS, target[1] + s2_after * _MS + 1)])
    diastole = np.interp(centres, knots, [second, last])
    jump = _JUMPS_MS[1] * _MS
    in_diastole = second + np.round((diastole - second) / jump) * jump
    offsets = np.where(centres < target[1] + s2_before * _MS, in_systole, in_diastole)
    return np.round(offsets).astype(np.int64)
