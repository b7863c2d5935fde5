"""`heart generate` and `heart morph` with a model of notes: into files of 4 s at 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from heart.audio import read_audio, write_audio
from heart.cards import read_model
from heart.config import models_dir
from heart.errors import UsageError
from heart.sounding.notes.kinds import RATE_HZ, SAMPLES
from heart.stage.offline import file_names
from heart.stage.remade import numbers

if TYPE_CHECKING:
    from heart.sounding.notes.model import NoteVoice, Said

KINDS = ("notes", "notes-gan")
MOST_VIBRATO_CENTS = 100.0
PITCH = 60.0


def is_notes_voice(name: str) -> bool:
    """Whether a voice's name is that of a model of notes. Loads nothing heavy."""
    card = models_dir() / name / "card.toml"
    return Path(name).name == name and card.is_file() and read_model(card.parent).card["kind"] in KINDS


def generate_notes(
    out: Path,
    voice: str,
    count: int | None = None,
    seed: int = 0,
    z: str | None = None,
    pitch: float | None = None,
    family: str | None = None,
    velocity: int = 100,
    vibrato: float = 0.0,
) -> list[Path]:
    """A note, or `count` of them with seeds from `seed` on in the folder `out`.

    z: latents with commas between, the rest 0; None draws them, from the generator of a notes-gan.
    Raises UsageError for what cannot be, FileError where nothing can be written.
    """
    said = _said(PITCH if pitch is None else pitch, family, velocity, vibrato)
    files, gan = file_names(out, count, seed, "note"), _kind(voice) == "notes-gan"
    if z is not None and (gan or count is not None):
        why = (
            f"{voice} draws its own; --voice notes-ae takes them" if gan else "one note has them, not --count many"
        )
        raise UsageError(f"--z: {why}")
    if gan:
        from heart.sounding.notes.generator import open_maker

        maker = open_maker(voice)
        notes, player = [maker.latents(said, seed + number) for number in range(len(files))], maker.voice
    else:
        player = _open(voice)
        given = None if z is None else player.check(numbers(z, "--z"))
        notes = [_drawn(player, seed + number) if given is None else given for number in range(len(files))]
    for file, latents in zip(files, notes):
        _play(player, latents, said, file)
    return files


def morph_notes(
    paths: Sequence[Path],
    out: Path,
    voice: str,
    weights: str | None = None,
    count: int | None = None,
    pitch: float | None = None,
    family: str | None = None,
    velocity: int = 100,
    vibrato: float = 0.0,
) -> list[Path]:
    """Between sounds (or latents, written with commas): one note by weights, or `count` from the first to the last.

    Without `pitch` the note has that between the sounds' own. Raises UsageError and FileError.
    """
    from heart.sounding.sources import share

    if weights is not None and count is not None:
        raise UsageError("give --weights or --count, not both")
    if len(paths) < 2:
        raise UsageError("a morph needs two sounds or more")
    if _kind(voice) != "notes":
        raise UsageError(f"{voice} has no latents of sounds; morph with --voice notes-ae")
    files, player = file_names(out, count, 0, "morph"), _open(voice)
    ends = [_latents(player, path, pitch) for path in paths]
    given = numbers(weights, "--weights") if weights is not None else [1.0] * len(paths)
    for number, file in enumerate(files):
        mixture = share(given, len(paths)) if count is None else _along(number, count, len(paths))
        parts = np.asarray(mixture)
        latents = parts @ np.array([z for z, _ in ends])
        heard = float(parts @ np.array([at for _, at in ends])) if pitch is None else pitch
        _play(player, latents, _said(heard, family, velocity, vibrato), file)
    return files


def _along(number: int, count: int, ends: int) -> list[float]:
    """Weights of step `number` of `count` on the way past all ends."""
    place = number / max(1, count - 1) * (ends - 1)
    return [max(0.0, 1 - abs(place - end)) for end in range(ends)]


def _latents(player: NoteVoice, path: Path, pitch: float | None) -> tuple[np.ndarray, float]:
    """Latents and pitch of a sound file, or of numbers with commas between."""
    if not path.exists() and set(str(path)) <= set("0123456789.,-+e "):
        return player.check(numbers(str(path), "latents")), PITCH if pitch is None else pitch
    sound, _ = read_audio(path, RATE_HZ, first_seconds=SAMPLES / RATE_HZ)
    z, heard = player.encode(sound)
    Console(stderr=True).print(f"{path}: heard at pitch {heard:.2f}", highlight=False, soft_wrap=True)
    return z, heard


def _play(player: NoteVoice, latents: np.ndarray, said: Said, file: Path) -> None:
    from heart.sounding.notes.model import soften

    console = Console(stderr=True)
    bent, beyond = soften(latents)
    for number in np.flatnonzero(beyond):
        console.print(
            f"z{number + 1} {latents[number]:g}: beyond 3, where few notes lie; held back to {bent[number]:.2f}",
            highlight=False,
        )
    sound = player.decode(latents, said)
    write_audio(file, sound, RATE_HZ, "PCM_24")  # no guard: its fade-in would take the attack
    about = f"pitch {said.pitch:g}{f', {said.family}' if said.family else ''}"
    first = ",".join(f"{value:.2f}" for value in bent[:16])
    console.print(f"{file}: {len(sound) / RATE_HZ:g} s, {about}, z {first}", highlight=False, soft_wrap=True)


def _said(pitch: float, family: str | None, velocity: int, vibrato: float) -> Said:
    from heart.sounding.notes.model import Said

    if not 0 <= vibrato <= MOST_VIBRATO_CENTS:
        raise UsageError(f"vibrato {vibrato:g}: must lie between 0 and {MOST_VIBRATO_CENTS:g} cents")
    said = Said(pitch, family, velocity, vibrato)
    said.check()
    return said


def _open(voice: str) -> NoteVoice:
    from heart.sounding.notes.model import open_notes

    return open_notes(voice)


def _kind(voice: str) -> str:
    return str(read_model(models_dir() / voice).card["kind"])


def _drawn(player: NoteVoice, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(player.latents).astype(np.float32)
