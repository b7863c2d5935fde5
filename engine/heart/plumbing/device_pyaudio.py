"""PortAudio through PyAudio, with blocking reads and writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyaudio

from heart.errors import DeviceError
from heart.plumbing.device import Device, Format

_library: Any = None


@contextmanager
def _said_plainly(doing: str) -> Iterator[None]:
    """One funnel for the library's errors: it raises OSError(words, code)."""
    try:
        yield
    except (OSError, ValueError) as error:
        words = error.args[-1] if error.args and isinstance(error.args[-1], str) else error
        raise DeviceError(f"{doing}: {words}") from error


def _portaudio() -> Any:
    """The one PyAudio object of this process."""
    global _library
    if _library is None:
        _library = pyaudio.PyAudio()
    return _library


def list_devices() -> list[Device]:
    """What PortAudio found when it was loaded, or at the last `refresh`."""
    library = _portaudio()
    with _said_plainly("listing the sound devices"):
        entries = [library.get_device_info_by_index(n) for n in range(library.get_device_count())]
        return [
            Device(
                int(entry["index"]),
                f"{entry['name']}, {library.get_host_api_info_by_index(entry['hostApi'])['name']}",
                int(entry["maxInputChannels"]),
                int(entry["maxOutputChannels"]),
                float(entry["defaultSampleRate"]),
                "pyaudio",
            )
            for entry in entries
        ]


def refresh() -> None:
    """Start PortAudio again, the only way to make it look for devices (its issue 750)."""
    global _library
    if _library is not None:
        _library.terminate()
        _library = None


class _Stream(ABC):
    """What both ways share: opening, closing."""

    way: str

    def __init__(self, index: int | None, format: Format) -> None:
        self.format = format
        self._index = index
        self._stream: Any = None
        self._count_from_zero()

    def start(self) -> None:
        """Open the device and begin."""
        wanted = {
            "rate": self.format.rate_hz,
            "channels": self.format.channels,
            "format": pyaudio.paFloat32,
            "frames_per_buffer": self.format.block,
            self.way: True,
            f"{self.way}_device_index": self._index,
        }
        self._count_from_zero()
        with _said_plainly(f"opening {self._name()}"):
            self._stream = _portaudio().open(**wanted)

    def stop(self) -> None:
        """End and close; may be called twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with _said_plainly(f"closing {self._name()}"):
                stream.close()

    @abstractmethod
    def _count_from_zero(self) -> None:
        """A stream begins: nothing played, no underruns yet."""

    def _opened(self) -> Any:
        if self._stream is None:
            raise DeviceError(f"{self._name()} is not started")
        return self._stream

    def _name(self) -> str:
        return "the default sound device" if self._index is None else f"sound device {self._index}"


class Output(_Stream):
    """A PortAudio output."""

    way = "output"

    def _count_from_zero(self) -> None:
        self.played = self.underruns = 0

    @property
    def latency_s(self) -> float:
        """What PortAudio says; PyAudio always asks for the device's high latency."""
        return float(self._opened().get_output_latency())

    def write(self, samples: np.ndarray) -> None:
        """Play float32 [n, channels]; waits for room. PyAudio tells nothing of underruns unless it raises."""
        sound = np.ascontiguousarray(samples, dtype=np.float32)
        stream = self._opened()
        try:
            stream.write(sound.tobytes(), len(sound), exception_on_underflow=True)
        except OSError as error:
            if pyaudio.paOutputUnderflowed not in error.args:
                raise DeviceError(f"playing on {self._name()}: {error.args[-1]}") from error
            self.underruns += 1
        self.played += len(sound)


class Input(_Stream):
    """A PortAudio input."""

    way = "input"

    def _count_from_zero(self) -> None:
        self.captured = self.overruns = 0

    @property
    def latency_s(self) -> float:
        """What PortAudio says."""
        return float(self._opened().get_input_latency())

    def read(self, frames: int) -> np.ndarray:
        """float32 [frames, channels], when they have been heard."""
        with _said_plainly(f"listening on {self._name()}"):
            sound = self._opened().read(frames, exception_on_overflow=False)
        self.captured += frames
        return np.frombuffer(sound, dtype=np.float32).reshape(frames, self.format.channels).copy()
