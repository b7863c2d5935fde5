"""A small data folder with a manifest, for the tests of scene and gate: hearts and noises by arithmetic."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 4000
COLUMNS = ("path", "source", "label", "group", "split", "note", "beats")


def heart(seconds: float, murmur: float, rng: np.random.Generator) -> np.ndarray:
    """S1 and S2 at about 75 bpm, with hiss of the given level in systole: float32 [n]."""
    t_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase_s = (t_s + rng.random()) % rng.uniform(0.7, 0.9)
    s1, s2 = (np.exp(-(((phase_s - at_s) / 0.03) ** 2)) for at_s in (0.1, 0.4))
    sound = s1 * np.sin(2 * np.pi * 50 * t_s) + 0.7 * s2 * np.sin(2 * np.pi * 70 * t_s)
    hiss = murmur * rng.normal(size=len(t_s)) * ((phase_s > 0.15) & (phase_s < 0.35))
    return (0.3 * (sound + hiss + 0.002 * rng.normal(size=len(t_s)))).astype(np.float32)


def write_folder(folder: Path, each: int = 5) -> Path:
    """`each` recordings of every kind in groups of their own, the last of each kind in val; and a changed label."""
    rng = np.random.default_rng(0)
    kinds = {
        ("pascal2011-A", "artifact", "pascal"): lambda: rng.normal(size=6 * RATE_HZ).astype(np.float32),
        ("pascal2011-B", "murmur", "pascal"): lambda: heart(6, 0.5, rng),
        ("pascal2011-B", "normal", "pascal"): lambda: heart(1.5, 0.0, rng),
        ("pascal2011-B", "extrastole", "pascal"): lambda: heart(6, 0.0, rng),
        ("yaseen2018", "AS", "yaseen"): lambda: heart(2, 0.4, rng),
        ("music-box", "jazz", "music"): lambda: np.sin(np.arange(5 * RATE_HZ) * rng.uniform(0.1, 1)).astype(
            np.float32
        ),
    }
    rows = []
    for (source, label, top), make in kinds.items():
        (folder / top).mkdir(parents=True, exist_ok=True)
        for k in range(each):
            path = f"{top}/{label}{k}.wav"
            soundfile.write(folder / path, np.clip(0.5 * make(), -1, 1), RATE_HZ)
            split = "val" if k == each - 1 and top != "music" else "train"
            rows.append((path, source, label, f"{source}-{label}-{k}", split, "", ""))
    rows.append(("yaseen/AS0.wav", "yaseen2018", "N", "yaseen-odd", "train", "label_conflict", ""))
    rows += _annotated(folder)
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def _annotated(folder: Path) -> list[tuple[str, ...]]:
    """Two normal hearts of CinC with their beats, 8 s at 75 bpm: one of train, one held back."""
    rows: list[tuple[str, ...]] = []
    for split, group in (("train", "cinc-b"), ("val", "cinc-held")):
        path, beats = f"cinc2016/{group}.wav", f"cinc2016/{group}.tsv"
        (folder / path).parent.mkdir(exist_ok=True)
        t_s = np.arange(8 * RATE_HZ) / RATE_HZ
        phase_s = t_s % 0.8
        sound = np.sin(2 * np.pi * 50 * t_s) * (
            np.exp(-(((phase_s - 0.05) / 0.03) ** 2)) + (phase_s > 0.3) * (phase_s < 0.4)
        )
        soundfile.write(folder / path, 0.4 * sound, RATE_HZ)
        edges_s = [0.8 * beat + at_s for beat in range(10) for at_s in (0.0, 0.1, 0.3, 0.4)] + [8.0]
        lines = [f"{start:.3f}\t{end:.3f}\t{1 + k % 4}" for k, (start, end) in enumerate(pairwise(edges_s))]
        (folder / beats).write_text("\n".join(["start_s\tend_s\tstate", *lines]) + "\n")
        rows.append((path, "cinc2016-b", "normal", group, split, "", beats))
    return rows
