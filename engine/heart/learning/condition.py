"""ear-condition from data to folder, and its figures: `train_condition`, `evaluate_condition`.

1. Windows of hearts of many sites, changed at random, become contrasts between the phases of their beats.
2. One site after the other is left out: what the others teach about it gives temperature, offset and threshold.
3. The shipped head learns from all of them.

The val split, with a site that no training ever met (f of CinC 2016), is measured once and nothing chosen by it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.cards import read_model, write_card
from heart.config import models_dir
from heart.errors import FileError
from heart.learning.classes import card_figures, evaluate_classifier
from heart.learning.classes.task import Clip
from heart.learning.condition_data import (
    HOP_S,
    LABELS,
    SAMPLES,
    TASK,
    WINDOW_S,
    Sound,
    further_clips,
    read_sounds,
)
from heart.learning.condition_fit import Bank, changed_bank, fit, leave_sites_out, left_out_sites, plain_bank
from heart.learning.condition_judge import Judgement, judge
from heart.learning.ear_progress import Telling
from heart.learning.nets.condition import RATE_HZ, ConditionNet, PhaseFeatures, load_segmenter
from heart.learning.nets.export import export

MINUTES = 3.0
ROUNDS = 6
"""Changed windows of each sound, where the minutes suffice."""
SEGMENTER = "segmenter.safetensors"
UNMET = "cinc2016-f"
LICENCE = (
    "weights MIT; trained on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0), the five-class set of "
    "Yaseen, Son, Kwon (Appl. Sci. 2018, 8(12):2344; article CC-BY, the sounds without a licence file) and PASCAL "
    "CHSC2011 (offered for research)"
)
LIMITS = (
    "hears murmurs and changed heart sounds; disease without a sound (most coronary disease) and quiet or benign "
    "murmurs are often called normal; children and new sensors were hardly met; silence and what is no heart get a "
    "meaningless answer (ask the heart gate first); not a medical device"
)
Tell = Callable[[str, float, str], None]


def train_condition(
    data_dir: Path,
    out_dir: Path,
    *,
    minutes: float = MINUTES,
    seed: int = 0,
    resume: bool = True,
    model_dir: Path | None = None,
    segmenter: Path | None = None,
    with_baselines: bool = True,
) -> dict[str, Any]:
    """Train, calibrate and measure ear-condition, and leave its folder in model_dir (out_dir/model where None).

    minutes: of processor time for changed windows; at least one round is made. resume: take the features that an
    earlier run left in out_dir. segmenter: weights that tell the phases (the shipped ones where None), copied into
    the folder. with_baselines: measure the simple methods too. Returns the figures of the val split.
    Raises FileError where data or segmenter cannot be read.
    """
    out_dir, segmenter = Path(out_dir), Path(segmenter or models_dir() / TASK.name / SEGMENTER)
    folder = Path(model_dir) if model_dir else out_dir / "model"
    net = ConditionNet(load_segmenter(segmenter))
    with Telling() as tell:
        windows, plain, sites, spent_s = banks(data_dir, out_dir, net.features, minutes, seed, resume, tell)
        met = plain.part(np.isin(plain.site, sites))
        judgement = judge(leave_sites_out(windows, met, sites, lambda site: tell(f"without {site}", 1.0, "")), met)
        tell("sites left out", 1.0, f"balanced accuracy {judgement.balanced_accuracy:.1%}, {judgement.sites}")
        fit(windows).put_into(net)
        net.temperature.fill_(judgement.temperature)
        net.offset.fill_(judgement.offset)
        told = card(judgement, windows, plain, minutes, spent_s, seed)
        difference = export(net, folder, samples=SAMPLES, labels=LABELS, card=told)
        if (folder / SEGMENTER).resolve() != segmenter.resolve():
            shutil.copyfile(segmenter, folder / SEGMENTER)
        tell("folder", 1.0, f"{folder}: onnxruntime within {difference:.1g} of torch")
    figures = evaluate_condition(data_dir, folder, with_baselines=with_baselines)
    write_card(folder, {**read_model(folder).card, "figures": figures_of(figures, judgement)})
    return figures


def banks(
    data_dir: Path,
    out_dir: Path,
    phase_features: PhaseFeatures,
    minutes: float,
    seed: int,
    resume: bool,
    tell: Tell,
) -> tuple[Bank, Bank, list[str], float]:
    """(changed windows, plain windows, sites to leave out, seconds spent), from out_dir where an earlier run left
    them."""
    kept = out_dir / "condition-windows.npz"
    if resume and kept.is_file():
        with np.load(kept) as arrays:
            halves = [Bank(*(arrays[f"{name}{k}"] for k in range(5))) for name in ("changed", "plain")]
            return halves[0], halves[1], arrays["sites"].tolist(), float(arrays["spent_s"])
    started = time.process_time()
    sounds = training_sounds(data_dir, phase_features, tell)
    plain, rounds = plain_bank(sounds, phase_features), list[Bank]()
    while len(rounds) < ROUNDS and (not rounds or time.process_time() - started < minutes * 60):
        rng = np.random.default_rng([seed, len(rounds)])
        rounds.append(changed_bank(rng, sounds, phase_features))
        tell("changed windows", len(rounds) / ROUNDS, f"round {len(rounds)} of {ROUNDS}")
    windows, sites = Bank.together(rounds), left_out_sites(sounds)
    spent_s = time.process_time() - started
    out_dir.mkdir(parents=True, exist_ok=True)
    named = {
        f"{name}{k}": a for name, b in (("changed", windows), ("plain", plain)) for k, a in enumerate(astuple(b))
    }
    np.savez(kept, **named, sites=np.array(sites), spent_s=spent_s)
    return windows, plain, sites, spent_s


def training_sounds(data_dir: Path, phase_features: PhaseFeatures, tell: Tell) -> list[Sound]:
    """The train split of CinC 2016 and of the further collections. Raises FileError."""
    clips = [*TASK.read(data_dir, "train"), *further_clips(data_dir)]

    def progress(done: int, total: int) -> None:
        if done % 200 == 0 or done == total:
            tell("sounds", done / total, f"{done} of {total}")

    return read_sounds(clips, phase_features.segmenter, progress)


def card(
    judgement: Judgement, windows: Bank, plain: Bank, minutes: float, spent_s: float, seed: int
) -> dict[str, Any]:
    """The card's keys but for figures and checksum."""
    return {
        "name": TASK.name,
        "kind": "ear",
        "sample_rate": RATE_HZ,
        "licence": LICENCE,
        "holds": "a recurrent segmenter, contrasts between phases of the beat in 16 bands, a logistic regression; "
        f"{SEGMENTER}: the segmenter alone, for training",
        "limits": LIMITS,
        "window": {"seconds": WINDOW_S, "hop_seconds": HOP_S, "pad": "repeat"},
        "judgement": {
            "temperature": judgement.temperature,
            "offset": judgement.offset,
            "abstain_below": judgement.abstain_below,
            "pooling": "mean",
        },
        "training": {
            "command": f"heart train ear-condition --data DATA --minutes {minutes:g} --seed {seed}",
            "seed": seed,
            "steps": "none: solved at once",
            "minutes": round(spent_s / 60, 1),
            "sounds": len(set(plain.sound.tolist())),
            "windows": len(windows.target),
            "segmenter": "trained on the hand-annotated train recordings of CinC 2016 and CirCor, 11 minutes",
        },
    }


