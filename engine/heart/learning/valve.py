"""ear-valve from data to folder, and its figures: `train_valve`, `evaluate_valve`.

1. A ResNet-18 (or several) learns murmurs by the book on normal hearts of three sites (`valve_murmurs`): transfer
   from the large set to the small one.
2. Five folds of whole groups learn from there on the labelled clips beside the book; the clips that each left out
   give temperature and threshold.
3. The shipped net goes on from the book with all training clips in the same way.

The val split is measured once, for the card, and nothing is chosen by it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heart.cards import read_model, write_card
from heart.errors import FileError
from heart.learning.classes import card_figures, evaluate_classifier
from heart.learning.classes.task import Clip
from heart.learning.ear_progress import Telling
from heart.learning.nets.export import export
from heart.learning.valve_batches import Batches, Mix
from heart.learning.valve_data import LABELS, TASK, Sound, training_sounds
from heart.learning.valve_judge import Judgement, about_nothing, deal, judge
from heart.learning.valve_net import RATE_HZ, SECONDS, Jury, ValveNet
from heart.learning.valve_train import Plan, Trainer, logits_of

WIDTH = 16
"""Width 32 was no better on unseen groups: 0.84 against 0.95, one run each, not quite the same murmurs."""
MEMBERS = 1
"""Nets whose logits are averaged. More of them cost that many times the training."""
MINUTES = 3.0
SHARES = {"book": 0.45, "folds": 0.4, "clips": 0.15}
"""What part of the minutes each stage gets."""
BOOK, CLIPS = Mix(own=0.0), Mix(own=0.5)
BOOK_RATE, CLIPS_RATE = 2e-3, 1e-3
LICENCE = (
    "weights MIT; trained on the five-class set of Yaseen, Son, Kwon (Appl. Sci. 2018, 8(12):2344; article CC-BY, "
    "the sounds without a licence file) and on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0)"
)
LIMITS = (
    "not a medical device; learnt from few recordings of each lesion and from murmurs by the book, which were "
    "shaped beside the training clips, so that the folds flatter a little; other lesions get one of these labels"
)
Tell = Callable[[str, float, str], None]


def train_valve(
    data_dir: Path,
    out_dir: Path,
    *,
    minutes: float = MINUTES,
    seed: int = 0,
    resume: bool = True,
    model_dir: Path | None = None,
    width: int = WIDTH,
    imagenet: Path | None = None,
    with_baselines: bool = True,
    threads: int = 1,
) -> dict[str, Any]:
    """Train, calibrate and measure ear-valve, and leave its folder in model_dir (out_dir/model where None).

    minutes: processor time of all stages together. resume: go on from the checkpoints in out_dir, finished stages
    included. width: of the ResNet's first stage. imagenet: weights of a torchvision resnet18 to begin with (width
    64). with_baselines: measure the simple methods too. threads: of torch. Returns the figures of the val split.
    Raises FileError where the data cannot be read.
    """
    torch.set_num_threads(threads)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with Telling() as tell:
        own, hearts = training_sounds(
            data_dir, lambda done, total: tell("sounds", done / total, "") if done == total else None
        )
        school = School(own, hearts, out_dir, minutes * 60, seed, resume, width, tell)
        read = [school.book(member, imagenet) for member in range(MEMBERS)]
        logits = school.unseen(read)
        nets = [school.clips(member, net) for member, net in enumerate(read)]
        least = about_nothing(Jury(nets, judge(logits, own).temperature))
        judgement = judge(logits, own, least)
        tell("judgement", 1.0, told(judgement))
        folder = Path(model_dir) if model_dir else out_dir / "model"
        difference = publish(Jury(nets, judgement.temperature), folder, card(judgement, school, seed))
        tell("folder", 1.0, f"{folder}: onnxruntime within {difference:.1g} of torch")
    figures = evaluate_valve(data_dir, folder, with_baselines=with_baselines)
    write_card(folder, {**read_model(folder).card, "figures": figures_of(figures, judgement)})
    return figures


class School:
    """The stages of a training, each with its checkpoint in out_dir."""

    def __init__(
        self,
        own: Sequence[Sound],
        hearts: Sequence[Sound],
        out_dir: Path,
        seconds: float,
        seed: int,
        resume: bool,
        width: int,
        tell: Tell,
    ) -> None:
        self.own, self.hearts, self.out_dir, self.seconds = own, hearts, out_dir, seconds
        self.seed, self.resume, self.width, self.tell = seed, resume, width, tell
        self.steps, self.spent_s = 0, 0.0

    def book(self, member: int, imagenet: Path | None = None) -> ValveNet:
        """A net that has read the book and met no labelled clip."""
        torch.manual_seed(self.seed + 1000 * member)
        net = ValveNet(self.width)
        if imagenet is not None:
            net.resnet.load_imagenet(imagenet)
        return self._run(net, [], BOOK, f"book-{member}", SHARES["book"] / MEMBERS, BOOK_RATE)

    def unseen(self, read: Sequence[ValveNet]) -> list[np.ndarray]:
        """For each labelled clip float32 [w, 5]: logits by juries that go on from `read` without its group."""
        folds = deal(self.own)
        share = SHARES["folds"] / len(folds) / len(read)
        groups = np.array([sound.group for sound in self.own])
        logits: dict[int, np.ndarray] = {}
        for number, left_out in enumerate(folds):
            held = np.isin(groups, left_out)
            learnt = [sound for sound, out in zip(self.own, held) if not out]
            unseen = [sound for sound, out in zip(self.own, held) if out]
            votes = [
                logits_of(self._run(net, learnt, CLIPS, f"fold-{number}-{member}", share, CLIPS_RATE), unseen)
                for member, net in enumerate(read)
            ]
            logits |= {int(place): np.mean(rows, 0) for place, rows in zip(np.flatnonzero(held), zip(*votes))}
        return [logits[place] for place in range(len(self.own))]

    def clips(self, member: int, read: ValveNet) -> ValveNet:
        """A net that is shipped: it goes on from `read` with all labelled clips."""
        return self._run(read, self.own, CLIPS, f"clips-{member}", SHARES["clips"] / MEMBERS, CLIPS_RATE)

    def _run(
        self, start: ValveNet, own: Sequence[Sound], mix: Mix, name: str, share: float, rate: float
    ) -> ValveNet:
        """Train a copy of `start` for a share of the time, or the rest of it, and return its averaged weights."""
        plan = Plan(self.seconds * share, rate, self.out_dir / f"valve-{name}.checkpoint.pt")
        trainer = Trainer(copy.deepcopy(start), plan)
        if self.resume:
            trainer.resume()
        seeds = np.random.SeedSequence([self.seed, *name.encode(), trainer.step]).generate_state(1)
        net = trainer.run(Batches(own, self.hearts, mix, int(seeds[0])), partial(self.tell, name))
        self.steps += trainer.step
        self.spent_s += trainer.spent_s
        return net


def told(found: Judgement) -> str:
    """A judgement as a line."""
    text = f"unseen groups {found.balanced_accuracy:.1%} right; {found.accuracy_when_sure:.1%} of"
    return f"{text} {1 - found.abstained:.0%} answered; temperature {found.temperature}"


def publish(jury: Jury, folder: Path, card: dict[str, Any]) -> float:
    """Write the folder of a jury. Returns the largest difference between onnxruntime and torch."""
    return export(jury, folder, samples=round(SECONDS * RATE_HZ), labels=LABELS, card=card)


def card(judgement: Judgement, school: School, seed: int) -> dict[str, Any]:
    """The card's keys but for figures and checksum."""
    return {
        "name": TASK.name,
        "kind": "ear",
        "sample_rate": RATE_HZ,
        "licence": LICENCE,
        "holds": f"{MEMBERS} x ResNet-18 of width {school.width} on 32 mel bands, 25 to 800 Hz, of 2 s",
        "limits": LIMITS,
        "window": {"seconds": SECONDS, "hop_seconds": 1.0, "pad": "repeat"},
        "judgement": {
            "temperature": judgement.temperature,
            "abstain_below": judgement.abstain_below,
            "pooling": "mean",
        },
        "training": {
            "command": f"heart train ear-valve --data DATA --minutes {school.seconds / 60:g} --seed {seed}",
            "seed": seed,
            "steps": school.steps,
            "minutes": round(school.spent_s / 60, 1),
            "clips": len(school.own),
            "hearts_for_murmurs_by_the_book": len(school.hearts),
        },
    }


