"""A voice of one's own sounds: `heart train voice --data FOLDER`, where FOLDER holds sound files and no manifest.

It goes on from the shipped weights, of hearts or of textures, and becomes a model folder that every command knows
by its name. Before and after are measured alike: the shipped net is given the own sounds' styles too.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heart.cards import find_model, read_model
from heart.config import models_dir
from heart.errors import FileError, UsageError
from heart.learning.crew import crew
from heart.learning.own_sounds import Telling, own_hearts, own_textures
from heart.learning.voice_card import publish_voice
from heart.learning.voice_lesson import Judge, objective
from heart.learning.voice_likeness import LEAST_DEVIATION_DB, frechet, measure
from heart.learning.voice_train import Material, enrol, prepare, save_weights, school
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.graph import graph_name
from heart.sounding.offline import generate
from heart.sounding.registry import VOICES
from heart.sounding.voice import Voice
from heart.sounding.weights import load_net

GATHER = {"voice-heart": own_hearts, "voice-texture": own_textures}
"""By the shipped voice to go on from: what makes material of a folder."""
RATE = 2e-4
MINUTES = 30.0
SUNG, SUNG_S, STEPS = 24, 4.0, 4
"""What is sung to be measured: so many sounds of so many seconds, in so many steps."""
LICENCE = "as the sounds it learnt from; the weights it began with: MIT"


def is_own(base: str, folder: Path | None) -> bool:
    """Whether a folder is one of own sounds to train a voice with, rather than of the data with its manifest."""
    return base in GATHER and folder is not None and folder.is_dir() and not (folder / "manifest.csv").is_file()


def train_own(
    base: str,
    folder: Path,
    out: Path,
    name: str | None = None,
    minutes: float = MINUTES,
    seed: int = 0,
    resume: bool = True,
    threads: int = 0,
    sizes: tuple[tuple[int, int], ...] | None = None,
    tell: Telling = print,
) -> Path:
    """Fine-tune a shipped voice on the sounds of a folder; returns the new model's folder.

    Args:
        base: the voice to go on from, a key of GATHER.
        folder: sound files, also in folders within.
        out: gets a folder of the name for checkpoint, loss.csv and weights; see `voice_train.train_voice`.
        name: of the new voice; None takes the folder's.
        minutes: planned length, seed, resume, threads, sizes: as of `train_voice`.
        tell: is given a line about each thing worth knowing.

    Raises:
        FileError: nothing to learn from there, or a checkpoint of another net.
        UsageError: a name that a shipped model has, or that is none.
    """
    name = _free(name or folder.resolve().name)
    material = GATHER[base](folder, tell if crew().first else lambda line: None)
    clips = prepare(folder, out / name, seed, threads, None, material)
    shipped = load_net(find_model(base).weights).net
    run = enrol(shipped.requires_grad_(True).to(crew().where), RATE, material.band_weights)
    before = out / name / "before.safetensors"
    if crew().first:
        save_weights(run.ema, material.bank(_of(clips, "train")), before)
    try:
        weights = school(run, clips, out / name, minutes, seed, resume, sizes, material=material)
    except RuntimeError as error:
        if "state_dict" not in str(error):
            raise
        raise FileError(f"{out / name}: holds the training of another net; begin anew with --fresh") from None
    if crew().first:
        training = {"base": base, "steps": run.step, "minutes": round(run.spent_s / 60, 1), "seed": seed}
        tell(_publish(name, base, (before, weights), clips, material, training))
    crew().wait()
    return models_dir() / name


def _free(name: str) -> str:
    """The name, when it may be that of an own voice."""
    if name in VOICES or Path(name).name != name or name.startswith("."):
        raise UsageError(f"name {name!r}: not one for a voice of your own; give another with --name")
    folder = models_dir() / name
    if folder.exists() and not ((folder / "card.toml").is_file() and read_model(folder).card.get("own")):
        raise UsageError(f"name {name!r}: {folder} is something else; give another with --name")
    return name


def _publish(
    name: str,
    base: str,
    weights: tuple[Path, Path],
    clips: Sequence[Any],
    material: Material,
    training: Mapping[str, Any],
) -> str:
    """Measure the weights before and after, make the latter a model; returns lines about it."""
    about = f"{base}, fine-tuned on sounds of one's own; any label sings them. Art, not a medical device."
    facts = {"labels": list(material.shape.labels), "licence": LICENCE, "own": True, "about": about}
    aside, target, graph = weights[0].parent / "measured", models_dir() / name, graph_name(material.shape)
    _lend(graph, find_model(base).path, aside)
    figures: dict[str, Any] = {}
    for when, file in zip(("before", "after"), weights):
        publish_voice(file, aside, facts=facts)
        figures |= {f"{key}_{when}": value for key, value in _measured(aside, clips, material).items()}
    figures["frechet_among_own"] = _apart(*(_sounds(_of(clips, split)) for split in ("train", "val")))
    figures = {key: value for key, value in figures.items() if value is not None}
    _lend(graph, aside, target)
    publish_voice(weights[1], target, training, figures, facts=facts)
    return _told(name, figures)


def _lend(graph: str, whose: Path, folder: Path) -> None:
    """A graph holds no weights: one serves all nets of a shape, and need not be made again."""
    folder.mkdir(parents=True, exist_ok=True)
    if (whose / graph).is_file():
        shutil.copyfile(whose / graph, folder / graph)


def _told(name: str, figures: Mapping[str, Any]) -> str:
    loss, apart = (
        " before, ".join(f"{figures.get(f'{key}_{when}', float('nan')):.3g}" for when in ("before", "after"))
        for key in ("loss", "frechet")
    )
    among = figures.get("frechet_among_own")
    return (
        f"validation loss {loss} after; Frechet distance from sung to your sounds {apart} after"
        f"{'' if among is None else f', among them {among:.3g}'}\n"
        f"heart generate --voice {name} -o {name}.wav; heart live --voice {name}"
    )


def _measured(folder: Path, clips: Sequence[Any], material: Material) -> dict[str, float | None]:
    """Validation loss of a model, and Frechet distance from what it sings to all own sounds."""
    voice = Voice(folder, torch.get_num_threads())
    net = load_net(read_model(folder).weights).net
    lesson = partial(objective, band_weights=material.band_weights)
    judge = Judge(material.judge(_of(clips, "val") or _of(clips, "train")), lesson)
    bpm = _bpm(clips)
    sung = [generate(SUNG_S, LABELS[0], bpm, 20, seed, STEPS, voice) for seed in range(SUNG)]
    return {"loss": round(judge(net), 4), "frechet": _apart(sung, _sounds(clips))}


def _of(clips: Sequence[Any], split: str) -> list[Any]:
    return [clip for clip in clips if clip.split == split]


def _sounds(clips: Sequence[Any]) -> list[np.ndarray]:
    return [clip.sound.astype(np.float32) for clip in clips if getattr(clip, "speed", 1.0) == 1.0]


def _bpm(clips: Sequence[Any]) -> float:
    """The middle rate of own hearts; of other sounds, which have no beat, some rate."""
    rates = [
        60 * SAMPLE_RATE_HZ / np.median(c.cycles[:, 2] - c.cycles[:, 0]) for c in clips if hasattr(c, "cycles")
    ]
    return float(np.clip(np.median(rates), 40, 180)) if rates else 72.0


def _apart(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float | None:
    """Frechet distance of two heaps of sounds by the features of `voice_likeness`; None where one is too small."""
    if len(ours) < 2 or len(theirs) < 2:
        return None
    a, b = (np.stack([measure(sound) for sound in sounds]) for sounds in (ours, theirs))
    spread = np.maximum(b.std(0), LEAST_DEVIATION_DB)
    (mean_a, cov_a), (mean_b, cov_b) = ((h.mean(0), np.cov(h.T)) for h in (a / spread, b / spread))
    return round(frechet(mean_a, cov_a, mean_b, cov_b), 1)
