"""The figures of a demo: computed from what the client played, never from what the engine claims alone."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from heart.listening.judge import onsets, score
from heart.plumbing.inbox import PlayedBeat
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.rhythm import systole_ms

if TYPE_CHECKING:
    from heart.stage.demo import Knob, Take

SETTLE_S = 6.0
"""Follow mode is judged from here on."""

SETTLE_BEATS_S = 1.0


def figures_of(take: Take) -> dict[str, Any]:
    """Every figure of a run, by name; times in the unit of the name."""
    beats = beat_score(take)
    samples, wrong = compare(take.recorded, take.sound)
    knob_ms = knob_delays_ms(take.knobs, take.client.inbox.chunks)
    return {
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "seconds": round(len(take.sound) / SAMPLE_RATE_HZ, 1),
        "samples_compared": samples,
        "wrong_samples": wrong,
        "underruns": take.show_underruns,
        "beats_f1": round(beats.f1, 4),
        "beats_judged": beats.asked,
        "beats_spread_ms": round(beats.spread_ms, 1),
        "voice_p95_of_real_time": take.report["voice_p95_of_real_time"],
        "knob_to_sound_p50_ms": _percentile(knob_ms, 50),
        "knob_to_sound_p95_ms": _percentile(knob_ms, 95),
        "knobs_turned": len(knob_ms),
        "engine_cpu_share": take.report["engine_cpu_share"],
        "bed_s": take.report["bed_s"],
        **follow_figures(take),
        "voice_back_after_kill_s": round(take.revival_s, 2),
        "underruns_while_voice_was_dead": take.gap_underruns,
        "peak": round(float(np.abs(take.sound).max()), 4),
        "not_finite": int((~np.isfinite(take.sound)).sum()),
    }


def compare(sent: np.ndarray, played: np.ndarray) -> tuple[int, int]:
    """(samples compared, samples that differ) between what was sent and what was played; float32 [n] each.

    The two are laid over each other where a first loud piece of `sent` stands in `played`, exactly.
    """
    at = _first_sound(sent)
    shift = _find(played, sent[at : at + 64])
    if shift is None:
        return 0, len(played)
    sent, played = sent[max(0, at - shift) :], played[max(0, shift - at) :]
    length = min(len(sent), len(played))
    return length, int((sent[:length] != played[:length]).sum())


def _first_sound(sound: np.ndarray) -> int:
    """First frame that is loud enough for a match to mean something."""
    return int(np.flatnonzero(np.abs(sound) > 0.01)[0]) if (np.abs(sound) > 0.01).any() else 0


def _find(sound: np.ndarray, piece: np.ndarray) -> int | None:
    """Where `piece` stands in `sound`, exactly."""
    for at in np.flatnonzero(sound[: len(sound) - len(piece)] == piece[0]):
        if np.array_equal(sound[at : at + len(piece)], piece):
            return int(at)
    return None


def beat_score(take: Take) -> Any:
    """Sung S1 and S2 of the first chapter against the announced schedule, 40 ms, by the plain judge."""
    begin, end = take.chapters[0][1] + SETTLE_BEATS_S * SAMPLE_RATE_HZ, take.chapters[1][1]
    asked = _asked_s(take.client.beats, begin, end - SAMPLE_RATE_HZ / 2)
    margin = int(0.2 * SAMPLE_RATE_HZ)
    first, last = int(asked[0] * SAMPLE_RATE_HZ) - margin, int(asked[-1] * SAMPLE_RATE_HZ) + margin
    found = onsets(take.sound[max(0, first) : last], SAMPLE_RATE_HZ) + max(0, first) / SAMPLE_RATE_HZ
    return score(found, asked)


def _asked_s(beats: Sequence[PlayedBeat], begin: float, end: float) -> np.ndarray:
    inside = [beat for beat in beats if begin <= beat.frame < end]
    s1 = [beat.frame / SAMPLE_RATE_HZ for beat in inside]
    s2 = [beat.frame / SAMPLE_RATE_HZ + systole_ms(beat.rr_ms) / 1000 for beat in inside]
    return np.sort(np.array(s1 + s2))


def knob_delays_ms(knobs: Sequence[Knob], chunks: Sequence[Any]) -> list[float]:
    """From each turn of label or bpm to the first sounding frame that was sung with it."""
    delays = []
    for knob in knobs:
        if knob.name not in ("label", "bpm"):
            continue
        sung = [c.frame for c in chunks if c.frame > knob.frame and _has(c, knob)]
        if sung and not (knob.name == "label" and _is_first(knob, knobs)):
            delays.append((sung[0] - knob.frame) * 1000 / SAMPLE_RATE_HZ)
    return delays


def _has(chunk: Any, knob: Knob) -> bool:
    if knob.name == "label":
        return bool(chunk.label == knob.value)
    return abs(chunk.bpm - float(knob.value)) < 0.01


def _is_first(knob: Knob, knobs: Sequence[Knob]) -> bool:
    """The first label asked for was sung already, so its turn changes nothing."""
    return knob is next(k for k in knobs if k.name == "label")


def follow_figures(take: Take) -> dict[str, Any]:
    """How the sung tempo keeps to the heard one, from SETTLE_S after the heart began."""
    settled = [
        (heard, sung)
        for frame, heard, sung in take.heard
        if frame > take.follow_frame + SETTLE_S * SAMPLE_RATE_HZ and heard > 0
    ]
    if not settled:
        return {"heard_bpm": None, "follow_error_bpm": None, "follow_within_2_bpm": 0.0}
    heard, sung = np.array(settled).T
    return {
        "heard_bpm": round(float(np.median(heard)), 1),
        "heart_file_bpm": take.heart_bpm,
        "follow_error_bpm": round(float(np.median(np.abs(heard - sung))), 2),
        "follow_within_2_bpm": round(float((np.abs(heard - sung) <= 2).mean()), 3),
        "sung_apart_from_heard_ms": _apart_ms(take),
    }


def _apart_ms(take: Take) -> float | None:
    """Median distance of a heard S1 from the nearest sung one, once settled; by chance it were a quarter RR."""
    begin = take.follow_frame + SETTLE_S * SAMPLE_RATE_HZ
    heard = [beat.frame for beat in take.client.inbox.heard if begin < beat.frame < len(take.sound)]
    sung = np.array([beat.frame for beat in take.client.beats])
    if not heard or not len(sung):
        return None
    apart = [np.abs(sung - frame).min() for frame in heard]
    return round(float(np.median(apart)) * 1000 / SAMPLE_RATE_HZ, 0)


def _percentile(values: Sequence[float], part: float) -> float | None:
    return round(float(np.percentile(values, part)), 0) if values else None


FLOORS: tuple[tuple[str, str, str, float, str], ...] = (
    # name, what, comparison, floor, unit
    ("wrong_samples", "wrong samples, sent against played", "<=", 0, ""),
    ("underruns", "underruns", "<=", 0, ""),
    ("beats_f1", "beats against the schedule, 40 ms, F1", ">=", 0.98, ""),
    ("voice_p95_of_real_time", "live voice, p95 of real time", "<=", 0.5, ""),
    ("knob_to_sound_p95_ms", "knob to sound, p95", "<=", 800, "ms"),
    ("engine_cpu_share", "engine process, all in", "<=", 0.08, "of a core"),
    ("follow_error_bpm", "sung against heard rate, following", "<=", 2, "bpm"),
    ("voice_back_after_kill_s", "voice back after kill -9", "<=", 5, "s"),
    ("underruns_while_voice_was_dead", "underruns while it was dead", "<=", 0, ""),
    ("peak", "highest peak", "<=", 0.8913, ""),
)


def lines_of(figures: dict[str, Any]) -> list[str]:
    """The report as it is printed: figure, what was aimed at, and whether it was reached."""
    lines = [f"measured on {figures['machine']}, {figures['seconds']:g} s, heart: {figures['heart']}"]
    for name, what, sign, floor, unit in FLOORS:
        value = figures[name]
        good = value is not None and (value <= floor if sign == "<=" else value >= floor)
        shown = "none" if value is None else f"{value:g}"
        lines.append(f"  {'ok   ' if good else 'SHORT'} {what:38} {shown:>8} {unit:10} (aim {sign} {floor:g})")
    lines.append("  what a minute cannot show (ten minutes into Pd, lossy networks, validation): `make bench`")
    return lines
