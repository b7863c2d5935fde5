"""One file from the web, whole and proven, or nothing."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from heart.audio import shown
from heart.errors import FileError, UsageError

Told = Callable[[int, int | None], object]
TIMEOUT_S = 30.0
BLOCK = 1 << 20


def download(
    url: str,
    goal: Path,
    sha256: str | None,
    most: int,
    told: Callable[[int, int | None], object] = lambda n, of: None,
) -> None:
    """Fetch `url` to `goal`; `told` gets the bytes there and in all (None: the server does not say).

    Raises:
        UsageError: no address of http or https.
        FileError: it cannot be reached, is larger than `most` bytes, ends early, or is not the file that the
            checksum names. Nothing is left behind.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{shown(url)}: give an address that begins with https://")
    part = goal.with_name(f".{goal.name}.{os.getpid()}.part")
    try:
        found = _fetch(url, part, most, told)
        if sha256 and found != sha256:
            raise FileError(f"{shown(url)}: not the file that is known by this name (sha256 {found[:12]}..., "
                            f"not {sha256[:12]}...); not kept")  # fmt: skip
        os.replace(part, goal)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise FileError(f"{shown(url)}: cannot be fetched ({reason})") from None
    finally:
        part.unlink(missing_ok=True)


def _fetch(url: str, part: Path, most: int, told: Told) -> str:
    """Write the file, return its checksum."""
    request = urllib.request.Request(url, headers={"User-Agent": "sounds-of-the-heart"})
    digest, there = hashlib.sha256(), 0
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer, part.open("wb") as file:
        length = answer.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        while block := answer.read(BLOCK):
            there += len(block)
            if there > most or (total or 0) > most:
                raise FileError(f"{shown(url)}: larger than {most >> 30} GB; not fetched")
            file.write(block)
            digest.update(block)
            told(there, total)
    if total is not None and there < total:
        raise FileError(f"{shown(url)}: ended after {there} of {total} bytes; try again")
    return digest.hexdigest()
