"""From a trained checkpoint to a model folder: weights, checksum and card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heart.cards import sha256, write_card
from heart.learning.voice_graph import write_graph
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.sounding.graph import graph_name
from heart.sounding.weights import load_net

LICENCE = (
    "weights: MIT; training data: Yaseen, Son, Kwon, Applied Sciences 2018, 8(12):2344 "
    "(article CC BY 4.0, the data repository names no licence)"
)


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
