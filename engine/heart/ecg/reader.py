"""The process that reads a record: `python -m heart.ecg.reader`, its request as JSON on standard input.

It may use so much memory and time and no more, no network and no further process. On standard output come one
line of JSON and then the samples, float32 [n, channels], if they were asked for. `heart.ecg.record` asks.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from heart.ecg.edf import read_edf_header
from heart.ecg.header import MAX_FILE_BYTES, MAX_SAMPLES, Header, read_header, regular_size
from heart.ecg.peaks import EXTRA, first_of_pairs, r_peaks
from heart.ecg.table import read_table
from heart.errors import FileError, HeartError, UsageError

TIMEOUT_S = 120.0
MEMORY_BYTES = 4 * 2**30
BEAT_SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotations that are beats (https://archive.physionet.org/physiobank/annotations.shtml)."""


def main(request: dict[str, Any], out: BinaryIO) -> None:
    """Answer a request: what `read_record` is given, by name."""
    _limit()
    path = Path(request["path"])
    samples = np.zeros((0, 0), np.float32)
    try:
        answer, samples = _read(path, request)
    except UsageError as error:
        answer = {"usage": str(error)}
    except HeartError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"{path}: more than fits into memory; cut it, or take a part with --from and --to"}
    except Exception as error:  # whatever a library makes of a damaged file
        answer = {"error": f"{path}: damaged ({type(error).__name__}: {str(error)[:80]})"}
    out.write(json.dumps(answer).encode() + b"\n")
    if request.get("signals") and len(samples):
        out.write(np.ascontiguousarray(samples, "<f4").tobytes())
    out.flush()


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


