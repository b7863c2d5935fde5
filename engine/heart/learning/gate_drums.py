"""Loops of drums from arithmetic: what an ear behind a low-pass takes most easily for a heart.

A kit is struck once for each drum; a bar of sixteen steps places the strokes, with swing, ghosts, feel and a bass
line; a room and a compressor stand behind. Some bars are lub-dub itself, played on kicks: only what a kick is
(its fall in pitch, its tail, the click of the beater, a time that never varies) tells it from a heart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from heart.learning.sound_changes import LEAST, at_speed, compressed, levelled, roomy

STEPS = 16
DRUM_MODES = np.array([1.0, 1.59, 2.14, 2.30, 2.65, 2.92])
"""Partials of a round membrane over its lowest one (Fletcher and Rossing, The Physics of Musical Instruments)."""
PAIR_BPM = (50.0, 180.0)
PAIR_PART = (0.25, 0.45)
"""From the first kick of a pair to the second, as a share of the period: where S2 falls after S1."""
WAYS = ("groove", "straight", "pairs")
WAYS_SHARES = (0.5, 0.2, 0.3)
BASS_SHARE = 0.25
SEMITONE = 2 ** (1 / 12)


@dataclass(frozen=True)
class Stroke:
    """One stroke: when it begins, which drum of the kit, how hard (0..1)."""

    at_s: float
    drum: str
    force: float


Drum = Callable[[int, np.random.Generator], np.ndarray]


def kick(rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A kick: short and felted, or long as a drum machine's; overdriven, clicking, or neither."""
    fall_s = np.exp(rng.uniform(np.log(0.02), np.log(0.6)))
    sound = thump(rate_hz, rng.uniform(60, 400), rng.uniform(32, 95), fall_s, np.exp(rng.uniform(-5, -2.3)))
    sound = np.tanh(sound * rng.choice([0.1, 1.0, 4.0]))
    add(sound, 0, rng.choice([0.0, 0.1, 0.5]) * np.abs(sound).max() * hiss(rate_hz, rng.uniform(0.002, 0.01), rng))
    return gated(sound, rate_hz, rng)


