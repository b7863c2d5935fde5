"""The words of notes: their length and rate (those of NSynth), pitches and families."""

from __future__ import annotations

from heart.errors import UsageError

RATE_HZ = 16_000
SAMPLES = 64_000
"""Four seconds, of which a held note sounds for three."""
LOWEST, HIGHEST = 21, 108
"""MIDI pitches, those of a piano."""
FAMILIES = ("additive", "fm", "plucked", "bowed", "blown", "struck")

BARS = (1.0, 2.756, 5.404, 8.933, 13.345, 18.638)
"""Modes of a free bar against the first (Fletcher, Rossing, The Physics of Musical Instruments)."""

NSYNTH = {
    "bass": "plucked",
    "brass": "blown",
    "flute": "blown",
    "guitar": "plucked",
    "keyboard": "struck",
    "mallet": "struck",
    "organ": "additive",
    "reed": "blown",
    "string": "bowed",
    "synth_lead": "fm",
    "vocal": "blown",
}
"""NSynth's families by how they are made to sound."""


def hertz(pitch: float) -> float:
    """Frequency of a MIDI pitch, A4 (69) at 440 Hz."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def check_pitch(pitch: float) -> float:
    """The pitch, where a note can have it; raises UsageError elsewhere."""
    if not LOWEST <= pitch <= HIGHEST:
        raise UsageError(f"pitch {pitch:g}: must be a MIDI pitch from {LOWEST} (27.5 Hz) to {HIGHEST} (4186 Hz)")
    return pitch


def family_number(name: str) -> int:
    """Place of a family in FAMILIES, by our word or NSynth's; raises UsageError for any other."""
    word = NSYNTH.get(name, name)
    if word not in FAMILIES:
        raise UsageError(f"family {name!r}: there are {', '.join(FAMILIES)}")
    return FAMILIES.index(word)
