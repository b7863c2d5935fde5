"""The card of the textures' voice: what it learned from, and whom that is owed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heart.learning.texture_data import texture_rows
from heart.learning.voice_card import publish_voice
from heart.records import TEXTURES

LICENCE = (
    "weights: MIT; training data: CC0 and CC BY recordings (see credits) of ESC-50 (Piczak, ACM MM 2015), the "
    "OLPC Berklee Sound Library, librosa's examples and the Salamander Grand piano; bells and breath also from "
    "arithmetic"
)
ABOUT = (
    "v-objective 1-D U-Net over all sixteen bands of a lapped transform, each scaled by the level that a style "
    "names; conditions: label or weights of labels, style, past."
)


def publish_texture(weights: Path, folder: Path, data_dir: Path, **tables: Mapping[str, Any] | None) -> Path:
    """Copy `weights` into the model folder `folder` with its card; tables as of `publish_voice`."""
    facts = {
        "labels": list(TEXTURES),
        "licence": LICENCE,
        "about": ABOUT,
        "credits": credits_of(texture_rows(data_dir)),
    }
    return publish_voice(weights, folder, **tables, facts=facts)


def credits_of(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Author and source of every training recording that asks for it (CC BY), each once, in order."""
    owed = [row for row in rows if row["split"] == "train" and row["licence"].startswith("CC-BY")]
    return sorted({f"{row['note'].strip()} ({row['licence']})" for row in owed})
