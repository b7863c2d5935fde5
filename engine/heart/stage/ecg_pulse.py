"""A heart sung on the R peaks of an ECG: S1 a constant after each R, ectopic beats in their own colour.

Each S1 begins AFTER_R_S after its R peak: the heart's electrical activation comes before the valves close. S2
follows by the law of the interval before (the ventricle's filling). Where the record has a gap, there is silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from heart.audio import rise
from heart.ecg.record import Record
from heart.ecg.rhythm import AFTER_R_S, rr_s
from heart.records import GRAIN, OVERLAP, SAMPLE_RATE_HZ, Beat, Wish
from heart.sounding.levels import reach
from heart.sounding.offline import HOP, PAST
from heart.sounding.registry import Singer
from heart.sounding.rhythm import ECTOPIC_LEVELS, MIN_DIASTOLE_MS, systole_ms

USUAL_RR_S = 0.8
SHORTEST_SYSTOLE_MS = 40.0
RINGS_S = 0.35
"""After the S2 before a gap."""
FADE_S = 0.03


@dataclass(frozen=True)
class Colour:
    """How beats of one kind are sung: label ("": that of the others), levels of S1 and S2 (0..1), in a word."""

    kind: str
    label: str
    gain1: float
    gain2: float


PLAIN = Colour("normal", "", 1.0, 1.0)
COLOURS = {
    **dict.fromkeys("VErn", Colour("ventricular", "MR", *ECTOPIC_LEVELS)),
    **dict.fromkeys("Ff", Colour("fusion", "MR", 1.0, 0.6)),
    **dict.fromkeys("AaJS", Colour("atrial", "MVP", 1.0, 0.5)),
    "/": Colour("paced", "AS", 1.0, 1.0),
    **dict.fromkeys("Q?", Colour("unclear", "", 0.6, 0.6)),
}
"""By annotation. Labels are colours here, and no diagnosis: a premature beat has no valve disease."""


def beats_of(record: Record) -> tuple[Beat, ...]:
    """The beats to sing, S1 at R + AFTER_R_S, in frames of 44.1 kHz from the begin of the span."""
    intervals_s = np.append(rr_s(record), np.nan)
    made = []
    before_s = USUAL_RR_S
    for number, (r_s, symbol) in enumerate(zip(record.beats_s, record.symbols)):
        interval_s = float(intervals_s[number])
        own_s = interval_s if np.isfinite(interval_s) else before_s
        wished_ms = min(systole_ms(1_000 * before_s), 1_000 * own_s - MIN_DIASTOLE_MS)
        s1 = round((r_s + AFTER_R_S) * SAMPLE_RATE_HZ)
        s2 = s1 + round(max(wished_ms, SHORTEST_SYSTOLE_MS) * SAMPLE_RATE_HZ / 1_000)
        colour = COLOURS.get(symbol, PLAIN)
        made.append(Beat(number, s1, s2, 1_000 * own_s, colour.gain1, colour.gain2))
        before_s = own_s
    return tuple(made)


def labels_along(record: Record, beats: tuple[Beat, ...], label: str, coloured: bool) -> list[tuple[int, str]]:
    """(frame, label) of each change of label, the first at 0; on the grain, just before a beat's S1."""
    changes = [(0, label)]
    for beat, symbol in zip(beats, record.symbols):
        wanted = (COLOURS.get(symbol, PLAIN).label if coloured else "") or label
        if wanted != changes[-1][1]:
            frame = max(0, reach(beat.s1)) // GRAIN * GRAIN
            changes = [change for change in changes if change[0] < frame] + [(frame, wanted)]
    return changes


def sing(
    singer: Singer,
    beats: tuple[Beat, ...],
    changes: list[tuple[int, str]],
    total: int,
    seed: int = 0,
    steps: int = 8,
    guidance: float = 1.0,
) -> Iterator[np.ndarray]:
    """Pieces of sound float32 [frames], together `total` frames, wish after wish; cut where a label changes."""
    past, overlap = np.zeros(0, np.float32), np.zeros(0, np.float32)
    start, number, first = 0, 0, 0
    while start < total:
        label = next(name for frame, name in reversed(changes) if frame <= start)
        frames = min([HOP, *(frame - start for frame, _ in changes if frame > start)])
        begin, end = start - len(past) - SAMPLE_RATE_HZ // 2, start + frames + SAMPLE_RATE_HZ
        while first < len(beats) and beats[first].s2 < begin:
            first += 1
        near = tuple(beat for beat in beats[first : first + 64] if beat.s1 < end)
        heard = np.concatenate([past, overlap])
        chunk = singer.sing(Wish(number, start, frames, heard, near, label, seed, steps, guidance))
        audio = np.array(chunk.audio, np.float32)
        if start:
            fade = rise(OVERLAP)
            audio[:OVERLAP] = overlap * (1 - fade) + audio[:OVERLAP] * fade
        piece, overlap = audio[:frames], audio[frames:]
        past = np.concatenate([past, piece])[-PAST:]
        yield piece[: total - start]
        start, number = start + frames, number + 1


def opened(beats: tuple[Beat, ...], intervals_s: np.ndarray, first: int, count: int) -> np.ndarray:
    """Gain float32 [count] from frame `first` on: 1 about the beats, 0 in gaps, with fades between.

    intervals_s: [beats - 1], NaN across a gap.
    """
    edges_s, levels = [], []
    for number, beat in enumerate(beats):
        joined = number > 0 and np.isfinite(intervals_s[number - 1])
        if not joined:
            begin_s = beat.s1 / SAMPLE_RATE_HZ - 2 * FADE_S
            edges_s += [begin_s, begin_s + FADE_S]
            levels += [0.0, 1.0]
        if number == len(beats) - 1 or not np.isfinite(intervals_s[number]):
            end_s = beat.s2 / SAMPLE_RATE_HZ + RINGS_S
            edges_s += [end_s, end_s + FADE_S]
            levels += [1.0, 0.0]
    times_s = (first + np.arange(count)) / SAMPLE_RATE_HZ
    line = np.interp(times_s, edges_s, levels, 0.0, 0.0) if edges_s else np.zeros(count)
    return (0.5 - 0.5 * np.cos(np.pi * line)).astype(np.float32)
