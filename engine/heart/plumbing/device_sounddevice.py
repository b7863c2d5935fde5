"""PortAudio through python-sounddevice, with blocking reads and writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import sounddevice as sd

from heart.errors import DeviceError
from heart.plumbing.device import Device, Format


@contextmanager
def _said_plainly(doing: str) -> Iterator[None]:
    """One funnel for the library's errors; they carry PortAudio's own words."""
    try:
        yield
    except (sd.PortAudioError, ValueError, OSError) as error:
        raise DeviceError(f"{doing}: {error}") from error


def list_devices() -> list[Device]:
    """What PortAudio found when it was loaded, or at the last `refresh`."""
    with _said_plainly("listing the sound devices"):
        return [
            Device(
                entry["index"],
                f"{entry['name']}, {sd.query_hostapis(entry['hostapi'])['name']}",
                entry["max_input_channels"],
                entry["max_output_channels"],
                entry["default_samplerate"],
                "sounddevice",
            )
            for entry in sd.query_devices()
        ]


def refresh() -> None:
    """Start PortAudio again, the only way to make it look for devices (its issue 750)."""
    with _said_plainly("looking for sound devices"):
        sd._terminate()
        sd._initialize()


class _Stream(ABC):
    """What both ways share: opening, closing, latency."""

    kind: type[Any]

    def __init__(self, index: int | None, format: Format) -> None:
        self.format = format
        self._index = index
        self._stream: Any = None
        self._count_from_zero()

    @property
    def latency_s(self) -> float:
        """What PortAudio says; some hosts say nonsense."""
        return float(self._opened().latency)

    def start(self) -> None:
        """Open the device and begin."""
        self._count_from_zero()
        with _said_plainly(f"opening {self._name()}"):
            self._stream = self.kind(
                samplerate=self.format.rate_hz,
                blocksize=self.format.block,
                device=self._index,
                channels=self.format.channels,
                dtype="float32",
                latency=self.format.latency_s,
            )
            self._stream.start()

    def stop(self) -> None:
        """End and close; may be called twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with _said_plainly(f"closing {self._name()}"):
                stream.abort(ignore_errors=True)
                stream.close(ignore_errors=True)

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

    kind = sd.OutputStream

    def _count_from_zero(self) -> None:
        self.played = self.underruns = 0

    def write(self, samples: np.ndarray) -> None:
        """Play float32 [n, channels]; waits for room."""
        with _said_plainly(f"playing on {self._name()}"):
            dry = self._opened().write(np.ascontiguousarray(samples, dtype=np.float32))
        self.underruns += bool(dry)
        self.played += len(samples)


class Input(_Stream):
    """A PortAudio input."""

    kind = sd.InputStream

    def _count_from_zero(self) -> None:
        self.captured = self.overruns = 0

    def read(self, frames: int) -> np.ndarray:
        """float32 [frames, channels], when they have been heard."""
        with _said_plainly(f"listening on {self._name()}"):
            samples, lost = self._opened().read(frames)
        self.overruns += bool(lost)
        self.captured += frames
        return samples
