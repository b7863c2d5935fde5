"""The models of notes on their way out."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from heart.cards import Model
from heart.errors import HeartError
from heart.learning.export import plain
from heart.learning.export.nets import Leaving
from heart.learning.export.note_stream import RATIO, NoteStream, Raise
from heart.learning.nets.export import LARGEST_DIFFERENCE
from heart.sounding.notes.generator import NOISE, NoteMaker
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.model import NoteVoice, Said


def decoder(model: Model) -> Leaving:
    """Latents, MIDI pitch and family (all 0: not said) to maps of the sources in dB: `notes/source.py`."""
    voice = NoteVoice(model)
    inputs: dict[str, tuple[int, ...]] = {"z": (voice.latents,), "pitch": (), "family": (len(FAMILIES),)}
    return Leaving(voice.net.decoder, inputs, ("maps",), labels=FAMILIES)


def maker(model: Model) -> Leaving:
    """Noise, MIDI pitch and family to latents of the autoencoder that the card names."""
    made = NoteMaker(model)
    inputs: dict[str, tuple[int, ...]] = {"noise": (NOISE,), "pitch": (), "family": (len(FAMILIES),)}
    return Leaving(made.net, inputs, ("z",), labels=FAMILIES)


def write_decoder(model: Model, path: Path) -> float:
    """The decoder as ONNX."""
    return plain.write_onnx(decoder(model), path)


def script_decoder(model: Model, path: Path) -> float:
    """The decoder as TorchScript."""
    return plain.write_script(decoder(model), path)


def write_maker(model: Model, path: Path) -> float:
    """The generator as ONNX."""
    return plain.write_onnx(maker(model), path)


def script_maker(model: Model, path: Path) -> float:
    """The generator as TorchScript."""
    return plain.write_script(maker(model), path)


def write_stream(model: Model, path: Path) -> float:
    """Notes for nn~; returns how far one is from the engine's, at its rate. Raises HeartError above 1e-4."""
    voice = NoteVoice(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(NoteStream(voice).eval()), str(path))
        module = torch.jit.load(str(path))
    control = torch.zeros(1, 2 + voice.latents, 16_384 // RATIO)
    control[0, 0], control[0, 1], control[0, 2:5] = 100 / 127, 57.0, 0.7
    with torch.inference_mode():
        ours = module.forward(control)[0, 0]
        engines = Raise()(torch.from_numpy(voice.decode([0.7] * 3, Said(57.0)))[None])[0, : len(ours)]
    difference = float((ours - engines).abs().max())
    if not difference <= LARGEST_DIFFERENCE:
        raise HeartError(f"{path}: sounds {difference:g} beside the engine, more than {LARGEST_DIFFERENCE:g}")
    return difference
