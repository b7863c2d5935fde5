"""Making the heart-rate net: trained on arithmetic, on recordings, and on both; measured and put in a folder.

The net trained on both is the one that is used; the others lie beside it for the comparison that
`heart evaluate ear-rate` prints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from heart.cards import Model, read_model, sha256
from heart.learning import heart_rate_data
from heart.learning.ear_progress import Telling
from heart.learning.heart_rate_data import Batches
from heart.learning.heart_rate_evaluate import COMPARED, SHIPPED, evaluate_heart_rate
from heart.learning.heart_rate_export import write_model
from heart.learning.heart_rate_train import Progress, Trainer
from heart.learning.nets.heart_rate import HeartRate
from heart.listening.estimators import MODEL

SHARE_REAL = {"both": 0.6, "real": 1.0, "synthetic": 0.0}
"""Part of the hearts in each net's training that are recordings."""
SHARE_TIME = {"both": 0.5, "real": 0.25, "synthetic": 0.25}
LICENCE = (
    "weights MIT; trained on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0) and on hearts from "
    "arithmetic, against CC0 and CC-BY clips and artifacts of PASCAL CHSC2011 as sounds that are no heart"
)
LIMITS = (
    "learnt from resting hearts of three sites; below 40 and above 160 bpm from arithmetic and changed speed only; "
    "RMSSD of windows of 5 s, which is not the RMSSD of a long recording; no medical device"
)


def train_heart_rate(
    data_dir: Path,
    out_dir: Path,
    *,
    minutes: float = 24.0,
    seed: int = 0,
    resume: bool = True,
    model_dir: Path | None = None,
) -> dict[str, Any]:
    """Train the three nets (minutes of processor time in all), measure them, leave a folder like models/ear-rate.

    Checkpoints go to out_dir, the folder is model_dir or out_dir/model. Returns the figures. Raises FileError where
    the data cannot be read.
    """
    with Telling() as tell:
        nets, facts = train_nets(data_dir, Path(out_dir), minutes, seed, resume, tell)
        folder = Path(model_dir or Path(out_dir) / "model")
        model = write_folder(nets, folder, facts)
        figures = evaluate_heart_rate(
            data_dir, model, lambda k, of: tell("figures", k / of, "") if k % 20 == 0 else None
        )
        write_folder(nets, folder, facts, card_figures(figures))
    return figures


def train_nets(
    data_dir: Path, out_dir: Path, minutes: float, seed: int, resume: bool, tell: Progress
) -> tuple[dict[str, HeartRate], dict[str, Any]]:
    """The three nets by name, and how they were trained, for the card."""
    torch.set_num_threads(1)  # small convolutions gain nothing from a second, and the machine may be shared
    others = heart_rate_data.load_others(data_dir)
    real = heart_rate_data.load(data_dir, lambda row: row["split"] == "train", tell)
    nets, facts = {}, {"command": f"heart train {MODEL} --data DATA --minutes {minutes:g}", "seed": seed}
    for name, share in SHARE_REAL.items():
        trainer = Trainer(name, out_dir, minutes * SHARE_TIME[name], seed)
        if resume:
            trainer.resume()
        nets[name] = trainer.run(Batches(real, others, share, seed + trainer.step), tell)
        facts |= {f"{name}_steps": trainer.step, f"{name}_minutes": round(trainer.spent_s / 60, 1)}
    return nets, facts


def write_folder(
    nets: dict[str, HeartRate], folder: Path, facts: dict[str, Any], figures: dict[str, Any] | None = None
) -> Model:
    """Write the graphs and the card; figures are those of `card_figures`, once they are known."""
    card: dict[str, Any] = {
        "name": MODEL,
        "licence": LICENCE,
        "words": "rate and variability of 5 s of heart sound, by a spectrogram CNN with two heads",
        "limits": LIMITS,
        "training": facts,
    }
    for name, file in COMPARED.items():
        part = folder / "part"
        write_model(nets[name.removeprefix("cnn ")], part, card)
        (part / "model.onnx").replace(folder / file)
        card.setdefault("compared", {})[file] = sha256(folder / file)
        for left in part.iterdir():
            left.unlink()
        part.rmdir()
    card["training"] = facts | {"parameters": sum(p.numel() for p in nets["both"].parameters())}
    write_model(nets["both"], folder, card | ({"figures": figures} if figures else {}))
    return read_model(folder)


def card_figures(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of the card, by plain names."""
    kept: dict[str, Any] = {"command": f"heart evaluate {MODEL} --data DATA"}
    for place in ("whole", "cut_8_s"):
        for source, rows in figures[place].items():
            for name in (SHIPPED, "reconciled") if source == "all" else (SHIPPED,):
                kept |= _named(f"{place}_{source}_{name}", rows[name])
    for place in ("synthetic", "synthetic_wide"):
        for name in (SHIPPED, *COMPARED):
            kept |= _named(f"{place}_{name}", figures[place][name])
    return {key.replace(" ", "_"): value for key, value in kept.items()}


def _named(prefix: str, row: dict[str, Any]) -> dict[str, Any]:
    keys = ("sounds", "mae_bpm", "within_5", "octave_errors", "hrv_mae_ms")
    return {f"{prefix}_{key}": row[key] for key in keys if row[key] is not None}


__all__ = ["evaluate_heart_rate", "train_heart_rate", "train_nets", "write_folder"]
