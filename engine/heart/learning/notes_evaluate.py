"""What the notes' models can, measured on timbres never met: `heart evaluate notes-ae`, `notes-gan`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heart.cards import find_model
from heart.errors import FileError
from heart.learning.notes_data import Note, read_nsynth, read_piano
from heart.learning.notes_ear import HEARD, NoteEar, heard_levels
from heart.learning.notes_judge import cents, log_spectral_distance, share_within
from heart.learning.voice_likeness import frechet
from heart.sounding.notes.generator import NoteMaker
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.model import NoteVoice, Said, load_weights
from heart.sounding.notes.pitch import find_pitch

KEPT_CENTS, RIGHT_CENTS = 20, 50
TIMED = 20
EAR = "ear.safetensors"
"""The judge of families, beside the generator's weights."""
Remake = Callable[[Note], np.ndarray]


def evaluate_ae(data_dir: Path | None, name: str = "notes-ae") -> dict[str, Any]:
    """Figures of an autoencoder on the held-out notes of a folder in NSynth's layout, or on a manifest's piano."""
    return ae_figures(NoteVoice(find_model(name)), held_out(data_dir))


def evaluate_64(data_dir: Path | None) -> dict[str, Any]:
    """As `evaluate_ae`, of the one with 64 latents."""
    return evaluate_ae(data_dir, "notes-ae-64")


def evaluate_gan(data_dir: Path | None) -> dict[str, Any]:
    """Figures of the generator against the held-out notes of a folder in NSynth's layout."""
    model = find_model("notes-gan")
    ear = NoteEar()
    load_weights(ear, model.proven(EAR, str(model.card.get("ear_sha256"))))
    return gan_figures(NoteMaker(model), ear, held_out(data_dir))


def held_out(data: Path | None) -> list[Note]:
    """Notes of split val; of a data folder with a manifest.csv its piano notes.

    Raises FileError where there are none.
    """
    if data is None:
        raise FileError("no notes: make some with `heart data notes -o FOLDER --count 5000`, then --data FOLDER")
    if not (data / "examples.json").is_file() and (piano := read_piano(data)):
        return piano
    notes = [note for note in read_nsynth(data) if note.split == "val"]
    if len(notes) < 2:
        raise FileError(f"{data}: {len(notes)} notes of held-out instruments there; a few hundred notes have some")
    return notes


def ae_figures(voice: NoteVoice, notes: Sequence[Note]) -> dict[str, Any]:
    """Distance and pitch of notes encoded and decoded, without and with their family told; ms for a note."""

    def remake(note: Note, told: bool) -> np.ndarray:
        z, _ = voice.encode(note.sound(), note.pitch)
        return voice.decode(z, Said(note.pitch, FAMILIES[note.family] if told else None, note.velocity))

    figures = remade_figures(lambda note: remake(note, False), notes)
    told = [log_spectral_distance(remake(note, True), note.sound()) for note in notes]
    return {"latents": voice.latents, **figures, "lsd_family_told_db": _mean(told), "decode_ms": decode_ms(voice)}


def remade_figures(remake: Remake, notes: Sequence[Note], samples: int | None = None) -> dict[str, Any]:
    """Of notes against what was made of them, in their first `samples`: log-spectral distance, share in tune."""
    near, apart = [], []
    for note in notes:
        sound, made = note.sound()[:samples], remake(note)[:samples]
        near.append(log_spectral_distance(made, sound))
        apart.append(cents(made, sound))
    families = np.array([note.family for note in notes])
    by_family = {
        f"{word}_lsd_db": _mean(np.array(near)[families == number])
        for number, word in enumerate(FAMILIES)
        if (families == number).any()
    }
    kept = round(share_within(apart, KEPT_CENTS), 4)
    return {"notes": len(notes), "lsd_db": _mean(near), "pitch_kept_20_cents": kept, **by_family}


def decode_ms(voice: NoteVoice) -> float:
    """Middle time of a decoded note of 4 s, on one thread."""
    before, spent = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for number in range(TIMED):
            z = np.random.default_rng(number).standard_normal(voice.latents)
            began_s = time.perf_counter()
            voice.decode(z, Said(30 + 3 * number))
            spent.append(time.perf_counter() - began_s)
    finally:
        torch.set_num_threads(before)
    return round(1000 * float(np.median(spent)), 1)


def gan_figures(maker: NoteMaker, ear: NoteEar, notes: Sequence[Note]) -> dict[str, Any]:
    """A note made for the pitch and family of each of `notes`; beside it the autoencoder's remakes of them, the
    autoencoder at random latents, and the notes themselves."""
    voice, real = maker.voice, [note.sound() for note in notes]
    said = [Said(note.pitch, FAMILIES[note.family], note.velocity) for note in notes]
    rng = np.random.default_rng(0)
    heaps = {
        "recorded": real,
        "remade": [voice.decode(voice.encode(s, n.pitch)[0], how) for s, n, how in zip(real, notes, said)],
        "random_latents": [voice.decode(rng.standard_normal(voice.latents), how) for how in said],
        "gan": [maker.make(how, seed) for seed, how in enumerate(said)],
    }
    return {name: heap_figures(ear, heap, notes, real) for name, heap in heaps.items()}


def heap_figures(
    ear: NoteEar, sounds: Sequence[np.ndarray], notes: Sequence[Note], real: Sequence[np.ndarray]
) -> dict[str, float]:
    """Of sounds made for the pitch and family of `notes`, by their first second: shares of right pitch and family,
    Frechet distance to the real ones, diversity within families against theirs."""
    pitch = torch.tensor([float(note.pitch) for note in notes])
    families = np.array([note.family for note in notes])
    off = [100 * abs(find_pitch(s[:HEARD]) - note.pitch) for s, note in zip(sounds, notes)]
    ours, theirs, heard = *(_embedded(ear, heap, pitch) for heap in (sounds, real)), _families(ear, sounds, pitch)
    return {
        "pitch_right_50_cents": round(share_within(off, RIGHT_CENTS), 4),
        "family_right": round(float((heard == families).mean()), 4),
        "frechet": round(apart(ours, theirs), 3),
        "diversity": round(spread(ours, families) / max(spread(theirs, families), 1e-9), 3),
    }


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two heaps of embeddings [n, D]."""
    return max(0.0, frechet(a.mean(0), np.cov(a.T), b.mean(0), np.cov(b.T)))


def spread(embedded: np.ndarray, families: np.ndarray) -> float:
    """Mean distance between two notes of one family."""
    found = []
    for family in np.unique(families):
        heap = embedded[families == family]
        if len(heap) > 1:
            gaps = np.linalg.norm(heap[:, None] - heap[None], axis=-1)
            found.append(gaps.sum() / (len(heap) * (len(heap) - 1)))
    return float(np.mean(found)) if found else 0.0


def _embedded(ear: NoteEar, sounds: Sequence[np.ndarray], pitch: Tensor) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([ear.embed(*part).numpy() for part in _parts(sounds, pitch)])


def _families(ear: NoteEar, sounds: Sequence[np.ndarray], pitch: Tensor) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([ear(*part).argmax(1).numpy() for part in _parts(sounds, pitch)])


def _parts(sounds: Sequence[np.ndarray], pitch: Tensor) -> list[tuple[Tensor, Tensor]]:
    begins = range(0, len(sounds), 64)
    return [(heard_levels(sounds[b : b + 64]), pitch[b : b + 64]) for b in begins]


def _mean(values: Any) -> float:
    return round(float(np.mean(values)), 3)
