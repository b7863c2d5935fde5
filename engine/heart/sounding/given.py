"""Whole sounds from given sounds, by the loop that also sings live: vary, morph, continue, inpaint.

Given sounds are float32 [n] at 44.1 kHz. Same seed, same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from heart.errors import UsageError
from heart.records import GRAIN, METHODS, OVERLAP, SAMPLE_RATE_HZ, Beat, Source, Wish
from heart.sounding.beats import FIRST_S1, BeatClock
from heart.sounding.offline import HOP, PAST, Progress, check, check_sings, find_label, lay, sing_on
from heart.sounding.registry import Singer, open_voice
from heart.sounding.sources import looped, share, source_of

FUTURE = 8_192
"""Samples of what comes after the span that a wish is told: more than a window takes."""
Path = Sequence[tuple[float, Sequence[float]]]
"""Weights over time: (second, weights), in order; between two rows they move evenly."""


@dataclass(frozen=True)
class Manner:
    """How it is sung. Without bpm no beat is asked for, without label no condition: the given sound brings both."""

    label: str = ""
    bpm: float | None = None
    rmssd: float = 0.0
    seed: int = 0
    steps: int = 8
    guidance: float = 1.0
    voice: str | Singer = "voice-heart"
    sampler: str = "ddim"
    threads: int = 0
    beats: tuple[Beat, ...] = ()
    """Used where no bpm is given: beats of the given sound, at its own frames."""

    def singer(self) -> Singer:
        """The voice, opened. Raises UsageError for a value out of its range or an unknown name."""
        check("steps", self.steps, 1, 200)
        check("guidance", self.guidance, 0, 10)
        check("rmssd", self.rmssd, 0, 500)
        if self.bpm is not None:
            check("bpm", self.bpm, 20, 300)
        label = find_label(self.label)
        check_sings(self.voice, ((label, 1.0),))
        return open_voice(self.voice, self.threads, self.sampler) if isinstance(self.voice, str) else self.voice

    def wishes(self, first_s1: int | None = None) -> Callable[[int, int, int, np.ndarray], Wish]:
        """(number, start, frames, past) -> the plain wish; `first_s1`: where the beats of `bpm` begin."""
        label = find_label(self.label)
        clock = None
        if self.bpm is not None:
            begin_s1 = FIRST_S1 if first_s1 is None else first_s1
            clock = BeatClock(self.bpm, self.rmssd, self.seed, first_s1=begin_s1)

        def wish(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
            begin, end = start - len(past) - SAMPLE_RATE_HZ // 2, start + frames + SAMPLE_RATE_HZ
            beats = clock.beats_until(end) if clock else self.beats
            near = tuple(beat for beat in beats if beat.s2 >= begin and beat.s1 < end)
            return Wish(number, start, frames, past, near, label, self.seed, self.steps, self.guidance)

        return wish


def vary(
    sound: np.ndarray, strength: float, manner: Manner, progress: Progress = lambda sung_s: None
) -> np.ndarray:
    """The sound re-imagined: float32 of the same length. Strength 0 gives it back, 1 keeps nothing of it.

    Raises:
        UsageError: an argument out of its range.
        FileError: the voice's weights are missing or damaged.
    """
    check("strength", strength, 0, 1)
    plain = manner.wishes()

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        sources = (source_of(sound, start, frames),)
        return replace(plain(number, start, frames, past), mode="vary", strength=strength, sources=sources)

    return sing_on(manner.singer(), len(sound), make, progress)


def morph(
    sounds: Sequence[np.ndarray],
    weights: Sequence[float] | None,
    manner: Manner,
    method: str = "slerp",
    path: Path = (),
    seconds: float | None = None,
    progress: Progress = lambda sung_s: None,
) -> np.ndarray:
    """Between the sounds: float32, as long as the longest of them, or `seconds`; shorter ones play in a loop.

    Args:
        sounds: two or more.
        weights: one for each sound, 0..1, taken relative to their sum; None is all alike.
        method: one of records.METHODS.
        path: weights that move instead, see `Path`.

    Raises:
        UsageError: an argument out of its range, weights that do not fit the sounds.
        FileError: the voice's weights are missing or damaged.
    """
    if len(sounds) < 2:
        raise UsageError(f"morph takes two sounds or more, got {len(sounds)}")
    if method not in METHODS:
        raise UsageError(f"method {method!r}: take one of {', '.join(METHODS)}")
    rows = [(at_s, share(row, len(sounds))) for at_s, row in path]
    if not rows:
        rows = [(0.0, share(weights or [1.0] * len(sounds), len(sounds)))]
    times_s, shares = [row[0] for row in rows], np.array([row[1] for row in rows])
    if any(later <= sooner for sooner, later in pairwise(times_s)):
        raise UsageError("path: its times must grow from row to row")
    total = max(map(len, sounds)) if seconds is None else round(seconds * SAMPLE_RATE_HZ)
    takes = [(sound, False) if len(sound) >= total else (looped(sound), True) for sound in sounds]
    plain = manner.wishes()

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        at_s = (start + frames / 2) / SAMPLE_RATE_HZ
        now = [float(np.interp(at_s, times_s, column)) for column in shares.T]
        sources = _weighted(takes, now, start, frames)
        return replace(plain(number, start, frames, past), mode="morph", method=method, sources=sources)

    return sing_on(manner.singer(), total, make, progress)


def _weighted(
    takes: Sequence[tuple[np.ndarray, bool]], weights: Sequence[float], start: int, frames: int
) -> tuple[Source, ...]:
    """The sources that are heard at all."""
    heard = [(sound, loop, weight) for (sound, loop), weight in zip(takes, weights) if weight > 0]
    return tuple(source_of(sound, start, frames, weight, loop) for sound, loop, weight in heard)


def extend(
    sound: np.ndarray,
    seconds: float,
    manner: Manner,
    first_s1: int | None = None,
    progress: Progress = lambda sung_s: None,
) -> np.ndarray:
    """The sound, untouched, and `seconds` more sung after it: float32 [n + round(seconds * 44100)].

    Args:
        first_s1: frame of the first beat that is sung, when the manner has a bpm.

    Raises:
        UsageError: an argument out of its range, or a sound too short to be continued.
        FileError: the voice's weights are missing or damaged.
    """
    check("seconds", seconds, 0.1, 3_600)
    count = round(seconds * SAMPLE_RATE_HZ)
    return _fill(np.pad(sound, (0, count)), len(sound), len(sound) + count, manner, first_s1, progress)


def inpaint(
    sound: np.ndarray, from_s: float, to_s: float, manner: Manner, progress: Progress = lambda sung_s: None
) -> np.ndarray:
    """The sound with what lies between two moments sung anew; all else stays bit for bit. float32 [n].

    Raises:
        UsageError: a span outside the sound, or too close to its beginning or end.
        FileError: the voice's weights are missing or damaged.
    """
    length_s = len(sound) / SAMPLE_RATE_HZ
    if not 0 <= from_s < to_s <= length_s:
        raise UsageError(
            f"span {from_s:g} to {to_s:g} s: must lie in order within the {length_s:.2f} s of the sound"
        )
    begin, end = round(from_s * SAMPLE_RATE_HZ), round(to_s * SAMPLE_RATE_HZ)
    return _fill(sound, begin, end, manner, None, progress)


def _fill(
    sound: np.ndarray, begin: int, end: int, manner: Manner, first_s1: int | None, progress: Progress
) -> np.ndarray:
    """Sing samples begin .. end of the sound anew, in even pieces, between what stands before and behind."""
    singer, wish = manner.singer(), manner.wishes(first_s1)
    start = max(0, begin - OVERLAP) // GRAIN * GRAIN
    pieces = -(-(end - start) // HOP)
    frames = -(-(end - start) // (pieces * GRAIN)) * GRAIN
    sung = np.pad(sound[:begin], (0, start + pieces * frames + OVERLAP - begin))
    for number, at in enumerate(range(start, start + pieces * frames, frames)):
        past = sung[max(0, at - PAST) : at + OVERLAP] if at else sung[:0]
        last = number == pieces - 1 and end < len(sound)
        future = sound[at + frames :][:FUTURE] if last else sound[:0]
        lay(sung, at, singer.sing(replace(wish(number, at, frames, past.copy()), future=future)).audio)
        progress(min(at + frames, end) / SAMPLE_RATE_HZ)
    return joined(sound, sung, begin, end)


def joined(sound: np.ndarray, sung: np.ndarray, begin: int, end: int) -> np.ndarray:
    """The sound with samples begin .. end of `sung` in it, so that neither border can be heard.

    What is left between the two at a border (bands the net does not sing, rounding) is mirrored into the span and
    fades there. float32, as long as `sound`; outside the span it is `sound`, bit for bit.
    """
    new = sung[begin:end].copy()
    reach = min(OVERLAP, len(new))
    fade = np.linspace(1, 0, reach, dtype=np.float32)
    left = (sound[:begin] - sung[:begin])[::-1][:reach]
    new[: len(left)] += left * fade[: len(left)]
    behind = min(len(sound), len(sung), end + reach)
    right = (sound[end:behind] - sung[end:behind])[::-1]
    new[len(new) - len(right) :] += right * fade[: len(right)][::-1]
    return np.concatenate([sound[:begin], new, sound[end:]])
