"""Sound devices: one contract, three back ends.

    null         a device made of arithmetic with a real clock; always there
    sounddevice  PortAudio through python-sounddevice; the usual one
    pyaudio      PortAudio through PyAudio, for set-ups where that is what works

Only blocking reads and writes are used, never a Python callback: a callback competes with everything else
for the interpreter and then loses sound. A back end is loaded when it is first asked for.

Devices belong into a process that may be killed (see plumbing/sound.py): a PortAudio that lost its server
can hang in any call.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from heart.errors import DeviceError

BACKENDS = {
    "sounddevice": "heart.plumbing.device_sounddevice",
    "pyaudio": "heart.plumbing.device_pyaudio",
    "null": "heart.plumbing.device_null",
}
"""Name to module; each offers `list_devices()`, `Output` and `Input`. A new back end is one line here."""

INSTALL = (
    "install PortAudio: `apt install libportaudio2` (Debian, Ubuntu), `dnf install portaudio` (Fedora), "
    "`brew install portaudio` (macOS); on Windows `pip install --force-reinstall sounddevice` brings it along"
)


@dataclass(frozen=True)
class Device:
    """One entry of the machine's list of sound devices."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate_hz: float
    backend: str

    def __str__(self) -> str:
        ways = f"{self.inputs} in, {self.outputs} out"
        return f"{self.index:3d}  {self.name}  ({ways}, {self.rate_hz:.0f} Hz, {self.backend})"


@dataclass(frozen=True)
class Format:
    """How sound crosses between us and a device: float32 frames, `block` at a time."""

    rate_hz: int = 44_100
    channels: int = 1
    block: int = 256
    latency_s: float = 0.1
    """Wanted buffer of the device; what it really gives is `latency_s` of the opened device."""


class Output(Protocol):
    """A device that plays. One thread uses it; `played` and `underruns` may be read from any.

    start() opens and begins; write(samples) takes float32 [n, channels] and waits until there is room;
    stop() ends and closes, may be called twice, and forgets what was not yet heard. Every call raises
    DeviceError when the device is gone.
    """

    format: Format
    played: int
    """Frames handed over since `start`."""
    underruns: int
    """How often the device ran dry, as far as it tells (PortAudio tells too few)."""

    @property
    def latency_s(self) -> float: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def write(self, samples: np.ndarray) -> None: ...


class Input(Protocol):
    """A device that listens: read(frames) waits for and returns float32 [frames, channels]."""

    format: Format
    captured: int
    """Frames read since `start`."""
    overruns: int

    @property
    def latency_s(self) -> float: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def read(self, frames: int) -> np.ndarray: ...


def list_devices(backend: str = "auto") -> list[Device]:
    """The devices of a back end. Raises DeviceError when no back end can be loaded."""
    return _load(backend).list_devices()


def open_output(name: str = "", format: Format = Format(), backend: str = "auto") -> Output:
    """An output that is not started yet.

    `name` is "" for the system's own choice, "null", a number of `list_devices`, a full name, or a part of
    one that fits exactly one device.

    Raises DeviceError, listing what there is, when no device fits or when it has too few channels.
    """
    module = _load("null" if name == "null" else backend)
    return module.Output(_choose(module.list_devices(), name, "outputs", format), format)


def open_input(name: str = "", format: Format = Format(), backend: str = "auto") -> Input:
    """An input that is not started yet; `name` and errors as with `open_output`."""
    module = _load("null" if name == "null" else backend)
    return module.Input(_choose(module.list_devices(), name, "inputs", format), format)


def refresh(backend: str = "auto") -> None:
    """Look again which devices there are. PortAudio looks only once otherwise; open no device meanwhile."""
    _load(backend).refresh()


def _load(backend: str) -> Any:
    wanted = ["sounddevice", "pyaudio"] if backend == "auto" else [backend]
    failures = []
    for name in wanted:
        if name not in BACKENDS:
            raise DeviceError(f"no sound back end '{name}'; there are: auto, {', '.join(BACKENDS)}")
        try:
            return importlib.import_module(BACKENDS[name])
        except (ImportError, OSError) as error:
            failures.append(f"{name}: {error}")
    raise DeviceError(f"no sound device can be used ({'; '.join(failures)}); {INSTALL}")


def _choose(devices: Sequence[Device], name: str, way: str, format: Format) -> int | None:
    """Index of the device meant by `name`; None leaves the choice to the system."""
    able = [device for device in devices if getattr(device, way) > 0]
    if name in ("", "default") and able:
        return None
    fits = _fitting(able, name)
    if len(fits) != 1:
        listed = "; ".join(f"{device.index}: {device.name}" for device in able) or "none at all"
        problem = f"'{name}' fits {len(fits)}" if fits else f"no sound device '{name or 'default'}'"
        raise DeviceError(f"{problem} among the {way}: {listed}; choose one by number, or 'null'")
    device = fits[0]
    if getattr(device, way) < format.channels:
        raise DeviceError(f"{device.name} has {getattr(device, way)} {way}, {format.channels} are asked for")
    return device.index


def _fitting(devices: Sequence[Device], name: str) -> list[Device]:
    if name.isdigit():
        return [device for device in devices if device.index == int(name)]
    exact = [device for device in devices if device.name == name]
    return exact or [device for device in devices if name and name.lower() in device.name.lower()]