def figures_of(figures: dict[str, Any], judgement: Judgement) -> dict[str, Any]:
    """The card's figures: the val split, and the folds inside train that the judgement comes from."""
    return {
        "command": "heart evaluate ear-valve --data DATA",
        **card_figures(figures),
        "group_folds_balanced_accuracy": judgement.balanced_accuracy,
        "group_folds_abstained": judgement.abstained,
        "group_folds_accuracy_when_sure": judgement.accuracy_when_sure,
    }


def evaluate_valve(
    data_dir: Path, folder: Path | None = None, picture: Path | None = None, with_baselines: bool = True
) -> dict[str, Any]:
    """Figures of ear-valve on the val split, with the simple baselines; see `evaluate_classifier`.

    folder: a model folder to measure instead of the shipped one. Raises FileError where data or folder lack.
    """
    if folder is None:
        return evaluate_classifier(TASK, data_dir, picture=picture, with_baselines=with_baselines)
    from heart.audio import read_audio
    from heart.listening.classifier import Classifier

    classifier = Classifier(read_model(folder))
    if tuple(classifier.labels) != LABELS:
        raise FileError(f"{folder}: its labels.txt says {', '.join(classifier.labels)}, not {', '.join(LABELS)}")

    def predict(clips: Sequence[Clip]) -> np.ndarray:
        verdicts = (classifier.judge(*read_audio(clip.path)) for clip in clips)
        return np.array([[verdict.probabilities[label] for label in LABELS] for verdict in verdicts])

    below = classifier.abstain_below
    return evaluate_classifier(TASK, data_dir, predict, picture, abstain_below=below, with_baselines=with_baselines)
