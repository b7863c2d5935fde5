"""A live run sung again from its log: every chunk in order, its past rebuilt from what was laid before it.

What comes out is the tape as it stood, before any client's gain and guard, bit for bit where machine, weights and
threads are the same. Each chunk's hash says whether it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from heart.errors import FileError, HeartError, UsageError
from heart.plumbing.recorder import claim
from heart.plumbing.takes import WavTake
from heart.plumbing.tape import Tape
from heart.records import OVERLAP, SAMPLE_RATE_HZ, Wish
from heart.sounding.choir import sing_all
from heart.sounding.pulse import Pulse
from heart.sounding.registry import Singer, open_voice
from heart.stage.chunk_log import Line, hash_past, hash_sound, header_of, read_log
from heart.stage.offline import progress_bar
from heart.stage.parts import Parts, lay, own_past


@dataclass
class Replay:
    """What came of it."""

    seconds: float = 0.0
    chunks: int = 0
    different: int = 0
    """Chunks whose samples are not those of the live run."""


def sing_again(log: Path, out: Path, from_s: float = 0.0, to_s: float | None = None) -> Replay:
    """Sing what `log` tells again and write the tape from `from_s` to `to_s` seconds: float32 WAV.

    There is a channel for each voice.

    Everything before is sung as well, because it is the past of what comes after.

    Raises:
        FileError: the log is damaged (with the line's number), or `out` cannot be written.
        UsageError: `out` is no .wav, or nothing of the log lies between the two times.
        HeartError: the log's voice has other weights here, or would sing a chunk by another recipe.
    """
    if out.suffix.lower() != ".wav":
        raise UsageError(f"{out}: what is sung again is written bit for bit, as float WAV; name a .wav file")
    header, lines = read_log(log)
    here = header_of(header.voice)
    if here.weights != header.weights:
        raise HeartError(
            f"{log}: was sung by {header.voice} with weights {header.weights[:12]}, here they are "
            f"{here.weights[:12]}; `heart models check` and the version of the log ({header.version}) help"
        )
    begin = round(from_s * SAMPLE_RATE_HZ)
    end = None if to_s is None else round(to_s * SAMPLE_RATE_HZ)
    if not lines or (end is not None and end <= begin):
        raise UsageError(f"{log}: nothing to sing between {from_s:g} s and {'its end' if to_s is None else to_s} s")
    claim(out)
    again = Again(log, open_voice(header.voice, header.threads, device=header.device), lines, header.voices)
    try:
        with progress_bar(len(lines)) as advance:
            again.write(WavTake(out, SAMPLE_RATE_HZ, header.voices), begin, end, advance)
    except OSError as error:
        raise FileError(f"{out}: cannot be written ({error.strerror or error})") from error
    if not again.told.seconds:
        raise UsageError(f"{log}: ends before {from_s:g} s")
    return again.told


class Again:
    """The loop of the conductor without its clock: the log says what was laid when, and what was known then."""

    def __init__(self, path: Path, voice: Singer, lines: list[Line], voices: int = 1) -> None:
        self.path, self.voice, self.lines = path, voice, lines
        self.bed = Pulse()
        self.tape, self.told = Tape(seconds=30, channels=voices), Replay()
        self.parts = Parts(self.tape)
        self._asked: dict[int, list[Line]] = defaultdict(list)
        """Lines by the number of chunks that lay when they were asked for."""
        for line in lines:
            self._asked[line.after].append(line)
        self._pasts: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def write(self, take: WavTake, begin: int, end: int | None, advance: Callable[[float], object]) -> None:
        """Sing all that is needed and write the frames [begin, end) of the tape."""
        done = 0
        try:
            for piece in self.pieces():
                start = max(begin - done, 0)
                take.write(piece[start : None if end is None else max(end - done, 0)])
                done += len(piece)
                advance(self.told.chunks)
                if end is not None and done >= end:
                    break
        finally:
            take.close()
        self.told.seconds = take.seconds

    def pieces(self) -> Iterator[np.ndarray]:
        """The tape from its first frame on, float32 [n, voices], as it becomes certain; at the end all that was
        sung."""
        done = 0
        for number, line in enumerate(self.lines):
            try:
                self._note_pasts(number)
                self.tape.seal(line.sealed)
                yield self.tape.read(done, self.tape.sealed - done)
                done = self.tape.sealed
                self._lay(line)
            except ValueError as error:
                raise FileError(f"{self.path}: line {line.number} does not fit those before it ({error})") from None
        yield self.tape.read(done, self.tape.head - done)

    def _note_pasts(self, laid: int) -> None:
        """What the voice was told had gone before, for all chunks that were asked for at this point."""
        for line in self._asked[laid]:
            begin = line.wish.start + OVERLAP - line.past_frames if line.past_frames else self.tape.head
            span = begin, line.past_frames
            self._pasts[line.number] = self.tape.read(*span), self.parts.read(*span)

    def _lay(self, line: Line) -> None:
        wish = self._whole(line.wish, *self._pasts.pop(line.number))
        chunk = sing_all(self.bed if line.by == "bed" else self.voice, wish)
        if chunk.recipe != line.recipe and hash_past(wish) == line.past_hash:
            raise HeartError(
                f"{self.path}: line {line.number}: chunk {wish.number} was sung by recipe {line.recipe}, here it "
                f"is {chunk.recipe}; take the version, weights and sampler it was sung with"
            )
        if len(chunk.audio) != wish.frames + OVERLAP:
            raise ValueError(f"a chunk of {len(chunk.audio)} frames")
        self.parts.lay(chunk, line.first)
        lay(self.tape, chunk, line.first)
        self.told.chunks += 1
        self.told.different += hash_sound(chunk) != line.sound_hash

    def _whole(self, wish: Wish, past: np.ndarray, parts: np.ndarray) -> Wish:
        """The wish with the past of each voice in it. Raises ValueError when it has more voices than the log."""
        voices = [each.voice for each in (wish, *wish.others)]
        if not all(1 <= voice <= self.tape.channels for voice in voices):
            raise ValueError(f"it has voices {voices}, the log {self.tape.channels}")
        others = tuple(replace(each, **own_past(past, parts, each.voice)) for each in wish.others)
        return replace(wish, **own_past(past, parts, 1), others=others)
