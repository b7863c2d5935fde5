"""Training material of the voice: clips of three beats become endless hearts of any tempo.

`pack_clips` reads the five-class set (Yaseen et al., Applied Sciences 2018), marks S1 and S2 with the ear,
sharpens the marks, levels each clip and measures its style. `Loom` weaves windows from such a clip: it
follows any beat schedule, beat after beat in random order, and moves through each beat's systole and
diastole faster or slower (overlap-add of 46 ms grains) while S1 and S2 keep their own length.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from scipy.signal import butter, find_peaks, hilbert, sosfiltfilt

from heart.errors import FileError
from heart.learning.ear_labels import label_clips
from heart.learning.voice_style import STYLES, measure_style
from heart.listening.weights import load_weights
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.rhythm import systole_ms

PEAK = 0.5
"""Level of the loud sounds of a clip after levelling."""
RATE = SAMPLE_RATE_HZ
MARKING = 2
"""How onsets are marked. A pack of another marking is packed again."""
_SEARCH_S = (0.05, 0.09)
"""A sound's peak is looked for this long before and after a mark."""
_RISE_S = 0.09
"""A sound has risen to its peak within this time, also one that is split in two."""


@dataclass(frozen=True)
class Clip:
    """One levelled recording."""

    path: str
    split: str
    label: int
    """Index into LABELS."""
    sound: np.ndarray
    """float32 [n] at 44.1 kHz."""
    cycles: np.ndarray
    """int64 [beats, 3]: samples of S1, S2 and the next S1."""
    style: np.ndarray
    """float32 [STYLES], see `voice_style`."""


def pack_clips(
    data_dir: Path,
    out: Path,
    marks: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Clip]:
    """Read, mark, level and measure all clips of the five-class set; keep them in `out` (.npz).

    Args:
        data_dir: folder with manifest.csv and yaseen/.
        out: where the pack goes.
        marks: {"yaseen/..": {"s1": [s], "s2": [s]}}; None asks the ear, and keeps its answer beside the pack.

    Raises:
        FileError: no manifest, or no clip of the set in it.
    """
    rows = _rows(data_dir)
    marks = ask_ear(data_dir, out.with_suffix(".beats.json")) if marks is None else marks
    clips = []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        sound, rate = sf.read(data_dir / row["path"], dtype="float64")
        clip = make_clip(sound, rate, marks[row["path"]], row)
        if clip is not None:
            clips.append(clip)
    progress(len(rows), len(rows))
    out.parent.mkdir(parents=True, exist_ok=True)
    _save(clips, out)
    return clips


def make_clip(
    sound: np.ndarray, rate: int, marks: Mapping[str, Sequence[float]], row: Mapping[str, str]
) -> Clip | None:
    """One clip, or None where no whole beat could be marked."""
    sound = sound - sound.mean()
    sound = soxr.resample(sound, rate, RATE, quality="VHQ")
    sound = sosfiltfilt(butter(2, 15, "high", fs=RATE, output="sos"), sound)
    envelope = _envelope(sound)
    s1 = [sharpen(envelope, int(s * RATE)) for s in marks["s1"]]
    s2 = [sharpen(envelope, int(s * RATE)) for s in marks["s2"]]
    cycles = agree(_cycles(np.array(s1), np.array(s2), len(sound)), envelope)
    if not len(cycles) or _implausible(cycles, row["label"]):
        return None
    sound = (sound * PEAK / _loudness(sound, cycles)).astype(np.float32)
    style = measure_style(sound, cycles)
    return Clip(row["path"], row["split"], LABELS.index(row["label"]), sound, cycles, style)


def gather_clips(data_dir: Path, pack: Path) -> list[Clip]:
    """The clips of a pack, packed now when they are not yet, or when they were marked otherwise."""
    return load_clips(pack) if _is_marked(pack) else pack_clips(data_dir, pack)


def _is_marked(pack: Path) -> bool:
    if not pack.is_file():
        return False
    with np.load(pack) as data:
        return "marking" in data and int(data["marking"]) == MARKING


def load_clips(pack: Path) -> list[Clip]:
    """The clips of a pack. Raises FileError when there is none."""
    if not pack.is_file():
        raise FileError(f"{pack}: no such pack of training clips")
    with np.load(pack) as data:
        index = json.loads(str(data["index"]))
        sounds = np.split(data["sounds"], np.cumsum([entry["length"] for entry in index])[:-1])
        styles = data["styles"]
    return [
        Clip(e["path"], e["split"], e["label"], sound.astype(np.float32), np.array(e["cycles"]), style)
        for e, sound, style in zip(index, sounds, styles)
    ]


def _save(clips: Sequence[Clip], out: Path) -> None:
    index = [
        {"path": c.path, "split": c.split, "label": c.label, "length": len(c.sound), "cycles": c.cycles.tolist()}
        for c in clips
    ]
    sounds = np.concatenate([clip.sound for clip in clips]).astype(np.float16)
    styles = np.array([clip.style for clip in clips], np.float32).reshape(-1, STYLES)
    np.savez(out, index=json.dumps(index), sounds=sounds, styles=styles, marking=MARKING)


