"""`ear-scene`: artifact, murmur or normal, from MFCCs over time; its training and its figures.

First a ResNet reads of murmurs by the book, laid over normal hearts of other collections. Five nets, each trained
without one fifth of the groups, hear what it notices and vote together. Everything that had to be chosen (kind of
net, other collections, temperature, threshold) was chosen by what they said of the groups they had not met.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heart.learning import fold_school, scene_data, scene_linear, scene_trunk
from heart.learning.classes import card_figures, evaluate_classifier, figures
from heart.learning.classes.folds import Fold, group_folds
from heart.learning.nets.export import export
from heart.learning.nets.scene import RATE_HZ, Ensemble, Front, SceneNet, Trunk
from heart.learning.scene_data import FRAMES, LABELS, SECONDS, TASK

FOLDS = 5
HOP_S = 1.25
TRUNK_SHARE = 1 / 3
"""Part of the minutes for murmurs by the book; the nets share the rest."""
LSTM_SHARES = (0.0, 0.25, 0.5, 1.0)
UNSURE = 0.1
"""Share of recordings, in cross-validation, about which the model says nothing."""
LIMITS = (
    "Learnt from PASCAL's recordings, where a murmur is often a matter of opinion; one session gave most murmurs "
    "of its set A. Extra beats and extra heart sounds are not told apart. Not a medical device."
)
DATA = (
    "PASCAL CHSC2011 (for research, cite Bentley et al. 2011), Yaseen 2018 (no licence file), "
    "CinC 2016 and CirCor 2022 (ODC-BY)"
)


def train_scene(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 3.0,
    seed: int = 0,
    resume: bool = True,
    model_dir: Path | None = None,
    progress: Callable[[str], None] = print,
    threads: int = 1,
) -> Path:
    """Train the trunk and the five nets and write the model's folder.

    minutes: of processor time, for all of it; out_dir: checkpoints; model_dir: the finished folder, out_dir/model
    where None. Returns model_dir. Raises FileError where the data cannot be read.
    """
    torch.set_num_threads(threads)
    out_dir = Path(out_dir)
    sounds = scene_data.load(data_dir)
    targets, groups = TASK.targets(sounds.clips), TASK.folds_by(sounds.clips)
    folds = group_folds(targets, groups, FOLDS, seed)
    trunk = scene_trunk.taught(data_dir, out_dir, 60 * minutes * TRUNK_SHARE, seed, resume, progress)
    front = Front(trunk).eval()
    known = scene_linear.statistics_of(sounds, front)
    nets = fold_school.school(
        lambda k: scene_linear.settled_net(known, targets, folds[k][0]),
        [train for train, _ in folds],
        sounds.draw,
        out_dir,
        minutes=minutes * (1 - TRUNK_SHARE),
        seed=seed,
        resume=resume,
        progress=progress,
        front=front,
    )
    share, honest = best_share(nets, folds, sounds, front)
    for net in nets:
        net.weigh(share)
    table = figures.confusion(targets, honest.argmax(1), len(LABELS))
    balanced, f1 = float(figures.balanced_accuracy(table)), float(figures.macro_f1(table))
    progress(f"out of fold: balanced accuracy {balanced:.3f}, macro F1 {f1:.3f}\n{table}")
    temperature = fold_school.best_temperature(honest, targets)
    training = {
        "command": f"heart train ear-scene --data DATA --minutes {minutes:g}",
        "seed": seed,
        "minutes": minutes,
        "steps": sum(_steps(out_dir)),
        "trunk_steps": _step(out_dir / scene_trunk.CHECKPOINT),
        "data": DATA,
        "share_of_lstm": share,
        "out_of_fold_balanced_accuracy": round(balanced, 4),
        "out_of_fold_macro_f1": round(f1, 4),
    }
    folder = Path(model_dir) if model_dir else out_dir / "model"
    write_model(folder, nets, temperature, threshold(honest, temperature), training, trunk=trunk)
    return folder


def best_share(
    nets: list[SceneNet], folds: list[Fold], sounds: scene_data.SceneSounds, front: Front
) -> tuple[float, np.ndarray]:
    """How much the part that listens over time should count (one of LSTM_SHARES), and what is then said out of
    fold. The one with the highest sum of balanced accuracy and macro F1."""
    targets = TASK.targets(sounds.clips)
    tried = {}
    for share in LSTM_SHARES:
        weighed = copy.deepcopy(nets)
        for net in weighed:
            net.weigh(share)
        said = out_of_fold(weighed, folds, sounds, front)
        table = figures.confusion(targets, said.argmax(1), len(LABELS))
        tried[share] = (float(figures.balanced_accuracy(table) + figures.macro_f1(table)), said)
    best = max(tried, key=lambda share: tried[share][0])
    return best, tried[best][1]


def out_of_fold(
    nets: Sequence[torch.nn.Module], folds: list[Fold], sounds: scene_data.SceneSounds, front: Front
) -> np.ndarray:
    """float [n, 3]: for every clip, what the net that never met its group says."""
    said = np.zeros((len(sounds.clips), len(LABELS)))
    for net, (_, test) in zip(nets, folds, strict=True):
        left_out = [sounds.sounds[k] for k in test]
        said[test] = fold_school.answers(net, left_out, FRAMES, round(HOP_S * RATE_HZ), front)
    return said


def threshold(honest: np.ndarray, temperature: float) -> float:
    """The top probability that all but a share UNSURE of the recordings reach."""
    calibrated = np.maximum(honest, 1e-7) ** (1 / temperature)
    return round(float(np.quantile((calibrated / calibrated.sum(1, keepdims=True)).max(1), UNSURE)), 2)


def write_model(
    folder: Path,
    nets: Sequence[torch.nn.Module],
    temperature: float,
    below: float,
    training: dict[str, Any],
    shown: dict[str, Any] | None = None,
    trunk: Trunk | None = None,
) -> None:
    """model.onnx, labels.txt and card.toml."""
    card: dict[str, Any] = {
        "name": "ear-scene",
        "kind": "classifier",
        "sample_rate": RATE_HZ,
        "licence": "MIT; trained on recordings offered for research (see training.data)",
        "about": "artifact, murmur or normal; MFCC (52), convolutions, LSTM over time, beside a ResNet-18 that "
        "learnt murmurs by the book; five nets of five folds",
        "limits": LIMITS,
        "window": {"seconds": SECONDS, "hop_seconds": HOP_S, "pad": "repeat"},
        "judgement": {"temperature": round(temperature, 3), "abstain_below": below, "pooling": "mean"},
        "training": training,
    }
    if shown:
        card["figures"] = {"command": "heart evaluate ear-scene --data DATA", **shown}
    export(Ensemble(nets, temperature, trunk=trunk), folder, samples=FRAMES, labels=LABELS, card=card)


def evaluate_scene(data_dir: Path, picture: Path | None = None) -> dict[str, Any]:
    """Figures of the shipped model on PASCAL's val split. Raises FileError where the data cannot be read."""
    return evaluate_classifier(TASK, Path(data_dir), picture=picture)


def figures_for_card(data_dir: Path) -> dict[str, Any]:
    """What the card says of `evaluate_scene`."""
    return card_figures(evaluate_scene(data_dir))


def _steps(out_dir: Path) -> list[int]:
    return [_step(path) for path in sorted(out_dir.glob("fold*.checkpoint.pt"))]


def _step(checkpoint: Path) -> int:
    return int(torch.load(checkpoint, weights_only=True)["step"])
