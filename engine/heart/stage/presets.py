"""Presets: all parameters of a moment, each a small JSON file in the one folder named by --presets.

    {"parameters": {"bpm": 72.0, "label": "N", ...}, "morph": [1.0, 0.5]}

Names are names, never paths; spaces and any script are welcome. A file may be edited by hand: parameters that are
left out stay as they are, and one that cannot be spoils the whole, so that a preset is loaded all or not at all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from heart.audio import shown
from heart.errors import FileError, HeartError, UsageError
from heart.namespace import PARAMS, check
from heart.plumbing.post import Target
from heart.stage.effects import Effect, SingAgain
from heart.stage.errands import Errands
from heart.stage.performance import Performance
from heart.stage.small_files import read_json, write_json

SUFFIX = ".json"
MOST = 128
"""Presets in a folder: what is listed, and what a client may make."""
LONGEST = 64
FORBIDDEN = set('<>:"/\\|?*')
"""Some system cannot have these in the name of a file."""
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
FIRST = ("cross", "label", "mode")
"""A label pulls the faders of a mix down, so those come after it; `cross` says how it is changed."""


class Presets:
    """Handles /heart/preset/... . Files are read and written by `errands`; belongs to the engine's loop."""

    def __init__(
        self,
        folder: Path | None,
        performance: Performance,
        errands: Errands,
        do: Callable[[list[Effect]], None],
    ) -> None:
        """Raises UsageError when the folder is not there."""
        if folder is not None and not folder.is_dir():
            raise UsageError(f"--presets {folder}: no such folder")
        self.folder, self.performance, self.errands, self.do = folder, performance, errands, do

    def on_save(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        """Keep everything as it is when this is asked."""
        path, content = self._path(args[0]), snapshot(self.performance)
        self.errands.run(origin, "/heart/preset/save", lambda: self._save(path, content), lambda _: None)
        return []

    def on_load(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        """Everybody is told of what changed by it, the one who asked too."""
        path = self._path(args[0])
        self.errands.run(
            origin,
            "/heart/preset/load",
            lambda: _read(path),
            lambda found: self.do(recall(self.performance, found, shown(path.stem))),
        )
        return []

    def on_list(self, args: Sequence[Any], origin: Target) -> list[Effect]:
        """All names, in the order of the alphabet."""
        folder = self._folder()
        self.errands.run(origin, "/heart/preset/list", lambda: names(folder), lambda all: self._tell(all, origin))
        return []

    def _tell(self, names: list[str], origin: Target) -> None:
        for number, name in enumerate(names, 1):
            self.errands.wire.send(origin, "/heart/preset/name", number, len(names), name)
        if not names:
            self.errands.wire.send(origin, "/heart/preset/name", 0, 0, "")

    def _folder(self) -> Path:
        if self.folder is None:
            raise UsageError("no presets here: start the engine with --presets FOLDER")
        return self.folder

    def _path(self, name: str) -> Path:
        return self._folder() / (plain(name) + SUFFIX)

    def _save(self, path: Path, content: dict[str, Any]) -> None:
        if not path.exists() and len(names(path.parent)) >= MOST:
            raise UsageError(f"{MOST} presets are in the folder already: save over one, or take some away")
        write_json(path, content)


def _read(path: Path) -> dict[str, Any]:
    if path.is_symlink():
        raise UsageError(f"preset {shown(path.stem)!r}: is a link; only files of the folder itself are read")
    return read_json(path)


def plain(name: str) -> str:
    """A preset's name in one spelling (NFC). Raises UsageError for what can be no file's name somewhere."""
    name = unicodedata.normalize("NFC", name)
    bad = (
        not name.isprintable()
        or FORBIDDEN & set(name)
        or name != name.strip()
        or name.startswith(".")
        or name.endswith(".")
        or name.partition(".")[0].upper() in DEVICES
    )
    if bad or not 0 < len(name) <= LONGEST or len(name.encode()) > 200:
        raise UsageError(
            f"preset {shown(name)!r}: give a name, not a path: up to {LONGEST} characters without "
            f"{''.join(sorted(FORBIDDEN))}, no dot or space at its ends"
        )
    return name


def names(folder: Path) -> list[str]:
    """The presets in a folder, at most MOST. Raises FileError when it cannot be read."""
    try:
        stems = [unicodedata.normalize("NFC", p.stem) for p in folder.iterdir() if p.suffix == SUFFIX]
    except OSError as error:
        raise FileError(f"the folder of --presets cannot be read ({error.strerror})") from None
    return sorted(stem for stem in stems if not stem.startswith("."))[:MOST]


def snapshot(performance: Performance) -> dict[str, Any]:
    """What a preset holds: every parameter, and the weights of a morph."""
    return {"parameters": dict(performance.values), "morph": list(performance.sounds.weights)}


def recall(performance: Performance, preset: dict[str, Any], name: str) -> list[Effect]:
    """Set all that a preset says; nothing of it when something cannot be.

    Raises:
        UsageError: names the preset, the parameter, its value and what it may be.
    """
    try:
        wanted, morph = _checked(performance, preset)
    except HeartError as error:
        raise UsageError(f"preset {name!r}: {error}; nothing of it was set") from None
    effects: list[Effect] = []
    for param in [name for name in (*FIRST, *(p for p in PARAMS if p not in FIRST)) if name in wanted]:
        if param in FIRST or performance.ramps.cancel(param) or wanted[param] != performance.values[param]:
            effects += performance.on_set(PARAMS[param], (wanted[param],), None)
    if morph:
        effects += performance.on_morph((morph,), None)
    return _sing_again_once(effects)


def _checked(performance: Performance, preset: dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    unknown = set(preset) - {"parameters", "morph"}
    if unknown:
        raise UsageError(f"{shown(min(unknown))!r} is nothing that a preset has: parameters, morph")
    given, morph = preset.get("parameters", {}), preset.get("morph", [])
    if not isinstance(given, dict) or not isinstance(morph, list):
        raise UsageError('"parameters" must be an object, "morph" a list')
    wanted = {}
    for param, value in given.items():
        if param not in PARAMS:
            raise UsageError(f"{shown(param)!r} is no parameter; `heart osc` lists them")
        (wanted[param],) = check(f"/heart/set/{param}", (value,))
        if wanted[param] != performance.values[param]:
            performance.check_possible(PARAMS[param], wanted[param])
    weights = check("/heart/morph", morph)[0].tolist() if morph else []
    if morph and not any(weights):
        raise UsageError("all weights of morph are 0")
    return wanted, weights


def _sing_again_once(effects: list[Effect]) -> list[Effect]:
    again = [effect for effect in effects if isinstance(effect, SingAgain)]
    others: list[Effect] = [effect for effect in effects if not isinstance(effect, SingAgain)]
    return [*others, SingAgain(any(effect.beats for effect in again))] if again else others
