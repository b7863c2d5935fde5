"""From a trained note net to a model folder: weights, checksum, card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heart.cards import Model, read_model, sha256, write_card
from heart.learning.notes_data import PIANO
from heart.learning.notes_ear import NoteEar
from heart.learning.notes_evaluate import EAR, ae_figures, gan_figures
from heart.learning.notes_faders import encode_all, told, turn_latents
from heart.learning.notes_pack import Pack
from heart.learning.notes_school import steps_of
from heart.sounding.notes.generator import Generator, NoteMaker
from heart.sounding.notes.kinds import FAMILIES, RATE_HZ
from heart.sounding.notes.model import NoteVoice, save_weights
from heart.sounding.notes.net import Autoencoder

OWN = "weights: MIT; training data: notes from arithmetic (heart data notes), CC0"
WEIGHTS = "notes.safetensors"


def publish_ae(net: Autoencoder, pack: Pack, out: Path, seed: int, data: Path | None) -> Path:
    """Turn the latents of a trained net, write and measure it; returns out/model."""
    faders = turn_latents(net, pack)
    folder = _folder(out)
    save_weights(net, folder / WEIGHTS)
    card: dict[str, Any] = {
        **_common(folder, "notes", "heart.sounding.notes.model:NoteVoice", out.name, pack),
        "latents": net.latents,
        "told": list(net.told),
        "faders": [fader.word for fader in faders],
        "about": "Notes of 4 s: latents, pitch and a family (or none) to envelopes of harmonics, bar modes and "
        "noise, whose phases run on by themselves. Latents are uncorrelated, the first turned to what they do.",
        "training": _training(out, seed, data),
    }
    write_card(folder, card)
    figures = ae_figures(NoteVoice(read_model(folder)), [pack.notes[place] for place in pack.val])
    z, later = (encode_all(net, pack, places) for places in (pack.train, pack.val))
    figures["pitch_told_by_latents_r2"] = round(told(z, pack.pitch[pack.train], later, pack.pitch[pack.val]), 3)
    figures |= {f"fader_{f.word}_r2": f.r2 for f in faders} | {f"all_{f.word}_r2": f.all_r2 for f in faders}
    return _measured(
        folder, card, figures, f"heart evaluate {out.name} --data NOTES; the r2: heart train {out.name}"
    )


def publish_gan(
    net: Generator, ear: NoteEar, voice: Model, pack: Pack, out: Path, seed: int, data: Path | None
) -> Path:
    """Write and measure a generator that plays the decoder of `voice`; returns out/model."""
    folder = _folder(out)
    save_weights(net, folder / WEIGHTS)
    save_weights(ear, folder / EAR)
    card: dict[str, Any] = {
        **_common(folder, "notes-gan", "heart.sounding.notes.generator:NoteMaker", out.name, pack),
        "decoder": voice.name,
        "decoder_sha256": voice.card["sha256"],
        "ear_sha256": sha256(folder / EAR),
        "about": f"A GAN of latents: noise, pitch and family to the latents of {voice.name}, which makes the "
        f"sound. {EAR} is the classifier that judges it and has no part in making it.",
        "training": _training(out, seed, data),
    }
    write_card(folder, card)
    maker, notes = NoteMaker(read_model(folder)), [pack.notes[place] for place in pack.val]
    tables = gan_figures(maker, ear, notes)
    figures = {f"{heap}_{name}": value for heap, table in tables.items() for name, value in table.items()}
    return _measured(folder, card, figures, f"heart evaluate {out.name} --data NOTES")


def _folder(out: Path) -> Path:
    folder = out / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _common(folder: Path, kind: str, class_: str, name: str, pack: Pack) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "class": class_,
        "sample_rate": RATE_HZ,
        "licence": _licence(pack),
        "weights": WEIGHTS,
        "sha256": sha256(folder / WEIGHTS),
        "families": list(FAMILIES),
    }


def _licence(pack: Pack) -> str:
    instruments: Sequence[str] = sorted({note.instrument for note in pack.notes})
    if PIANO in instruments:
        return f"{OWN}, and piano notes of the Salamander Grand by Alexander Holm, CC BY 3.0"
    return OWN if all("_synthetic_" in name for name in instruments) else "as the notes it learned from"


def _training(out: Path, seed: int, data: Path | None) -> dict[str, Any]:
    steps, minutes = steps_of(out)
    given = "" if data is None else " --data NOTES"
    command = f"heart train {out.name}{given} --minutes {minutes:g} --seed {seed}"
    return {"command": command, "seed": seed, "steps": steps, "minutes": minutes, "machine": "one CPU thread"}


def _measured(folder: Path, card: dict[str, Any], figures: Mapping[str, Any], command: str) -> Path:
    write_card(folder, {**card, "figures": dict(figures), "commands": {"all": command}})
    return folder