def _rows(data_dir: Path) -> list[dict[str, str]]:
    manifest = data_dir / "manifest.csv"
    if not manifest.is_file():
        raise FileError(f"{manifest}: no such file; `heart data` says how to get the training data")
    with manifest.open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["source"] == "yaseen2018" and "label_conflict" not in row["note"]
        ]
    if not rows:
        raise FileError(f"{manifest}: lists no clip of yaseen2018")
    return rows


def ask_ear(data_dir: Path, out: Path) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """S1 and S2 of every clip of the set, by the shipped ear; kept in `out` (.json) and read from there."""
    if not out.is_file():
        out.parent.mkdir(parents=True, exist_ok=True)
        label_clips(data_dir, load_weights().file, out)
    marks: Mapping[str, Mapping[str, Sequence[float]]] = json.loads(out.read_text())
    return marks


def _envelope(sound: np.ndarray) -> np.ndarray:
    """Smooth 25-90 Hz envelope, where S1 and S2 are and most murmur is not; float64 [n]."""
    band = sosfiltfilt(butter(2, [25, 90], "band", fs=RATE, output="sos"), sound)
    return np.maximum(sosfiltfilt(butter(2, 25, fs=RATE, output="sos"), np.abs(hilbert(band))), 0)


def sharpen(envelope: np.ndarray, mark: int) -> int:
    """The onset near a mark: where the nearby sound that rises highest last passed a fifth of its rise.

    Only peaks count, so that the flank of a murmur at the edge of the search is none. A fifth is less than what
    lies between the halves of a split S1, so it begins with the first of them, however soft that is.
    """
    first = max(1, mark - int(_SEARCH_S[0] * RATE))
    peaks = first - 1 + find_peaks(envelope[first - 1 : mark + int(_SEARCH_S[1] * RATE)])[0]
    rises = [envelope[max(0, peak - int(_RISE_S * RATE)) : peak + 1] for peak in peaks]
    if not rises:
        return mark
    highest = int(np.argmax([rise[-1] - rise.min() for rise in rises]))
    rise = rises[highest]
    below = np.flatnonzero(rise <= rise.min() + 0.2 * (rise[-1] - rise.min()))
    return int(peaks[highest]) + 1 - len(rise) + int(below[-1])


def _cycles(s1: np.ndarray, s2: np.ndarray, length: int) -> np.ndarray:
    """Whole beats [n, 3] with intervals a heart can have; the last one may end with the clip."""
    cycles = []
    for i, begin in enumerate(s1):
        later = s2[s2 > begin]
        if not len(later):
            continue
        end = int(s1[i + 1]) if i + 1 < len(s1) else length
        systole_s, diastole_s = (later[0] - begin) / RATE, (end - later[0]) / RATE
        if 0.15 <= systole_s <= 0.48 and 0.16 <= diastole_s <= 1.4:
            cycles.append((int(begin), int(later[0]), end))
    return np.array(cycles, np.int64).reshape(-1, 3)


def agree(cycles: np.ndarray, envelope: np.ndarray) -> np.ndarray:
    """Cycles [beats, 3] with one length of systole.

    Within three beats systole changes by a few milliseconds. Where marks differ by more, some took the
    height of a murmur for S2; the longest systole is the one that reached past it.
    """
    systoles = cycles[:, 1] - cycles[:, 0]
    if len(cycles) < 2 or np.ptp(systoles) < 0.06 * RATE:
        return cycles
    mended = [(a, sharpen(envelope, int(a + systoles.max())), e) for a, _, e in cycles]
    kept = [cycle for cycle in mended if cycle[2] - cycle[1] > 0.16 * RATE]
    return np.array(kept, np.int64).reshape(-1, 3)


def _implausible(cycles: np.ndarray, label: str) -> bool:
    """Aortic stenosis prolongs ejection; a short systole there is a mark inside the murmur."""
    systole_s, rr_s = np.median(cycles[:, 1] - cycles[:, 0]) / RATE, np.median(cycles[:, 2] - cycles[:, 0]) / RATE
    return bool(label == "AS" and systole_s * 1_000 < 0.8 * systole_ms(rr_s * 1_000))


def _loudness(sound: np.ndarray, cycles: np.ndarray) -> float:
    """The level that becomes PEAK: S1's median peak, unless S2 or a murmur is far louder."""
    span = int(0.12 * RATE)

    def peak(column: int) -> float:
        return float(np.median([np.abs(sound[c[column] : c[column] + span]).max() for c in cycles]))

    return max(peak(0), 0.7 * peak(1), 0.7 * float(np.percentile(np.abs(sound), 99.7)), 1e-6)
