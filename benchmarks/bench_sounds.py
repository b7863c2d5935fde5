#!/usr/bin/env python3
"""How the shipped sounds compare with recordings of what they stand for, and what the gate hears in them.

    python benchmarks/bench_sounds.py [--data DATA] [--picture sounds.png]

Distance: RMS difference of two spectra over 30 bands, in dB, as in docs/voice.md: median from the sound to all
recordings of its kind, and beside it among these recordings, as near as nature comes to itself. Moves: spread of
the level of 50 ms pieces. Without --data (or HEART_DATA) only loudness, the gate and the time to make them.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pyloudnorm

from heart.audio import read_audio
from heart.config import shipped
from heart.learning.texture_evaluate import distance_db, hear
from heart.listening.judgement import RATE_HZ, load_classifiers
from heart.records import SAMPLE_RATE_HZ
from heart.sounding import foley

KINDS = {
    "rain": ("env/rain",),
    "storm": ("env/storm", "env/thunderstorm"),
    "sea": ("env/sea_waves",),
    "birds": ("env/birds", "env/chirping_birds"),
    "breath": ("env/breathing",),
    "jazz": ("music/jazz",),
}
"""Folders of recordings beside the manifest."""
LONGEST_S = 30.0
PIECE_S = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("HEART_DATA"))
    parser.add_argument("--picture", type=Path, help="spectrograms beside the nearest recording")
    given = parser.parse_args()
    gate, pairs = load_classifiers()[0]["gate"], {}
    print("sound   seconds  LUFS   made in (CPU s)  gate (most of 5 s)  distance (among)  moves (recorded)")
    for name, folders in KINDS.items():
        path = shipped("sounds") / f"{name}.flac"
        sound, _ = read_audio(path)
        line = f"{name:8}{len(sound) / SAMPLE_RATE_HZ:6.1f}  "
        line += f"{pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(sound.astype(float)):6.1f}  "
        line += f"{cpu_s(name, len(sound) / SAMPLE_RATE_HZ):10.1f}  {most_heart(gate, path):16.2f}"
        if given.data:
            recordings = [load(file) for folder in folders for file in sorted((given.data / folder).glob("*.flac"))]
            words, nearest = compared(sound, recordings)
            line, pairs[name] = line + words, (sound, nearest)
        print(line, flush=True)
    if given.picture and pairs:
        draw(pairs, given.picture)


def load(path: Path) -> np.ndarray:
    """The first half minute of a recording: float32 [n]."""
    return read_audio(path, rate_hz=SAMPLE_RATE_HZ, first_seconds=LONGEST_S)[0]


def cpu_s(name: str, seconds: float) -> float:
    """Processor time to make a sound."""
    began = time.process_time()
    foley.make(name, seconds, 0)
    return time.process_time() - began


def most_heart(gate, path: Path) -> float:
    """The most that the gate hears a heart in any five seconds of a sound, 0..1."""
    wide, _ = read_audio(path, rate_hz=RATE_HZ)
    starts = range(0, len(wide) - PIECE_S * RATE_HZ + 1, RATE_HZ)
    return max(gate.judge(wide[at : at + PIECE_S * RATE_HZ], RATE_HZ).probabilities["heart"] for at in starts)


def compared(sound: np.ndarray, recordings: list[np.ndarray]) -> tuple[str, np.ndarray]:
    """The figures as words, and the recording whose spectrum is nearest."""
    own, others = hear(sound), [hear(recording) for recording in recordings]
    apart = [distance_db(own, other) for other in others]
    among = [distance_db(one, other) for i, one in enumerate(others) for other in others[:i]]
    told = f"{np.median(among):5.1f}" if among else "    -"
    words = f"{np.median(apart):12.1f} ({told}){own.moves_db:9.1f} ({np.median([o.moves_db for o in others]):.1f})"
    return words, recordings[int(np.argmin(apart))]


def draw(pairs: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """A row for each sound: its spectrogram, and that of the nearest recording."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(pairs), 2, figsize=(12, 2.1 * len(pairs)), layout="constrained")
    for row, (name, sounds) in zip(axes, pairs.items()):
        for cell, sound, words in zip(row, sounds, (f"{name}, from arithmetic", "the nearest recording")):
            cell.specgram(sound / sound.std() / 10 + 1e-9, 2048, SAMPLE_RATE_HZ, noverlap=1024, vmin=-130, vmax=-35)
            cell.set(yscale="symlog", ylim=(30, 18_000), title=words, ylabel="Hz")
    figure.savefig(path, dpi=70)


if __name__ == "__main__":
    main()
