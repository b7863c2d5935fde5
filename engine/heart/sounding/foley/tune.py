"""What the trio plays: sixteen bars of changes, a melody that answers itself, and how comping and a walking bass
grow out of chords. Beats are counted in quarters from the beginning; swing comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BEATS_A_BAR = 4


@dataclass(frozen=True)
class Chord:
    """root: pitch class; tones: semitones above it that a bass may walk on; voicing: the right hand's, likewise."""

    root: int
    tones: tuple[int, ...]
    voicing: tuple[int, ...]


@dataclass(frozen=True)
class Note:
    """beat and beats: when and how long, in quarters; pitch: MIDI; velocity 0..1."""

    beat: float
    pitch: int
    beats: float
    velocity: float


QUALITIES = {
    # Rootless: the bass has the root. Third and seventh, with the ninth or thirteenth over them.
    "maj7": ((0, 4, 7, 9, 11), (4, 7, 11, 14)),
    "6": ((0, 4, 7, 9), (4, 7, 9, 14)),
    "m7": ((0, 3, 7, 10), (3, 7, 10, 14)),
    "m6": ((0, 3, 7, 9), (3, 7, 9, 14)),
    "7": ((0, 4, 7, 10), (4, 9, 10, 14)),
    "7b9": ((0, 4, 7, 10), (4, 8, 10, 13)),
    "m7b5": ((0, 3, 6, 10), (3, 6, 10, 12)),
}
ROOTS = {"C": 0, "Db": 1, "D": 2, "Eb": 3, "E": 4, "F": 5, "Gb": 6, "G": 7, "Ab": 8, "A": 9, "Bb": 10, "B": 11}

CHANGES = (
    "Fmaj7 | Em7b5 A7b9 | Dm7 | Cm7 F7 | Bbmaj7 | Bbm6 Eb7 | Am7 D7b9 | Gm7 C7 | "
    "Fmaj7 | Em7b5 A7b9 | Dm7 G7 | Cm7 F7b9 | Bbmaj7 Bbm6 | Am7 D7b9 | Gm7 C7b9 | F6 C7"
)
"""Falling fifths in F with the minor subdominant in its middle; the last bar leads to the first."""

# Bar: (beat, pitch, beats). The same call three times (bars 0, 4, 8), each time answered higher or lower.
MELODY: dict[int, tuple[tuple[float, int, float], ...]] = {
    0: ((0.5, 76, 1.0), (1.5, 72, 0.5), (2.0, 69, 1.5), (3.5, 67, 0.5)),
    1: ((0.0, 70, 1.5), (1.5, 67, 0.5), (2.0, 73, 1.0), (3.0, 70, 0.5), (3.5, 67, 0.5)),
    2: ((0.0, 69, 2.5), (3.5, 65, 0.5)),
    3: ((0.0, 67, 1.0), (1.5, 70, 0.5), (2.0, 72, 0.5), (2.5, 75, 1.0)),
    4: ((0.5, 74, 1.0), (1.5, 70, 0.5), (2.0, 69, 1.5), (3.5, 65, 0.5)),
    5: ((0.0, 73, 1.5), (1.5, 70, 0.5), (2.0, 67, 1.5)),
    6: ((0.0, 64, 0.5), (0.5, 67, 0.5), (1.0, 72, 1.0), (2.5, 70, 0.5), (3.0, 69, 0.5), (3.5, 66, 0.5)),
    7: ((0.0, 67, 2.0),),
    8: ((0.5, 76, 1.0), (1.5, 72, 0.5), (2.0, 69, 0.5), (2.5, 72, 0.5), (3.0, 77, 1.0)),
    9: ((0.5, 76, 0.5), (1.0, 74, 0.5), (1.5, 70, 1.0), (2.5, 73, 0.5), (3.0, 76, 0.5), (3.5, 79, 0.5)),
    10: ((0.0, 77, 1.5), (1.5, 76, 0.5), (2.0, 74, 1.0), (3.5, 71, 0.5)),
    11: ((0.0, 72, 0.5), (0.5, 75, 1.0), (2.0, 73, 0.5), (2.5, 72, 0.5), (3.0, 69, 0.5), (3.5, 66, 0.5)),
    12: ((0.0, 74, 1.0), (1.5, 77, 0.5), (2.0, 73, 1.5)),
    13: ((0.0, 72, 0.5), (0.5, 69, 1.0), (2.0, 70, 0.5), (2.5, 69, 0.5), (3.0, 66, 1.0)),
    14: ((0.0, 70, 0.5), (0.5, 67, 0.5), (1.0, 65, 0.5), (1.5, 67, 0.5), (2.5, 64, 0.5), (3.0, 61, 0.5)),
    15: ((0.0, 65, 2.0),),
}
_COMPING = ((0.0, 1.5), (1.5, 2.5), (0.5, 2.5), (1.5, 3.5), (0.0, 2.5), (2.0,), (0.5, 3.5), (1.5,))
"""Beats of a bar at which the chords fall: the left hand never says the same thing twice running."""


