"""Sound files and sample rates: what comes in is checked before it is decoded.

Reading refuses, in one line, whatever could hurt a show: things that are not regular files, claims of
absurd length, rates or channels, samples that are not numbers. Sound is decoded in blocks into an
array whose size was checked first, so a small file that unpacks to gigabytes costs nothing.

soundfile and soxr are loaded on first use, so that importing this module costs nothing either.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from heart.errors import FileError, UsageError

MAX_SECONDS = 3600.0
MAX_CHANNELS = 8
RATES_HZ = (500, 192_000)
MAX_BYTES = 192 * 2**20
"""Of decoded sound in memory: 19 minutes of mono at 44.1 kHz, an hour at 14 kHz."""
MAX_PEAK = 1000.0
"""No float file holds honest samples beyond this (integers stored as floats reach 32768)."""

BLOCK_FRAMES = 65_536
MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"fLaC", b"OggS", b"ID3", b"caff", b".snd")
"""How the files that are read begin: wav, w64, aiff, flac, ogg, mp3 with tags, caf, au. Anything else is refused
before a decoder sees it: some try hard to make sound of a web page, and fill the terminal with their troubles."""

SUBTYPES = frozenset(
    {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
    | {"VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"}
)
"""What is decoded. ADPCM and its kin are left out: their decoders have a history of memory faults."""


def read_audio(
    path: str | os.PathLike[str],
    rate_hz: int | None = None,
    mono: bool = True,
    max_seconds: float = MAX_SECONDS,
    max_bytes: int = MAX_BYTES,
    first_seconds: float = math.inf,
) -> tuple[np.ndarray, int]:
    """Read a sound file: float32 [n] when `mono` (channels averaged), else [n, channels]; and its rate in Hz.

    With `rate_hz` the sound is resampled to it while it is read. Of a sound longer than `first_seconds` only the
    beginning is read. Silence is a sound like any other.

    Raises FileError for a file that is missing, no regular file, unreadable, of an unknown kind, empty,
    longer than `max_seconds`, larger than `max_bytes` when decoded, with more than 8 channels, with a
    rate outside 500..192000 Hz, or with samples that are no numbers or beyond +-1000.
    """
    name = shown(path)
    check_regular(path, name)
    with _opened(path, name) as file:
        channels = 1 if mono else file.channels
        _check_claims(name, file, max_seconds)
        wanted = int(min(file.frames, first_seconds * file.samplerate))
        frames = math.ceil(wanted * (rate_hz or file.samplerate) / file.samplerate)
        if frames * channels * 4 > max_bytes:
            raise FileError(
                f"{name}: {wanted / file.samplerate:.0f} s would fill {frames * channels * 4 >> 20} MB "
                f"of memory (at most {max_bytes >> 20}); cut it into shorter files"
            )
        sound = np.empty((frames, channels), dtype=np.float32)
        blocks = _checked_blocks(name, file, mono, wanted)
        if rate_hz and rate_hz != file.samplerate:
            blocks = _resampled(blocks, file.samplerate, rate_hz, channels)
        sound = sound[: _fill(sound, blocks)]
        rate = rate_hz or file.samplerate
    if not len(sound):
        raise FileError(f"{name}: holds no sound")
    return (sound[:, 0] if mono else sound), rate


def write_audio(
    path: str | os.PathLike[str],
    audio: np.ndarray,
    rate_hz: int,
    subtype: str = "PCM_24",
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write [n] or [n, channels] to a .wav or .flac file, all of it or nothing.

    The sound is written beside its goal and then put in its place, so nobody ever reads half a file and
    an older file survives a full disk. `subtype` is libsndfile's word (PCM_16, PCM_24, FLOAT).
    `tags`: what the file says of itself (title, comment, license and soundfile's other words).

    Raises UsageError for another suffix or subtype, FileError when the folder cannot be written.
    """
    import soundfile as sf

    goal = Path(path)
    kind = goal.suffix.lower().lstrip(".").upper()
    if kind not in ("WAV", "FLAC") or not sf.check_format(kind, subtype):
        raise UsageError(f"{goal}: cannot write {subtype} to '{goal.suffix}'; name a .wav or .flac file")
    if not goal.parent.is_dir():
        raise FileError(f"{goal}: there is no folder {goal.parent}; make it first")
    part = goal.with_name(f".{goal.name}.{os.getpid()}.part")
    try:
        channels = 1 if audio.ndim == 1 else audio.shape[1]
        with sf.SoundFile(part, "w", rate_hz, channels, subtype, format=kind) as file:
            for name, value in (tags or {}).items():
                setattr(file, name, value)
            file.write(audio)
        os.replace(part, goal)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{goal}: cannot be written ({_reason(error)})") from error


