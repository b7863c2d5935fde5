"""From a trained checkpoint to a model folder: weights, checksum and card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heart.cards import read_model, sha256, write_card
from heart.learning.voice_graph import write_graph
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.graph import graph_name
from heart.sounding.weights import load_net

LICENCE = (
    "weights: MIT; training data: Yaseen, Son, Kwon, Applied Sciences 2018, 8(12):2344 "
    "(article CC BY 4.0, the data repository names no licence)"
)
KEPT = ("realtime_ratio_4_steps_p50", "realtime_ratio_4_steps_p95", "ready_s", "fp16_against_fp32_snr_db")
"""Figures that another command measures."""


def publish_voice(
    weights: Path,
    folder: Path,
    training: Mapping[str, Any] | None = None,
    figures: Mapping[str, Any] | None = None,
    commands: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Copy `weights` into the model folder `folder`, write its card and its net's graph; returns the card's path.

    training: command, seed, steps, minutes, machine. figures: measured values by name.
    commands: for each figure the command that measures it.
    facts: what the card of another voice than the heart's says instead (labels, licence, about) or besides.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "voice.safetensors"
    shutil.copyfile(weights, target)
    card: dict[str, Any] = {
        "name": folder.name,
        "kind": "voice",
        "class": "heart.sounding.voice:Voice",
        "sample_rate": SAMPLE_RATE_HZ,
        "labels": list(LABELS),
        "licence": LICENCE,
        "weights": target.name,
        "sha256": sha256(target),
        "about": "v-objective 1-D U-Net over the lowest three bands of a 16-band lapped transform; "
        "conditions: label, style, beats, past. Art, not a medical device.",
        **(facts or {}),
    }
    tables = {"training": training, "figures": figures, "commands": commands}
    card.update({key: dict(table) for key, table in tables.items() if table})
    write_card(folder, card)
    net = load_net(target).net
    if not (folder / graph_name(net.shape)).is_file():  # it holds no weights: one serves all nets of a shape
        write_graph(net, folder)
    return folder / "card.toml"


def publish_few(folder: Path, made: Mapping[int, Path], training: Mapping[str, Any] | None = None) -> Path:
    """Add few-step weights, {steps: file} as `distil_voice` makes them, to the model folder of their teacher.

    training: as of `publish_voice`, for the card's table [distilled]. Returns the card's path.
    """
    card = dict(read_model(folder).card)
    stem = Path(str(card["weights"])).stem
    few = {int(steps): str(proof) for steps, proof in card.get("few_steps", {}).items()}
    for steps, weights in made.items():
        target = folder / f"{stem}-{steps}.safetensors"
        shutil.copyfile(weights, target)
        few[steps] = sha256(target)
    card["few_steps"] = {str(steps): few[steps] for steps in sorted(few)}
    if training:
        card["distilled"] = dict(training)
    write_card(folder, card)
    return folder / "card.toml"


def note_figures(folder: Path, figures: Mapping[str, Any], kept: Sequence[str] = KEPT) -> Path:
    """Put the figures of `evaluate_voice` on a card, in place of all others but those named in `kept`.

    Returns the card's path.
    """
    card = dict(read_model(folder).card)
    before = card.get("figures", {})
    card["figures"] = {name: before[name] for name in kept if name in before} | card_figures(figures)
    card["commands"] = {
        "realtime_ready": card.get("commands", {}).get("realtime_ready", "python benchmarks/bench_voice.py"),
        "all_others": "heart evaluate voice --data DATA",
    }
    write_card(folder, card)
    return folder / "card.toml"


def card_figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs on a card of all that `evaluate_voice` finds, flat."""
    beats, rhythm, classes = figures["beats"], figures["rhythm"], figures["classes"]
    flat: dict[str, Any] = {"steps": figures["steps"]}
    for name in ("f1_20ms", "f1_40ms", "lag_ms"):
        flat[f"beats_{name}"] = beats["all"][name]
    for label, row in beats["labels"].items():
        flat |= {f"{label}_beats_f1_20ms": row["f1_20ms"], f"{label}_beats_f1_40ms": row["f1_40ms"]}
    flat |= {name: value for name, value in rhythm["all"].items() if value is not None}
    flat |= {f"class_{name}": classes[name] for name in ("agreement", "ear_on_recordings", "difference")}
    flat |= {f"{label}_class_agreement": share for label, share in classes["agreement_by_label"].items()}
    flat |= {f"frechet_{name}": value for name, value in figures["frechet"].items()}
    flat |= dict(figures["copying"])
    for label, table in figures["styles"].items():
        for name in ("floor_db", "systole_db", "diastole_db"):
            flat[f"{label}_{name}"] = table[name]["sung"]
            flat[f"{label}_{name}_validation_10_90"] = [table[name]["low"], table[name]["high"]]
    return flat | {f"stream_{name}": value for name, value in figures["stream"].items()}
