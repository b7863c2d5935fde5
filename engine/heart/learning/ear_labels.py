"""Labels for short clips of a few beats that nobody annotated: when each S1 and S2 begins.

A clip of three beats is too short for a decoder to settle which sound is the first, so all cycles decide together:
the best cycle of each clip is found (`ear_cycles`), clips of one group (takes of one recording) vote on whether
their first sound is S1 or S2, and only then each beat is placed, first by the semi-Markov decoder with durations
close to the cycle's, then by the rise of the sound itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heart.learning import ear_data
from heart.learning.ear_cycles import Cycle, best_cycles, first_sound, fold, period_steps, place
from heart.listening import features, segment
from heart.listening.decoder import S1, S2, emissions
from heart.listening.net import Weights

SOUND_IN = {
    "N": (1.0, -1.0, 1.0, -1.0),
    "AS": (0.5, 0.5, 0.5, -1.0),
    "MR": (0.5, 0.5, 0.5, -1.0),
    "MVP": (0.5, 0.5, 0.5, -1.0),
    "MS": (0.5, -1.0, 0.5, 0.5),
}
"""Where each condition is loud, by state: murmurs of AS, MR and MVP fill the systole, that of MS the
diastole, and a
normal heart makes no sound but its two. Settles clips of which the net, which knows no murmurs by
name, is unsure."""
SOUND_WEIGHT = 0.8
SILENCE = 0.03
"""A sound whose envelope stays under this share of the clip's highest is none (some clips hold gaps)."""
REFINE_S = 0.04
"""How far the rise of the sound may move an onset."""


def rise_s(envelope: np.ndarray, rate_hz: int, onset_s: float, first_s: float) -> float:
    """Where the sound that follows onset_s really rises: envelope at rate_hz; never moved by more than REFINE_S."""
    low, high = (int(max(t, 0.0) * rate_hz) for t in (onset_s - REFINE_S, onset_s + 0.08))
    piece = envelope[low:high]
    if len(piece) < 10:
        return onset_s
    peak = int(piece.argmax())
    floor = float(piece[: peak + 1].min())
    loud = piece[: peak + 1] > floor + 0.25 * (piece[peak] - floor)
    rises = low + np.nonzero(loud & ~np.concatenate([[False], loud[:-1]]))[0]
    if not len(rises):
        return onset_s
    at = rises[np.abs(rises / rate_hz - onset_s).argmin()] / rate_hz
    return float(np.clip(at, max(onset_s - REFINE_S, first_s), onset_s + REFINE_S))


