"""Reading a sound file in a process of its own, so that a file that breaks a decoder breaks nothing else.

    python -m heart.apart FILE RATE MAX_SECONDS MAX_BYTES      float32 samples of one channel on standard output

The process may use so much memory and time and no more, opens no network and starts no process. It looks at the
file's claims before it decodes, as `read_audio` does everywhere; what it refuses, it refuses in one line.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import numpy as np

from heart.audio import check_regular, read_audio, shown
from heart.errors import FileError, HeartError

TIMEOUT_S = 60.0
MEMORY_BYTES = 2 * 2**30
"""Of addresses, most of which are libraries; the samples themselves are held to what is asked for."""
REFUSED = 3
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "os.exec")


def read_apart(
    path: str | os.PathLike[str], rate_hz: int, max_seconds: float, max_bytes: int, timeout_s: float = TIMEOUT_S
) -> np.ndarray:
    """What `read_audio` reads of a file, at `rate_hz`, as one channel: float32 [n].

    Raises FileError as `read_audio` does, and for a file at which its reader crashed or took too long.
    """
    check_regular(path, shown(path))  # a name that is nothing is not worth a process
    command = [sys.executable, "-m", "heart.apart", os.fspath(path)]
    command += [str(rate_hz), str(max_seconds), str(max_bytes)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise FileError(f"{shown(path)}: could not be read within {timeout_s:.0f} s") from None
    if done.returncode == REFUSED:
        raise FileError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    if done.returncode:
        raise FileError(f"{shown(path)}: its reader ended by {done.returncode}: damaged, or too large for memory")
    return np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], dtype=np.float32).copy()


def main(path: str, rate_hz: str, max_seconds: str, max_bytes: str) -> int:
    """In the child."""
    limit()
    try:
        sound, _ = read_audio(path, int(rate_hz), max_seconds=float(max_seconds), max_bytes=int(max_bytes))
    except HeartError as error:
        print(error, file=sys.stderr)
        return REFUSED
    sys.stdout.buffer.write(sound.tobytes())
    return 0


def limit(memory_bytes: int = MEMORY_BYTES, seconds: float = TIMEOUT_S) -> None:
    """From now on this process has so much memory and processor time, no network and no children."""
    sys.addaudithook(_refuse)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _refuse(event: str, args: object) -> None:
    if event in FORBIDDEN:
        raise FileError(f"reading a sound must not lead to {event}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
