"""A file of a public collection from the web: resumed where it broke off, proven by its checksum, or not there.

A file grows as NAME.part beside its goal and stays so when the line breaks; the next try goes on from there (HTTP
Range). It gets its name only when its checksum is right. No redirect leads to another host.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heart.audio import shown
from heart.errors import FileError, UsageError

TIMEOUT_S = 20.0
"""Without a byte for so long a server is given up."""
SLOWEST, GRACE_S = 1_000, 30.0
"""Bytes a second that a server sends at least on the average, after so long: a drop now and then is no file."""
BLOCK = 1 << 16
Told = Callable[[int, int | None], object]
"""Called with the bytes there, and in all (None: the server does not say)."""


class AtHome(urllib.request.HTTPRedirectHandler):
    """Follows a redirect within the host, and refuses every other."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        here, there = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise urllib.error.URLError(f"leads to another server, {there.netloc[:60]}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(
    url: str,
    goal: Path,
    sha256: str | None,
    most: int,
    told: Told = lambda there, total: None,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Fetch `url` to `goal`, going on with goal.part where there is one.

    Args:
        sha256: None takes the file as it comes.
        most: bytes it may have.

    Raises:
        UsageError: no address of http or https.
        FileError: it cannot be reached, ends early, stalls or leads elsewhere (what came stays as .part); is larger
            than `most`, or not what the checksum names (nothing stays).
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{shown(url)}: give an address that begins with https://")
    part = goal.with_name(goal.name + ".part")
    try:
        _grow(url, part, most, told, timeout_s)
        found = _checksum(part)
        if sha256 and found != sha256:
            part.unlink()
            raise FileError(
                f"{shown(url)}: damaged on its way, or another file (sha256 {found[:12]}..., "
                f"not {sha256[:12]}...); not kept"
            )
        os.replace(part, goal)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise FileError(f"{shown(url)}: cannot be fetched ({reason})") from None


def _grow(url: str, part: Path, most: int, told: Told, timeout_s: float) -> None:
    """Fetch what is missing of the file."""
    there = part.stat().st_size if part.exists() else 0
    with _answer(url, there, timeout_s) as answer:
        resumed = there > 0 and answer.status == 206 and _begins_at(answer, there)
        there = there if resumed else 0
        length = answer.headers.get("Content-Length", "")
        total = there + int(length) if length.isdigit() else None
        first, began_s = there, time.monotonic()
        with part.open("ab" if resumed else "wb") as file:
            while block := answer.read1(BLOCK):
                there += len(block)
                if max(there, total or 0) > most:
                    break
                file.write(block)
                told(there, total)
                spent_s = time.monotonic() - began_s
                if spent_s > GRACE_S and there - first < SLOWEST * spent_s:
                    raise TimeoutError("the server sends almost nothing")
    if max(there, total or 0) > most:
        part.unlink()
        raise FileError(f"{shown(url)}: larger than {most >> 20} MB; not fetched")
    if total is not None and there < total:
        raise FileError(f"{shown(url)}: ended after {there} of {total} bytes; the next try goes on from there")


def _answer(url: str, there: int, timeout_s: float) -> Any:
    """The server's answer to a request for what lies behind `there` bytes; for all where it refuses that."""
    opener = urllib.request.build_opener(AtHome)
    headers = {"User-Agent": "sounds-of-the-heart"}
    if there:
        ranged = urllib.request.Request(url, headers={**headers, "Range": f"bytes={there}-"})
        try:
            return opener.open(ranged, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
    return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_s)


def _begins_at(answer: Any, there: int) -> bool:
    return re.match(rf"bytes {there}-", answer.headers.get("Content-Range", "")) is not None


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_proven(path: Path, sha256: str) -> bool:
    """Is the file there, and the one the checksum names?"""
    return path.is_file() and _checksum(path) == sha256