def _read(path: Path, request: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """The answer and the samples [n, channels] of the span."""
    kind = path.suffix.lower()
    notes: list[str] = []
    if kind == ".hea":
        header = read_header(path)
        marks = None if request["peaks"] in ("detected", "none") else _annotations(header, notes)
        wanted = request["signals"] or not marks
        rate_hz, seconds = header.rate_hz, header.seconds or (marks[0][-1] if marks else 0.0)
        span = _span(path, request, seconds)
        samples, names, units = _wfdb(header, span) if wanted else (np.zeros((0, 0), np.float32), [], [])
    else:
        marks = None
        samples, names, units, rate_hz = _edf(path) if kind == ".edf" else _csv(path, request["rate_hz"])
        seconds = len(samples) / rate_hz
        span = _span(path, request, seconds)
        samples = samples[round(span[0] * rate_hz) : round(span[1] * rate_hz)]
    if not marks and request["peaks"] == "annotated":
        raise FileError(f"{path}: no beats are annotated (NAME.atr beside NAME.hea)")
    chosen = _channels(path, names, request["channel"])
    searched = samples[:, chosen[0]] if chosen and request["peaks"] != "none" else None
    beats = _between(marks, span) if marks else _found(searched, rate_hz)
    answer = {
        "rate_hz": rate_hz, "seconds": span[1] - span[0], "from_s": span[0], "record_s": seconds,
        "names": [names[n] for n in chosen], "units": [units[n] for n in chosen], "frames": len(samples),
        "beats_s": beats[0], "symbols": beats[1], "source": "annotated" if marks else "detected", "notes": notes,
    }  # fmt: skip
    return answer, samples[:, chosen]


def _span(path: Path, request: dict[str, Any], seconds: float) -> tuple[float, float]:
    first_s, last_s = request["from_s"] or 0.0, min(request["to_s"] or seconds, seconds)
    if not 0 <= first_s < last_s:
        raise UsageError(
            f"{path}: from {first_s:g} to {request['to_s'] or seconds:g} s is nothing of {seconds:.1f} s"
        )
    return first_s, last_s


def _channels(path: Path, names: list[str], wanted: str | None) -> list[int]:
    """Numbers of the channels asked for, by name or counted from 1; all."""
    if wanted is None:
        return list(range(len(names)))
    if wanted in names:
        return [names.index(wanted)]
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return [int(wanted) - 1]
    raise UsageError(f"{path}: has no channel {wanted[:20]!r}; there are {', '.join(names)}")


def _annotations(header: Header, notes: list[str]) -> tuple[list[float], list[str]] | None:
    """Times and symbols of the annotated beats; None where there are none."""
    path = header.folder / f"{header.name}.atr"
    if not path.exists():
        return None
    if regular_size(path) > MAX_FILE_BYTES // 16:
        raise FileError(f"{path}: too large for annotations")
    wfdb = _library("wfdb")
    marks = wfdb.rdann(str(header.folder.resolve() / header.name), "atr")
    pairs = sorted((int(at), kind) for at, kind in zip(marks.sample, marks.symbol) if kind in BEAT_SYMBOLS)
    inside = [pair for pair in pairs if pair[0] >= 0 and (not header.samples or pair[0] < header.samples)]
    if len(inside) < len(pairs):
        outside = next(at for at, _ in pairs if at < 0 or at >= header.samples)
        notes.append(
            f"{path}: {len(pairs) - len(inside)} annotations lie outside the {header.samples} samples "
            f"(the first at {outside}); left out"
        )
    times_s = np.array([at for at, _ in inside], float) / header.rate_hz
    kept = first_of_pairs(times_s)
    return (times_s[kept].tolist(), [kind for (_, kind), keep in zip(inside, kept) if keep]) if kept.any() else None


def _between(marks: tuple[list[float], list[str]], span: tuple[float, float]) -> tuple[list[float], list[str]]:
    pairs = [(round(at - span[0], 6), kind) for at, kind in zip(*marks) if span[0] <= at <= span[1]]
    return [at for at, _ in pairs], [kind for _, kind in pairs]


def _found(signal: np.ndarray | None, rate_hz: float) -> tuple[list[float], list[str]]:
    if signal is None:
        return [], []
    times_s = np.unique(r_peaks(signal, rate_hz)) / rate_hz
    times_s = times_s[first_of_pairs(times_s)]
    return [round(float(at), 6) for at in times_s], ["N"] * len(times_s)


def _wfdb(header: Header, span: tuple[float, float]) -> tuple[np.ndarray, list[str], list[str]]:
    if not header.signals:
        raise FileError(f"{header.folder / header.name}.hea: neither signals nor annotated beats")
    wfdb = _library("wfdb")
    first, last = round(span[0] * header.rate_hz), round(span[1] * header.rate_hz)
    record = wfdb.rdrecord(str(header.folder.resolve() / header.name), sampfrom=first, sampto=last, physical=True)
    names = [str(name or n) for n, name in enumerate(record.sig_name, 1)]
    return record.p_signal.astype(np.float32), names, [str(unit) for unit in record.units]


def _edf(path: Path) -> tuple[np.ndarray, list[str], list[str], float]:
    header = read_edf_header(path)
    if len(header.chosen) * header.seconds * header.rate_hz > MAX_SAMPLES:
        raise FileError(f"{path}: holds more samples than are read; cut it")
    opened = _library("edfio").read_edf(path, lazy_load_data=True, header_encoding="latin-1")
    if not opened.is_continuous:
        raise FileError(f"{path}: its records do not follow each other (EDF+D); cut it at the gaps")
    plain = [n for n, label in enumerate(header.labels) if label != "EDF Annotations"]
    signals = [opened.signals[plain.index(n)] for n in header.chosen]
    samples = np.stack([signal.data.astype(np.float32) for signal in signals], axis=1)
    return (
        samples,
        [signal.label for signal in signals],
        [signal.physical_dimension for signal in signals],
        header.rate_hz,
    )


def _csv(path: Path, rate_hz: float | None) -> tuple[np.ndarray, list[str], list[str], float]:
    table = read_table(path, rate_hz)
    return table.samples, list(table.names), [""] * len(table.names), table.rate_hz


def _library(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise UsageError(EXTRA) from None


if __name__ == "__main__":
    main(json.loads(sys.stdin.read()), sys.stdout.buffer)
