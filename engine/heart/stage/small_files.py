"""Small JSON files that people may edit: read with limits, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from heart.audio import shown
from heart.errors import FileError

MAX_BYTES = 256 * 1024


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises FileError: missing, no plain file, too large, or not such an object;
    it names the file, not where it lies."""
    try:
        if not path.is_file():
            raise FileError(f"{shown(path.name)}: no such file")
        if path.stat().st_size > MAX_BYTES:
            raise FileError(f"{shown(path.name)}: larger than {MAX_BYTES >> 10} kB")
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, RecursionError) as error:
        raise FileError(f"{shown(path.name)}: cannot be read ({error.__class__.__name__})") from None
    except ValueError as error:  # also of text that is not UTF-8
        raise FileError(f"{shown(path.name)}: is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise FileError(f"{shown(path.name)}: must be one JSON object, in braces")
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once, so that a reader finds the old or the new one. Raises FileError."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except OSError as error:
        raise FileError(f"{shown(path.name)}: cannot be written ({error.strerror or error})") from None
