"""Publishing the ear: trained nets, fitted trust and measured figures become models/ear-beats."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from heart.cards import sha256, write_card
from heart.learning.ear_calibrate import pack
from heart.learning.ear_evaluate import evaluate_ear
from heart.listening.weights import MODEL, split

WEIGHTS = "beats.safetensors"
LICENCE = "trained on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0); weights MIT"


def publish(nets_dir: Path, data_dir: Path, models_dir: Path, seed: int = 0, limit: int = 300) -> dict[str, Any]:
    """Calibrate, measure and write models_dir/ear-beats (weights and card.toml). Returns the figures.

    nets_dir: where `train_ear` wrote. Raises FileError where something is missing.
    """
    folder = Path(models_dir) / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    arrays = pack(nets_dir, data_dir, limit)
    save_file(arrays, folder / WEIGHTS)
    figures = evaluate_ear(data_dir, split(arrays))
    write_card(folder, card(folder, figures, training(nets_dir, seed)))
    return figures


def training(nets_dir: Path, seed: int) -> dict[str, Any]:
    """How the nets were trained, from their loss logs."""
    facts: dict[str, Any] = {"command": "heart train ear-beats", "seed": seed}
    for name in ("file", "live"):
        with (Path(nets_dir) / f"beats-{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        best = min(rows, key=lambda row: float(row["val"]))
        facts[f"{name}_steps"] = int(best["step"])
        facts[f"{name}_minutes"] = round(float(best["spent_s"]) / 60, 1)
        facts[f"{name}_val_loss"] = float(best["val"])
    return facts


def card(folder: Path, figures: dict[str, Any], training_facts: dict[str, Any]) -> dict[str, Any]:
    """The card's keys, in order."""
    whole, live = figures["rate"]["all"], figures["live"]
    return {
        "name": MODEL,
        "kind": "ear",
        "class": "heart.listening.stream:EarStream",
        "sample_rate": 2000,
        "licence": LICENCE,
        "weights": WEIGHTS,
        "sha256": sha256(folder / WEIGHTS),
        "holds": "two recurrent nets, 16 bands to heart states (file.*: both ways, live.*: 130 ms ahead); trust.*",
        "training": training_facts,
        "figures": {
            "command": "heart evaluate ear-beats",
            "recordings": whole["recordings"],
            "bpm_mae": whole["mae_bpm"],
            "bpm_mae_interval_95": whole["mae_bpm_interval"],
            "within_5_bpm": whole["within_5"],
            "within_5_bpm_interval_95": whole["within_5_interval"],
            "trusted": whole["trusted"],
            "trusted_within_5_bpm": whole["trusted_within_5"],
            "live_6s_within_2_bpm_of_last_seconds": live["6 s"]["within_2_of_last_seconds"],
            "live_6s_within_5_bpm_of_recording": live["6 s"]["within_5_of_recording"],
            **{
                f"{source}_{key}": value
                for source, row in figures["beats"].items()
                for key, value in row.items()
                if key.endswith("_f1")
            },
        },
    }