def resample(audio: np.ndarray, from_hz: float, to_hz: float) -> np.ndarray:
    """float32 [n] or [n, channels] at another rate, by soxr's high quality; the delay is compensated."""
    sound = np.asarray(audio, dtype=np.float32)
    if from_hz == to_hz or not len(sound):
        return sound
    import soxr

    return soxr.resample(sound, from_hz, to_hz, quality="HQ")


@lru_cache(maxsize=8)
def rise(frames: int) -> np.ndarray:
    """Weights of a cross-fade into the new sound, from nearly 0 to nearly 1: float32 [frames].

    The running sum of a Blackman window. A straight line bends where it ends: between two heart sounds that differ
    that is a click at -70 dB of full scale, up to 3 kHz; this one leaves nothing there.
    """
    slope = np.blackman(frames + 3)[1:-1]
    return (np.cumsum(slope)[:-1] / slope.sum()).astype(np.float32)


def db_to_gain(level_db: float) -> float:
    """Amplitude factor of a level in dB; -inf gives 0."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float) -> float:
    """Level in dB of an amplitude factor; 0 gives -inf."""
    return 20.0 * math.log10(abs(gain)) if gain else -math.inf


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can be printed on one line of any terminal: what cannot be printed is escaped."""
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def check_regular(path: str | os.PathLike[str], name: str) -> None:
    """Raises FileError for what is not there, and for folders, pipes and devices."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise FileError(f"{name}: cannot be found ({_reason(error)})") from error
    if not stat.S_ISREG(mode):
        raise FileError(f"{name}: is not a file of sound but a folder, pipe or device")


def _check_magic(path: str | os.PathLike[str], name: str) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except OSError as error:
        raise FileError(f"{name}: cannot be read as sound ({_reason(error)})") from error
    if not head:
        raise FileError(f"{name}: is empty")
    if not (head.startswith(MAGIC) or _is_mpeg(head)):
        raise FileError(f"{name}: cannot be read as sound, whatever its name says; wav, flac, ogg and mp3 can")


def _is_mpeg(head: bytes) -> bool:
    """Does an MPEG audio frame begin here: eleven set bits, a version, a layer?"""
    return len(head) == 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0


def _opened(path: str | os.PathLike[str], name: str) -> Any:
    import soundfile as sf

    _check_magic(path, name)
    try:
        # As bytes a name that is no valid text can be opened too; Windows has no such names.
        return sf.SoundFile(os.fspath(path) if os.name == "nt" else os.fsencode(path))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = _reason(error)
        if reason.startswith("File does not exist"):  # what libsndfile says of a damaged mp3
            reason = "damaged or cut off at its beginning"
        raise FileError(f"{name}: cannot be read as sound ({reason}); wav and flac can") from error


def _check_claims(name: str, file: Any, max_seconds: float) -> None:
    if file.subtype not in SUBTYPES:
        raise FileError(f"{name}: its encoding {file.subtype} is not read; save it as 16 bit wav or flac")
    if not RATES_HZ[0] <= file.samplerate <= RATES_HZ[1]:
        raise FileError(f"{name}: a rate of {file.samplerate} Hz is outside {RATES_HZ[0]}..{RATES_HZ[1]}")
    if file.channels > MAX_CHANNELS:
        raise FileError(f"{name}: has {file.channels} channels, at most {MAX_CHANNELS} are read")
    if file.frames > max_seconds * file.samplerate:
        raise FileError(
            f"{name}: says it lasts {file.frames / file.samplerate:.0f} s, "
            f"at most {max_seconds:.0f} s are read; cut it into shorter files"
        )


def _checked_blocks(name: str, file: Any, mono: bool, frames: int) -> Iterator[np.ndarray]:
    """The first `frames` as float32 blocks [n, channels] (one channel when `mono`), each looked through first."""
    done = 0
    while done < frames:
        try:
            block = file.read(min(BLOCK_FRAMES, frames - done), dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise FileError(
                f"{name}: is damaged after {done / file.samplerate:.1f} s ({_reason(error)})"
            ) from error
        if not len(block):
            return
        if not np.abs(block).max() <= MAX_PEAK:
            raise FileError(
                f"{name}: near {done / file.samplerate:.1f} s holds samples that are not numbers or beyond "
                f"+-{MAX_PEAK:.0f}; scale them to +-1"
            )
        done += len(block)
        yield block.mean(axis=1, keepdims=True, dtype=np.float32) if mono else block


def _resampled(blocks: Iterator[np.ndarray], from_hz: float, to_hz: float, channels: int) -> Iterator[np.ndarray]:
    import soxr

    stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty((0, channels), dtype=np.float32), last=True)


def _fill(sound: np.ndarray, blocks: Iterator[np.ndarray]) -> int:
    """Put the blocks one after another into `sound`; return how many frames came."""
    at = 0
    for block in blocks:
        count = min(len(block), len(sound) - at)
        sound[at : at + count] = block[:count]
        at += count
    return at


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return str(text).strip().rstrip(".")