def changes(text: str = CHANGES) -> list[tuple[float, float, Chord]]:
    """(beat, beats, chord) of every chord of a line of bars."""
    found = []
    for bar, names in enumerate(text.split("|")):
        share = BEATS_A_BAR / len(names.split())
        for place, name in enumerate(names.split()):
            found.append((bar * BEATS_A_BAR + place * share, share, _chord(name)))
    return found


def _chord(name: str) -> Chord:
    root = name[:2] if name[:2] in ROOTS else name[:1]
    tones, voicing = QUALITIES[name[len(root) :]]
    return Chord(ROOTS[root], tones, voicing)


def melody(bars: int, random: np.random.Generator) -> Iterator[Note]:
    """The tune, a little different in weight each time."""
    for bar in range(bars):
        for beat, pitch, beats in MELODY[bar % len(MELODY)]:
            strong = 0.68 if beat % 1 else 0.54  # what comes off the beat is leant on
            swell = 0.10 * np.sin(np.pi * ((bar % 4) + beat / BEATS_A_BAR) / 4)  # a phrase has four bars
            velocity = strong + swell + random.uniform(-0.10, 0.08)
            yield Note(bar * BEATS_A_BAR + beat, pitch, 0.92 * beats, velocity)


def comping(bars: int, random: np.random.Generator) -> Iterator[Note]:
    """Chords between the tune's phrases: each voice moves to the nearest tone of the next chord."""
    chords = changes()
    before: tuple[int, ...] = (53, 57, 60, 64)
    for bar in range(bars):
        for beat in _COMPING[(bar + bar // 8) % len(_COMPING)]:
            at = (bar % 16) * BEATS_A_BAR + beat
            # Half a beat before a change the new chord is played already.
            chord = next(chord for begin, beats, chord in reversed(chords) if begin <= at + 0.5)
            before = _led(chord, before)
            length = 0.35 if random.random() < 0.6 else 1.2
            for pitch in before:
                yield Note(bar * BEATS_A_BAR + beat, pitch, length, 0.26 + random.uniform(-0.04, 0.06))


def _led(chord: Chord, before: tuple[int, ...]) -> tuple[int, ...]:
    """The chord's tones, in the octaves nearest to where the hand was, between E3 and A4."""
    centre = float(np.mean(before))
    pitches = set()
    for tone in chord.voicing:
        options = [p for p in range(51, 70) if (p - chord.root - tone) % 12 == 0]
        pitches.add(min(options, key=lambda p: abs(p - (centre + 59) / 2)))
    return tuple(sorted(pitches))


def walking(bars: int, random: np.random.Generator) -> Iterator[Note]:
    """A note a beat: the root where the chord changes, its tones on the way, then a half step into the next."""
    chords = [chord for chord in changes() if chord[0] < bars * BEATS_A_BAR]
    pitch = 41
    for (begin, beats, chord), (_, _, coming) in zip(chords, [*chords[1:], chords[0]]):
        pitch = _near(chord.root, pitch)
        line = [pitch]
        goal = _near(coming.root, pitch)
        for _ in range(int(beats) - 2):
            way = 1 if goal >= line[-1] else -1
            options = [p for p in range(30, 56) if (p - chord.root) % 12 in chord.tones and p != line[-1]]
            line.append(min(options, key=lambda p: abs(p - line[-1] - 4 * way) + random.uniform(0, 2)))
        if beats > 1:
            line.append(goal + int(random.choice([-1, 1])))
        for step, played in enumerate(line):
            yield Note(begin + step, played, 0.88, 0.78 + 0.1 * (step % 2) + random.uniform(-0.05, 0.05))
        if random.random() < 0.2:
            yield Note(begin + beats - 0.5, line[-1], 0.3, 0.45)  # a skip before the change
        pitch = line[-1]


def _near(pitch_class: int, to: int) -> int:
    """The pitch of that class nearest to another, within a bass's low octaves."""
    options = [p for p in range(29, 53) if (p - pitch_class) % 12 == 0]
    return min(options, key=lambda p: (abs(p - to) + 0.2 * abs(p - 35), p))