def heard(envelope: np.ndarray, onset_s: float) -> bool:
    """Is there any sound in the 100 ms after onset_s?"""
    at = int(onset_s * features.RATE_HZ)
    return bool(envelope[at : at + features.RATE_HZ // 10].max(initial=0.0) > SILENCE * envelope.max())


def envelope_of(samples: np.ndarray) -> np.ndarray:
    """Power of a sound below about 200 Hz, smoothed over 20 ms, same length: murmurs lie higher."""
    low = np.convolve(samples, np.hanning(9) / np.hanning(9).sum(), "same")
    kernel = np.hanning(41)
    return np.sqrt(np.convolve(low**2, kernel / kernel.sum(), "same"))


@dataclass(frozen=True)
class Clip:
    """What one clip says before its group has voted."""

    path: str
    samples: np.ndarray
    emission: np.ndarray
    cycles: dict[bool, Cycle]
    first_step: int


def loudness(bels: np.ndarray) -> np.ndarray:
    """Level of each step within its clip, [steps], about -1.5..1.5 bels around the middle of the range."""
    steps = len(bels) // features.STEP
    level = bels[: steps * features.STEP].max(1).reshape(steps, features.STEP).mean(1)
    low, high = np.quantile(level, [0.1, 0.95])
    return (level - (low + high) / 2).clip(-1.5, 1.5)


def read_clip(path: Path, row: dict[str, str], nets: Sequence[Weights], beats: int) -> Clip:
    """Run the nets on a clip, add what its condition says of loud and quiet states, and find its best cycles."""
    samples = ear_data.read_sound(path)
    posteriors = segment.states(nets, samples).posteriors
    emission = emissions(np.log(np.maximum(posteriors, 1e-3)))
    bels = features.log_bands(features.band_powers(samples))
    if row["label"] in SOUND_IN:
        emission = emission + SOUND_WEIGHT * np.outer(loudness(bels), SOUND_IN[row["label"]])
    period = period_steps(bels, beats)
    first = first_sound(loudness(bels))
    return Clip(row["path"], samples, emission, best_cycles(fold(emission, period), first), first)


def vote(clips: list[Clip]) -> bool:
    """Do the clips of one group start with S1? The sum of what each gains by it; a clip counts for at most 10."""
    gains = [c.cycles[True].score - c.cycles[False].score for c in clips if len(c.cycles) == 2]
    return float(np.clip(gains, -10, 10).sum()) >= 0 if gains else True


def settle(clips: list[Clip]) -> list[Cycle]:
    """One cycle for each clip of a group: the voted one, or, where its proportions are not those of the others
    (systole off by a quarter), one with the group's proportions."""
    s1_first = vote(clips)
    chosen = [c.cycles.get(s1_first) or next(iter(c.cycles.values())) for c in clips]
    shares = np.median([np.array(c.lengths) / sum(c.lengths) for c in chosen], axis=0)
    to_s2 = np.array([(c.lengths[0] + c.lengths[1]) / sum(c.lengths) for c in chosen])
    off = np.abs(to_s2 / (shares[0] + shares[1]) - 1) > 0.25
    return [
        in_proportion(c, clip, shares, s1_first) if o else c for c, clip, o in zip(chosen, clips, off, strict=True)
    ]


def in_proportion(cycle: Cycle, clip: Clip, shares: np.ndarray, s1_first: bool) -> Cycle:
    """A cycle of the same period with other shares of the states, whose first sound is the clip's first."""
    edges = np.rint(np.cumsum(shares / shares.sum()) * sum(cycle.lengths)).astype(int)
    a, b, c, d = (int(x) for x in np.diff(np.concatenate([[0], edges])))
    phase = clip.first_step if s1_first else clip.first_step - a - b
    return Cycle((a, b, c, d), phase % (a + b + c + d), cycle.score)


def onsets_of(clip: Clip, cycle: Cycle) -> dict[str, list[float]]:
    """{"s1": [s], "s2": [s]} of a clip."""
    envelope = envelope_of(clip.samples)
    found: dict[str, list[float]] = {"s1": [], "s2": []}
    for part in place(clip.emission, cycle):
        cut_off = part.start == 0 and part.end < 0.3 * cycle.lengths[part.state]
        if part.state not in (S1, S2) or cut_off:
            continue
        onset_s = (part.start + 1) / features.STEPS_PER_S
        exact_s = rise_s(envelope, features.RATE_HZ, onset_s, 0.0)
        if heard(envelope, exact_s):
            found["s1" if part.state == S1 else "s2"].append(round(exact_s, 4))
    return found


def label_clips(
    data_dir: Path, nets: Sequence[Weights], out_json: Path, folder: str = "yaseen", beats: int = 3
) -> int:
    """Label every clip of a folder of the data by nets that read both ways, and write
    {path: {"s1": [s], "s2": [s]}}. Returns how many."""
    groups: dict[tuple[str, str], list[Clip]] = defaultdict(list)
    for row in ear_data.read_manifest(data_dir):
        if row["path"].startswith(folder + "/"):
            groups[row["label"], row["group"]].append(read_clip(Path(data_dir) / row["path"], row, nets, beats))
    labels = {
        clip.path: onsets_of(clip, cycle)
        for clips in groups.values()
        for clip, cycle in zip(clips, settle(clips), strict=True)
    }
    Path(out_json).parent.mkdir(parents=True, exist_ok=True)
    part = Path(out_json).with_suffix(".part")
    part.write_text(json.dumps(labels, indent=0))
    part.replace(out_json)
    return len(labels)
