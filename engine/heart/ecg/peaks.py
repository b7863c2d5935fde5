"""R peaks of a WFDB record, found in a process of its own: `python -m heart.ecg.peaks RECORD.hea`.

Beat annotations (RECORD.atr) are taken where there are any, else R peaks of the first signal by neurokit2's
Pan and Tompkins (`pantompkins1985`: F1 0.99 within 150 ms on the MIT-BIH Arrhythmia Database). The process may use
so much memory and time and no more, and no network; what comes back is one line of times.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from heart.ecg.header import MAX_FILE_BYTES, Header, read_header, regular_size
from heart.errors import FileError, HeartError, UsageError

TIMEOUT_S = 120.0
MEMORY_BYTES = 4 * 2**30
EXTRA = "reading ECG records needs wfdb and neurokit2: pip install 'sounds-of-the-heart[ecg]'"
BEAT_SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotations that are beats (https://archive.physionet.org/physiobank/annotations.shtml)."""
SETTLING_S = 4.0
NEAR_S = 0.12
"""How far beside an R the detector may mark it."""
APART_S = 0.2
"""No heart beats twice within this: the second of such a pair is no beat."""


def read_peaks(path: Path) -> list[float]:
    """Seconds of all beats of a record, by a child process; at least two.

    Raises:
        FileError: the record is refused (see `read_header`), damaged, or has no beats.
        UsageError: the extra `ecg` is missing.
    """
    read_header(path)
    command = [sys.executable, "-m", "heart.ecg.peaks", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise FileError(f"{path}: no beats found within {TIMEOUT_S:.0f} s; cut the record") from None
    answer = _answer(done.stdout)
    if answer.get("usage"):
        raise UsageError(str(answer["usage"]))
    if "beats_s" not in answer:
        raise FileError(str(answer.get("error", f"{path}: its reader ended ({done.returncode})")))
    return [float(moment_s) for moment_s in answer["beats_s"]]


def _answer(text: str) -> dict[str, Any]:
    """The child's last line; {} when it had no last word."""
    with contextlib.suppress(ValueError, IndexError):
        answer = json.loads(text.splitlines()[-1])
        if isinstance(answer, dict):
            return answer
    return {}


def main(path: Path) -> dict[str, object]:
    """In the child: the answer, as it is printed."""
    _limit()
    try:
        times_s = _find(read_header(path))
    except UsageError as error:
        return {"usage": str(error)}
    except HeartError as error:
        return {"error": str(error)}
    except Exception as error:  # whatever a library makes of a damaged file
        return {"error": f"{path}: damaged ({type(error).__name__}: {str(error)[:80]})"}
    if len(times_s) < 2:
        return {"error": f"{path}: no beats found in it"}
    return {"beats_s": [round(float(moment_s), 4) for moment_s in times_s]}


def _limit() -> None:
    """No network and no further processes; memory and processor time, where the system can bound them."""
    sys.addaudithook(_refuse)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(TIMEOUT_S), int(TIMEOUT_S)))


def _refuse(event: str, args: object) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system"):
        raise FileError(f"a record must not lead to {event}")


def _find(header: Header) -> np.ndarray:
    """Seconds of the beats, annotated or found: float64 [n]."""
    record = header.folder.resolve() / header.name
    annotated = record.with_name(f"{header.name}.atr")
    try:
        import wfdb
    except ImportError:
        raise UsageError(EXTRA) from None
    samples = np.zeros(0)
    if annotated.exists():
        if regular_size(annotated) > MAX_FILE_BYTES // 16:
            raise FileError(f"{annotated}: too large for annotations")
        marks = wfdb.rdann(str(record), "atr")
        samples = np.array([at for at, kind in zip(marks.sample, marks.symbol) if kind in BEAT_SYMBOLS], float)
    if not len(samples):
        if not header.signals:
            raise FileError(f"{record}.hea: neither signals nor annotated beats")
        signal = wfdb.rdrecord(str(record), channels=[0], physical=True).p_signal[:, 0]
        samples = _r_peaks(np.nan_to_num(signal), header.rate_hz)
    times_s = np.unique(samples[samples >= 0]) / header.rate_hz
    return times_s[np.diff(times_s, prepend=-np.inf) >= APART_S]


def _r_peaks(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    """Samples of the R peaks."""
    try:
        import neurokit2
    except ImportError:
        raise UsageError(EXTRA) from None
    # Mirrored ends: the detector finds its thresholds in the first seconds, and errs in them.
    pad = min(round(SETTLING_S * rate_hz), len(signal) - 1)
    clean = neurokit2.ecg_clean(np.pad(signal, pad, "reflect"), sampling_rate=rate_hz, method="pantompkins1985")
    try:
        _, found = neurokit2.ecg_peaks(clean, sampling_rate=rate_hz, method="pantompkins1985")
    except IndexError:  # neurokit2's way of saying that there is no peak
        return np.zeros(0)
    peaks = _centred(np.asarray(found["ECG_R_Peaks"], int), clean, round(NEAR_S * rate_hz)) - pad
    return peaks[(peaks >= 0) & (peaks < len(signal))]


def _centred(found: np.ndarray, clean: np.ndarray, near: int) -> np.ndarray:
    """Found beats moved onto the greatest swing of the band-passed signal within `near` samples: the detector marks
    where its energy peaks, some hundredths of a second beside the R, and not always the same."""
    spans = [(max(0, at - near), min(len(clean), at + near + 1)) for at in found]
    return np.array([first + np.argmax(np.abs(clean[first:last])) for first, last in spans], float)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
