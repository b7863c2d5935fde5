"""A little ECG with known beats, for all tests of this room, in every format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

from heart.ecg.record import Record

RATE_HZ = 250
BEATS_S = np.cumsum([0.6, *(0.8 + 0.05 * np.sin(np.arange(24))), 0.5, 1.1, 0.8])
"""25 sinus beats and a premature one."""
SYMBOLS = ["N"] * 25 + ["V", "N", "N"]
SECONDS = round(float(BEATS_S[-1]) + 0.6, 2)


def ecg(rate_hz: float = RATE_HZ, st_mv: float = 0.0) -> np.ndarray:
    """float64 [n] in mV: a sharp R and a round T for each beat, the ST segment at `st_mv`, noise."""
    t = np.arange(int(SECONDS * rate_hz)) / rate_hz
    signal = 0.01 * np.random.default_rng(0).standard_normal(len(t))
    for beat_s in BEATS_S:
        since = t - beat_s
        signal += np.exp(-0.5 * (since / 0.012) ** 2) + 0.2 * np.exp(-0.5 * ((since - 0.3) / 0.05) ** 2)
        signal += st_mv * ((since > 0.05) & (since < 0.18))
    return signal


def small_record(signal: np.ndarray | None = None) -> Record:
    """What reading `write_wfdb` gives, without a file."""
    first = ecg() if signal is None else signal
    both = np.stack([first, 0.5 * first], axis=1).astype(np.float32)
    names, units = ("MLII", "V5"), ("mV", "mV")
    return Record("heart", RATE_HZ, SECONDS, 0.0, both, names, units, BEATS_S, tuple(SYMBOLS), "annotated")


def write_wfdb(folder: Path, name: str = "heart", annotated: bool = True, signal: np.ndarray | None = None) -> Path:
    """Two channels, MLII and V5 (half as high), and NAME.atr; the header's path."""
    first = ecg() if signal is None else signal
    both = np.stack([first, 0.5 * first], axis=1)
    wfdb.wrsamp(name, RATE_HZ, ["mV", "mV"], ["MLII", "V5"], both, fmt=["16", "16"], write_dir=str(folder))
    if annotated:
        at = np.round(BEATS_S * RATE_HZ).astype(int)
        wfdb.wrann(name, "atr", at, SYMBOLS, fs=RATE_HZ, write_dir=str(folder))
    return folder / f"{name}.hea"


def write_edf(path: Path, labels: tuple[str, ...] = ("Resp", "ECG II")) -> Path:
    """The signal under the last label, noise under the others."""
    import edfio

    length = len(ecg()) // RATE_HZ * RATE_HZ
    noise = np.random.default_rng(1).standard_normal(length)
    signals = [
        edfio.EdfSignal(
            ecg()[:length] if label == labels[-1] else noise, RATE_HZ, label=label, physical_dimension="mV"
        )
        for label in labels
    ]
    edfio.Edf(signals).write(path)
    return path


def write_csv(path: Path, text: str | None = None) -> Path:
    rows = [f"{n / RATE_HZ:.3f},{value:.4f}" for n, value in enumerate(ecg())]
    path.write_text("time,II\n" + "\n".join(rows) + "\n" if text is None else text, encoding="utf-8")
    return path
