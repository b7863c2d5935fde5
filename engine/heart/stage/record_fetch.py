"""`heart data fetch mitdb/100`: ECG records of PhysioNet, proven by its checksums, among the fetched records."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from heart.audio import shown
from heart.config import records_dir
from heart.ecg.header import MAX_FILE_BYTES
from heart.errors import FileError, HeartError, UsageError
from heart.plumbing.fetching import TIMEOUT_S, fetch, is_proven
from heart.stage.dance_fetch import bytes_bar

HOST = "https://physionet.org/files/"
DATABASES = {
    "mitdb": ("1.0.0", "MIT-BIH Arrhythmia: 48 half hours, two leads, 360 Hz; 100 MB"),
    "nsrdb": ("1.0.0", "MIT-BIH Normal Sinus Rhythm: 18 days, two leads, 128 Hz; 580 MB"),
    "afdb": ("1.0.0", "MIT-BIH Atrial Fibrillation: 25 times ten hours, 250 Hz; 440 MB"),
    "svdb": ("1.0.0", "MIT-BIH Supraventricular Arrhythmia: 78 half hours, 128 Hz; 70 MB"),
}
"""Name: published version, what it is. Licences: ODC-BY 1.0."""
SUMS = "SHA256SUMS.txt"
SUMS_BYTES = 1 << 20
SUFFIXES = (".hea", ".dat", ".atr")
_LINE = re.compile(r"([0-9a-f]{64})[ \t]+\*?(?:\./)?([A-Za-z0-9_-]+\.[a-z]{1,4})")


def fetch_records(names: Sequence[str], base: str | None = None, timeout_s: float = TIMEOUT_S) -> list[Path]:
    """Fetch records (mitdb/100) or whole databases (mitdb); what is here and proven is left as it is.

    Args:
        base: address of a mirror with PhysioNet's folders; else the variable HEART_PHYSIONET, else PhysioNet.

    Returns the headers. Raises:
        UsageError: no such database.
        FileError: a record is not in it, or cannot be had; the message says what else can be done.
    """
    host = (base or os.environ.get("HEART_PHYSIONET") or HOST).rstrip("/") + "/"
    return [path for name in names for path in _fetch(name, host, timeout_s)]


def _fetch(name: str, host: str, timeout_s: float) -> list[Path]:
    database, _, record = name.strip("/").partition("/")
    if database not in DATABASES:
        known = "; ".join(f"{word} ({what})" for word, (_, what) in DATABASES.items())
        raise UsageError(f"{name}: no database known by this name; there are {known}")
    url = f"{host}{database}/{DATABASES[database][0]}/"
    folder = records_dir() / database
    try:
        _make(folder)
        sums = _sums(url, folder, timeout_s)
        records = sorted(Path(file).stem for file in sums if file.endswith(".hea"))
        if record and record not in records:
            raise FileError(f"{name}: {database} has no such record; it has {', '.join(records[:60])}")
        for one in [record] if record else records:
            _one(url, folder, {file: sums[file] for file in map(one.__add__, SUFFIXES) if file in sums}, timeout_s)
        return [folder / f"{one}.hea" for one in ([record] if record else records)]
    except FileError as error:
        files = ", ".join(f"{record or 'RECORD'}{suffix}" for suffix in SUFFIXES)
        if "no such record" in str(error):
            raise
        raise FileError(f"{error}. Without the web: copy {files} into {shown(folder)} by hand") from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{shown(folder)}: cannot be made ({error.strerror}); name another by HEART_RECORDS"
        ) from None


def _sums(url: str, folder: Path, timeout_s: float) -> dict[str, str]:
    """{file: checksum} as published. Without the web those of the last time."""
    path = folder / SUMS
    fresh = folder / f"{SUMS}.new"
    try:
        fetch(url + SUMS, fresh, None, SUMS_BYTES, timeout_s=timeout_s)
        os.replace(fresh, path)
    except HeartError:
        if not path.is_file():
            raise
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    found = {match[2]: match[1] for line in lines if (match := _LINE.fullmatch(line.strip()))}
    if not any(file.endswith(".hea") for file in found):
        path.unlink()
        raise FileError(f"{shown(url + SUMS)}: names no records; is this PhysioNet or a mirror of it?")
    return found


def _one(url: str, folder: Path, files: dict[str, str], timeout_s: float) -> None:
    for file, proof in files.items():
        if is_proven(folder / file, proof):
            continue
        with bytes_bar() as told:
            fetch(url + file, folder / file, proof, MAX_FILE_BYTES, told, timeout_s)
        print(f"{shown(folder / file)}: {(folder / file).stat().st_size:,} bytes", file=sys.stderr, flush=True)
