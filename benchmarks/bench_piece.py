#!/usr/bin/env python3
"""Render the piece and measure it: speed, clicks, loudness by movement, and whether each door is heard as itself.

    python benchmarks/bench_piece.py [--steps 8] [--threads 0] [--keep FOLDER]

Clicks are counted where chunks meet, as in benchmarks/bench_splices.py. Doors: share of the windows of 5 s in which
`ear-valve` hears on voice 2 the label that voice 2 sings. With --keep the rendering stays there, and one that is
there already is measured without being made again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from heart.audio import read_audio
from heart.config import shipped
from heart.learning.voice_splices import clicks
from heart.listening.judgement import RATE_HZ, load_classifiers
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.stage.mixdown import loudness_of
from heart.stage.render import Wanted, render
from heart.stage.score import Score, marks
from heart.stage.score_reader import read_score

PIECE = shipped("patches") / "sounds-of-the-heart.score"
WINDOW_S, STEP_S = 5.0, 2.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=0, help="voices sung side by side; 0: one a core")
    parser.add_argument("--keep", type=Path, help="folder for piece.wav, its stems, log and page")
    given = parser.parse_args()
    score = read_score(PIECE)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "piece.wav").is_file():
            print(sung(folder, given.steps, given.threads), flush=True)
        for line in (*clean(folder), *loudness(folder, score), *doors(folder, score)):
            print(line, flush=True)


def sung(folder: Path, steps: int, threads: int) -> str:
    """Render it; how long that took."""
    began_s = time.process_time()
    out = folder / "piece.wav"
    files = {"log": out.with_suffix(".log"), "plot": out.with_suffix(".png")}
    told = render(Wanted(PIECE, out, steps=steps, threads=threads, stems=True, **files))
    cpu_s = time.process_time() - began_s
    faster = f"{told.seconds / told.work_s:.1f} times faster than it sounds"
    return f"{told.seconds:.0f} s at {steps} steps in {told.work_s:.0f} s ({faster}), {cpu_s:.0f} s of CPU"


def clean(folder: Path) -> list[str]:
    """Peak, DC, what is no number, clicks."""
    sound, _ = soundfile.read(folder / "piece.wav", dtype="float32")
    borders = borders_of(folder / "piece.log")
    peak_db = 20 * np.log10(np.abs(sound).max())
    return [
        f"peak {peak_db:.2f} dBFS, DC {np.abs(sound.mean(0)).max():.0e}, not finite {(~np.isfinite(sound)).sum()}, "
        f"clicks {len(clicks(sound.mean(1), borders))} at {len(borders)} borders"
    ]


def borders_of(log: Path) -> list[int]:
    """Frames at which chunks begin."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return sorted({line["first"] for line in lines if "first" in line})


def loudness(folder: Path, score: Score) -> list[str]:
    """Integrated loudness of each movement."""
    sound, rate_hz = soundfile.read(folder / "piece.wav", dtype="float32")
    begins = [*marks(score.cues), (score.seconds, "")]
    parts = [
        f"{name}: {loudness_of(sound[int(begin * rate_hz) : int(end * rate_hz)]):.1f}"
        for (begin, name), (end, _) in pairwise(begins)
    ]
    return [f"loudness {loudness_of(sound):.1f} LUFS; " + ", ".join(parts)]


def doors(folder: Path, score: Score) -> list[str]:
    """What the ear says of voice 2 while it sings a label alone."""
    valve = load_classifiers()[0]["valve"]
    low, _ = read_audio(folder / "piece-voice-2.wav", rate_hz=RATE_HZ)
    sets = [(e.frame / SAMPLE_RATE_HZ, e.args[0]) for e in score.events() if e.address == "/heart/set/label_2"]
    told = []
    for (begin, label), (end, _) in pairwise([*sets, (score.seconds, "")]):
        starts = np.arange(begin + 1, min(end, begin + 110) - WINDOW_S, STEP_S)
        if label not in LABELS or label == "N" or not len(starts):
            continue
        heard = [judged(valve, low[int(s * RATE_HZ) : int((s + WINDOW_S) * RATE_HZ)]) for s in starts]
        told.append(f"{label} {np.mean([h == label for h in heard]):.0%} of {len(heard)}")
    return ["doors heard as themselves: " + ", ".join(told)]


def judged(valve, sound: np.ndarray) -> str:
    """The most probable label."""
    shares = valve.judge(sound, RATE_HZ).probabilities
    return max(shares, key=shares.get)


if __name__ == "__main__":
    main()
