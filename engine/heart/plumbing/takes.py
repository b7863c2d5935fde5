"""Sound files that are whole at every flush: what a recorder writes while the music plays."""

from __future__ import annotations

import contextlib
import os
import struct
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

_HEADER = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")
_FLOAT = 3
"""WAVE_FORMAT_IEEE_FLOAT."""

_MOST_BYTES = 2**32 - 1 - _HEADER.size
"""A WAV file counts its bytes in 32 bits: six and a half hours of mono at 44.1 kHz."""


class Take(Protocol):
    """A sound file that grows. Every call may raise OSError: the disk is full or gone."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None: ...
    @property
    def seconds(self) -> float: ...
    def write(self, samples: np.ndarray) -> None: ...
    def pad_to(self, frame: int) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class _Growing(ABC):
    """What both kinds share: counting, and silence for frames that were lost on the way."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        self.path, self.rate_hz, self.channels = path, rate_hz, channels
        self.frames = 0

    @property
    def seconds(self) -> float:
        """Seconds written so far."""
        return self.frames / self.rate_hz

    def pad_to(self, frame: int) -> None:
        """Silence up to `frame`, so that what follows stands in its right place."""
        while self.frames < frame:
            missing = min(frame - self.frames, 65_536)
            self.write(np.zeros((missing, self.channels), dtype=np.float32))

    def write(self, samples: np.ndarray) -> None:
        """Append float32 [n] or [n, channels]."""
        frames = np.asarray(samples, dtype="<f4").reshape(-1, self.channels)
        self._append(frames)
        self.frames += len(frames)

    @abstractmethod
    def _append(self, frames: np.ndarray) -> None:
        """Write frames, float32 [n, channels], at the end."""


class WavTake(_Growing):
    """A float32 WAV file, written by hand: its header is three numbers that change at every flush."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        super().__init__(path, rate_hz, channels)
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._file.write(self._header())

    def flush(self) -> None:
        """Bring the header up to what has been written."""
        self._file.seek(0)
        self._file.write(self._header())
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Flush, and close in any case."""
        try:
            self.flush()
        finally:
            self._file.close()

    def _append(self, frames: np.ndarray) -> None:
        if (self.frames + len(frames)) * self.channels * 4 > _MOST_BYTES:
            raise OSError(f"a wav file ends at {_MOST_BYTES / 2**30:.0f} GB")
        data = memoryview(frames.tobytes())
        whole = self.frames * self.channels * 4 + _HEADER.size + len(data)
        while data:
            data = data[self._file.write(data) :]
        assert self._file.tell() == whole

    def _header(self) -> bytes:
        frame_bytes = 4 * self.channels
        size = self.frames * frame_bytes
        riff = (b"RIFF", _HEADER.size - 8 + size, b"WAVE")
        form = (
            b"fmt ",
            18,
            _FLOAT,
            self.channels,
            self.rate_hz,
            self.rate_hz * frame_bytes,
            frame_bytes,
            32,
            0,
        )
        return _HEADER.pack(*riff, *form, b"fact", 4, self.frames, b"data", size)


class FlacTake(_Growing):
    """A 24 bit FLAC file. libsndfile writes its length only at the end, so a flush writes it in between."""

    _LENGTH_AT = 21
    """Where STREAMINFO keeps the lower 32 of 36 bits of its count of frames (RFC 9639, section 8.2)."""

    _HELD_BACK = 2 * 4608
    """The encoder may still hold two of its blocks."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        import soundfile as sf

        super().__init__(path, rate_hz, channels)
        self._failure = sf.LibsndfileError
        self._file: Any = sf.SoundFile(path, "w", rate_hz, channels, "PCM_24", format="FLAC")

    def flush(self) -> None:
        """Write how long the file is by now, less what the encoder still holds."""
        self._file.flush()
        length = max(self.frames - self._HELD_BACK, 0)
        with self.path.open("r+b") as file:
            file.seek(self._LENGTH_AT)
            high = file.read(1)[0] & 0xF0
            file.seek(self._LENGTH_AT)
            file.write(struct.pack(">BI", high | length >> 32, length & 0xFFFFFFFF))

    def close(self) -> None:
        """The encoder writes what it holds, and the true length."""
        with contextlib.suppress(self._failure):
            self._file.close()

    def _append(self, frames: np.ndarray) -> None:
        try:
            self._file.write(frames)
        except self._failure as error:
            raise OSError(str(error)) from error
