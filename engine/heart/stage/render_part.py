"""The folder of a rendering that is not finished: what was sung so far, and where to go on after a crash.

OUT.wav.part/ holds raw float32 of the mix and of each voice, the log of the chunks, and the last checkpoint. It
belongs to one score with one seed, voice and material: a key says which.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np

from heart.errors import FileError
from heart.stage.playing import Checkpoint

STATE, KEY, LOG = "state.npz", "key.json", "chunks.log"


class Part:
    """Opened for one rendering; `checkpoint` is where it goes on, None: from the beginning.

    Raises FileError, from every method, when the disk is full or the place cannot be written.
    """

    def __init__(self, out: Path, key: str, names: tuple[str, ...], widths: tuple[int, ...]) -> None:
        """`names` and `widths`: the raw sounds to be kept and their channels."""
        self.folder = out.with_name(out.name + ".part")
        self._widths = dict(zip(names, widths))
        try:
            self.checkpoint = self._found(key)
            if self.checkpoint is None:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir(parents=True)
                (self.folder / KEY).write_text(json.dumps(key), encoding="utf-8")
            given, chunks = (self.checkpoint.given, self.checkpoint.chunks) if self.checkpoint else (0, 0)
            self._files = {name: self._open(name, given) for name in names}
            self._log = self._open_log(chunks)
        except OSError as error:
            raise self._error(error) from error

    def path(self, name: str) -> Path:
        """Of a raw sound."""
        return self.folder / f"{name}.f32"

    def sound(self, name: str) -> np.ndarray:
        """A raw sound, float32 [n, channels], mapped from the disk."""
        self._files[name].flush()
        width = self._widths[name]
        frames = self.path(name).stat().st_size // (4 * width)
        if not frames:
            return np.zeros((0, width), np.float32)
        return np.memmap(self.path(name), "<f4", "r", shape=(frames, width))

    def write(self, name: str, frames: np.ndarray) -> None:
        """Append frames, float32 [n, channels], to a raw sound."""
        try:
            self._files[name].write(np.ascontiguousarray(frames, "<f4").tobytes())
        except OSError as error:
            raise self._error(error) from error

    def log(self, line: str) -> None:
        """Append a line to the log of chunks."""
        try:
            self._log.write(line.encode() + b"\n")
        except OSError as error:
            raise self._error(error) from error

    def keep(self, checkpoint: Checkpoint) -> None:
        """From now on a crash loses nothing of what came before."""
        try:
            for file in (*self._files.values(), self._log):
                file.flush()
            temporary = self.folder / "state.tmp.npz"
            numbers = np.array([checkpoint.chunks, checkpoint.given])
            np.savez(temporary, numbers=numbers, sound=checkpoint.sound, parts=checkpoint.parts)
            os.replace(temporary, self.folder / STATE)
        except OSError as error:
            raise self._error(error) from error

    def keep_log(self, path: Path) -> None:
        """Copy the log of chunks to where it was asked for."""
        try:
            self._log.flush()
            shutil.copyfile(self.folder / LOG, path)
        except OSError as error:
            raise FileError(f"{path}: cannot be written ({error.strerror or error})") from error

    def close(self) -> None:
        for file in (*self._files.values(), self._log):
            with contextlib.suppress(OSError):  # what a full disk did not take was told already
                file.close()

    def remove(self) -> None:
        """The rendering is finished."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self, key: str) -> Checkpoint | None:
        """The checkpoint of an earlier try, if it was of the same."""
        try:
            if json.loads((self.folder / KEY).read_text(encoding="utf-8")) != key:
                return None
            with np.load(self.folder / STATE, allow_pickle=False) as state:
                chunks, given = (int(number) for number in state["numbers"])
                return Checkpoint(chunks, given, state["sound"], state["parts"])
        except (OSError, ValueError, KeyError, EOFError):
            return None

    def _open(self, name: str, frames: int) -> BinaryIO:
        file = self.path(name).open("r+b" if frames else "wb")
        file.truncate(frames * 4 * self._widths[name])
        file.seek(0, os.SEEK_END)
        return file

    def _open_log(self, chunks: int) -> BinaryIO:
        """With the header and the lines of `chunks` chunks, if there are any."""
        path = self.folder / LOG
        lines = path.read_bytes().splitlines(keepends=True)[: chunks + 1] if chunks else []
        path.write_bytes(b"".join(lines))
        return path.open("ab")

    def _error(self, error: OSError) -> FileError:
        why = error.strerror or error
        return FileError(
            f"{self.folder}: cannot be written ({why}); what is there is kept: the same command goes on"
        )
