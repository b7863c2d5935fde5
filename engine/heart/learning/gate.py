"""`ear-gate`: a heart, or anything else; its training and its figures.

Three small nets, each trained without a third of the groups (of CinC, without whole hospitals), vote together. The
threshold is where as many hearts as others were mistaken among what they had not met, so it owes nothing to val.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heart.learning import fold_school, gate_data
from heart.learning.classes import Clip, card_figures, evaluate_classifier
from heart.learning.classes.folds import Fold, group_folds
from heart.learning.gate_data import FRAMES, LABELS, SECONDS, TASK
from heart.learning.nets.export import export
from heart.learning.nets.scene import RATE_HZ, Ensemble, SceneNet
from heart.listening import files, rate
from heart.listening.judgement import Bench, load_bench
from heart.listening.weights import load_weights

FOLDS = 3
HOP_S = 0.5
WIDTH = 16
JUDGED_S = 8.0
"""Of each recording that a fold left out, so much is judged."""
TAKES = 24
LIMITS = (
    "Hearts by a stethoscope, a telephone or a contact microphone; not tried on foetal hearts or animals. A loop "
    "of low drums alone may pass. It says whether there is a heart, not how it is. Not a medical device."
)
DATA = (
    "PASCAL CHSC2011 (for research), Yaseen 2018 (no licence file), CinC 2016 and CirCor 2022 (ODC-BY 1.0), ESC-50 "
    "clips, OLPC/Berklee, Kevin MacLeod and Salamander (CC0 or CC-BY 3.0), Sonic Pi (CC0)"
)


def train_gate(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 8.0,
    seed: int = 0,
    resume: bool = True,
    model_dir: Path | None = None,
    progress: Callable[[str], None] = print,
    threads: int = 1,
) -> Path:
    """Train the three nets and write the model's folder.

    minutes: of processor time, for all three; out_dir: checkpoints; model_dir: the finished folder, out_dir/model
    where None. Returns model_dir. Raises FileError where the data cannot be read.
    """
    torch.set_num_threads(threads)
    out_dir = Path(out_dir)
    sounds = gate_data.load(data_dir)
    targets = TASK.targets(sounds.clips)
    folds = group_folds(targets, TASK.folds_by(sounds.clips), FOLDS, seed)
    nets = fold_school.school(
        lambda k: SceneNet(len(LABELS), WIDTH), [train for train, _ in folds], sounds.draw, out_dir,
        minutes=minutes, seed=seed, resume=resume, progress=progress,
    )  # fmt: skip
    honest = out_of_fold(nets, folds, sounds)
    temperature = fold_school.best_temperature(honest, targets)
    middle = equal_error(honest, targets)
    kept, refused = share_right(honest, targets, middle)
    low = low_drums_refused(nets, folds, sounds, middle)
    progress(
        f"out of fold: hearts kept {kept:.4f}, others refused {refused:.4f}, threshold {middle:.3f}; "
        f"drums through stethoscopes refused {low:.4f}"
    )
    training = {
        "command": f"heart train ear-gate --data DATA --minutes {minutes:g}",
        "seed": seed,
        "minutes": minutes,
        "data": DATA,
        "out_of_fold_hearts_kept": round(kept, 4),
        "out_of_fold_others_refused": round(refused, 4),
        "out_of_fold_low_drums_refused": round(low, 4),
        "threshold_before_calibration": round(middle, 4),
    }
    folder = Path(model_dir) if model_dir else out_dir / "model"
    write_model(folder, nets, temperature, middle, training)
    return folder


def out_of_fold(nets: Sequence[torch.nn.Module], folds: list[Fold], sounds: gate_data.GateSounds) -> np.ndarray:
    """float [n, 2]: for every clip, what the net that never met its group says."""
    said = np.zeros((len(sounds.clips), len(LABELS)))
    frames = round(JUDGED_S * RATE_HZ)
    for net, (_, test) in zip(nets, folds, strict=True):
        said[test] = fold_school.answers(net, [sounds.sounds[k][:frames] for k in test], FRAMES, FRAMES)
    return said


def low_drums_refused(
    nets: Sequence[torch.nn.Module], folds: list[Fold], sounds: gate_data.GateSounds, threshold: float
) -> float:
    """What music leaves over behind a wall or a stethoscope, judged by the net that never met it: the share refused
    of all loops and drums in train, each TAKES times at another speed (0.6 to 1.65) and through another sensor.

    0 where there are none.
    """
    rng = np.random.default_rng(0)
    found: list[float] = []
    for net, (_, test) in zip(nets, folds, strict=True):
        drums = [place for place in test if gate_data.of_drums(sounds.clips[place])]
        takes = [gate_data.low_take(sounds.sounds[place], JUDGED_S, rng) for place in drums for _ in range(TAKES)]
        found += [float(heart) for heart, _ in fold_school.answers(net, takes, FRAMES, FRAMES)] if takes else []
    return float(np.mean(np.array(found) < threshold)) if found else 0.0


def share_right(honest: np.ndarray, targets: np.ndarray, threshold: float) -> tuple[float, float]:
    """Shares of the hearts kept and of the others refused where P(heart) >= threshold counts as a heart."""
    heart = honest[:, 0] >= threshold
    return float(heart[targets == 0].mean()), float((~heart)[targets == 1].mean())


def equal_error(honest: np.ndarray, targets: np.ndarray) -> float:
    """The threshold of P(heart), 0.02..0.98, at which hearts kept and others refused are most alike and highest."""
    tries = np.linspace(0.02, 0.98, 97)
    return float(
        max(tries, key=lambda t: min(share_right(honest, targets, t)) + 1e-3 * sum(share_right(honest, targets, t)))
    )


def bias_of(threshold: float, temperature: float) -> tuple[float, float]:
    """What to add to both logarithms so that P(heart) = threshold comes out as one half."""
    return (-float(np.log(threshold / (1 - threshold))) / temperature, 0.0)


def write_model(
    folder: Path,
    nets: Sequence[torch.nn.Module],
    temperature: float,
    middle: float,
    training: dict[str, Any],
    shown: dict[str, Any] | None = None,
) -> None:
    """model.onnx, labels.txt and card.toml."""
    card: dict[str, Any] = {
        "name": "ear-gate",
        "kind": "classifier",
        "sample_rate": RATE_HZ,
        "licence": "MIT; trained on recordings some of which are offered for research only (see training.data)",
        "about": "a heart or anything else; MFCC (52), convolutions, LSTM over time; three nets of three folds",
        "limits": LIMITS,
        "window": {"seconds": SECONDS, "hop_seconds": HOP_S, "pad": "repeat"},
        "judgement": {"temperature": round(temperature, 3), "abstain_below": 0.5, "pooling": "mean"},
        "training": training,
    }
    if shown:
        card["figures"] = {"command": "heart evaluate ear-gate --data DATA", **shown}
    net = Ensemble(nets, temperature, bias_of(middle, temperature))
    export(net, folder, samples=FRAMES, labels=LABELS, card=card)


def evaluate_gate(data_dir: Path, picture: Path | None = None) -> dict[str, Any]:
    """Figures of the shipped model: hearts of all val groups, weather and artifacts of val, music held back.

    "sources" tells each collection apart; "hearts_kept" and "others_refused" are what `heart listen` makes of the
    same sounds, with the beats' net beside the gate. Raises FileError where the data cannot be read.
    """
    result = evaluate_classifier(TASK, Path(data_dir), picture=picture)
    return result | (both := with_beats(TASK.read(data_dir, "val"))) | {"text": f"{result['text']}\n{_told(both)}"}


def with_beats(clips: Sequence[Clip]) -> dict[str, float]:
    """Shares of hearts kept and of others refused by gate and beats' net together (`judgement.both`)."""
    bench, weights = Bench(gate=load_bench().gate), load_weights()
    truth = np.array([clip.label == LABELS[0] for clip in clips])
    found = np.array([files.listen(clip.path, weights, bench)["heart"] >= rate.MIN_HEART for clip in clips])
    return {
        "hearts_kept": round(float(found[truth].mean()), 4),
        "others_refused": round(float(1 - found[~truth].mean()), 4),
    }


def _told(both: dict[str, float]) -> str:
    return (
        f"with the beats' net, as heart listen says it: hearts kept {both['hearts_kept']:.1%}, "
        f"others refused {both['others_refused']:.1%}"
    )


def figures_for_card(data_dir: Path) -> dict[str, Any]:
    """What the card says of `evaluate_gate`: with each collection's share right."""
    result = evaluate_gate(data_dir)
    right = {f"right_{name}": row["accuracy"] for name, row in result["sources"].items()}
    return card_figures(result) | right
