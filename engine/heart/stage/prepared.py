"""`heart prepare`: sounds that a show needs from Dance Diffusion's nets, rendered beforehand and never twice.

A list is a TOML file with a table for each sound, named like the file it becomes:

    [storm-1]                     # storm-1.wav, for /heart/sound/load 1 storm-1.wav
    voice = "maestro-150k"
    seed = 3                      # and seconds, steps, sampler, ... as of heart generate

    [halfway]
    voice = "maestro-150k"
    from = ["heart.wav", "storm-1.wav"]     # two or more: a morph, by weights
    weights = [0.5, 0.5]

    [storm-2]
    voice = "maestro-150k"
    from = ["storm-1.wav"]                  # one: a variation, of this strength
    strength = 0.3

`prepared.json` beside the sounds holds a key for each: a hash of the net, the settings and the sounds it is made
from. What has its key there and is unchanged is left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from heart.audio import shown
from heart.cards import find_model, sha256
from heart.errors import FileError, UsageError
from heart.stage import dance

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LEDGER = "prepared.json"


@dataclass(frozen=True)
class Asked:
    """One sound of a list: how it is made. Only what is not None was said."""

    voice: str
    given: tuple[str, ...] = ()
    """Names of the sounds it is made from."""
    strength: float | None = None
    weights: tuple[float, ...] | None = None
    seconds: float | None = None
    seed: int = 0
    steps: int = dance.STEPS
    sampler: str = "iplms"
    schedule: str = "karras"
    eta: float = 0.0
    precision: str = "float32"

    @property
    def how(self) -> dict[str, Any]:
        """What every mode takes."""
        return {name: getattr(self, name) for name in ("voice", "steps", "sampler", "schedule", "eta", "precision")}


KINDS: dict[str, type | tuple[type, ...]] = {
    "voice": str,
    "from": list,
    "weights": list,
    "strength": (int, float),
    "seconds": (int, float),
    "eta": (int, float),
    "seed": int,
    "steps": int,
    "sampler": str,
    "schedule": str,
    "precision": str,
}


def read_list(path: Path) -> dict[str, Asked]:
    """The sounds of a list by name, in its order. Raises FileError, in words, for what is no such list."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{shown(path)}: cannot be read as a list of sounds ({error})") from None
    if not tables:
        raise FileError(f"{shown(path)}: names no sound; a list has a table [NAME] for each")
    return {name: _asked(f"{shown(path)}: [{name}]", name, table) for name, table in tables.items()}


def _asked(where: str, name: str, table: Any) -> Asked:
    if not isinstance(table, dict) or Path(f"{name}.wav").name != f"{name}.wav":
        raise FileError(f"{where}: a sound is a table whose name can be a file's")
    for key, value in table.items():
        if key not in KINDS:
            raise FileError(f"{where}: {key!r} means nothing here; there are {', '.join(KINDS)}")
        if not isinstance(value, KINDS[key]) or isinstance(value, bool):
            raise FileError(f"{where}: {key} = {value!r} is of the wrong kind")
    if "voice" not in table:
        raise FileError(f"{where}: names no voice; `heart models` lists them")
    values = {("given" if key == "from" else key): _plain(where, key, value) for key, value in table.items()}
    asked = Asked(**values)
    if (asked.strength is not None) != (len(asked.given) == 1):
        raise FileError(f"{where}: a strength belongs to exactly one sound in from")
    if asked.weights is not None and len(asked.weights) != len(asked.given):
        raise FileError(f"{where}: {len(asked.weights)} weights for {len(asked.given)} sounds")
    return asked


def _plain(where: str, key: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind = str if key == "from" else (int, float)
    if not value or not all(isinstance(item, kind) for item in value):
        raise FileError(f"{where}: {key} must list {'files' if key == 'from' else 'numbers'}")
    return tuple(value)


def prepare_files(path: Path, folder: Path, device: str = "auto") -> list[Path]:
    """Render what the list at `path` asks and is not in `folder` yet; returns all its sounds.

    Sounds in `from` are looked for in `folder` first, then beside the list.

    Raises:
        FileError: a list, sound or model that cannot be read.
        UsageError: a voice that is none, or a value out of its range.
    """
    listed = read_list(path)
    folder.mkdir(parents=True, exist_ok=True)
    ledger, console = _ledger(folder), Console(stderr=True)
    for name, asked in listed.items():
        if not dance.is_dance_voice(asked.voice):
            raise UsageError(f"[{name}]: {asked.voice!r} is no Dance Diffusion net; `heart models` lists them")
    for name, asked in listed.items():
        out = folder / f"{name}.wav"
        sources = [_find(folder, path.parent, name, source) for source in asked.given]
        key = _key(asked, sources)
        if out.is_file() and ledger.get(name) == [key, sha256(out)]:
            console.print(f"{out}: is there already", highlight=False)
            continue
        _render(out, asked, sources, device)
        ledger[name] = [key, sha256(out)]
        _keep(folder, ledger)
    return [folder / f"{name}.wav" for name in listed]


def _render(out: Path, asked: Asked, sources: list[Path], device: str) -> None:
    how = asked.how | {"device": device, "seed": asked.seed}
    if not sources:
        dance.generate_files(out, None, asked.seconds, **how)
    elif len(sources) == 1:
        dance.vary_file(sources[0], out, float(asked.strength or 0), **how)
    else:
        weights = None if asked.weights is None else ",".join(map(str, asked.weights))
        dance.morph_files(sources, out, weights, **how)


def _find(folder: Path, beside: Path, name: str, source: str) -> Path:
    for place in (folder / source, beside / source):
        if place.is_file():
            return place
    raise FileError(f"[{name}]: {shown(source)}: no such sound in {shown(folder)} or {shown(beside)}")


def _key(asked: Asked, sources: list[Path]) -> str:
    """A hash of all that decides a sound."""
    settings = {field.name: getattr(asked, field.name) for field in fields(asked) if field.name != "given"}
    proofs = [str(find_model(asked.voice).card["sha256"]), *map(sha256, sources)]
    return hashlib.sha256(json.dumps([settings, proofs]).encode()).hexdigest()[:16]


def _ledger(folder: Path) -> dict[str, Any]:
    try:
        ledger = json.loads((folder / LEDGER).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return {}  # then all is made again, which harms nothing
    return ledger if isinstance(ledger, dict) else {}


def _keep(folder: Path, ledger: Mapping[str, Any]) -> None:
    part = folder / f".{LEDGER}.part"
    part.write_text(json.dumps(ledger, indent=1) + "\n", encoding="utf-8")
    os.replace(part, folder / LEDGER)