def gated(sound: np.ndarray, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Half of them cut off within 10 ms after 50 to 200 ms, as machines and samplers do."""
    if rng.random() < 0.5:
        return sound
    t_s = np.arange(len(sound)) / rate_hz
    return sound * np.clip((rng.uniform(0.05, 0.2) - t_s) / 0.01, 0, 1)


def skin(rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A tom, conga, djembe or tabla: the partials of a skin, sliding up or down a little."""
    hz, fall_s = np.exp(rng.uniform(np.log(50), np.log(350))), np.exp(rng.uniform(np.log(0.05), np.log(0.5)))
    t_s = np.arange(int(5 * fall_s * rate_hz)) / rate_hz
    turns = np.cumsum(hz * (1 + rng.uniform(-0.25, 0.4) * np.exp(-t_s / 0.08))) / rate_hz
    partials = DRUM_MODES * rng.uniform(0.97, 1.03, len(DRUM_MODES))
    loud = rng.exponential(size=len(DRUM_MODES)) / DRUM_MODES ** rng.uniform(1, 3)
    dies = np.exp(-t_s / fall_s * (partials[:, None] ** rng.uniform(0.3, 1.2)))
    return gated(loud @ (np.sin(2 * np.pi * partials[:, None] * turns) * dies), rate_hz, rng)


def snare(rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A snare, a brush that sweeps, or the click of a rim."""
    way, rim_hz = rng.choice(["snare", "brush", "rim"]), rng.uniform(350, 1700)
    if way == "rim":
        return thump(rate_hz, rim_hz, rim_hz, rng.uniform(0.008, 0.04))
    sound = hiss(rate_hz, rng.uniform(0.03, 0.2), rng)
    if way == "brush":
        return sound * np.minimum(1, np.arange(len(sound)) / rate_hz / rng.uniform(0.02, 0.12))
    add(sound, 0, rng.uniform(0.3, 2) * thump(rate_hz, rng.uniform(180, 330), rng.uniform(140, 200), 0.05, 0.02))
    return sound


def hat(rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A hi-hat, shaker or maraca: high noise, sometimes swelling before it is there."""
    sound = np.diff(hiss(rate_hz, rng.uniform(0.01, 0.12), rng))
    return sound * np.minimum(1, np.arange(len(sound)) / rate_hz / rng.choice([0.001, 0.03]))


KIT: dict[str, Drum] = {"kick": kick, "low": kick, "skin": skin, "tom": skin, "snare": snare, "hat": hat}
LOUD = {"kick": 1.0, "low": 0.8, "skin": 0.8, "tom": 0.6, "snare": 0.6, "hat": 0.3}


def drums(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A loop of drums, float32 [frames] at rate_hz."""
    return played({name: strike(rate_hz, rng) for name, strike in KIT.items()}, frames, rate_hz, rng)


def sampled(sound: np.ndarray, rate_hz: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A kit cut out of any `sound`, float [n > 0]: each drum is the loudest place of some half second."""
    kit = {}
    for name in KIT:
        start = rng.integers(max(1, len(sound) - rate_hz // 2))
        at = start + int(np.abs(sound[start : start + rate_hz // 2]).argmax())
        part = at_speed(sound[max(0, at - rate_hz // 100) : at + rate_hz], np.exp(rng.uniform(-0.7, 0.4)))
        t_s = np.arange(len(part)) / rate_hz
        kit[name] = (
            part * np.minimum(1, t_s / 0.004) * np.exp(-t_s / np.exp(rng.uniform(np.log(0.03), np.log(0.3))))
        )
    return kit


def played(kit: Mapping[str, np.ndarray], frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A loop on a kit (sounds float [n], any level, by the names of KIT): float32 [frames]."""
    sound = np.zeros(frames)
    for stroke in pattern(frames / rate_hz, rng):
        part = kit[stroke.drum]
        loud = LOUD[stroke.drum] * stroke.force / (np.abs(part).max(initial=0.0) + LEAST)
        add(sound, round(stroke.at_s * rate_hz), loud * part)
    return in_a_room(sound, rate_hz, rng)


def pattern(seconds: float, rng: np.random.Generator) -> list[Stroke]:
    """The strokes of a loop of `seconds`; it begins anywhere in its bar."""
    way = WAYS[rng.choice(len(WAYS), p=WAYS_SHARES)]
    if way == "pairs":
        step_s, bar = paired(rng)
    else:
        step_s, bar = 60 / rng.uniform(60, 190) / 4, (grooved(rng) if way == "groove" else straight(rng))
    swing = rng.choice([0.0, rng.uniform(0.1, 0.4)]) if way != "pairs" else 0.0
    feel_s, start, before = rng.choice([0.0, 0.003, 0.012]), rng.integers(STEPS), rng.random()
    strokes = []
    for n in range(int(seconds / step_s) + 2):
        for name, forces in bar.items():
            if (force := forces[(n + start) % STEPS]) > 0:
                at_s = step_s * (n - before + swing * ((n + start) % 2)) + feel_s * rng.normal()
                strokes.append(Stroke(at_s, name, force * rng.uniform(0.85, 1)))
    return [stroke for stroke in strokes if 0 <= stroke.at_s < seconds]


def grooved(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Force 0..1 of each drum at the sixteen steps of any bar: accents, and ghosts between them."""
    often = {"low": 0.15, "skin": 0.3, "tom": 0.15, "snare": 0.15, "hat": 0.5}
    shares = {"kick": rng.choice([0.06, 0.15, 0.25])} | {
        name: rng.choice([0.0, share]) for name, share in often.items()
    }
    bar = {name: (rng.random(STEPS) < share) * rng.uniform(0.5, 1, STEPS) for name, share in shares.items()}
    for forces in bar.values():
        ghosts = (forces == 0) & (rng.random(STEPS) < rng.choice([0.0, 0.1, 0.3])) & (forces.max() > 0)
        forces[ghosts] = 10 ** rng.uniform(-1.7, -0.5)
    bar["kick"][0] = 1.0
    return bar


def straight(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A deep drum on every beat, or on every other; what answers it comes always in the same place."""
    places = np.arange(STEPS)
    every = int(rng.choice([2, 4, 8]))
    bar = {str(rng.choice(["kick", "skin"])): 1.0 * (places % every == 0)}
    bar[str(rng.choice(["low", "tom", "snare"]))] = rng.choice([0, 0.5, 0.9]) * (
        places % every == rng.integers(1, every)
    )
    bar["hat"] = rng.choice([0.0, 0.6]) * (places % 2 == rng.integers(2))
    return bar


def paired(rng: np.random.Generator) -> tuple[float, dict[str, np.ndarray]]:
    """Lub-dub on two deep drums: the length of a step, and the bar; now and then a hat or a tom goes along."""
    first, second = str(rng.choice(["kick", "skin"])), str(rng.choice(["kick", "low", "skin", "tom"]))
    steps = int(rng.choice([4, 8, 16]))
    after = max(1, round(steps * rng.uniform(*PAIR_PART)))
    places = np.arange(STEPS) % steps
    bar = {name: np.zeros(STEPS) for name in KIT}
    bar[first] += places == 0
    bar[second] += rng.uniform(0.4, 1) * (places == after)
    bar["hat"] += rng.choice([0.0, 0.0, 0.4]) * (rng.random(STEPS) < 0.4)
    bar["tom"] += rng.choice([0.0, 0.0, 0.3]) * (rng.random(STEPS) < 0.15)
    return 60 / rng.uniform(*PAIR_BPM) / steps, bar


def bass(frames: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A walking or throbbing bass: plucked notes of some partials, float [frames], RMS 1."""
    note_s, fall_s = rng.choice([0.5, 1.0]) * 60 / rng.uniform(60, 190), rng.uniform(0.1, 0.8)
    hz, walks, sound = rng.uniform(33, 110), rng.random() < 0.6, np.zeros(frames)
    order = np.arange(1, rng.integers(2, 9))[:, None]
    for n in range(int(frames / rate_hz / note_s) + 1):
        t_s = np.arange(int(rate_hz * note_s * rng.uniform(0.6, 1))) / rate_hz
        partials = np.sin(2 * np.pi * hz * order * t_s) / order ** rng.uniform(1, 2.5)
        soft = np.minimum(1, np.minimum(t_s, t_s[::-1]) / 0.01)
        if rng.random() < 0.85:
            add(sound, int(n * note_s * rate_hz), partials.sum(0) * soft * np.exp(-t_s / fall_s))
        hz = float(np.clip(hz * SEMITONE ** (walks * rng.integers(-5, 6)), 30, 160))
    return levelled(sound)


def in_a_room(sound: np.ndarray, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A dry loop, float [n], as one hears it: with a bass now and then, a room, a compressor and a little hiss."""
    sound = levelled(sound)
    if rng.random() < BASS_SHARE:
        sound = sound + rng.uniform(0.1, 1) * bass(len(sound), rate_hz, rng)
    sound = roomy(sound[None], rate_hz, 0.3, rng)
    sound = compressed(sound, rate_hz, 0.25, rng)[0]
    return levelled(sound) + 10 ** rng.uniform(-5, -1) * rng.normal(size=len(sound))


def thump(rate_hz: int, from_hz: float, to_hz: float, fall_s: float, slide_s: float = 0.03) -> np.ndarray:
    """A sine that slides from one pitch to another while it dies away: float [5 * fall_s * rate_hz]."""
    t_s = np.arange(int(5 * fall_s * rate_hz)) / rate_hz
    hz = to_hz + (from_hz - to_hz) * np.exp(-t_s / slide_s)
    return np.sin(2 * np.pi * np.cumsum(hz) / rate_hz) * np.exp(-t_s / fall_s)


def hiss(rate_hz: int, fall_s: float, rng: np.random.Generator) -> np.ndarray:
    """Noise that dies away: float [5 * fall_s * rate_hz], at least 8."""
    frames = max(8, int(5 * fall_s * rate_hz))
    return rng.normal(size=frames) * np.exp(-np.arange(frames) / rate_hz / fall_s)


def add(sound: np.ndarray, at: int, part: np.ndarray) -> None:
    """Mix `part` into `sound` from place `at` on; what does not fit is left out."""
    end = min(len(sound), at + len(part))
    sound[at:end] += part[: end - at]
