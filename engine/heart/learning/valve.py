"""ear-valve from data to folder, and its figures: `train_valve`, `evaluate_valve`.

1. A ResNet-18 learns murmurs by the book on normal hearts of three sites (`valve_murmurs`): transfer from the large
   set to the small one.
2. Five folds of whole groups learn from there on the labelled clips beside the book; the clips that each left out
   give temperature and threshold.
3. The shipped net learns on all training clips in the same way.

The val split is measured once, for the card, and nothing is chosen by it.
"""

from __future__ import annotations

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
from heart.learning.valve_judge import Judgement, deal, judge
from heart.learning.valve_net import RATE_HZ, SECONDS, ValveNet
from heart.learning.valve_train import Plan, Trainer, logits_of

WIDTH = 32
MINUTES = 8.0
SHARES = {"book": 0.4, "folds": 0.35, "clips": 0.25}
"""What part of the minutes each stage gets."""
BOOK, CLIPS = Mix(own=0.0), Mix(own=0.5)
BOOK_RATE, CLIPS_RATE = 2e-3, 1e-3
LICENCE = (
    "weights MIT; trained on the five-class set of Yaseen, Son, Kwon (Appl. Sci. 2018, 8(12):2344; article CC-BY, "
    "the sounds without a licence file) and on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0)"
)
LIMITS = (
    "learnt from few recordings of each lesion and from murmurs by the book; not a medical device; a heart with "
    "another lesion or none of these gets one of the five labels or none"
)
TRAIN_RATE_HZ = 2_000
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
) -> dict[str, Any]:
    """Train, calibrate and measure ear-valve, and leave its folder in model_dir (out_dir/model where None).

    minutes: processor time of all stages together. resume: go on from the checkpoints in out_dir, finished stages
    included. width: of the ResNet's first stage. imagenet: weights of a torchvision resnet18 to begin with (width
    64). with_baselines: measure the simple methods too. Returns the figures of the val split.
    Raises FileError where the data cannot be read.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with Telling() as tell:
        own, hearts = training_sounds(
            data_dir, lambda done, total: tell("sounds", done / total, "") if done == total else None
        )
        school = School(own, hearts, out_dir, minutes * 60, seed, resume, width, tell)
        judgement = school.judgement(school.book(imagenet))
        final = school.clips()
        folder = Path(model_dir) if model_dir else out_dir / "model"
        final.best.temperature.fill_(judgement.temperature)
        difference = publish(final.best, folder, card(judgement, school, seed))
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
        self.read: ValveNet | None = None

    def book(self, imagenet: Path | None = None) -> ValveNet:
        """The net that has read the book and met no labelled clip."""
        torch.manual_seed(self.seed)
        net = ValveNet(self.width, TRAIN_RATE_HZ)
        if imagenet is not None:
            net.resnet.load_imagenet(imagenet)
        trainer = self._trainer(net, "book", SHARES["book"], BOOK_RATE)
        self.read = self._run(trainer, [], BOOK, "murmurs by the book", 1)
        return self.read

    def judgement(self, read: ValveNet) -> Judgement:
        """Temperature and threshold by folds that go on from `read`."""
        folds = deal(self.own)
        groups = np.array([sound.group for sound in self.own])
        logits: dict[int, np.ndarray] = {}
        for number, left_out in enumerate(folds):
            held = np.isin(groups, left_out)
            learnt = [sound for sound, out in zip(self.own, held) if not out]
            unseen = [sound for sound, out in zip(self.own, held) if out]
            trainer = self._trainer(self._again(read), f"fold-{number}", SHARES["folds"] / len(folds), CLIPS_RATE)
            net = self._run(trainer, learnt, CLIPS, f"fold {number + 1} of {len(folds)}", 100 + number)
            logits |= dict(zip(np.flatnonzero(held).tolist(), logits_of(net, unseen)))
        found = judge([logits[place] for place in range(len(self.own))], self.own)
        text = f"unseen groups {found.balanced_accuracy:.1%} right; {found.accuracy_when_sure:.1%} of"
        self.tell("judgement", 1.0, f"{text} {1 - found.abstained:.0%} answered; temperature {found.temperature}")
        return found

    def clips(self) -> Trainer:
        """The run whose averaged net is shipped."""
        assert self.read is not None
        trainer = self._trainer(self._again(self.read), "clips", SHARES["clips"], CLIPS_RATE)
        self._run(trainer, self.own, CLIPS, "all clips", 2)
        return trainer

    def _trainer(self, net: ValveNet, name: str, share: float, rate: float) -> Trainer:
        trainer = Trainer(net, Plan(self.seconds * share, rate, self.out_dir / f"valve-{name}.checkpoint.pt"))
        if self.resume:
            trainer.resume()
        return trainer

    def _run(self, trainer: Trainer, own: Sequence[Sound], mix: Mix, name: str, salt: int) -> ValveNet:
        seeds = np.random.SeedSequence([self.seed, salt, trainer.step]).generate_state(1)
        net = trainer.run(Batches(own, self.hearts, mix, int(seeds[0])), partial(self.tell, name))
        self.steps += trainer.step
        self.spent_s += trainer.spent_s
        return net

    def _again(self, read: ValveNet) -> ValveNet:
        net = ValveNet(self.width, TRAIN_RATE_HZ)
        net.load_state_dict(read.state_dict())
        return net


def publish(net: ValveNet, folder: Path, card: dict[str, Any]) -> float:
    """Write the folder of a trained net, its front end now at 16 kHz. Returns the difference from torch."""
    shipped = ValveNet(net.resnet.width, RATE_HZ)
    shipped.load_state_dict(net.state_dict())
    return export(shipped, folder, samples=round(SECONDS * RATE_HZ), labels=LABELS, card=card)


def card(judgement: Judgement, school: School, seed: int) -> dict[str, Any]:
    """The card's keys but for figures and checksum."""
    return {
        "name": TASK.name,
        "kind": "ear",
        "sample_rate": RATE_HZ,
        "licence": LICENCE,
        "holds": f"ResNet-18 of width {school.width} on 32 mel bands, 25 to 800 Hz, of 2 s; front end in the graph",
        "limits": LIMITS,
        "window": {"seconds": SECONDS, "hop_seconds": 1.0, "pad": "repeat"},
        "judgement": {
            "temperature": judgement.temperature,
            "abstain_below": judgement.abstain_below,
            "pooling": "mean",
        },
        "training": {
            "command": "heart train ear-valve --data DATA",
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
