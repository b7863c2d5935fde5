"""Whole sounds by the loop that also sings live: beat clock, wish, chunk, cross-fade. Same seed, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from heart.audio import rise
from heart.errors import UsageError
from heart.records import OVERLAP, PATTERNS, RHYTHMS, SAMPLE_RATE_HZ, SUNG, Mix, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.glide import Glide
from heart.sounding.mixtures import find_sung, parse_mix, shares
from heart.sounding.registry import Singer, labels_of, list_voices, open_voice
from heart.sounding.track import Track

HOP = 16_384
"""New frames of a wish, as live: 0.37 s."""
PAST = 20_480
LONGEST_S = 3_600.0
Progress = Callable[[float], object]
"""Called with the seconds sung so far."""
Make = Callable[[int, int, int, np.ndarray], Wish]
"""(number, start, frames, past) -> the wish for it."""
WORDS = {
    "normal": "N",
    "aortic_stenosis": "AS",
    "mitral_regurgitation": "MR",
    "mitral_stenosis": "MS",
    "mitral_valve_prolapse": "MVP",
    "none": "",
}
"""Long names of the labels."""
RHYTHM = {"systole": (0.7, 1.3), "balance": (-1.0, 1.0), "ectopy": (0.0, 0.33)}
"""Least and most of the beat clock's further settings."""


def find_label(word: str) -> str:
    """The label a word means: one of SUNG in any case, a condition's long name, or "" for none.

    Raises:
        UsageError: no such label.
    """
    plain = find_sung(word)
    if plain in SUNG or plain == "":
        return plain
    label = WORDS.get(plain.lower().replace(" ", "_").replace("-", "_"))
    if label is None:
        raise UsageError(f"label {word!r}: take one of {', '.join(SUNG)} or {', '.join(WORDS)}")
    return label


def generate(
    seconds: float = 10.0,
    label: str = "normal",
    bpm: float = 72.0,
    rmssd: float = 30.0,
    seed: int = 0,
    steps: int = 8,
    voice: str | Singer = "voice",
    sampler: str = "ddim",
    guidance: float = 1.0,
    threads: int = 0,
    progress: Progress = lambda sung_s: None,
    *,
    mix: str = "",
    track: Track | None = None,
    ramps: Mapping[str, Glide] | None = None,
    **rhythm: Any,
) -> np.ndarray:
    """Sing `seconds` of heart or texture: float32 [round(seconds * 44100)].

    Args:
        seconds: 0.1 .. 3600.
        label: see `find_label`.
        bpm: 20 .. 300.
        rmssd: beat-to-beat variability in ms, 0 .. 500.
        seed: decides everything that is left to chance.
        steps: sampling steps, 1 .. 200.
        voice: a name of the registry, or a voice that is already open.
        sampler: "ddim", "ddpm" or one of k-diffusion's.
        guidance: 1 is none; above, the label is exaggerated.
        threads: of the voice; 0 chooses.
        progress: called with the seconds sung so far.
        mix: labels with weights to sing instead of `label`, as in "N:0.5,storm:0.5".
        track: given RR intervals; at `track.bpm` they are sung as they are.
        ramps: settings of the beat clock by name (bpm, rmssd_ms, systole, balance, ectopy) that move.
        rhythm: systole (0.7 .. 1.3), balance (-1 .. 1), pattern, ectopy (0 .. 0.33); see `BeatClock`.

    Raises:
        UsageError: an argument out of its range.
        FileError: the voice's weights are missing or damaged.
    """
    check("seconds", seconds, 0.1, LONGEST_S)
    check("bpm", bpm, 20, 300)
    check("rmssd", rmssd, 0, 500)
    check("steps", steps, 1, 200)
    check("guidance", guidance, 0, 10)
    name, blend = find_label(label), parse_mix(mix) if mix else ()
    check_sings(voice, blend or ((name, 1.0),))
    singer = open_voice(voice, threads, sampler) if isinstance(voice, str) else voice
    if rhythm.get("pattern", PATTERNS[0]) == PATTERNS[0] and name in RHYTHMS:
        rhythm["pattern"] = RHYTHMS[name]
    clock = _clock(bpm, rmssd, seed, track, ramps or {}, rhythm)

    def make(number: int, start: int, frames: int, past: np.ndarray) -> Wish:
        begin = start - len(past) - SAMPLE_RATE_HZ // 2
        beats = tuple(b for b in clock.beats_until(start + frames + SAMPLE_RATE_HZ) if b.s2 >= begin)
        return Wish(number, start, frames, past, beats, name, seed, steps, guidance, mix=blend)

    return sing_on(singer, round(seconds * SAMPLE_RATE_HZ), make, progress)


def sing_on(singer: Singer, total: int, make: Make, progress: Progress) -> np.ndarray:
    """Sing `total` frames, wish by wish as `make` makes them: float32 [total]."""
    sound = np.zeros(-(-total // HOP) * HOP + OVERLAP, np.float32)
    parts = np.zeros((len(sound), 2), np.float32)
    for number, start in enumerate(range(0, total, HOP)):
        heard = slice(max(0, start - PAST), start + OVERLAP if start else 0)
        both = parts[heard].copy() if parts[heard].any() else None
        chunk = singer.sing(replace(make(number, start, HOP, sound[heard].copy()), parts=both))
        lay(sound, start, chunk.audio)
        if chunk.parts is not None:
            lay(parts, start, chunk.parts)
        progress(min(start + HOP, total) / SAMPLE_RATE_HZ)
    return sound[:total]


def _clock(
    bpm: float, rmssd: float, seed: int, track: Track | None, ramps: Mapping[str, Glide], rhythm: Mapping[str, Any]
) -> BeatClock:
    for name, (low, high) in RHYTHM.items():
        check(name, rhythm.get(name, low), low, high)
    pattern = rhythm.get("pattern", PATTERNS[0])
    if pattern not in PATTERNS:
        raise UsageError(f"pattern {pattern!r}: take one of {', '.join(PATTERNS)}")
    clock = BeatClock(bpm, rmssd, seed, **rhythm)
    clock.play(track)
    for name, glide in ramps.items():
        clock.glide(name, glide)
    return clock


def lay(sound: np.ndarray, start: int, audio: np.ndarray) -> None:
    """Put a chunk at `start`, cross-faded over OVERLAP frames with what lies there (in place)."""
    fade = rise(OVERLAP) if start else np.ones(OVERLAP, np.float32)
    fade = fade.reshape(-1, *[1] * (audio.ndim - 1))
    head = slice(start, start + OVERLAP)
    sound[head] = sound[head] * (1 - fade) + audio[:OVERLAP] * fade
    sound[start + OVERLAP : start + len(audio)] = audio[OVERLAP:]


def check_sings(voice: str | Singer, mix: Mix) -> None:
    """Raises UsageError when a voice of the registry does not sing a label; "" is always sung."""
    name = voice if isinstance(voice, str) else voice.name
    if name not in list_voices():
        return
    sings = labels_of(name)
    for label in shares(tuple((label, weight) for label, weight in mix if label)):
        if label not in sings:
            raise UsageError(f"label {label}: {name} sings {', '.join(sings)}; see `heart models`")


def check(name: str, value: float, least: float, most: float) -> None:
    """Raises UsageError when the value lies outside."""
    if not least <= value <= most:
        raise UsageError(f"{name} {value:g}: must lie between {least:g} and {most:g}")
