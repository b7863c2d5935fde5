"""A sung heart beside a real one: the voice led by the R peaks of a recorded ECG, drawn under it.

    python -m heart.learning.voice_ecg --data DATA -o ecg.png [--record a0009] [--label N] [--sound ecg.wav]

R peaks and ECG come from PhysioNet/CinC 2016 (`rpeaks`, `ecg` of the manifest; needs the extra `ecg`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import write_audio
from heart.config import data_dir
from heart.ecg.header import read_header
from heart.ecg.rhythm import AFTER_R_S
from heart.errors import UsageError
from heart.learning.ear_data import read_manifest
from heart.learning.voice_heard import score
from heart.learning.voice_plot import INK, REAL, SUNG, save
from heart.learning.voice_sung import Sung
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.beats import FIRST_S1, BeatClock
from heart.sounding.offline import generate
from heart.sounding.registry import open_voice
from heart.sounding.track import Track


def led_by(r_s: np.ndarray) -> Track:
    """RR intervals of the R peaks r_s [n]. Raises UsageError where they are no rhythm to sing."""
    return Track(tuple((np.diff(r_s) * 1_000).tolist()))


def read_ecg(record: Path) -> tuple[np.ndarray, float]:
    """The first signal of a WFDB record: (float64 [n] in its own unit, its rate in Hz).

    Raises FileError when header or signal are missing or damaged.
    """
    import wfdb

    header = read_header(record.with_suffix(".hea"))
    signal = wfdb.rdrecord(str(record), channels=[0], physical=True).p_signal[:, 0]
    return np.asarray(signal, np.float64), header.rate_hz


def accompany(folder: Path, name: str, label: str, seconds: float, voice: str, steps: int) -> dict[str, Any]:
    """Sing along a record: {"ecg", "ecg_hz", "r_s", "sung", "record"}, all from the same moment on.

    Raises UsageError where the manifest has no such record with R peaks.
    """
    rows = [row for row in read_manifest(folder) if row["rpeaks"] and Path(row["path"]).stem == name]
    if not rows:
        raise UsageError(f"no recording called {name!r} with R peaks in {folder / 'manifest.csv'}")
    peaks = np.loadtxt(folder / rows[0]["rpeaks"])
    peaks = peaks[np.isfinite(peaks)]
    ecg, ecg_hz = read_ecg(folder / rows[0]["ecg"])
    begin = float(peaks[0]) + AFTER_R_S - FIRST_S1 / SAMPLE_RATE_HZ
    r_s = peaks[peaks < begin + seconds + 2] - begin
    track = led_by(r_s)
    sound = generate(seconds, label, track.bpm, 0, steps=steps, voice=open_voice(voice), track=track)
    clock = BeatClock(track.bpm, 0)
    clock.play(track)
    sung = Sung(label, track.bpm, sound, clock.beats_until(len(sound)))
    part = ecg[round(begin * ecg_hz) : round((begin + seconds) * ecg_hz)]
    return {"record": name, "ecg": part, "ecg_hz": ecg_hz, "r_s": r_s[r_s < seconds], "sung": sung}


def draw(made: dict[str, Any], out_png: Path) -> None:
    """ECG above, sung sound below, R peaks through both. Raises FileError where out_png cannot be written."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    sung: Sung = made["sung"]
    above.plot(np.arange(len(made["ecg"])) / made["ecg_hz"], made["ecg"], color=INK, linewidth=0.8)
    below.plot(np.arange(len(sung.sound))[::8] / SAMPLE_RATE_HZ, sung.sound[::8], color=SUNG, linewidth=0.5)
    for axis in (above, below):
        for r in made["r_s"]:
            axis.axvline(r, color=REAL, linewidth=0.8, linestyle=":")
    found = score(sung, 0.02)
    above.set_title(f"ECG of {made['record']} (PhysioNet/CinC 2016), R peaks dotted", fontsize=10, color=INK)
    below.set_title(
        f"sung to it, label {sung.label}: {found.asked} onsets asked, F1 at 20 ms {found.f1:.3f}", fontsize=10
    )
    above.set_ylabel("mV")
    below.set(ylabel="amplitude", xlabel="s", xlim=(0, sung.seconds))
    save(figure, out_png)


def main() -> None:
    """Draw the picture, and write the sound where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of recordings with a manifest.csv (or HEART_DATA)")
    parser.add_argument("-o", "--out", type=Path, default=Path("ecg.png"))
    parser.add_argument("--record", default="a0009")
    parser.add_argument("--label", default="N")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--voice", default="voice-heart")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--sound", type=Path, help="also write the sung sound here")
    given = parser.parse_args()
    made = accompany(data_dir(given.data), given.record, given.label, given.seconds, given.voice, given.steps)
    draw(made, given.out)
    if given.sound:
        write_audio(given.sound, made["sung"].sound, SAMPLE_RATE_HZ)


if __name__ == "__main__":
    main()
