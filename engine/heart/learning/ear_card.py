"""Making and publishing the ear: trained nets, fitted trust and measured figures become a model's folder."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from heart.cards import sha256, write_card
from heart.errors import HeartError
from heart.learning.ear_calibrate import pack
from heart.learning.ear_evaluate import evaluate_ear
from heart.learning.ear_net import NETS
from heart.learning.ear_progress import Telling
from heart.learning.ear_train import train_ear
from heart.listening.weights import MODEL, EarWeights, load_weights, split

WEIGHTS = "beats.safetensors"
LICENCE = (
    "weights MIT; trained on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0), on hearts of PASCAL "
    "CHSC2011 (offered for research) and of Yaseen et al. 2018 (article CC BY 4.0, the sounds without a licence "
    "file) that an earlier ear labelled, and against CC0 and CC-BY clips and artifacts of PASCAL as sounds that "
    "are no heart"
)


def make_ear(
    data_dir: Path, out_dir: Path, minutes: float = 30.0, seed: int = 0, resume: bool = True
) -> dict[str, Any]:
    """Train the nets, fit their trust, measure, and leave a folder that can be copied to models/ear-beats.

    The ear that is there labels further hearts for the new one (`ear_teacher`); without one, they are left out.

    minutes: processor time of all nets together. Nets, checkpoints and loss logs go to out_dir/nets. Returns the
    figures. Raises FileError where the data cannot be read.
    """
    nets_dir = Path(out_dir) / "nets"
    with Telling() as tell:
        train_ear(data_dir, nets_dir, minutes / len(NETS), seed, resume, tell, teacher=teacher())
        tell("trust and figures", 0.0, "listening to training and validation recordings")
        figures = publish(nets_dir, data_dir, Path(out_dir), seed)
        tell("trust and figures", 1.0, f"{figures['rate']['all']['mae_bpm']} bpm off on average; see {out_dir}")
    return figures


def teacher() -> EarWeights | None:
    """The ear that is there, None where there is none yet."""
    try:
        return load_weights()
    except HeartError:
        return None


def publish(nets_dir: Path, data_dir: Path, folder: Path, seed: int = 0, limit: int = 300) -> dict[str, Any]:
    """Calibrate, measure and write a folder (weights and card.toml). Returns the figures.

    nets_dir: where `train_ear` wrote; limit: sounds to fit the trust on. Raises FileError where something lacks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = pack(nets_dir, data_dir, limit)
    part = folder / f"{WEIGHTS}.part"
    save_file(arrays, part)
    figures = evaluate_ear(data_dir, split(arrays))
    part.replace(folder / WEIGHTS)
    write_card(folder, card(folder, figures, training(nets_dir, seed)))
    return figures


def training(nets_dir: Path, seed: int) -> dict[str, Any]:
    """How the nets were trained, from their loss logs."""
    facts: dict[str, Any] = {"command": "heart train ear-beats --data DATA", "seed": seed}
    for name in NETS:
        with (Path(nets_dir) / f"beats-{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        facts[f"{name}_steps"] = int(rows[-1]["step"])
        facts[f"{name}_minutes"] = round(float(rows[-1]["spent_s"]) / 60, 1)
        facts[f"{name}_val_loss"] = float(rows[-1]["val"])
    return facts


def card(folder: Path, figures: dict[str, Any], training_facts: dict[str, Any]) -> dict[str, Any]:
    """The card's keys, in order."""
    return {
        "name": MODEL,
        "kind": "ear",
        "class": "heart.listening.stream:EarStream",
        "sample_rate": 2000,
        "licence": LICENCE,
        "weights": WEIGHTS,
        "sha256": sha256(folder / WEIGHTS),
        "holds": "16 bands to heart states: file.* convolutions and recurrent.*, both ways, heard together; live.* "
        "recurrent, 130 ms ahead; trust.*",
        "training": training_facts,
        "figures": {key: value for key, value in measured(figures).items() if value is not None},
    }


def measured(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of a card, by name."""
    whole, live = figures["rate"]["all"], figures["live"]
    return {
        "command": "heart evaluate ear-beats --data DATA",
        "recordings": whole["recordings"],
        "bpm_mae": whole["mae_bpm"],
        "bpm_mae_interval_95": whole["mae_bpm_interval"],
        "within_5_bpm": whole["within_5"],
        "within_5_bpm_interval_95": whole["within_5_interval"],
        "trusted": whole["trusted"],
        "trusted_within_5_bpm": whole["trusted_within_5"],
        "live_6s_within_2_bpm_of_last_seconds": live["6 s"]["within_2_of_last_seconds"],
        "live_6s_within_5_bpm_of_recording": live["6 s"]["within_5_of_recording"],
        "live_first_rate_s_median": live["first_rate_s"]["p50"],
        "live_first_rate_s_p90": live["first_rate_s"]["p90"],
        **{f"window_8s_{key}": value for key, value in figures["windows of 8 s"]["all"].items()},
        **{f"hrv_{key}": value for key, value in figures["variability"]["ecg_r"].items()},
        **{
            f"{source}_{key}": row[key]
            for source, row in figures["rate"].items()
            if source != "all"
            for key in ("recordings", "mae_bpm", "within_5")
        },
        **{f"{kind}_{key}": value for kind, row in figures["not_a_heart"].items() for key, value in row.items()},
        **{
            f"{source}_{key}": value
            for source, row in figures["beats"].items()
            for key, value in row.items()
            if key.endswith("_f1")
        },
    }