def figures_of(figures: dict[str, Any], judgement: Judgement) -> dict[str, Any]:
    """The card's figures: the val split, and the sites left out that the judgement comes from."""
    unmet = {key: figures[key] for key in figures if key.startswith("unmet_") or key.startswith("benign_")}
    command = {"command": "heart evaluate ear-condition --data DATA"}
    return {**command, **unmet, **card_figures(figures), **judgement.figures()}


def evaluate_condition(
    data_dir: Path, folder: Path | None = None, picture: Path | None = None, with_baselines: bool = True
) -> dict[str, Any]:
    """Figures of ear-condition on the val split, with the simple baselines; see `evaluate_classifier`.

    Adds unmet_site_balanced_accuracy, _recall_normal, _recall_abnormal and _interval (site f, never in
    training) and benign_murmurs_called_abnormal (val of site a: benign murmurs, which CinC 2016 labels abnormal).
    folder: a model folder to measure instead of the shipped one. Raises FileError where data or folder lack.
    """
    from heart.listening.classifier import Classifier

    classifier = Classifier(read_model(folder or models_dir() / TASK.name))
    if tuple(classifier.labels) != LABELS:
        raise FileError(f"{folder or TASK.name}: its labels.txt says {', '.join(classifier.labels)}")
    kept: list[np.ndarray] = []
    held_out: list[Clip] = []

    def predict(clips: Sequence[Clip]) -> np.ndarray:
        verdicts = (classifier.judge(*read_audio(clip.path)) for clip in clips)
        kept.append(np.array([[verdict.probabilities[label] for label in LABELS] for verdict in verdicts]))
        held_out.extend(clips)
        return kept[0]

    below = classifier.abstain_below
    result = evaluate_classifier(
        TASK, data_dir, predict, picture, abstain_below=below, with_baselines=with_baselines
    )
    found = site_figures(held_out, kept[0].argmax(1) == TASK.targets(held_out))
    lines = "\n".join(f"  {name}: {value}" for name, value in found.items())
    return {**result, **found, "text": f"{result['text']}\n\nsite by site\n{lines}"}


def site_figures(clips: Sequence[Clip], right: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Balanced accuracy at the site that no training met, with its 95 % interval by recordings, and the recall of
    benign murmurs. clips: of the val split; right: bool [n]."""
    recalls = {
        (source, label): right[[clip.source == source and clip.label == label for clip in clips]]
        for source, label in {(clip.source, clip.label) for clip in clips}
    }
    figures: dict[str, Any] = {}
    if all((UNMET, label) in recalls for label in LABELS):
        normal, abnormal = (recalls[UNMET, label] for label in LABELS)
        rng = np.random.default_rng(seed)
        draws = [rng.choice(part, (2000, len(part))).mean(1) for part in (normal, abnormal)]
        low, high = np.percentile(sum(draws) / 2, (2.5, 97.5))
        figures = {
            "unmet_site_balanced_accuracy": round(float(normal.mean() + abnormal.mean()) / 2, 4),
            "unmet_site_interval": [round(float(low), 4), round(float(high), 4)],
            "unmet_site_recall_normal": round(float(normal.mean()), 4),
            "unmet_site_recall_abnormal": round(float(abnormal.mean()), 4),
        }
    benign = recalls.get(("cinc2016-a", "abnormal"))
    return (
        figures if benign is None else {**figures, "benign_murmurs_called_abnormal": round(float(benign.mean()), 4)}
    )
