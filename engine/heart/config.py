"""The one file that knows the folders, and the settings of a live engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heart.errors import UsageError

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Folder `name` ("models", "patches", ...) as shipped: inside a wheel, or at the top of a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent.parent / name


def models_dir() -> Path:
    """Folder of the models; the environment variable HEART_MODELS names another."""
    named = os.environ.get("HEART_MODELS")
    return Path(named).expanduser() if named else shipped("models")


def records_dir() -> Path:
    """Folder of fetched ECG records; the variable HEART_RECORDS names another."""
    named = os.environ.get("HEART_RECORDS")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "sounds-of-the-heart" / "records"


def data_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Folder of the training and validation recordings: `given`, or the variable HEART_DATA.

    Raises:
        UsageError: when neither names an existing folder with a manifest.csv.
    """
    named = given or os.environ.get("HEART_DATA")
    if not named:
        raise UsageError("no data folder: give --data FOLDER, or set HEART_DATA")
    folder = Path(named).expanduser()
    if not (folder / "manifest.csv").is_file():
        raise UsageError(f"{folder}: no manifest.csv there; a data folder has one (see models/README.md)")
    return folder


@dataclass(frozen=True)
class LiveConfig:
    """Everything `heart live` can be told, read once and handed down in parts."""

    port: int = 9700
    host: str = "127.0.0.1"
    allow: tuple[str, ...] = ()
    phrase: str | None = None
    voice: str = "voice"
    voices: int = 1
    """How many of it sing at once, 1..4."""
    mode: str = "lead"
    heart: Path | None = None
    """A sound file played to the ear as if it were live."""
    beats: Path | None = None
    """A file of beats for mode "track": RR intervals, an ECG record, or what `heart listen --json` printed."""
    ecg: str | None = None
    """An ECG record for mode "track", as a path or by the name it was fetched by."""
    loop: bool = False
    """Play `heart`, `ecg` and `beats` again and again."""
    device_out: str | None = None
    device_in: str | None = None
    backend: str = "auto"
    record: Path | None = None
    log: Path | None = None
    """Where every chunk is noted with all that decides it."""
    sounds: Path | None = None
    """The only folder from which clients may have sounds loaded."""
    score: Path | None = None
    """A score that is performed; its cues wait for /heart/cue/go unless `unattended`."""
    unattended: bool = False
    score_out: Path | None = None
    """Where the performance is written down as a score."""
    notes: str | None = None
    """Which model makes notes; None: there are none."""
    link: str | None = None
    """Who leads the tempo of an Ableton Link session: "heart" or "session"; None: no Link."""
    http_port: int | None = None
    """TCP port of OSCQuery; 0 takes any free one, -1 none; None: 9702, and none where that is taken."""
    announce: bool | None = None
    """By zeroconf; None: when it is installed and `host` is open to a network."""
    aliases: tuple[str, ...] = ()
    """Files of foreign addresses, or names of shipped ones; what is learned goes to the last file."""
    presets: Path | None = None
    """The only folder for presets."""
    midi: str | None = None
    """Name of a MIDI port, or a part of it."""
    device: str = "cpu"
    """Where the voice's nets run: cpu, cuda, mps, auto."""
    dead_man: float | None = None
    """Seconds without a word from any client after which the engine falls silent as in a panic."""
    standby: bool = True
    """Keep a second voice loaded, for when the first dies."""
    threads: int = 0
    """Threads of the voice; 0 takes half the cores, four at most."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Parameters (heart.namespace.PARAMS) that begin elsewhere than at their default."""
