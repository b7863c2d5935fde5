"""`heart render`: a score into a sound file, faster than it sounds; the rehearsal of the concert.

A rendering that was interrupted goes on where it was (`render_part.py`); the same score, seed, voice and material
give the same bytes on one machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from heart import __version__
from heart.config import shipped
from heart.errors import FileError, UsageError
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.choir import sing_all
from heart.sounding.registry import open_voice
from heart.sounding.together import side_by_side
from heart.sounding.track import Track
from heart.stage.beat_files import given_track, track_of
from heart.stage.chunk_log import encode_line, header_of
from heart.stage.material import Material, gather, rehearse
from heart.stage.mixdown import Format, Level, Mixer, loudness_of, write_sound
from heart.stage.playing import Playing, Sounded
from heart.stage.render_part import Part
from heart.stage.score import Score, marks, sets_steps, with_steps
from heart.stage.score_reader import read_score

STEPS = 8
"""Diffusion steps where neither the score nor anybody says so: offline there is time for the finer sound."""
MOST_THREADS = 8
KEEP_S = 10.0
"""Seconds of work after which a checkpoint is kept."""
MIX = "mix"
Progress = Callable[[float], object]
"""Called with the share that is done, 0..1."""


@dataclass(frozen=True)
class Wanted:
    """What is to be rendered how. Files are only named here."""

    score: Path
    out: Path
    heart: Path | None = None
    """A recording that is followed where the score follows a heart."""
    beats: Path | None = None
    """Beats for mode track, from a file of them ..."""
    ecg: str | None = None
    """... or from an ECG record, also by the name of a fetched one."""
    seed: int | None = None
    steps: int | None = None
    voice: str = ""
    sounds: Path | None = None
    """The folder of the sounds that the score names; None: the shipped one."""
    threads: int = 0
    device: str = "cpu"
    format: Format = field(default_factory=Format)
    stems: bool = False
    log: Path | None = None
    plot: Path | None = None


@dataclass(frozen=True)
class Rendered:
    """What came of it."""

    out: Path
    seconds: float
    work_s: float
    """Seconds it took; of one that went on, since then."""
    chunks: int
    level: Level
    resumed: bool = False
    stems: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ready:
    """A score with all that it takes to perform it."""

    score: Score
    material: Material
    voice: str
    track: Track | None
    heart: Track | None


def render(wanted: Wanted, progress: Progress = lambda share: None) -> Rendered:
    """Perform a score into a file.

    Raises:
        UsageError: an option that cannot be.
        FileError: the score (with the line), a sound it names or the heart cannot be read; `out` cannot be written.
    """
    wanted.format.check(wanted.out)
    if not wanted.out.parent.is_dir():
        raise UsageError(f"{wanted.out.parent}: no such folder")
    return render_ready(wanted, prepare(wanted), progress)


def render_ready(wanted: Wanted, ready: Ready, progress: Progress = lambda share: None) -> Rendered:
    """The same, of a score that was read and checked already. Raises FileError, UsageError."""
    began_s = time.perf_counter()
    names = (MIX, *(f"voice-{voice}" for voice in range(1, ready.score.voices + 1)))
    part = Part(wanted.out, _key(wanted, ready), names, (2, *[1] * ready.score.voices))
    try:
        playing = _perform(wanted, ready, part, progress)
        told = _write(wanted, ready, part, playing, began_s)
    except BaseException:
        part.close()
        raise
    part.remove()
    progress(1.0)
    return told


def prepare(wanted: Wanted) -> Ready:
    """Read and check everything before anything sounds."""
    track = given_track(wanted.beats, wanted.ecg, loop=True)
    given = [*(["heart"] if wanted.heart else []), *(["beats"] if track else [])]
    score = read_score(wanted.score, wanted.seed, given)
    voice = wanted.voice or score.voice or "voice"
    if wanted.steps or not sets_steps(score):
        score = with_steps(score, wanted.steps or STEPS)
    heart = heart_track(wanted.heart) if wanted.heart else None
    rehearse(score, voice, track or heart)
    return Ready(score, gather(score, wanted.sounds or shipped("sounds")), voice, track, heart)


def heart_track(path: Path) -> Track:
    """The beats that the ear hears in a recording, to be followed again and again.

    Raises FileError when it cannot be read, or no trustworthy rhythm is in it.
    """
    from heart.listening.files import listen
    from heart.listening.weights import load_weights

    heard = listen(path, load_weights())
    beats = heard["beats"]
    if heard["bpm"] is None or len(beats) < 3:
        raise FileError(f"{path}: the ear hears no trustworthy rhythm in it; there is nothing to follow")
    return track_of([beat["s1"] for beat in beats], [beat["s2"] for beat in beats], loop=True)


def all_cores() -> int:
    """Voices that sing side by side where nothing sounds meanwhile; the bits are the same one by one."""
    return min(MOST_THREADS, os.cpu_count() or 1)


def _perform(wanted: Wanted, ready: Ready, part: Part, progress: Progress) -> Playing:
    singer = open_voice(ready.voice, 1, device=wanted.device)
    side_by_side(wanted.threads or all_cores())
    if part.checkpoint is None:
        part.log(encode_line(header_of(ready.voice, wanted.threads, ready.score.voices, wanted.device)))
    playing = Playing(
        ready.score,
        ready.material,
        ready.voice,
        lambda wish: sing_all(singer, wish),
        ready.track,
        ready.heart,
        log=lambda laid: part.log(encode_line(laid)),
        since=part.checkpoint,
    )
    mixer, kept_s = Mixer(ready.score.voices), time.perf_counter()
    known = part.checkpoint.given if part.checkpoint else 0
    for piece in playing.pieces():
        mixed, voices = mixer.mix(piece)
        new = slice(max(0, min(len(mixed), known - piece.begin)), None)
        part.write(MIX, mixed[new])
        for voice in range(voices.shape[1]):
            part.write(f"voice-{voice + 1}", voices[new, voice : voice + 1])
        progress(0.99 * playing.given / playing.total)
        past = playing.since is None or playing.chunks > playing.since.chunks
        if past and time.perf_counter() - kept_s > KEEP_S:
            part.keep(playing.checkpoint())
            kept_s = time.perf_counter()
    return playing


def _write(wanted: Wanted, ready: Ready, part: Part, playing: Playing, began_s: float) -> Rendered:
    mix = part.sound(MIX)
    loudness = loudness_of(mix) if wanted.format.loudness is not None else None
    gain_db = 0.0 if loudness is None or wanted.format.loudness is None else wanted.format.loudness - loudness
    level = write_sound(wanted.out, mix, wanted.format, gain_db)
    stems = _write_stems(wanted, part, ready.score.voices, gain_db) if wanted.stems else ()
    if wanted.log:
        part.keep_log(wanted.log)
    if wanted.plot:
        _draw(wanted.plot, wanted.out, ready.score, playing.beats)
    work_s = time.perf_counter() - began_s
    remarks = tuple(playing.player.refused)
    return Rendered(
        wanted.out, ready.score.seconds, work_s, playing.chunks, level, part.checkpoint is not None, stems, remarks
    )


def _write_stems(wanted: Wanted, part: Part, voices: int, gain_db: float) -> tuple[Path, ...]:
    """A file for each voice, at its own fader, beside the whole: OUT-voice-1.wav, ..."""
    written = []
    for voice in range(1, voices + 1):
        path = wanted.out.with_name(f"{wanted.out.stem}-voice-{voice}{wanted.out.suffix}")
        write_sound(path, part.sound(f"voice-{voice}"), wanted.format, gain_db)
        written.append(path)
    return tuple(written)


def _draw(path: Path, rendered: Path, score: Score, beats: list[Sounded]) -> None:
    from heart.stage.booklet import draw

    sound, rate_hz = soundfile.read(rendered, dtype="float32")

    first = [sounded.beat for sounded in beats if sounded.voice == 1]
    draw(
        path,
        sound,
        rate_hz,
        title=score.title,
        s1_s=[beat.s1 / SAMPLE_RATE_HZ for beat in first],
        rr_s=[beat.rr_ms / 1_000 for beat in first],
        marks=marks(score.cues),
    )


def _key(wanted: Wanted, ready: Ready) -> str:
    """A hash of all that decides the sound before the file is written."""
    header = header_of(ready.voice, wanted.threads, ready.score.voices, wanted.device)
    sounds = {name: hashlib.sha256(loop.tobytes()).hexdigest() for name, loop in ready.material.loops.items()}
    all_: list[Any] = [__version__, asdict(header), [asdict(cue) for cue in ready.score.cues], sounds]
    all_ += [repr(each) for each in (ready.material.tracks, ready.track, ready.heart)]
    return hashlib.sha256(json.dumps(all_).encode()).hexdigest()
